// SPDX-License-Identifier: Apache-2.0

import 'fake-indexeddb/auto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ParleyError } from './error.ts'
import { indexedDBOutbox } from './indexeddb.ts'
import { memoryOutbox, Outbox, type OutboxStorage } from './outbox.ts'
import type { Sent } from './types.ts'

/** A server that answers when it is told to, and outboxes that send to it. */
class World {
  connected = true
  readonly asked: string[] = []
  readonly kept: string[] = [] // contents, each id once
  readonly #ids = new Set<string>()
  answer: (content: string) => ParleyError | undefined = () => undefined
  hold: Promise<void> = Promise.resolve()

  outbox(storage: OutboxStorage): Outbox {
    const o = new Outbox(storage, {
      user: 'me',
      connected: () => this.connected,
      passed: () => true,
      changed: () => {},
      ask: async (route, fields) => {
        const { content, client_msg_id } = fields as { content: string; client_msg_id: string }
        this.asked.push(`${route} ${content}`)
        await this.hold
        if (!this.connected) throw new ParleyError('offline', 'lost')
        const refused = this.answer(content)
        if (refused) throw refused
        if (!this.#ids.has(client_msg_id)) this.kept.push(content)
        this.#ids.add(client_msg_id)
        return {
          status: 'message_sent',
          room_id: 'r',
          message_id: 'm',
          seq: this.kept.length,
          timestamp: 0,
        } satisfies Sent
      },
    })
    o.start()
    open.push(o)
    return o
  }
}

const open: Outbox[] = []
let user = 0
beforeEach(() => user++)
afterEach(() => {
  for (const o of open.splice(0)) o.close()
})

const storages: [string, () => () => OutboxStorage][] = [
  [
    'in memory',
    () => {
      const s = memoryOutbox()
      return () => s
    },
  ],
  ['in IndexedDB', () => () => indexedDBOutbox(`user-${user}`)],
]

for (const [name, make] of storages) {
  test(`${name}: what waits is sent in order, by room`, async () => {
    const w = new World()
    const o = w.outbox(make()())
    for (const t of ['1', '2', '3']) o.add({ roomId: 'r', content: t })
    o.add({ roomId: 'private:me:you', content: 'x' })
    o.add({ roomId: 'r', content: 'in a thread', threadOf: 'root' })
    await vi.waitFor(() => expect(o.list()).toEqual([]))
    expect(w.kept.filter(t => t !== 'x')).toEqual(['1', '2', '3', 'in a thread'])
    expect(w.asked).toContain('private/you x')
    expect(w.asked).toContain('message/root/reply in a thread')
  })

  test(`${name}: it is kept for the next one, and failures with their reason`, async () => {
    const storage = make()
    const w = new World()
    w.answer = t => (t === 'bad' ? new ParleyError('rejected', 'not so') : undefined)
    const before = w.outbox(storage())
    before.add({ roomId: 'r', content: 'bad' })
    await vi.waitFor(() => expect(before.list()[0]?.state).toBe('failed'))
    w.connected = false
    before.add({ roomId: 'r', content: 'later' })
    await new Promise(done => setTimeout(done, 20)) // the storage's own time
    before.close()
    const after = w.outbox(storage())
    await vi.waitFor(() => expect(after.list().length).toBe(2))
    expect(after.list()[0]).toMatchObject({
      state: 'failed',
      content: 'bad',
      error: { code: 'rejected', message: 'not so' },
    })
    w.connected = true
    after.flush()
    await vi.waitFor(() => expect(w.kept).toEqual(['later']))
    w.answer = () => undefined
    const failed = after.list()[0]
    after.retry(failed?.clientMsgId ?? '')
    await vi.waitFor(() => expect(w.kept).toEqual(['later', 'bad']))
    await vi.waitFor(() => expect(after.list()).toEqual([]))
  })
}

test('an answer that is lost does not double a message', async () => {
  const w = new World()
  const o = w.outbox(memoryOutbox())
  let release = () => {}
  w.hold = new Promise(done => {
    release = done
  })
  o.add({ roomId: 'r', content: '1' })
  o.add({ roomId: 'r', content: '2' })
  await vi.waitFor(() => expect(w.asked.length).toBe(1))
  w.connected = false
  release()
  await vi.waitFor(() => expect(o.list().map(e => e.state)).toEqual(['queued', 'queued']))
  w.connected = true
  o.flush()
  await vi.waitFor(() => expect(w.kept).toEqual(['1', '2']))
})

test('a limit holds the room back, and nothing overtakes', async () => {
  const w = new World()
  const o = w.outbox(memoryOutbox())
  let refuse = true
  w.answer = () => (refuse ? new ParleyError('rate_limited', 'slow down', 0.1) : undefined)
  o.add({ roomId: 'r', content: '1' })
  o.add({ roomId: 'r', content: '2' })
  await vi.waitFor(() => expect(o.list()[0]).toMatchObject({ state: 'queued', error: { code: 'rate_limited' } }))
  refuse = false
  await vi.waitFor(() => expect(w.kept).toEqual(['1', '2']))
})

test('tabs of a browser see each other’s messages, and what is sent by one is gone for all', async () => {
  const w = new World()
  const one = w.outbox(indexedDBOutbox(`user-${user}`))
  const two = w.outbox(indexedDBOutbox(`user-${user}`))
  w.connected = false
  one.add({ roomId: 'r', content: '1' })
  await vi.waitFor(() => expect(two.list().map(e => e.content)).toEqual(['1']))
  two.add({ roomId: 'r', content: '2' })
  await vi.waitFor(() => expect(one.list().map(e => e.content)).toEqual(['1', '2']))
  w.connected = true
  two.flush()
  one.flush()
  await vi.waitFor(() => expect([one.list(), two.list()]).toEqual([[], []]))
  expect(w.kept).toEqual(['1', '2'])
  const gone = one.add({ roomId: 'r', content: '3' })
  one.discard(gone.clientMsgId)
  await vi.waitFor(() => expect([one.list(), two.list()]).toEqual([[], []]))
})

test('without a place to store, messages are sent all the same', async () => {
  const w = new World()
  const broken = {
    load: () => Promise.reject(new Error('no')),
    put: () => Promise.reject(new Error('no')),
    remove: () => Promise.reject(new Error('no')),
  }
  const o = w.outbox(broken)
  o.add({ roomId: 'r', content: '1' })
  await vi.waitFor(() => expect(o.list()).toEqual([]))
  expect(w.kept).toEqual(['1'])
})
