// SPDX-License-Identifier: Apache-2.0

import type { Message, Outgoing } from '@parley/client'
import { describe, expect, it } from 'vitest'
import { buildRows, type MessageRow, type Row, steps } from './rows.ts'

const noon = new Date(2026, 10, 25, 12).getTime() / 1000

function message(seq: number, change: Partial<Message> = {}): Message {
  return {
    type: 'text',
    id: `m${seq}`,
    room_id: 'general',
    seq,
    sender_id: 'alice',
    sender_name: 'Alice',
    content: 'x',
    timestamp: noon + seq,
    reactions: {},
    edited: false,
    ...change,
  }
}

const outgoing = (id: string, change: Partial<Outgoing> = {}): Outgoing => ({
  clientMsgId: id,
  roomId: 'general',
  content: 'x',
  type: 'text',
  createdAt: (noon + 50) * 1000,
  state: 'queued',
  ...change,
})

const base = { user: 'bob', outgoing: [], begins: false }

function shown(messages: Message[], change: Partial<Parameters<typeof buildRows>[0]> = {}): MessageRow[] {
  return buildRows({ ...base, messages, ...change }).filter((row): row is MessageRow => row.kind === 'message')
}

describe('groups', () => {
  it('begin with another sender, a day, an answer, five minutes, and end at system messages', () => {
    const rows = shown([
      message(1),
      message(2),
      message(3, { sender_id: 'bob' }),
      message(4, { sender_id: 'bob', reply_to: 'm1' }),
      message(5, { sender_id: 'bob', timestamp: noon + 1000 }),
      message(6, { type: 'system', sender_id: 'system', timestamp: noon + 1001 }),
      message(7, { sender_id: 'bob', timestamp: noon + 1002 }),
      message(8, { sender_id: 'bob', timestamp: noon + 86_400 }),
    ])
    expect(rows.map(row => row.first)).toEqual([true, false, true, true, true, true, true, true])
    expect(rows.map(row => row.day !== undefined)).toEqual([true, false, false, false, false, false, false, true])
    expect(rows[3]!.quoted?.id).toBe('m1')
  })

  it('fold people who come and go one after the other into a line that keeps its key', () => {
    const came = (seq: number, user_id: string, change: Partial<Message> = {}) =>
      message(seq, { type: 'system', sender_id: 'system', event: 'member_joined', user_id, ...change })
    const left = { event: 'member_left' } as const
    const messages = [
      came(1, 'alice'),
      came(2, 'bob', { actor_id: 'bob' }),
      came(3, 'carol'),
      came(4, 'bob', left),
      came(5, 'dave', { actor_id: 'alice' }),
      came(6, 'erin', { actor_id: 'alice' }),
      message(7),
      came(8, 'frank'),
      came(9, 'grace', { timestamp: noon + 86_400 }),
    ]
    const rows = shown(messages)
    expect(rows.map(row => (row.folded ?? [row.message]).map(m => m.seq))).toEqual([
      [1, 2, 3],
      [4],
      [5, 6],
      [7],
      [8],
      [9],
    ])
    expect(rows.map(row => row.key)).toEqual(['m1', 'm4', 'm5', 'm7', 'm8', 'm9'])
    // What did not change is the same row, and what did is another one under the same key.
    const before = buildRows({ ...base, messages: messages.slice(0, 2) })
    const again = buildRows({ ...base, messages: messages.slice(0, 2) }, new Map(before.map(row => [row.key, row])))
    expect(again[0]).toBe(before[0])
    const more = buildRows({ ...base, messages: messages.slice(0, 3) }, new Map(before.map(row => [row.key, row])))
    expect(more[0]).not.toBe(before[0])
    expect(more[0]!.key).toBe(before[0]!.key)
  })

  it('tell what a hook has posted from what its maker wrote', () => {
    const hook = { hook: true, sender_name: 'Builds' }
    const rows = shown([
      message(1),
      message(2, hook),
      message(3, hook),
      message(4, { ...hook, sender_name: 'Alerts' }),
      message(5),
    ])
    expect(rows.map(row => row.first)).toEqual([true, true, false, true, true])
  })
})

