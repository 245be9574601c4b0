// SPDX-License-Identifier: Apache-2.0

import { language } from './i18n.ts'

let made: { tag: string; collator: Intl.Collator } | undefined

/** Compares names as the reader's language sorts them, and the numbers in them as numbers. */
export function compareNames(a: string, b: string): number {
  const tag = language.get()
  if (made?.tag !== tag) made = { tag, collator: new Intl.Collator(tag, { numeric: true }) }
  return made.collator.compare(a, b)
}
