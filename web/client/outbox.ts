// SPDX-License-Identifier: Apache-2.0

import { asParleyError, ParleyError } from './error.ts'
import { randomId } from './random.ts'
import { type Message, partner, type Sent } from './types.ts'

/** One message on its way. */
export interface Outgoing {
  clientMsgId: string
  roomId: string
  content: string
  type: 'text'
  replyTo?: string // a message that is answered in the room
  threadOf?: string // a message whose thread this belongs to
  createdAt: number // milliseconds; what orders the entries of a room
  /** queued with an error: held back by a limit, and sent again by itself. failed: refused; see retry and discard. */
  state: 'queued' | 'sending' | 'failed'
  error?: ParleyError
}

/** Keeps what has not been sent. */
export interface OutboxStorage {
  load(): Promise<Outgoing[]>
  put(o: Outgoing): Promise<void>
  remove(clientMsgId: string): Promise<void>
  /** Runs one function of each name at a time, over all that share the storage (the tabs of a browser). */
  exclusive?<T>(name: string, run: () => Promise<T>): Promise<T>
  /** Tells when somebody else who shares the storage changed it. Returns the way to stop. */
  watch?(listener: () => void): () => void
  close?(): void
}

/** Keeps it in memory: what is not sent is lost with the program. */
export function memoryOutbox(): OutboxStorage {
  const entries = new Map<string, Outgoing>()
  return {
    load: async () => [...entries.values()],
    put: async o => void entries.set(o.clientMsgId, o),
    remove: async id => void entries.delete(id),
  }
}

/** What an Outbox needs, and whom it tells. */
export interface OutboxPorts {
  user: string
  /** Asks once, on the present connection. It fails with `offline` when that is lost before the answer. */
  ask(route: string, fields: object): Promise<Sent>
  /** Whether there is a connection. */
  connected(): boolean
  /** Whether the event with this seq has been passed on, or never will be. */
  passed(roomId: string, seq: number): boolean
  changed(entries: Outgoing[]): void
}

/** Longer than this nothing is held back without asking, in seconds. */
const maxHold = 120
/** How long a message that is sent stays in the list when its event does not come, in milliseconds. */
const linger = 5_000

/** Sends messages in order per room, each once: the server knows a repetition by its clientMsgId. */
export class Outbox {
  readonly #storage: OutboxStorage
  readonly #ports: OutboxPorts
  readonly #entries = new Map<string, Outgoing>()
  readonly #unsaved = new Map<string, Promise<void>>() // being written
  readonly #sent = new Map<string, number>() // acknowledged with this seq, and their events not passed on yet
  readonly #draining = new Map<string, boolean>() // by room: whether to look again afterwards
  readonly #held = new Map<string, ReturnType<typeof setTimeout>>() // by room, until a limit allows more
  #latest = 0
  #touched: Set<string> | undefined // written since the present loading began
  #loading: Promise<void> | undefined
  #reloading: Promise<void> | undefined
  #unwatch: (() => void) | undefined
  #closed = false

  constructor(storage: OutboxStorage, ports: OutboxPorts) {
    this.#storage = storage
    this.#ports = ports
  }

  /** Reads what is left of before. */
  start(): void {
    this.#unwatch = this.#storage.watch?.(() => void this.#reload().then(() => this.flush()))
    void this.#reload().then(() => this.flush())
  }

