// SPDX-License-Identifier: Apache-2.0

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Wire } from '../testing/cut.ts'
import { Server } from '../testing/server.ts'
import {
  Client,
  type ClientOptions,
  door,
  isMessage,
  type LogEvent,
  login,
  logout,
  type Message,
  memoryOutbox,
  ParleyError,
  post,
  register,
  type Sent,
  setup,
  share,
  Timeline,
  upload,
} from './index.ts'

let server: Server
beforeAll(async () => {
  server = await Server.start()
})
afterAll(() => server.stop())

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** A client of a test, with all that it has heard. */
class Ear {
  readonly client: Client
  readonly events: (Message | LogEvent)[] = []
  readonly resets: { epoch: number; roomId?: string }[] = []

  constructor(client: Client) {
    this.client = client
    client.on('event', e => this.events.push(e))
    client.on('reset', r => this.resets.push(r))
  }

  /** The texts of a room, in the order in which they came. */
  texts(room: string): string[] {
    return this.events.flatMap(e => (e.room_id === room && e.type === 'text' ? [e.content ?? ''] : []))
  }

  seqs(room: string): number[] {
    return this.events.filter(e => e.room_id === room).map(e => e.seq)
  }
}

/** Waits until something holds; it is looked at whenever the client, or a timeline, tells anything. */
function until(c: Client | Timeline, what: string, holds: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const soon = () => queueMicrotask(look)
    const names = ['state', 'event', 'passing', 'outbox', 'rooms', 'reset'] as const
    const stops = c instanceof Timeline ? [c.on(soon)] : names.map(name => c.on(name, soon))
    const limit = setTimeout(() => done(() => reject(new Error(`not in time: ${what}\n${server.log}`))), 30_000)
    const done = (how: () => void) => {
      clearTimeout(limit)
      for (const stop of stops) stop()
      how()
    }
    const look = () => {
      if (holds()) done(resolve)
    }
    look()
  })
}

async function join(user: string, options: Partial<ClientOptions> = {}): Promise<Ear> {
  const { token } = await server.login(user)
  const client = new Client({ url: server.mqtt, user, token: () => token, ...options })
  open.push(() => client.close())
  const ear = new Ear(client)
  client.start()
  await until(client, `${user} is online`, () => client.state === 'online')
  return ear
}

let rooms = 0
/** A new room with these members. */
async function roomOf(owner: Ear, ...others: Ear[]): Promise<string> {
  const id = `room-${++rooms}`
  await owner.client.call('rooms/create', { name: `Room ${rooms}`, room_id: id, type: 'public', max_members: 50 })
  for (const o of others) await o.client.call(`rooms/join/${id}`)
  for (const o of [owner, ...others])
    await until(o.client, `${o.client.user} knows ${id}`, () => o.client.rooms.has(id))
  return id
}

function numbers(n: number, name = 'm'): string[] {
  return Array.from({ length: n }, (_, i) => `${name} ${i}`)
}

function dense(seqs: number[]): boolean {
  return seqs.every((s, i) => i === 0 || s === (seqs[i - 1] ?? 0) + 1)
}