describe('the unread mark', () => {
  const list = [message(1), message(2, { sender_id: 'bob' }), message(3, { type: 'system' }), message(4), message(5)]

  it('is above the first message of somebody else after the place', () => {
    expect(shown(list, { unreadAfter: 2 }).map(row => row.unread)).toEqual([false, false, false, true, false])
    expect(shown(list, { unreadAfter: 5 }).some(row => row.unread)).toBe(false)
    expect(shown(list).some(row => row.unread)).toBe(false)
  })

  it('is not there when the reader wrote since', () => {
    expect(shown(list, { unreadAfter: 1 }).some(row => row.unread)).toBe(false)
  })

  it('is above what came by a webhook that the reader made', () => {
    expect(shown([message(1), message(2, { sender_id: 'bob', hook: true })], { unreadAfter: 1 })[1]?.unread).toBe(true)
  })
})

describe('what is on its way', () => {
  it('comes last, and under the same key once it has arrived', () => {
    const waiting = buildRows({ ...base, messages: [message(1)], outgoing: [outgoing('a'), outgoing('b')] })
    expect(waiting.map(row => row.key)).toEqual(['m1', 'own a', 'own b'])
    const sent = message(2, { sender_id: 'bob', client_msg_id: 'a' })
    const after = buildRows({ ...base, messages: [message(1), sent], outgoing: [outgoing('a'), outgoing('b')] })
    expect(after.map(row => [row.kind, row.key])).toEqual([
      ['message', 'm1'],
      ['message', 'own a'],
      ['outgoing', 'own b'],
    ])
  })

  it('keeps the id of others as theirs, whatever they call it', () => {
    expect(buildRows({ ...base, messages: [message(1, { client_msg_id: 'a' })] })[0]!.key).toBe('m1')
  })
})

it('gives the same row for what has not changed', () => {
  const messages = [message(1), message(2), message(3)]
  const before = buildRows({ ...base, messages })
  const known = new Map(before.map(row => [row.key, row]))
  const after = buildRows({ ...base, messages: [messages[0]!, { ...messages[1]!, content: 'y' }, messages[2]!] }, known)
  expect(after.map((row, i) => row === before[i])).toEqual([true, false, true])
})

describe('steps', () => {
  const list = (...keys: number[]): Row[] => keys.map(key => ({ kind: 'start', key: `${key}` }))
  const keysOf = (rows: readonly Row[]) => rows.map(row => Number(row.key))
  const walk = (from: Row[], to: Row[]) => steps(from, to)?.map(step => [step.shift, keysOf(step.rows)])

  it.each([
    ['nothing changed', [1, 2], [1, 2], [[false, [1, 2]]]],
    ['new ones', [1, 2], [1, 2, 3], [[false, [1, 2, 3]]]],
    ['older ones', [3, 4], [1, 2, 3, 4], [[true, [1, 2, 3, 4]]]],
    ['older ones let go', [1, 2, 3, 4], [3, 4], [[true, [3, 4]]]],
    [
      'older ones let go for a new one',
      [1, 2, 3],
      [2, 3, 4],
      [
        [true, [2, 3]],
        [false, [2, 3, 4]],
      ],
    ],
    [
      'newer ones let go for older ones',
      [3, 4, 5],
      [1, 2, 3, 4],
      [
        [false, [3, 4]],
        [true, [1, 2, 3, 4]],
      ],
    ],
  ])('%s', (_, from, to, want) => {
    expect(walk(list(...from), list(...to))).toEqual(want)
  })

  it('is another list without a row in common', () => {
    expect(walk(list(1, 2), list(7, 8))).toBeUndefined()
    expect(walk(list(), list(7))).toBeUndefined()
  })

  it('always ends with what is wanted, and changes one end at a time', () => {
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff
      return seed % below
    }
    const range = (a: number, b: number) => list(...Array.from({ length: b - a }, (_, i) => a + i))
    for (let n = 0; n < 2000; n++) {
      const [a, b] = [random(20), 20 + random(20)]
      const [c, d] = [random(20), 20 + random(20)]
      let now = range(a, b)
      const to = range(c, d)
      for (const step of steps(now, to)!) {
        if (!step.shift) expect(now[0]!.key).toBe(step.rows[0]!.key)
        else expect(now.at(-1)!.key).toBe(step.rows.at(-1)!.key)
        now = [...step.rows]
      }
      expect(keysOf(now)).toEqual(keysOf(to))
    }
  })
})
