// SPDX-License-Identifier: Apache-2.0

import type { Client, Message } from '@parley/client'
import { expect, it } from 'vitest'
import { Quotes } from './quotes.ts'

const message = (id: string, content = `text of ${id}`) =>
  ({ type: 'text', id, room_id: 'general', seq: 1, sender_id: 'ann', content, reactions: {} }) as unknown as Message

/** Quotes of a server that answers when it is told to. */
function open() {
  const asked: { id: string; answer: (found: Message[] | Error) => Promise<void> }[] = []
  const call = (_route: string, fields: object) =>
    new Promise((resolve, reject) => {
      asked.push({
        id: (fields as { around: string }).around,
        answer: async found => {
          if (found instanceof Error) reject(found)
          else resolve({ messages: found })
          for (let i = 0; i < 5; i++) await Promise.resolve()
        },
      })
    })
  const quotes = new Quotes({ call } as unknown as Pick<Client, 'call'>)
  return { quotes, asked }
}

it('asks for a message once, and for three at a time', async () => {
  const { quotes, asked } = open()
  for (const id of ['a', 'b', 'a', 'c', 'd']) quotes.ensure('general', id)
  expect(asked.map(a => a.id)).toEqual(['a', 'b', 'c'])
  await asked[0]!.answer([message('a')])
  expect(asked.map(a => a.id)).toEqual(['a', 'b', 'c', 'd'])
  expect(quotes.known.get().get('a')?.content).toBe('text of a')
})

it('goes on after a refusal, and does not ask again', async () => {
  const { quotes, asked } = open()
  quotes.ensure('general', 'gone')
  await asked[0]!.answer(new Error('not found'))
  quotes.ensure('general', 'gone')
  quotes.ensure('general', 'b')
  expect(asked.map(a => a.id)).toEqual(['gone', 'b'])
})

it('lets the oldest go, and asks for them anew', async () => {
  const { quotes, asked } = open()
  for (let i = 0; i <= 500; i++) {
    quotes.ensure('general', `m${i}`)
    await asked[i]!.answer([message(`m${i}`)])
  }
  expect(quotes.known.get().size).toBe(500)
  expect(quotes.known.get().has('m0')).toBe(false)
  quotes.ensure('general', 'm0')
  expect(asked.at(-1)!.id).toBe('m0')
})

it('hears of changes', async () => {
  const { quotes, asked } = open()
  quotes.ensure('general', 'a')
  await asked[0]!.answer([message('a')])
  const event = { room_id: 'general', seq: 2, timestamp: 1, message_id: 'a' }
  quotes.hear({ ...event, type: 'message_edited', content: 'other' })
  expect(quotes.known.get().get('a')?.content).toBe('other')
  quotes.hear({ ...event, type: 'message_edited' }) // too large to be in the event
  expect(asked).toHaveLength(2)
  quotes.hear({ ...event, type: 'message_deleted' })
  expect(quotes.known.get().get('a')?.deleted).toBe(true)
})
