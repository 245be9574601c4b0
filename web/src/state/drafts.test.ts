// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { Drafts } from './drafts.ts'

function memory() {
  const items = new Map<string, string>()
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  }
}

it('keeps what was written, for each user and place', () => {
  const storage = memory()
  new Drafts('alice', storage).set('general', 'half a')
  expect(new Drafts('alice', storage).get('general')).toBe('half a')
  expect(new Drafts('alice', storage).get('random')).toBe('')
  expect(new Drafts('bob', storage).get('general')).toBe('')
})

it('forgets what was sent', () => {
  const storage = memory()
  const drafts = new Drafts('alice', storage)
  drafts.set('general', 'half a')
  drafts.set('general', ' \n')
  expect(storage.items.size).toBe(0)
})

it('works without a storage', () => {
  const broken = {
    getItem: () => {
      throw new Error('forbidden')
    },
    setItem: () => {
      throw new Error('full')
    },
    removeItem: () => {
      throw new Error('forbidden')
    },
  }
  const drafts = new Drafts('alice', broken)
  drafts.set('general', 'x')
  expect(drafts.get('general')).toBe('x')
})
