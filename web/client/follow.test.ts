// SPDX-License-Identifier: Apache-2.0

import { expect, test, vi } from 'vitest'
import { Follower } from './follow.ts'
import type { LogEvent, Message, RoomHead, Synced } from './types.ts'

/** A server's logs, and a follower of them. */
class World {
  epoch = 1
  readonly logs = new Map<string, (Message | LogEvent)[]>()
  readonly joined = new Map<string, number>()
  readonly firsts = new Map<string, number>()
  readonly heard: string[] = []
  syncs = 0
  /** Called before a sync is answered. */
  meanwhile: (() => void) | undefined
  readonly follower: Follower
  stale = 0

  constructor(catchUpLimit = Number.POSITIVE_INFINITY) {
    this.follower = new Follower({
      user: 'me',
      catchUpLimit,
      sync: async (after, epoch) => this.sync(after, epoch),
      event: e => this.heard.push(`${e.room_id}:${e.seq}`),
      passing: e => this.heard.push(e.type),
      rooms: () => {},
      reset: (_, room) => this.heard.push(`reset ${room ?? 'all'}`),
      stale: () => this.stale++,
    })
  }

  /** Writes messages into a room's log, and returns them as deliveries. */
  write(room: string, n = 1, more: object = {}): (Message | LogEvent)[] {
    const log = this.logs.get(room) ?? []
    this.logs.set(room, log)
    const written = Array.from({ length: n }, () => {
      const seq = log.length + 1
      const e = {
        type: 'text',
        id: `${room}-${seq}`,
        room_id: room,
        seq,
        epoch: this.epoch,
        sender_id: 'you',
        ...more,
      } as Message
      log.push(e)
      return e
    })
    return written
  }

  take(...events: (Message | LogEvent)[]): void {
    for (const e of events) this.follower.take(e)
  }

  async sync(after: Record<string, number>, epoch: number | undefined): Promise<Synced> {
    this.syncs++
    await Promise.resolve()
    const rooms = [...this.logs].map(([room_id, log]) => {
      const first_seq = this.firsts.get(room_id) ?? 1
      return {
        room_id,
        first_seq,
        joined_seq: this.joined.get(room_id) ?? 1,
        last_seq: log.length,
        unread: 0,
        read_seq: 0,
        member_count: 1,
      } as RoomHead
    })
    const events: (Message | LogEvent)[] = []
    let has_more = false
    if (epoch === undefined || epoch === this.epoch) {
      for (const { room_id, first_seq } of rooms) {
        const last = after[room_id]
        if (last === undefined) continue
        const missed = (this.logs.get(room_id) ?? []).filter(e => e.seq > last && e.seq >= first_seq)
        const page = missed.slice(0, 3)
        has_more ||= page.length < missed.length
        events.push(...page)
      }
    }
    const answer = { epoch: this.epoch, rooms, events, unread: 0, has_more }
    this.meanwhile?.()
    this.meanwhile = undefined
    return answer
  }

  /** Waits until the follower is at rest. */
  async rest(): Promise<void> {
    for (let i = 0; i < 200; i++) await Promise.resolve()
  }

  heardOnce(): string[] {
    return this.heard.splice(0)
  }
}

async function world(limit?: number): Promise<World> {
  const w = new World(limit)
  w.write('a', 2)
  w.write('b', 1)
  await w.follower.catchUp()
  expect(w.heardOnce()).toEqual([])
  return w
}

test('events pass in order, each once', async () => {
  const w = await world()
  const [e3, e4] = w.write('a', 2)
  w.take(e3 as Message, e3 as Message, e4 as Message, e3 as Message)
  await w.rest()
  expect(w.heard).toEqual(['a:3', 'a:4'])
  expect(w.syncs).toBe(1)
})

test('a hole is read, page by page, before what came after it', async () => {
  const w = await world()
  const written = w.write('a', 9)
  w.take(written[8] as Message)
  const [b2] = w.write('b')
  w.take(b2 as Message)
  await w.rest()
  expect(w.heard).toEqual(['a:3', 'a:4', 'a:5', 'a:6', 'a:7', 'a:8', 'a:9', 'a:10', 'a:11', 'b:2'])
})

test('sync_required makes it read; what is known already does not', async () => {
  const w = await world()
  w.write('a', 2)
  const missing = { type: 'sync_required', room_id: 'a', first_seq: 3, last_seq: 4, epoch: 1 } as const
  w.follower.take(missing)
  await w.rest()
  expect(w.heard).toEqual(['a:3', 'a:4'])
  const before = w.syncs
  w.follower.take(missing)
  await w.rest()
  expect(w.syncs).toBe(before)
})