  close(): void {
    this.#closed = true
    this.#unwatch?.()
    for (const timer of this.#held.values()) clearTimeout(timer)
    this.#held.clear()
    this.#storage.close?.()
  }

  list(roomId?: string): Outgoing[] {
    const all = [...this.#entries.values()].filter(e => roomId === undefined || e.roomId === roomId)
    return all.sort((a, b) => a.createdAt - b.createdAt)
  }

  add(entry: Pick<Outgoing, 'roomId' | 'content' | 'replyTo' | 'threadOf'>): Outgoing {
    const o: Outgoing = { ...entry, clientMsgId: randomId(), type: 'text', createdAt: this.#next(), state: 'queued' }
    this.#set(o)
    this.#save(o)
    this.#changed()
    void this.#drain(o.roomId)
    return o
  }

  /** Sends a refused message again, after what waits already. */
  retry(clientMsgId: string): void {
    const o = this.#entries.get(clientMsgId)
    if (o?.state !== 'failed') return
    const again: Outgoing = { ...o, state: 'queued', createdAt: this.#next() }
    delete again.error
    this.#set(again)
    this.#save(again)
    this.#changed()
    void this.#drain(o.roomId)
  }

  /** Forgets a message. One that is being sent may arrive all the same. */
  discard(clientMsgId: string): void {
    if (!this.#entries.delete(clientMsgId)) return
    this.#sent.delete(clientMsgId)
    this.#delete(clientMsgId)
    this.#changed()
  }

  /** Sends what waits: there is a connection. */
  flush(): void {
    for (const room of new Set([...this.#entries.values()].map(e => e.roomId))) void this.#drain(room)
  }

  /** Notes a message that came: one of one's own proves that it is sent. */
  arrived(m: Message): void {
    if (m.client_msg_id === undefined || !this.#entries.has(m.client_msg_id)) return
    this.#entries.delete(m.client_msg_id)
    this.#sent.delete(m.client_msg_id)
    this.#delete(m.client_msg_id)
    this.#changed()
  }

  #next(): number {
    this.#latest = Math.max(Date.now(), this.#latest + 0.001)
    return this.#latest
  }

  #set(o: Outgoing): void {
    this.#entries.set(o.clientMsgId, o)
    this.#latest = Math.max(this.#latest, o.createdAt)
  }

  #changed(): void {
    if (!this.#closed) this.#ports.changed(this.list())
  }

  // Where nothing can be stored, messages are sent all the same.

  #save(o: Outgoing): void {
    this.#write(o.clientMsgId, () => this.#storage.put({ ...o, state: o.state === 'sending' ? 'queued' : o.state }))
  }

  #delete(clientMsgId: string): void {
    this.#write(clientMsgId, () => this.#storage.remove(clientMsgId))
  }

  /** Writes of one entry happen in order. */
  #write(clientMsgId: string, how: () => Promise<void>): void {
    this.#touched?.add(clientMsgId)
    const before = this.#unsaved.get(clientMsgId) ?? Promise.resolve()
    const done = before.then(how).catch(() => {})
    this.#unsaved.set(clientMsgId, done)
    void done.then(() => {
      if (this.#unsaved.get(clientMsgId) === done) this.#unsaved.delete(clientMsgId)
    })
  }

  /** Takes over what others who share the storage have changed up to now. */
  #reload(): Promise<void> {
    if (!this.#loading) {
      this.#loading = this.#load().finally(() => {
        this.#loading = undefined
      })
      return this.#loading
    }
    // The present one may have read before the change.
    this.#reloading ??= this.#loading.then(() => {
      this.#reloading = undefined
      return this.#reload()
    })
    return this.#reloading
  }

