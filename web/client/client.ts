// SPDX-License-Identifier: Apache-2.0

import { Connection, type Link } from './connection.ts'
import { Emitter } from './emitter.ts'
import { asParleyError, ParleyError } from './error.ts'
import { Follower } from './follow.ts'
import { memoryOutbox, Outbox, type OutboxStorage, type Outgoing } from './outbox.ts'
import { type CallOptions, Requests } from './requests.ts'
import {
  type ConnectionState,
  isMessage,
  type LogEvent,
  type Message,
  type PassingEvent,
  type RoomHead,
  type Sent,
  type Synced,
} from './types.ts'

export type { CallOptions } from './requests.ts'

export interface ClientOptions {
  /** ws://HOST/mqtt or wss://HOST/mqtt. */
  url: string
  /** An access token; asked for at each connecting. What it throws with the code unauthenticated ends the client. */
  token: () => string | Promise<string>
  user: string
  /** Where messages wait that are not sent yet; in memory where none is given. */
  outbox?: OutboxStorage
  /** MQTT.js is loaded when it is needed, unless its connect is given. */
  connect?: typeof import('mqtt').connect
  /** How many events of a room are read to catch up; what is more becomes a `reset` of the room. Without end if not given. */
  catchUpLimit?: number
}

export interface Events {
  state: { state: ConnectionState; error?: ParleyError }
  /** Of logs; per room in the order of seq, without holes and doubles, over reconnects too. */
  event: Message | LogEvent
  passing: PassingEvent
  outbox: Outgoing[]
  rooms: ReadonlyMap<string, RoomHead>
  /** What was shown is void and has to be read again: of one room where roomId is given, of all otherwise (the server's data was rewound). */
  reset: { epoch: number; roomId?: string }
}

export interface SendOptions {
  replyTo?: string
  threadOf?: string
}

// Milliseconds.
const refreshPause = 200
/** How often the heads are asked for when nothing else makes it necessary: what is missing at the very end of a log shows itself only so. */
const checkEvery = 60_000

/** A connection to a server that mends itself. */
export class Client {
  readonly user: string
  readonly #emitter = new Emitter<Events>()
  readonly #connection: Connection
  readonly #requests: Requests
  readonly #follower: Follower
  readonly #outbox: Outbox
  #state: ConnectionState = 'connecting'
  #started = false
  #link: Link | undefined
  #links = 0
  #refreshing: ReturnType<typeof setTimeout> | undefined
  #check: ReturnType<typeof setInterval> | undefined
  #told = false // rooms have changed, and it will be told