test('what comes while the logs are read waits, and is not doubled', async () => {
  const w = await world()
  w.write('a', 2)
  w.meanwhile = () => {
    const more = w.write('a', 2)
    w.take(...more)
  }
  await w.follower.catchUp()
  await w.rest()
  expect(w.heard).toEqual(['a:3', 'a:4', 'a:5', 'a:6'])
})

test('more deliveries than are kept are read from the logs', async () => {
  const w = await world()
  w.meanwhile = () => w.take(...w.write('a', 1500))
  await w.follower.catchUp()
  await vi.waitFor(() => expect(w.heard).toEqual(Array.from({ length: 1500 }, (_, i) => `a:${i + 3}`)))
})

test('other data begin anew from their heads', async () => {
  const w = await world()
  w.epoch = 2
  w.logs.set('a', [])
  w.write('a', 1)
  await w.follower.catchUp()
  expect(w.heardOnce()).toEqual(['reset all'])
  w.take(...w.write('a', 1))
  await w.rest()
  expect(w.heardOnce()).toEqual(['a:2'])
})

test('an event of other data is noticed without a new connection', async () => {
  const w = await world()
  w.epoch = 2
  w.take(...w.write('a', 1))
  await w.rest()
  expect(w.heardOnce()).toEqual(['reset all'])
})

test('what retention has cut, and what is too much, becomes a reset of the room', async () => {
  const w = await world(10)
  w.write('a', 5)
  w.firsts.set('a', 6)
  await w.follower.catchUp()
  expect(w.heardOnce()).toEqual(['reset a', 'a:6', 'a:7'])
  w.take(w.write('b', 50).at(-1) as Message)
  await w.rest()
  expect(w.heardOnce()).toEqual(['reset b'])
  w.take(...w.write('b', 1))
  await w.rest()
  expect(w.heardOnce()).toEqual(['b:52'])
})

test('a room joined meanwhile begins with the joining', async () => {
  const w = await world()
  w.joined.set('c', 3)
  w.write('c', 4)
  await w.follower.catchUp()
  expect(w.heardOnce()).toEqual(['c:3', 'c:4'])
})

test('a room joined just now begins with the joining, whether or not its event came', async () => {
  const w = await world()
  w.joined.set('c', 3)
  w.write('c', 2)
  w.take(...w.write('c', 1, { type: 'system', event: 'member_joined', user_id: 'me' }))
  w.joined.set('d', 3)
  w.write('d', 3)
  w.take(...w.write('d'))
  await w.rest()
  expect(w.heardOnce()).toEqual(['c:3', 'd:3', 'd:4'])
})

test('after a removal and a return nothing of before is expected', async () => {
  const w = await world()
  w.write('user:me', 0)
  await w.follower.catchUp()
  w.take(...w.write('user:me', 1, { type: 'removed_from_room', room: { room_id: 'a' } }))
  await w.rest()
  expect(w.follower.rooms.has('a')).toBe(false)
  w.take(w.logs.get('a')?.at(-1) as Message) // late
  w.write('a', 5)
  w.joined.set('a', 7)
  w.take(...w.write('a', 1))
  await w.rest()
  expect(w.heardOnce()).toEqual(['user:me:1', 'a:7', 'a:8'])
})

test('passing events do not wait', async () => {
  const w = await world()
  w.meanwhile = () => w.follower.take({ type: 'typing_start', room_id: 'a', user_id: 'you', timestamp: 1 })
  w.write('a', 1)
  await w.follower.catchUp()
  expect(w.heard).toEqual(['typing_start', 'a:3'])
})

test('heads count what comes', async () => {
  const w = await world()
  w.take(...w.write('a', 2), ...w.write('a', 1, { type: 'system', event: 'member_joined' }))
  await w.rest()
  expect(w.follower.rooms.get('a')).toMatchObject({ unread: 2, last_seq: 5, member_count: 2 })
  w.follower.take({ type: 'read', room_id: 'a', user_id: 'me', read_seq: 5, timestamp: 1 })
  expect(w.follower.rooms.get('a')).toMatchObject({ unread: 0, read_seq: 5 })
  w.take(...w.write('a', 1))
  await w.rest()
  expect(w.follower.rooms.get('a')?.unread).toBe(1)
  w.take(...w.write('a', 1, { sender_id: 'me' }))
  await w.rest()
  expect(w.follower.rooms.get('a')?.unread).toBe(0)
  w.take(...w.write('a', 1, { type: 'room_updated', changes: { name: 'New' } }))
  await w.rest()
  expect(w.follower.rooms.get('a')?.name).toBe('New')
  expect(w.stale).toBe(0)
  w.take(...w.write('a', 1, { type: 'room_updated', changes: { history_visibility: 'joined' } }))
  await w.rest()
  expect(w.stale).toBe(1) // first_seq has to be asked for
})
