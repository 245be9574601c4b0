// SPDX-License-Identifier: Apache-2.0

import { headAfter } from './heads.ts'
import { isMessage, type LogEvent, type Message, type PassingEvent, type RoomHead, type Synced } from './types.ts'

type Logged = Message | LogEvent

/** `sync_required`: these were not sent, and will not be by themselves. */
interface Missing {
  type: 'sync_required'
  room_id: string
  first_seq: number
  last_seq: number
  epoch: number
}

/** What a Follower needs, and whom it tells. */
export interface FollowerPorts {
  user: string
  /** Asks for `sync` until it is answered. It fails only once the client is closed. */
  sync(after: Record<string, number>, epoch: number | undefined): Promise<Synced>
  event(e: Logged): void
  passing(e: PassingEvent): void
  rooms(rooms: ReadonlyMap<string, RoomHead>): void
  reset(epoch: number, roomId?: string): void
  /** The heads tell less than is needed: somebody should call catchUp soon. */
  stale(): void
  catchUpLimit: number
}

/** How many deliveries wait while the logs are read; what is more is read from the logs too. */
const maxWaiting = 1000

/** Puts events in order: passes on each room's by seq, reads what is missing, drops what comes twice, and keeps the rooms' heads. */
export class Follower {
  readonly #ports: FollowerPorts
  #rooms: ReadonlyMap<string, RoomHead> = new Map()
  #live = false // the heads are known
  #epoch: number | undefined
  readonly #last = new Map<string, number>() // by room: the last seq that was passed on
  readonly #seen = new Map<string, number>() // by room: the greatest seq that is known to exist
  readonly #left = new Map<string, number>() // by room that was known before: the last seq that was passed on
  #waiting: (Logged | Missing)[] = []
  #due: (() => void)[] = [] // who waits for the next catching up
  #overflow = false
  #running = false
  #stopped = false

  constructor(ports: FollowerPorts) {
    this.#ports = ports
  }

  get rooms(): ReadonlyMap<string, RoomHead> {
    return this.#rooms
  }

  /** The last seq of a room that was passed on. */
  last(roomId: string): number | undefined {
    return this.#last.get(roomId)
  }

  stop(): void {
    this.#stopped = true
    this.#waiting = []
    for (const done of this.#due.splice(0)) done()
  }

  /** Reads what was missed in all rooms; the first time, it only learns where they are. */
  catchUp(): Promise<void> {
    return new Promise(done => {
      if (this.#stopped) return done()
      this.#due.push(done)
      void this.#run()
    })
  }

  /** Takes a delivery. */
  take(e: Logged | PassingEvent | Missing): void {
    if (this.#stopped) return
    if (e.type !== 'sync_required' && (!('seq' in e) || !e.seq)) {
      this.#ports.passing(e as PassingEvent)
      this.#noteRead(e as PassingEvent)
      return
    }
    if (this.#waiting.length >= maxWaiting) {
      this.#overflow = true
      return
    }
    this.#waiting.push(e as Logged | Missing)
    void this.#run()
  }

  /** One at a time: catching up first, then what waits, in the order in which it came. */
  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    try {
      while (!this.#stopped) {
        if (this.#due.length > 0 || (this.#overflow && this.#live)) {
          const due = this.#due.splice(0)
          this.#overflow = false
          await this.#catchUp()
          for (const done of due) done()
          continue
        }
        const e = this.#waiting.shift()
        if (e === undefined) return
        const after = this.#place(e)
        if (after === 'all') await this.#catchUp()
        else if (after) await this.#read(after)
      }
    } catch {
      this.stop() // sync failed: the client is closed
    } finally {
      this.#running = false
    }
  }

  /** Passes an event on where it is the next one. Otherwise tells after what to read, if anything. */
  #place(e: Logged | Missing): 'all' | Record<string, number> | undefined {
    const room = e.room_id
    const to = e.type === 'sync_required' ? (e as Missing).last_seq : (e as Logged).seq
    this.#seen.set(room, Math.max(this.#seen.get(room) ?? 0, to))
    if (!this.#live) return // the catching up that is due has it
    if (e.epoch !== undefined && e.epoch !== this.#epoch) return 'all'
    const last = this.#last.get(room)
    const next = last === undefined ? to > this.#before(room) && this.#begins(e) : to === last + 1
    if (next && e.type !== 'sync_required') {
      this.#pass(e as Logged)
      this.#note(e as Logged)
      return
    }
    // Of a room that is not known, the event that told of the joining was left out.
    if (last === undefined) return to > this.#before(room) ? 'all' : undefined
    return this.#hole(room, last, to)
  }

  /** The last seq that was passed on of a room that the user was in before. */
  #before(room: string): number {
    return this.#left.get(room) ?? 0
  }

  /** Whether an event is the first one that the user gets of a room. */
  #begins(e: Logged | Missing): boolean {
    return (
      'seq' in e && (e.seq === 1 || ('event' in e && e.event === 'member_joined' && e.user_id === this.#ports.user))
    )
  }

  #hole(room: string, last: number, to: number): 'all' | Record<string, number> | undefined {
    if (to <= last) return
    return to - last > this.#ports.catchUpLimit ? 'all' : { [room]: last }
  }

  #pass(e: Logged): void {
    this.#last.set(e.room_id, e.seq)
    if (e.type === 'removed_from_room' || e.type === 'room_deleted') {
      const about = (e as LogEvent).room?.room_id
      if (about !== undefined) this.#forget(about) // a return begins with the joining
    }
    this.#ports.event(e)
  }

  #forget(room: string): void {
    const last = this.#last.get(room)
    if (last !== undefined) this.#left.set(room, last)
    this.#last.delete(room)
    this.#seen.delete(room)
  }