describe('a connection that holds', () => {
  test('a message reaches everybody once, and leaves the outbox', async () => {
    const alice = await join('alice')
    const bob = await join('bob')
    const room = await roomOf(alice, bob)
    const o = alice.client.send(room, 'hello')
    expect(alice.client.outgoing(room).map(e => e.clientMsgId)).toEqual([o.clientMsgId])
    await until(bob.client, 'bob has it', () => bob.texts(room).length > 0)
    await until(alice.client, 'the outbox is empty', () => alice.client.outgoing().length === 0)
    const mine = alice.events.find(e => e.room_id === room && e.type === 'text') as Message
    expect(mine.client_msg_id).toBe(o.clientMsgId)
    const head = bob.client.rooms.get(room)
    expect(head).toMatchObject({ unread: 1, last_seq: mine.seq, member_count: 2 })
    await bob.client.call(`read/${room}`, { seq: mine.seq })
    await until(bob.client, 'it is read', () => bob.client.rooms.get(room)?.unread === 0)
  })

  test('private messages begin a conversation', async () => {
    const carol = await join('carol')
    const yuki = await join('yuki')
    const shown = new Timeline(carol.client, 'private:carol:yuki')
    open.push(() => shown.close())
    await expect(shown.loadLatest()).rejects.toMatchObject({ code: 'not_found' })
    carol.client.send('private:carol:yuki', 'just you')
    await until(shown, 'carol sees it', () => shown.messages.at(-1)?.content === 'just you')
    await until(yuki.client, 'yuki has it', () => yuki.texts('private:carol:yuki').length === 1)
    await until(yuki.client, 'the room is known', () => yuki.client.rooms.get('private:carol:yuki')?.type === 'direct')
  })

  test('replies, threads and what is done to messages', async () => {
    const alice = await join('alice')
    const bob = await join('bob')
    const room = await roomOf(alice, bob)
    const shown = new Timeline(bob.client, room)
    open.push(() => shown.close())
    await shown.loadLatest()
    const first = await alice.client.call<Sent>(`message/${room}`, { content: 'first' })
    bob.client.send(room, 'an answer', { replyTo: first.message_id })
    bob.client.send(room, 'in the thread', { threadOf: first.message_id })
    await until(bob.client, 'sent', () => bob.texts(room).length === 3)
    await alice.client.call(`message/${first.message_id}/edit`, { content: 'the first' })
    await alice.client.call(`message/${first.message_id}/react`, { emoji: '👍' })
    await bob.client.call(`message/${first.message_id}/react`, { emoji: '👍' })
    await bob.client.call(`message/${first.message_id}/react`, { emoji: '🌱' })
    await alice.client.call(`message/${first.message_id}/unreact`, { emoji: '👍' })
    const third = shown.messages.at(-1)
    await bob.client.call(`message/${third?.id}/delete`)
    await until(bob.client, 'deleted', () => bob.events.some(e => e.type === 'message_deleted'))
    const fresh = new Timeline(alice.client, room)
    open.push(() => fresh.close())
    await fresh.loadLatest()
    const bare = (ms: readonly Message[]) => ms.map(({ client_msg_id: _, ...m }) => m)
    expect(bare(shown.messages)).toEqual(bare(fresh.messages))
    expect(fresh.messages.at(-3)).toMatchObject({
      content: 'the first',
      edited: true,
      reactions: { '👍': ['bob'], '🌱': ['bob'] },
    })
    expect(fresh.messages.at(-2)).toMatchObject({ reply_to: first.message_id, thread_id: null })
    expect(fresh.messages.at(-1)).toMatchObject({ deleted: true, content: '', thread_id: first.message_id })

    const thread = new Timeline(bob.client, room, { thread: first.message_id })
    open.push(() => thread.close())
    await thread.loadLatest()
    alice.client.send(room, 'another', { threadOf: first.message_id })
    await until(thread, 'it came', () => thread.messages.length === 2)
    expect(thread.root?.content).toBe('the first')
    expect(thread.messages.map(m => m.content)).toEqual(['', 'another'])

    // The answers are counted as they come and go, in the room's list and in the thread.
    const last = thread.messages.at(-1)?.seq
    const counts = () => [shown.messages.at(-4), thread.root].map(m => [m?.id, m?.thread_count, m?.thread_last_seq])
    await until(shown, 'it came there, too', () => shown.messages.at(-1)?.seq === last)
    expect(counts()).toEqual(Array(2).fill([first.message_id, 1, last]))
    await fresh.loadLatest()
    expect(bare(shown.messages)).toEqual(bare(fresh.messages))
    await alice.client.call(`message/${thread.messages.at(-1)?.id}/delete`)
    await until(shown, 'it is gone', () => shown.messages.at(-1)?.deleted === true)
    expect(counts()).toEqual(Array(2).fill([first.message_id, undefined, undefined]))
  })

  test('what may be seen of the past changes while it is shown', async () => {
    const alice = await join('alice')
    const bob = await join('bob')
    const room = await roomOf(alice)
    await alice.client.call(`message/${room}`, { content: 'before' })
    await bob.client.call(`rooms/join/${room}`)
    const shown = new Timeline(bob.client, room)
    open.push(() => shown.close())
    await shown.loadLatest()
    const seesBefore = () => shown.messages.some(m => m.content === 'before')
    expect(seesBefore()).toBe(true)
    for (const history_visibility of ['joined', 'shared']) {
      await alice.client.call(`rooms/${room}/update`, { history_visibility })
      await until(shown, history_visibility, () => seesBefore() === (history_visibility === 'shared'))
      const head = () => bob.client.rooms.get(room)?.first_seq ?? 0
      await until(bob.client, 'the head', () => head() > 1 === (history_visibility === 'joined'))
    }
  })

  test('a refused message fails, and does not hold up the next; it can be sent again or forgotten', async () => {
    const alice = await join('alice')
    const bob = await join('bob')
    const room = await roomOf(alice, bob)
    await alice.client.call(`admin/rooms/${room}/moderate`, { action: 'mute', user_id: 'bob' })
    const bad = bob.client.send(room, 'muted')
    const other = bob.client.send(room, 'muted as well')
    await until(bob.client, 'both failed', () => bob.client.outgoing(room).every(o => o.state === 'failed'))
    expect(bob.client.outgoing(room)[0]?.error?.code).toBe('muted')
    await alice.client.call(`admin/rooms/${room}/moderate`, { action: 'unmute', user_id: 'bob' })
    bob.client.discard(other.clientMsgId)
    bob.client.retry(bad.clientMsgId)
    await until(bob.client, 'sent', () => bob.texts(room).length === 1)
    expect(bob.client.outgoing(room)).toEqual([])
    await expect(bob.client.call('message/nowhere', { content: 'x' })).rejects.toMatchObject({ code: 'not_found' })
  })

  test('slow mode holds messages back and sends them by itself', async () => {
    const alice = await join('alice')
    const bob = await join('bob')
    const room = await roomOf(alice, bob)
    await alice.client.call(`rooms/${room}/update`, { slow_mode: 1 })
    let held = false
    bob.client.on('outbox', list => {
      held ||= list.some(o => o.state === 'queued' && o.error?.code === 'rate_limited')
    })
    for (const text of numbers(3)) bob.client.send(room, text)
    await until(bob.client, 'all sent', () => bob.texts(room).length === 3)
    expect(bob.texts(room)).toEqual(numbers(3))
    expect(held).toBe(true)
  })

  test('a token that is not accepted ends the client', async () => {
    const client = new Client({ url: server.mqtt, user: 'alice', token: () => 'no.such.token' })
    open.push(() => client.close())
    const states: string[] = []
    client.on('state', s => states.push(`${s.state} ${s.error?.code}`))
    client.start()
    await expect(client.call('info')).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(states).toEqual(['closed unauthenticated'])
    await expect(client.call('info')).rejects.toBeInstanceOf(ParleyError)
  })

  test('calls end when they are given up, and when their time is over', async () => {
    const wire = await Wire.to(() => server.origin)
    open.push(() => wire.close())
    const alice = await join('alice', { url: `ws://${wire.host}/mqtt` })
    wire.silence()
    const stop = new AbortController()
    const given = alice.client.call('info', {}, { signal: stop.signal })
    stop.abort()
    await expect(given).rejects.toMatchObject({ code: 'aborted' })
    await expect(alice.client.call('info', {}, { timeout: 100 })).rejects.toMatchObject({ code: 'timeout' })
    wire.cut()
    await until(alice.client, 'offline', () => alice.client.state === 'offline')
    await expect(alice.client.call('info', {}, { timeout: 100 })).rejects.toMatchObject({ code: 'offline' })
  })
})

