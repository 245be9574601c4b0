// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import english from './en.json'
import { choose, direction, fill, handle, languages } from './i18n.ts'

const names = (entry: unknown) =>
  [...new Set(JSON.stringify(entry).match(/\{\w+\}/g) ?? [])].filter(name => name !== '{count}').sort()

describe.each(Object.keys(languages))('%s', tag => {
  it('has every message, and none that nobody asks for', async () => {
    const { default: messages } = await languages[tag]!.load()
    expect(Object.keys(messages).sort()).toEqual(Object.keys(english).sort())
  })

  it('fills in the same names, and has the plurals of its language', async () => {
    const { default: messages } = await languages[tag]!.load()
    const plurals = new Intl.PluralRules(tag).resolvedOptions().pluralCategories
    for (const [key, entry] of Object.entries(messages)) {
      const original = (english as Record<string, unknown>)[key]
      expect(typeof entry, key).toBe(typeof original)
      expect(names(entry), key).toEqual(names(original))
      if (typeof entry === 'object') expect(Object.keys(entry).sort(), key).toEqual([...plurals].sort())
    }
  })
})

it('chooses the first language that there is', () => {
  expect(choose(['fr-FR', 'de-AT', 'en'])).toBe('de')
  expect(choose(['tlh'])).toBe('en')
})

it('knows who writes from right to left', () => {
  expect(['en', 'de', 'ar', 'he-IL', 'ar-XB'].map(direction)).toEqual(['ltr', 'ltr', 'rtl', 'rtl', 'rtl'])
})

it('keeps the name of a user in its direction', () => {
  expect(handle('bob')).toBe('\u2066@bob\u2069')
})

it('fills in names and writes numbers as the language does', () => {
  expect(fill('{a} and {count} {x}', { a: 'b', count: 1234 }, 'de')).toBe('b and 1.234 {x}')
})
