// SPDX-License-Identifier: Apache-2.0

import { asParleyError } from '@parley/client'
import { isKey, t } from '../i18n/i18n.ts'
import { duration, fileSize } from '../i18n/time.ts'
import { notify } from './notices.ts'
import { refusals } from './refusals.ts'

/** What went wrong, in the reader's language, but for what neither its code nor the table of refusals has a text for. */
export function errorText(e: unknown): string {
  const error = asParleyError(e)
  const known = refusals.find(([words]) => error.message.includes(words))?.[1]
  const key = known ?? `error.${error.code}`
  const why = sentence(error.message)
  const waiting = `${key}.wait`
  if (error.retryAfter !== undefined && isKey(waiting)) return t(waiting, { time: duration(roundUp(error.retryAfter)) })
  if (!isKey(key)) return why
  const text = t(key, { why, ...named(error.message) })
  const because = error.code === 'banned' && /^[^:]+: (.+)$/.exec(error.message)?.[1]
  return because ? t('refused.because', { text, why: sentence(because) }) : text
}

/** Whom a message quotes, and its last number, as a count and as a size. */
function named(message: string): Record<string, string | number> {
  const user = /"([^"]*)"/.exec(message)?.[1] ?? ''
  const count = Number(/(\d+)\D*$/.exec(message.replace(/"[^"]*"/g, ''))?.[1] ?? 0)
  return { user, count, size: fileSize(count) }
}

/** The server's words, without the name of the field that they begin with. */
export function sentence(message: string): string {
  const words = message.replace(/^\w+: /, '')
  if (!words) return ''
  return words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? '' : '.')
}

function roundUp(seconds: number): number {
  if (seconds < 60) return Math.max(1, Math.ceil(seconds))
  if (seconds < 3600) return Math.ceil(seconds / 60) * 60
  return Math.ceil(seconds / 3600) * 3600
}

/** For what is done in passing: tells of the failure at the lower edge. */
export function reportFailure(e: unknown): void {
  if (asParleyError(e).code !== 'aborted') notify(errorText(e), { error: true })
}
