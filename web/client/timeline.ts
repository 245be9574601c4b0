// SPDX-License-Identifier: Apache-2.0

import { answered, applied } from './apply.ts'
import type { Client } from './client.ts'
import { asParleyError } from './error.ts'
import { isMessage, type LogEvent, type Message, type Page } from './types.ts'

export interface TimelineOptions {
  /** A message of a thread: the timeline is the answers of that thread. */
  thread?: string
  /** About how many messages are kept; the end that is farther from what was loaded last is let go. 1000 if not given. */
  keep?: number
  /** How many messages a page has, at most 200; 50 if not given. */
  page?: number
}

/** Messages of a room, in order, with the part of the log that they answer for. */
interface Part {
  messages: Message[]
  from: number
  to: number
  more: boolean // in the direction of asking
  newer?: boolean // after a page around a message: whether there are newer ones
}

interface Loading {
  done: Promise<void>
  abort: AbortController
  events: (Message | LogEvent)[] // that came meanwhile
}

type Direction = 'latest' | 'older' | 'newer' | 'around'

/** The messages of a room, or a thread, as a list shows them: loaded page by page both ways, in their current state. */
export class Timeline {
  readonly roomId: string
  /** Whether the reader is at the latest message: then the oldest ones make room for new ones, otherwise new ones wait. */
  following = true
  readonly #client: Client
  readonly #thread: string | undefined
  readonly #keep: number
  readonly #page: number
  readonly #listeners = new Set<() => void>()
  readonly #stops: (() => void)[]
  #list: Message[] = []
  #shown: readonly Message[] | undefined // what messages gave, until something changes
  #root: Message | null = null
  #rootId: string | undefined
  #from = 0 // the part of the log that the list answers for
  #to = 0
  #hasOlder = false
  #hasNewer = false
  #loaded = false
  #missing = false // there was no such room when it was to be loaded
  #stale = false // has a hole, and is to be read again
  #load: Loading | undefined
  readonly #refreshing = new Map<string, (Message | LogEvent)[]>() // messages that are read again, and what came meanwhile
  #told = false

  constructor(client: Client, roomId: string, options: TimelineOptions = {}) {
    this.#client = client
    this.roomId = roomId
    this.#thread = options.thread
    this.#keep = options.keep ?? 1000
    this.#page = options.page ?? 50
    this.#stops = [
      client.on('event', e => {
        if (e.room_id === roomId) this.#take(e)
      }),
      client.on('reset', r => {
        if (r.roomId === undefined || r.roomId === roomId) this.#reload()
      }),
      client.on('state', s => {
        if (s.state === 'online' && this.#stale && !this.#load) this.#reload()
      }),
    ]
  }

  /** By seq, in their current state. A new array on every change of them. */
  get messages(): readonly Message[] {
    this.#shown ??= [...this.#list]
    return this.#shown
  }

  /** Of a thread: its first message; null where it may not be seen, or is not loaded. */
  get root(): Message | null {
    return this.#root
  }

  get hasOlder(): boolean {
    return this.#hasOlder
  }

  get hasNewer(): boolean {
    return this.#hasNewer
  }

  get loading(): boolean {
    return this.#load !== undefined
  }

  /** Whether something was loaded. */
  get loaded(): boolean {
    return this.#loaded
  }

  /** Shows the end of the log, and follows it. */
  loadLatest(): Promise<void> {
    return this.#start('latest', signal => this.#fetch({}, signal))
  }