  async #catchUp(): Promise<void> {
    const heads = await this.#sync({})
    if (this.#stopped) return
    if (!this.#live) {
      this.#begin(heads)
    } else {
      this.#meet(heads)
    }
    const after: Record<string, number> = {}
    for (const [room, last] of this.#last) {
      if (Math.max(this.#rooms.get(room)?.last_seq ?? 0, this.#seen.get(room) ?? 0) > last) after[room] = last
    }
    await this.#read(after)
  }

  /** Begins from the heads. */
  #begin(page: Synced): void {
    for (const r of page.rooms) this.#last.set(r.room_id, r.last_seq)
    this.#live = true
    this.#adopt(page)
  }

  /** Compares the heads with what is known. */
  #meet(page: Synced): void {
    const heads = new Map(page.rooms.map(r => [r.room_id, r]))
    for (const room of [...this.#last.keys(), ...this.#seen.keys()]) if (!heads.has(room)) this.#forget(room)
    for (const [room, head] of heads) {
      // A room that is new begins with the joining.
      const last = this.#last.get(room) ?? Math.max(head.joined_seq - 1, this.#before(room))
      this.#last.set(room, last)
      if (head.first_seq <= last + 1 && head.last_seq - last <= this.#ports.catchUpLimit) continue
      const rest = head.last_seq - head.first_seq < this.#ports.catchUpLimit
      this.#last.set(room, head.first_seq > last + 1 && rest ? head.first_seq - 1 : head.last_seq)
      this.#ports.reset(page.epoch, room)
    }
    this.#adopt(page)
  }

  /** Reads on in the logs of the rooms named, after the seqs given, up to their heads. */
  async #read(after: Record<string, number>): Promise<void> {
    while (Object.keys(after).length > 0 && !this.#stopped) {
      const page = await this.#sync(after)
      if (this.#stopped) return
      if (!this.#live) {
        this.#begin(page) // other data: nothing was asked of it
        return
      }
      for (const e of page.events) {
        const last = this.#last.get(e.room_id)
        if (last === undefined || e.seq <= last) continue // removed by an event of this page, or known
        if (e.seq > last + 1) this.#ports.reset(page.epoch, e.room_id) // cut from the log meanwhile
        this.#pass(e)
        after[e.room_id] = e.seq
      }
      this.#adopt(page)
      if (page.has_more && page.events.length > 0) continue
      const heads = new Map(page.rooms.map(r => [r.room_id, r]))
      const next: Record<string, number> = {}
      for (const room of Object.keys(after)) {
        const head = heads.get(room)
        const last = this.#last.get(room)
        if (!head) {
          this.#forget(room)
          continue
        }
        if (last === undefined || head.last_seq > last) {
          // Left and joined again meanwhile, or the log ends before its head: what lies between is not to be had.
          this.#last.set(room, head.last_seq)
          this.#ports.reset(page.epoch, room)
        }
        const to = this.#last.get(room) ?? 0
        if ((this.#seen.get(room) ?? 0) > to) next[room] = to
      }
      after = next
    }
  }

  /** Asks, and begins anew where the data are other data. */
  async #sync(after: Record<string, number>): Promise<Synced> {
    const page = await this.#ports.sync(after, this.#epoch)
    if (this.#epoch !== undefined && page.epoch !== this.#epoch) {
      this.#live = false
      this.#last.clear()
      this.#seen.clear()
      this.#left.clear()
      // What waits is void where it is of the former data.
      this.#waiting = this.#waiting.filter(e => e.epoch === page.epoch)
      this.#epoch = page.epoch
      this.#ports.reset(page.epoch)
    }
    this.#epoch = page.epoch
    return page
  }

  #adopt(page: Synced): void {
    this.#rooms = new Map(page.rooms.map(r => [r.room_id, r]))
    this.#ports.rooms(this.#rooms)
  }

  /** Brings the heads up to date with an event that came by itself. */
  #note(e: Logged): void {
    const about = !isMessage(e) ? e.room?.room_id : undefined
    if (e.type === 'room_added' && about !== undefined) this.#ports.stale()
    const gone = e.type === 'removed_from_room' || e.type === 'room_deleted' ? about : undefined
    const head = this.#rooms.get(e.room_id)
    if (!head && gone === undefined) {
      this.#ports.stale()
      return
    }
    const rooms = new Map(this.#rooms)
    if (gone !== undefined) rooms.delete(gone)
    if (head && gone !== e.room_id && e.seq > head.last_seq) {
      const [next, known] = headAfter(head, e, this.#ports.user)
      rooms.set(e.room_id, next)
      if (!known) this.#ports.stale()
    }
    this.#rooms = rooms
    this.#ports.rooms(rooms)
  }

  #noteRead(e: PassingEvent): void {
    if (e.type !== 'read' || e.user_id !== this.#ports.user) return
    this.change(e.room_id, head => {
      if (e.read_seq < head.last_seq) this.#ports.stale() // how many are unread now, the server knows
      return { ...head, read_seq: e.read_seq, unread: e.read_seq >= head.last_seq ? 0 : head.unread }
    })
  }

  /** Changes a head as a reply told. */
  change(roomId: string, how: (head: RoomHead) => RoomHead): void {
    const head = this.#rooms.get(roomId)
    if (!head) return
    this.#rooms = new Map(this.#rooms).set(roomId, how(head))
    this.#ports.rooms(this.#rooms)
  }
}
