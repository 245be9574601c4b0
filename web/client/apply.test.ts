// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import { answered, applied } from './apply.ts'
import type { LogEvent, Message } from './types.ts'

const message: Message = {
  type: 'text',
  id: 'm',
  room_id: 'r',
  seq: 1,
  sender_id: 'a',
  sender_name: 'A',
  content: 'hello @b',
  timestamp: 1,
  reactions: {},
  edited: false,
  mentions: ['b'],
  flagged: true,
}

function event(type: string, fields: Partial<LogEvent> = {}): LogEvent {
  return { type, room_id: 'r', seq: 2, timestamp: 2, user_id: 'b', message_id: 'm', ...fields }
}

test('an edit replaces the text, and what was found in it', () => {
  const m = applied(message, event('message_edited', { content: 'bye' }))
  expect(m).toMatchObject({ content: 'bye', edited: true })
  expect('mentions' in m || 'flagged' in m).toBe(false)
})

test('a tombstone has nothing, and stays one', () => {
  const dead = applied(applied(message, event('reaction_added', { emoji: '👍', count: 1 })), event('message_deleted'))
  expect(dead).toMatchObject({ content: '', deleted: true, edited: false, reactions: {} })
  expect(applied(dead, event('message_edited', { content: 'back' }))).toBe(dead)
  expect(applied(dead, event('reaction_added', { emoji: '👍', count: 1 }))).toBe(dead)
})

test('reactions are sets', () => {
  const once = applied(message, event('reaction_added', { emoji: '👍', count: 1 }))
  const twice = applied(once, event('reaction_added', { emoji: '👍', count: 1 }))
  expect(twice.reactions).toEqual({ '👍': ['b'] })
  const both = applied(twice, event('reaction_added', { emoji: '👍', user_id: 'a', count: 2 }))
  expect(both.reactions).toEqual({ '👍': ['a', 'b'] })
  const none = applied(
    applied(both, event('reaction_removed', { emoji: '👍', count: 1 })),
    event('reaction_removed', { emoji: '👍', user_id: 'a', count: 0 }),
  )
  expect(none.reactions).toEqual({})
})

test('of many who react a hundred are named', () => {
  let m = message
  for (let i = 1; i <= 130; i++)
    m = applied(m, event('reaction_added', { emoji: '👍', user_id: `u${String(i).padStart(3, '0')}`, count: i }))
  expect(m.reactions['👍']?.length).toBe(100)
  expect(m.reaction_counts).toEqual({ '👍': 130 })
  for (let i = 130; i > 100; i--)
    m = applied(m, event('reaction_removed', { emoji: '👍', user_id: `u${i}`, count: i - 1 }))
  expect(m.reaction_counts).toBeUndefined()
})

function answer(seq: number, fields: Partial<Message> = {}): Message {
  return { ...message, id: `a${seq}`, seq, thread_id: 'm', ...fields }
}

test('answers are counted once, and not those that are deleted', () => {
  let first = answered(answered(message, answer(2))!, answer(3))!
  expect(first).toMatchObject({ thread_count: 2, thread_last_seq: 3 })
  expect(answered(first, answer(2))).toBe(first) // the page knew it already
  expect(answered(first, answer(4, { deleted: true, content: '' }))).toBe(first)
  first = answered(first, event('message_deleted', { thread_id: 'm', thread_count: 1, thread_last_seq: 2 }))!
  expect(first).toMatchObject({ thread_count: 1, thread_last_seq: 2 })
  expect(answered(first, answer(9))).toMatchObject({ thread_count: 2, thread_last_seq: 9 })
  const none = answered(first, event('message_deleted', { thread_id: 'm', thread_count: 0 }))!
  expect('thread_count' in none || 'thread_last_seq' in none).toBe(false)
  expect(answered(first, event('message_deleted', { thread_id: 'm' }))).toBeUndefined() // to be read again
  expect(applied(first, event('message_deleted'))).toMatchObject({ deleted: true, thread_count: 1 })
})