  constructor(options: ClientOptions) {
    this.user = options.user
    this.#connection = new Connection(options, {
      up: link => this.#up(link),
      down: error => this.#down(error),
      refused: error => this.#end(error),
      delivery: payload => this.#delivered(payload),
      reply: (payload, correlation) => this.#requests.reply(payload, correlation),
    })
    this.#requests = new Requests(this.user, error => this.#connection.drop(error))
    this.#follower = new Follower({
      user: this.user,
      sync: (rooms, epoch) => this.#sync(rooms, epoch),
      event: e => this.#event(e),
      passing: e => this.#emitter.emit('passing', e),
      rooms: () => this.#roomsChanged(),
      reset: (epoch, roomId) => this.#emitter.emit('reset', roomId === undefined ? { epoch } : { epoch, roomId }),
      stale: () => this.#refreshSoon(),
      catchUpLimit: options.catchUpLimit ?? Number.POSITIVE_INFINITY,
    })
    this.#outbox = new Outbox(options.outbox ?? memoryOutbox(), {
      user: this.user,
      ask: (route, fields) => this.#requests.call<Sent>(route, fields, { once: true, timeout: 0 }),
      connected: () => this.#requests.connected,
      passed: (roomId, seq) => (this.#follower.last(roomId) ?? 0) >= seq,
      changed: entries => this.#emitter.emit('outbox', entries),
    })
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** The heads of all rooms of the user, by id. A new map with new heads on every change. */
  get rooms(): ReadonlyMap<string, RoomHead> {
    return this.#follower.rooms
  }

  /** Connects, and again by itself. A refused token ends it: the state is closed then, with the error. */
  start(): void {
    if (this.#started || this.#state === 'closed') return
    this.#started = true
    this.#outbox.start()
    this.#connection.start()
    this.#check = setInterval(() => {
      if (this.#state === 'online') void this.#follower.catchUp()
    }, checkEvery)
  }

  /** Ends the connection. What is in the outbox stays there, and is sent by the next client of this user with the same storage. */
  async close(): Promise<void> {
    this.#end()
    await this.#connection.close()
  }

  /** Listens. What it returns ends that. */
  on<K extends keyof Events>(name: K, listener: (value: Events[K]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /**
   * Asks for a route, such as `rooms/join/general`, with the fields of its payload. It waits for a connection and asks again, as the
   * same request, until it is answered. A refusal is a ParleyError.
   */
  async call<T = Record<string, unknown>>(route: string, fields: object = {}, options: CallOptions = {}): Promise<T> {
    const reply = await this.#requests.call<T & { status?: string }>(route, fields, options)
    this.#noteReply(reply)
    return reply
  }

  /** Publishes at QoS 0 and does not wait: for what is worth nothing later, such as typing. */
  signal(route: string, fields: object = {}): void {
    this.#link?.mqtt.publish(`chat/${route}`, JSON.stringify(fields), { qos: 0 })
  }

  /** Reads the heads of all rooms again, and what is missing of their logs. */
  refresh(): Promise<void> {
    return this.#follower.catchUp()
  }

  /** Looks at once whether the connection is alive, and makes one where there is none. Pages do so by themselves when they are looked at again. */
  nudge(): void {
    this.#connection.nudge()
  }

  /** Says something in a room. It is in the outbox at once, and sent in order, exactly once, as soon as that is possible. */
  send(roomId: string, content: string, options: SendOptions = {}): Outgoing {
    return this.#outbox.add({ roomId, content, ...options })
  }

  /** What has not been sent, in order. */
  outgoing(roomId?: string): Outgoing[] {
    return this.#outbox.list(roomId)
  }

  /** Sends a refused message again. */
  retry(clientMsgId: string): void {
    this.#outbox.retry(clientMsgId)
  }

  /** Forgets a message that is not sent. One that is on its way may arrive all the same. */
  discard(clientMsgId: string): void {
    this.#outbox.discard(clientMsgId)
  }

  #up(link: Link): void {
    this.#link = link
    const links = ++this.#links
    // Asked for before anything else waits, and answered in the order of asking.
    const caughtUp = this.#follower.catchUp()
    this.#requests.up(link)
    this.#outbox.flush()
    void caughtUp.then(() => {
      if (this.#link === link && links === this.#links) this.#setState('online')
    })
  }

  #down(error: ParleyError): void {
    this.#link = undefined
    this.#requests.down()
    this.#setState('offline', error)
  }

  #end(error?: ParleyError): void {
    if (this.#state === 'closed') return
    this.#link = undefined
    clearTimeout(this.#refreshing)
    clearInterval(this.#check)
    this.#follower.stop()
    this.#outbox.close()
    this.#setState('closed', error)
    this.#requests.close(error ?? new ParleyError('closed', 'the client is closed'))
  }

  #setState(state: ConnectionState, error?: ParleyError): void {
    if (this.#state === 'closed' || (this.#state === state && error === undefined)) return
    this.#state = state
    this.#emitter.emit('state', error ? { state, error } : { state })
  }

  #delivered(payload: Uint8Array): void {
    let e: Message | LogEvent | PassingEvent
    try {
      e = JSON.parse(new TextDecoder().decode(payload))
    } catch {
      return // of a later protocol
    }
    if (typeof e?.type === 'string') this.#follower.take(e)
  }

  #event(e: Message | LogEvent): void {
    this.#emitter.emit('event', e)
    if (isMessage(e)) this.#outbox.arrived(e)
  }

  /** Asks for sync until it is answered: it is refused only for reasons that pass, or when the client is closed. */
  async #sync(rooms: Record<string, number>, epoch: number | undefined): Promise<Synced> {
    for (;;) {
      try {
        return await this.#requests.call<Synced>('sync', { rooms, epoch }, { patient: true, timeout: 0 })
      } catch (e) {
        if (this.#isClosed()) throw e
        const pause = Math.min((asParleyError(e).retryAfter ?? 1) * 1000, 30_000)
        await new Promise(done => setTimeout(done, pause))
      }
    }
  }

  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  #refreshSoon(): void {
    this.#refreshing ??= setTimeout(() => {
      this.#refreshing = undefined
      if (this.#link) void this.#follower.catchUp()
    }, refreshPause)
  }

  /** Tells once of many changes. */
  #roomsChanged(): void {
    if (this.#told) return
    this.#told = true
    queueMicrotask(() => {
      this.#told = false
      if (this.#state !== 'closed') this.#emitter.emit('rooms', this.rooms)
    })
  }

  /** This reply tells what no event will. */
  #noteReply(reply: { status?: string }): void {
    if (reply.status !== 'preferences_set') return
    const { room_id, notifications } = reply as unknown as Pick<RoomHead, 'room_id' | 'notifications'>
    this.#follower.change(room_id, head => ({ ...head, notifications }))
  }
}
