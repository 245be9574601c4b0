// SPDX-License-Identifier: Apache-2.0

import { language, t } from './i18n.ts'

const formats = new Map<string, Intl.DateTimeFormat>()

function format(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language.get()} ${name}`
  let made = formats.get(key)
  if (!made) {
    made = new Intl.DateTimeFormat(language.get(), options)
    formats.set(key, made)
  }
  return made
}

// Timestamps are Unix seconds, as on the wire.

export function timeOfDay(timestamp: number): string {
  return format('time', { hour: 'numeric', minute: '2-digit' }).format(timestamp * 1000)
}

export function fullTime(timestamp: number): string {
  return format('full', { dateStyle: 'full', timeStyle: 'short' }).format(timestamp * 1000)
}

export function longDate(timestamp: number): string {
  return format('longdate', { dateStyle: 'long' }).format(timestamp * 1000)
}

/** The calendar day, in the reader's time zone, as a number that grows by one from day to day. */
export function dayNumber(timestamp: number): number {
  const date = new Date(timestamp * 1000)
  return Math.floor(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000)
}

export function dayName(timestamp: number, now = Date.now() / 1000): string {
  const ago = dayNumber(now) - dayNumber(timestamp)
  if (ago === 0) return t('time.today')
  if (ago === 1) return t('time.yesterday')
  if (ago > 1 && ago < 7) return format('weekday', { weekday: 'long' }).format(timestamp * 1000)
  const sameYear = new Date(now * 1000).getFullYear() === new Date(timestamp * 1000).getFullYear()
  return sameYear
    ? format('date', { weekday: 'long', day: 'numeric', month: 'long' }).format(timestamp * 1000)
    : format('old', { day: 'numeric', month: 'long', year: 'numeric' }).format(timestamp * 1000)
}

/** A time to come: of today the hour, else with its day. */
export function timeToCome(timestamp: number, now = Date.now() / 1000): string {
  if (dayNumber(now) === dayNumber(timestamp)) return timeOfDay(timestamp)
  return format('tocome', { dateStyle: 'medium', timeStyle: 'short' }).format(timestamp * 1000)
}

/** A short time for lists: of today the hour, else the day. */
export function shortTime(timestamp: number, now = Date.now() / 1000): string {
  if (dayNumber(now) === dayNumber(timestamp)) return timeOfDay(timestamp)
  const sameYear = new Date(now * 1000).getFullYear() === new Date(timestamp * 1000).getFullYear()
  return format(sameYear ? 'short' : 'shortyear', {
    day: 'numeric',
    month: 'short',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(timestamp * 1000)
}

/** How long ago, roughly: "5 minutes ago". */
export function ago(timestamp: number, now = Date.now() / 1000): string {
  const relative = new Intl.RelativeTimeFormat(language.get(), { numeric: 'auto' })
  const seconds = timestamp - now
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ]
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit)
  }
  return t('time.now')
}

/** A length of time: "10 min", "2 hr". */
export function duration(seconds: number): string {
  const [value, unit] =
    seconds % 86_400 === 0 && seconds
      ? [seconds / 86_400, 'day']
      : seconds % 3600 === 0 && seconds
        ? [seconds / 3600, 'hour']
        : seconds % 60 === 0 && seconds
          ? [seconds / 60, 'minute']
          : [seconds, 'second']
  return new Intl.NumberFormat(language.get(), { style: 'unit', unit: unit as string, unitDisplay: 'long' }).format(
    value as number,
  )
}

/** A number with its unit, to two or three digits: "1.4 ms". */
export function decimal(value: number, unit: string): string {
  return new Intl.NumberFormat(language.get(), {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value)
}

/** A size of a file: "1.4 MB". */
export function fileSize(bytes: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte']
  let n = bytes
  let unit = 0
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1000
    unit++
  }
  return new Intl.NumberFormat(language.get(), {
    style: 'unit',
    unit: units[unit] as string,
    unitDisplay: unit ? 'short' : 'long',
    maximumFractionDigits: n < 10 && unit ? 1 : 0,
  }).format(n)
}