describe('a connection that does not', () => {
  test('what was missed comes in order, without holes and doubles', async () => {
    const wire = await Wire.to(() => server.origin)
    open.push(() => wire.close())
    const alice = await join('alice')
    const bob = await join('bob', { url: `ws://${wire.host}/mqtt` })
    const room = await roomOf(alice, bob)
    const all = numbers(900)
    for (let i = 0; i < 3; i++) {
      wire.cut()
      await until(bob.client, 'bob is away', () => bob.client.state === 'offline')
      await Promise.all(
        all.slice(i * 300, i * 300 + 300).map(content => alice.client.call(`message/${room}`, { content })),
      )
      wire.mend()
      bob.client.nudge()
      await until(bob.client, 'bob is back', () => bob.client.state === 'online')
      expect(bob.texts(room)).toEqual(all.slice(0, i * 300 + 300))
    }
    expect(dense(bob.seqs(room))).toBe(true)
    expect(bob.resets).toEqual([])
    expect(bob.client.rooms.get(room)?.unread).toBe(900)
  })

  test('a wire that is silent is noticed', async () => {
    const wire = await Wire.to(() => server.origin)
    open.push(() => wire.close())
    const alice = await join('alice')
    const bob = await join('bob', { url: `ws://${wire.host}/mqtt` })
    const room = await roomOf(alice, bob)
    wire.silence()
    const asked = bob.client.call<Sent>(`message/${room}`, { content: 'into the void' })
    bob.client.nudge()
    await until(bob.client, 'bob is offline', () => bob.client.state === 'offline')
    wire.mend()
    await asked
    await until(alice.client, 'it arrived', () => alice.texts(room).length > 0)
    expect(alice.texts(room)).toEqual(['into the void'])
  })

  test('with a limit, a long absence becomes a reset', async () => {
    const wire = await Wire.to(() => server.origin)
    open.push(() => wire.close())
    const alice = await join('alice')
    const bob = await join('bob', { url: `ws://${wire.host}/mqtt`, catchUpLimit: 100 })
    const room = await roomOf(alice, bob)
    const shown = new Timeline(bob.client, room)
    open.push(() => shown.close())
    await shown.loadLatest()
    wire.cut()
    await until(bob.client, 'bob is away', () => bob.client.state === 'offline')
    await Promise.all(numbers(150).map(content => alice.client.call(`message/${room}`, { content })))
    wire.mend()
    await until(bob.client, 'bob is told', () => bob.resets.some(r => r.roomId === room))
    alice.client.send(room, 'the last')
    await until(shown, 'the last came', () => shown.messages.at(-1)?.content === 'the last')
    expect(dense(shown.messages.map(m => m.seq))).toBe(true)
    expect(shown.hasOlder).toBe(true)
  })

  test('what is written while away is kept by the next client, and sent once', async () => {
    const outbox = memoryOutbox()
    const wire = await Wire.to(() => server.origin)
    open.push(() => wire.close())
    const alice = await join('alice')
    const before = await join('bob', { url: `ws://${wire.host}/mqtt`, outbox })
    const room = await roomOf(alice, before)
    wire.cut()
    await until(before.client, 'bob is away', () => before.client.state === 'offline')
    for (const text of numbers(20)) before.client.send(room, text)
    expect(before.client.outgoing(room).length).toBe(20)
    await before.client.close()
    const after = await join('bob', { outbox })
    await until(after.client, 'all sent', () => after.texts(room).length === 20)
    await until(after.client, 'the outbox is empty', () => after.client.outgoing().length === 0)
    await until(alice.client, 'all came', () => alice.texts(room).length === 20)
    expect(alice.texts(room)).toEqual(numbers(20))
    expect(await outbox.load()).toEqual([])
  })
})

