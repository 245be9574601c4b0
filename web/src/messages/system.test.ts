// SPDX-License-Identifier: Apache-2.0

import type { Message } from '@parley/client'
import { expect, it } from 'vitest'
import { systemText } from './system.ts'

const nameOf = (id: string) => id.charAt(0).toUpperCase() + id.slice(1)
const text = (event: string, ...people: [user_id: string, actor_id?: string][]) =>
  systemText(
    people.map(([user_id, actor_id]) => ({ event, user_id, actor_id, content: 'as it came' }) as unknown as Message),
    nameOf,
  )

it('names who came and went', () => {
  expect(text('member_joined', ['alice'])).toBe('Alice joined')
  expect(text('member_joined', ['alice', 'bob'])).toBe('Bob added Alice')
  expect(text('member_joined', ['alice', 'alice'], ['bob'])).toBe('Alice and Bob joined')
  expect(text('member_left', ['alice'], ['bob'], ['carol'])).toBe('Alice, Bob, and Carol left')
  expect(text('member_joined', ['alice'], ['bob'], ['carol'], ['dave'], ['erin'])).toBe(
    'Alice, Bob, and 3 others joined',
  )
  expect(text('member_joined', ['alice'], ['alice'])).toBe('Alice joined')
})

it('leaves what it does not know as it came', () => {
  expect(text('something_new', ['alice'])).toBe('as it came')
})