  loadOlder(): Promise<void> {
    if (!this.#loaded || !this.#hasOlder || this.#load) return this.#load?.done ?? Promise.resolve()
    return this.#start('older', signal => this.#fetch({ before_seq: this.#from }, signal))
  }

  loadNewer(): Promise<void> {
    if (!this.#loaded || !this.#hasNewer || this.#load) return this.#load?.done ?? Promise.resolve()
    return this.#start('newer', signal => this.#fetch({ after_seq: this.#to }, signal))
  }

  /** Shows a message among its neighbours. */
  loadAround(messageId: string): Promise<void> {
    return this.#start('around', signal => this.#fetchAround(messageId, signal))
  }

  /** Listens for changes, told once for many. What it returns ends that. */
  on(listener: () => void): () => void {
    const own = () => listener()
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  close(): void {
    for (const stop of this.#stops.splice(0)) stop()
    this.#listeners.clear()
    this.#load?.abort.abort()
    this.#load = undefined
  }

  /** One loading at a time: a jump gives up what is under way. */
  #start(direction: Direction, read: (signal: AbortSignal) => Promise<Part>): Promise<void> {
    this.#load?.abort.abort()
    const load: Loading = { done: Promise.resolve(), abort: new AbortController(), events: [] }
    this.#load = load
    load.done = (async () => {
      try {
        const part = await read(load.abort.signal)
        if (this.#load !== load) return
        this.#load = undefined
        this.#merge(direction, part)
        // What came meanwhile may be newer than the page.
        for (const e of load.events) this.#apply(e)
      } catch (e) {
        const { code } = asParleyError(e)
        if (code === 'aborted') return // given up for another one
        if (!this.#loaded) this.#missing = code === 'not_found'
        throw e
      } finally {
        if (this.#load === load) this.#load = undefined
        this.#changed()
      }
    })()
    this.#tell()
    return load.done
  }

  #merge(direction: Direction, p: Part): void {
    switch (direction) {
      case 'older':
        this.#list = [...p.messages, ...this.#list]
        if (p.from > 0) this.#from = p.from
        this.#hasOlder = p.more
        this.#trimNewest()
        return
      case 'newer':
        this.#list = [...this.#list, ...p.messages.filter(m => m.seq > this.#to)]
        this.#to = Math.max(this.#to, p.to)
        this.#hasNewer = p.more
        this.#trimOldest()
        return
      default:
        this.#list = p.messages
        this.#from = p.from
        this.#to = p.to
        this.#hasOlder = p.more
        this.#hasNewer = p.newer ?? false
        this.#loaded = true
        this.#stale = false
    }
  }

  // More than is too much is let go, so that it is not done at every page: a list that is shown changes at both ends then.
  #trimNewest(): void {
    if (this.#list.length <= this.#keep) return
    this.#list.length = this.#rest
    this.#to = this.#list[this.#rest - 1]?.seq ?? this.#to
    this.#hasNewer = true
  }

  #trimOldest(): void {
    if (this.#list.length <= this.#keep) return
    this.#list.splice(0, this.#list.length - this.#rest)
    this.#from = this.#list[0]?.seq ?? this.#from
    this.#hasOlder = true
  }

  get #rest(): number {
    return Math.ceil(this.#keep * 0.8)
  }

  /** The last seq that is known to exist. All that is later comes as an event. */
  #head(): number {
    return this.#client.rooms.get(this.roomId)?.last_seq ?? 0
  }

  async #fetch(fields: { before_seq?: number; after_seq?: number }, signal: AbortSignal): Promise<Part> {
    const head = this.#head()
    if (this.#thread !== undefined) return this.#fetchThread(this.#thread, fields, head, signal)
    const page = await this.#history({ ...fields, limit: this.#page }, signal)
    const [from, to] = page.covers
    if (fields.after_seq === undefined) page.messages.reverse()
    return { messages: page.messages, from, to, more: page.has_more }
  }

  #history(fields: object, signal?: AbortSignal): Promise<Page> {
    return this.#client.call<Page>(`history/${this.roomId}`, fields, { patient: true, ...(signal && { signal }) })
  }

  async #fetchAround(messageId: string, signal: AbortSignal): Promise<Part> {
    const head = this.#head()
    if (this.#thread !== undefined) {
      const { messages } = await this.#history({ around: messageId, limit: 1 }, signal)
      const seq = messages[0]?.seq ?? head
      const part = await this.#fetchThread(this.#thread, { before_seq: seq + 1 }, head, signal)
      return { ...part, to: seq, newer: true }
    }
    const page = await this.#history({ around: messageId, limit: this.#page }, signal)
    const [from, to] = page.covers
    return { messages: page.messages.reverse(), from, to, more: page.has_more, newer: to < head }
  }

  async #fetchThread(
    id: string,
    fields: { before_seq?: number; after_seq?: number },
    head: number,
    signal: AbortSignal,
  ): Promise<Part> {
    const latest = fields.before_seq === undefined && fields.after_seq === undefined
    const ask = { limit: this.#page, ...(latest ? { before_seq: Number.MAX_SAFE_INTEGER } : fields) }
    const reply = await this.#client.call<{
      thread_id: string
      root: Message | null
      messages: Message[]
      has_more: boolean
    }>(`thread/${id}`, ask, { patient: true, signal })
    this.#root = reply.root
    this.#rootId = reply.thread_id
    const first = reply.messages[0]?.seq ?? 0
    const last = reply.messages.at(-1)?.seq ?? 0
    // A page of a thread does not tell what it covers: up to its last message where there are more, else up to the head.
    if (fields.after_seq !== undefined)
      return {
        messages: reply.messages,
        from: 0,
        to: reply.has_more ? last : Math.max(head, last),
        more: reply.has_more,
      }
    return { messages: reply.messages, from: first, to: Math.max(head, last), more: reply.has_more }
  }

  /** Reads again what is shown, at its place. */
  #reload(): void {
    if (!this.#loaded && !this.#load) return
    this.#stale = true
    const middle = this.#list[this.#list.length >> 1]
    const stay = middle !== undefined && (this.#hasNewer || !this.following)
    const done = stay ? this.loadAround(middle.id).catch(() => this.loadLatest()) : this.loadLatest()
    done.catch(() => {}) // tried again with the next connection
  }

  #take(e: Message | LogEvent): void {
    this.#load?.events.push(e)
    // A private conversation begins with its first message: before it there was nothing to load.
    if (!this.#loaded && !this.#load && this.#missing) void this.loadLatest().catch(() => {})
    if (this.#loaded && this.#apply(e)) this.#changed()
    // Another part of the past may be seen from here on.
    if (!isMessage(e) && e.changes?.history_visibility !== undefined) this.#reload()
  }

  /** Applies an event. It is true when something shown has changed. */
  #apply(e: Message | LogEvent): boolean {
    for (const events of this.#refreshing.values()) events.push(e)
    const counted = this.#count(e)
    return this.#change(e) || counted
  }

  #change(e: Message | LogEvent): boolean {
    if (isMessage(e)) return this.#append(e)
    if (!this.#hasNewer && !this.#stale) this.#to = Math.max(this.#to, e.seq)
    if (e.message_id === undefined) return false
    const m = this.#find(e.message_id)
    if (!m) return false
    if (e.type === 'message_edited' && e.content === undefined && !m.deleted) {
      this.#fetchOne(m.id)
      return false
    }
    const next = applied(m, e)
    return next !== m && this.#replace(next)
  }

  /** Counts an answer, or what is left of them, in the first message of its thread. */
  #count(e: Message | LogEvent): boolean {
    if (isMessage(e) && e.truncated) this.#fetchOne(e.id) // it may be an answer
    const id = e.thread_id
    if (!id) return false
    const first = this.#find(id)
    if (!first) return false
    const next = answered(first, e)
    if (!next) this.#fetchOne(id)
    return next !== undefined && next !== first && this.#replace(next)
  }

  #find(id: string): Message | undefined {
    return this.#root?.id === id ? this.#root : this.#list.findLast(m => m.id === id)
  }

  #replace(m: Message): boolean {
    if (this.#root?.id === m.id) {
      this.#root = m
      return true
    }
    const at = this.#list.findLastIndex(old => old.id === m.id)
    if (at >= 0) this.#list[at] = m
    return at >= 0
  }