test('kill -9 in the middle of it all: nothing is lost, nothing doubled, the order kept', async () => {
  const alice = await join('alice')
  const bob = await join('bob')
  const carol = await join('carol')
  const room = await roomOf(alice, bob, carol)
  const n = 120
  for (let i = 0; i < n; i++) {
    alice.client.send(room, `alice ${i}`)
    bob.client.send(room, `bob ${i}`)
  }
  for (const some of [20, 60, 110]) {
    await until(carol.client, `${some} came`, () => carol.texts(room).length >= some)
    await server.kill()
    await server.restart()
  }
  await until(carol.client, 'all came', () => carol.texts(room).length >= 2 * n)
  for (const ear of [alice, bob]) {
    await until(ear.client, 'all came', () => ear.texts(room).length >= 2 * n)
    await until(ear.client, 'all sent', () => ear.client.outgoing().length === 0)
  }
  const history = new Timeline(carol.client, room, { page: 200, keep: 10_000 })
  open.push(() => history.close())
  await history.loadLatest()
  while (history.hasOlder) await history.loadOlder()
  const texts = history.messages.filter(m => m.type === 'text').map(m => m.content)
  for (const ear of [alice, bob, carol]) {
    expect(ear.texts(room)).toEqual(texts)
    expect(dense(ear.seqs(room))).toBe(true)
    for (const name of ['alice', 'bob']) {
      expect(ear.texts(room).filter(t => t.startsWith(name))).toEqual(numbers(n, name))
    }
  }
})