  async #load(): Promise<void> {
    const own = new Set(this.#unsaved.keys()) // what this outbox knows better than the storage
    this.#touched = own
    let stored: Outgoing[]
    try {
      stored = await this.#storage.load()
    } catch {
      return
    } finally {
      this.#touched = undefined
    }
    if (this.#closed) return
    for (const o of this.#entries.values()) if (o.state === 'sending') own.add(o.clientMsgId)
    let changes = false
    for (const o of stored) {
      const known = this.#entries.get(o.clientMsgId)
      if (own.has(o.clientMsgId) || (known && known.state === o.state && known.createdAt === o.createdAt)) continue
      this.#set({ ...o, error: o.error && new ParleyError(o.error.code, o.error.message, o.error.retryAfter) })
      changes = true
    }
    const there = new Set(stored.map(o => o.clientMsgId))
    for (const id of [...this.#entries.keys()]) {
      if (there.has(id) || own.has(id)) continue
      this.#entries.delete(id)
      changes = true
    }
    if (changes) this.#changed()
  }

  /** Sends what waits for a room, one after the other; what is refused for good is passed over. */
  async #drain(room: string): Promise<void> {
    if (this.#closed || this.#held.has(room) || !this.#ports.connected()) return
    if (this.#draining.has(room)) {
      this.#draining.set(room, true)
      return
    }
    this.#draining.set(room, false)
    try {
      const name = `${this.#ports.user} ${room}`
      const run = () => this.#sendAll(room)
      await (this.#storage.exclusive ? this.#storage.exclusive(name, run) : run())
    } finally {
      const again = this.#draining.get(room)
      this.#draining.delete(room)
      if (again) void this.#drain(room)
    }
  }

  async #sendAll(room: string): Promise<void> {
    // Another tab may have sent some of it meanwhile, or put something before it.
    if (this.#storage.exclusive) await this.#reload()
    for (;;) {
      const o = this.list(room).find(e => e.state === 'queued')
      if (!o || this.#closed || !this.#ports.connected()) return
      this.#set({ ...o, state: 'sending' })
      this.#changed()
      const goOn = await this.#send(o)
      if (!goOn) return
    }
  }

  /** Sends one message. It is false when the room has to wait. */
  async #send(o: Outgoing): Promise<boolean> {
    try {
      const sent = await this.#ports.ask(...requestOf(o, this.#ports.user))
      this.#delete(o.clientMsgId)
      if (!this.#entries.has(o.clientMsgId)) return true // its event was here first
      if (this.#ports.passed(sent.room_id, sent.seq)) {
        this.#entries.delete(o.clientMsgId)
        this.#changed()
      } else {
        this.#linger(o.clientMsgId, sent.seq)
      }
      return true
    } catch (e) {
      if (this.#closed || !this.#entries.has(o.clientMsgId)) return true
      return this.#refused(o, asParleyError(e))
    }
  }

  /** Leaves a sent message in the list until its event comes, so that it is never out of sight. */
  #linger(clientMsgId: string, seq: number): void {
    this.#sent.set(clientMsgId, seq)
    setTimeout(() => {
      if (this.#sent.delete(clientMsgId) && this.#entries.delete(clientMsgId)) this.#changed()
    }, linger)
  }

  #refused(o: Outgoing, error: ParleyError): boolean {
    const back: Outgoing = { ...o, state: 'queued', error }
    const waits = error.code === 'rate_limited' && (error.retryAfter ?? 0) <= maxHold
    if (waits) {
      const timer = setTimeout(
        () => {
          this.#held.delete(o.roomId)
          void this.#drain(o.roomId)
        },
        Math.max(error.retryAfter ?? 1, 0.1) * 1000,
      )
      this.#held.set(o.roomId, timer)
    } else if (error.code === 'offline' || error.code === 'closed') {
      delete back.error
    } else {
      back.state = 'failed'
    }
    this.#set(back)
    if (back.state === 'failed') this.#save(back)
    this.#changed()
    return back.state === 'failed'
  }
}

/** How a message is asked for: route and fields. */
function requestOf(o: Outgoing, user: string): [string, object] {
  const fields = {
    content: o.content,
    client_msg_id: o.clientMsgId,
    ...(o.replyTo !== undefined && { reply_to: o.replyTo }),
  }
  if (o.threadOf !== undefined) {
    // An answer to a message within a thread belongs to the same thread.
    const { reply_to: _, ...rest } = fields
    return [`message/${o.replyTo ?? o.threadOf}/reply`, rest]
  }
  const other = partner(o.roomId, user)
  if (other !== undefined) return [`private/${other}`, fields]
  return [o.roomId === 'announcements' ? 'broadcast' : `message/${o.roomId}`, fields]
}