  #append(m: Message): boolean {
    if (this.#hasNewer || this.#stale || m.seq <= this.#to) return false
    if (!this.following && this.#list.length >= 2 * this.#keep) {
      this.#hasNewer = true
      return true
    }
    this.#to = m.seq
    if (this.#thread !== undefined && m.thread_id !== this.#rootId) return false
    this.#list.push(m)
    if (this.following) this.#trimOldest()
    return true
  }

  /** Reads one message that an event did not tell all of. */
  #fetchOne(id: string): void {
    const events: (Message | LogEvent)[] = []
    this.#refreshing.set(id, events)
    this.#history({ around: id, limit: 1 })
      .then(
        page => {
          let m = page.messages.find(m => m.id === id)
          if (!m || this.#refreshing.get(id) !== events) return
          const truncated = this.#find(id)?.truncated
          // An answer that came without its thread: how it counts, only the first message knows.
          if (m.thread_id && (truncated || !this.#find(id)) && this.#find(m.thread_id)) this.#fetchOne(m.thread_id)
          for (const e of events) {
            if (!isMessage(e) && e.message_id === id) m = applied(m, e)
            if (e.thread_id === id) m = answered(m, e) ?? m
          }
          if (this.#replace(m)) this.#changed()
        },
        () => {}, // gone meanwhile, or not for the user
      )
      .finally(() => {
        if (this.#refreshing.get(id) === events) this.#refreshing.delete(id)
      })
  }

  #changed(): void {
    this.#shown = undefined
    this.#tell()
  }

  #tell(): void {
    if (this.#told) return
    this.#told = true
    queueMicrotask(() => {
      this.#told = false
      for (const listener of [...this.#listeners]) listener()
    })
  }
}