describe('a timeline', () => {
  let room: string
  const count = 730
  let writer: string
  beforeAll(async () => {
    const alice = await join('alice')
    writer = alice.client.user
    room = await roomOf(alice)
    await Promise.all(numbers(count).map(content => alice.client.call(`message/${room}`, { content })))
  })
  const texts = (t: Timeline) => t.messages.filter(m => m.type === 'text').map(m => m.content)

  test('pages both ways, and keeps only so many', async () => {
    const ear = await join(writer)
    const t = new Timeline(ear.client, room, { keep: 150, page: 50 })
    open.push(() => t.close())
    await t.loadLatest()
    expect(texts(t)).toEqual(numbers(count).slice(-50))
    expect([t.hasOlder, t.hasNewer]).toEqual([true, false])
    while (t.hasOlder) {
      await t.loadOlder()
      expect(t.messages.length).toBeLessThanOrEqual(150)
      expect(dense(t.messages.map(m => m.seq))).toBe(true)
    }
    expect(texts(t)[0]).toBe('m 0')
    expect(t.hasNewer).toBe(true)
    ear.client.send(room, 'newer')
    await until(ear.client, 'sent', () => ear.texts(room).length > 0)
    expect(texts(t).includes('newer')).toBe(false)
    while (t.hasNewer) await t.loadNewer()
    expect(texts(t).slice(-2)).toEqual([`m ${count - 1}`, 'newer'])
    expect(t.messages.length).toBeLessThanOrEqual(150)
    expect(dense(t.messages.map(m => m.seq))).toBe(true)
  })

  test('jumps to a message', async () => {
    const ear = await join(writer)
    const found = await ear.client.call<{ messages: Message[] }>(`search/${room}`, { query: '"m 300"' })
    const id = found.messages[0]?.id ?? ''
    const t = new Timeline(ear.client, room)
    open.push(() => t.close())
    await t.loadAround(id)
    expect(t.messages.some(m => m.id === id)).toBe(true)
    expect([t.hasOlder, t.hasNewer]).toEqual([true, true])
    await t.loadNewer()
    await t.loadOlder()
    expect(dense(t.messages.map(m => m.seq))).toBe(true)
    expect(t.messages.every(isMessage)).toBe(true)
    await expect(t.loadAround('01a203bd-3b1a-7e2e-bb09-74d95b232ca7')).rejects.toMatchObject({ code: 'not_found' })
    expect(t.messages.some(m => m.id === id)).toBe(true)
    expect(t.loading).toBe(false)
  })
})

describe('accounts', () => {
  test('registering, signing in and out', async () => {
    expect(await door(server.origin)).toMatchObject({ registration: 'open', setup: false })
    const made = await register(server.origin, { userId: 'dora', password: 'correct horse', displayName: 'Dora' })
    expect(made.user).toMatchObject({ user_id: 'dora', display_name: 'Dora' })
    await expect(login(server.origin, 'dora', 'wrong horse')).rejects.toMatchObject({ code: 'unauthenticated' })
    const { token } = await login(server.origin, 'dora', 'correct horse', 'a test')
    await logout(server.origin, token)
    await expect(post(server.origin, 'users/me', {}, token)).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(setup(server.origin, 'nothing', { userId: 'eve', password: 'correct horse' })).rejects.toMatchObject({
      code: 'forbidden',
    })
    await expect(login('http://127.0.0.1:1', 'dora', 'x')).rejects.toMatchObject({ code: 'offline' })
  })
})

describe('files', () => {
  const bytes = new Uint8Array(20 << 20).map((_, i) => i * 31 + (i >> 9))
  test('an upload goes on after a lost connection', async () => {
    const wire = await Wire.to(() => server.origin)
    open.push(() => wire.close())
    const alice = await join('alice')
    const room = await roomOf(alice)
    const sent: number[] = []
    wire.cutAfter(11 << 20)
    const file = await upload(alice.client, room, new File([bytes], 'big.bin'), {
      origin: `http://${wire.host}`,
      progress: n => sent.push(n),
    })
    const message = await share(alice.client, room, file, 'see')
    await until(alice.client, 'shared', () => alice.seqs(room).includes(message.seq))
    const m = alice.events.find(e => e.seq === message.seq && e.room_id === room) as Message
    expect(m.file).toMatchObject({ name: 'big.bin', size: bytes.length })
    const { token } = await server.login('alice')
    const back = await fetch(`${server.origin}/api/v1/files/${file.file_id}`, {
      headers: { Authorization: `Bearer ${token}` },
    })
    expect(Buffer.compare(Buffer.from(await back.arrayBuffer()), Buffer.from(bytes))).toBe(0)
    expect(sent.at(-1)).toBe(bytes.length)
  })

  test('an upload can be given up', async () => {
    const alice = await join('alice')
    const room = await roomOf(alice)
    const stop = new AbortController()
    const doomed = upload(alice.client, room, new File([bytes], 'x.bin'), {
      origin: server.origin,
      signal: stop.signal,
      progress: n => n > 0 && stop.abort(),
    })
    await expect(doomed).rejects.toMatchObject({ code: 'aborted' })
  })
})
