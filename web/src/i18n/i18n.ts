// SPDX-License-Identifier: Apache-2.0

import { preferences } from '../state/preferences.ts'
import { store } from '../state/store.ts'
import english from './en.json'

export type Key = keyof typeof english
type Plural = Partial<Record<Intl.LDMLPluralRule, string>>
export type Messages = Record<string, string | Plural>

/** The languages there are, in their own names. A new one is a file beside this one, and a line here. */
export const languages: Record<string, { name: string; load: () => Promise<{ default: Messages }> }> = {
  en: { name: 'English', load: async () => ({ default: english }) },
  de: { name: 'Deutsch', load: () => import('./de.json') },
}

// English written from right to left, to try the layout with; nobody is offered it, see `parley.preferences`.
const mirrored = 'ar-XB'

let messages: Messages = english
let plurals = new Intl.PluralRules('en')

/** The language of the page, as a BCP 47 tag that Intl understands. */
export const language = store('en')

/** Picks the first of the reader's languages that there is. */
export function choose(wanted: readonly string[]): string {
  for (const tag of wanted) {
    const base = tag.toLowerCase().split('-')[0] ?? ''
    if (base in languages) return base
  }
  return 'en'
}

export function direction(tag: string): 'ltr' | 'rtl' {
  return /^(ar|fa|he|ur)\b/.test(tag) ? 'rtl' : 'ltr'
}

/** Loads the messages of the chosen language and puts it on the page. */
export async function applyLanguage(): Promise<void> {
  const chosen = preferences.get().language
  const tag = chosen in languages || chosen === mirrored ? chosen : choose(navigator.languages)
  let loaded: Messages = english
  try {
    if (tag !== mirrored) loaded = (await languages[tag]!.load()).default
  } catch {
    return // without a connection: the language that is there goes on
  }
  messages = loaded
  plurals = new Intl.PluralRules(tag)
  document.documentElement.lang = tag
  document.documentElement.dir = direction(tag)
  language.set(tag)
}

export type Params = Record<string, string | number>

/** Fills {name} in a text; a number is written as its language does. */
export function fill(text: string, params: Params, tag: string): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name]
    if (value === undefined) return whole
    return typeof value === 'number' ? new Intl.NumberFormat(tag).format(value) : value
  })
}

/** The text of a key in the reader's language; a plural is chosen by `count`. */
export function t(key: Key, params: Params = {}): string {
  const entry = messages[key] ?? (english as Messages)[key] ?? key
  const text =
    typeof entry === 'string' ? entry : (entry[plurals.select(Number(params.count ?? 0))] ?? entry.other ?? key)
  return fill(text, params, language.get())
}

/** A user's name with its sign before it, also where the text around it runs from right to left. */
export function handle(user: string): string {
  return `\u2066@${user}\u2069`
}

/** Whether there is a text of that key. */
export function isKey(key: string): key is Key {
  return key in english
}
