// SPDX-License-Identifier: Apache-2.0

import { ParleyError } from './error.ts'
import type { Outgoing, OutboxStorage } from './outbox.ts'
import type { ConnectionState, LogEvent, Message, PassingEvent, RoomHead } from './types.ts'

export interface ClientOptions {
  /** ws://HOST/mqtt or wss://HOST/mqtt. */
  url: string
  /** An access token; asked for at each connecting. */
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

export interface CallOptions {
  signal?: AbortSignal
  /** Milliseconds until the call fails with `timeout`, or `offline` when there is no connection then; 90 000 if not given. */
  timeout?: number
  /** Waits and asks again where the server says rate_limited, instead of failing. */
  patient?: boolean
}

export interface SendOptions {
  replyTo?: string
  threadOf?: string
}

/** A connection to a server that mends itself. */
export class Client {
  readonly user: string
  readonly rooms: ReadonlyMap<string, RoomHead> = new Map()

  constructor(options: ClientOptions) {
    this.user = options.user
  }

  get state(): ConnectionState {
    return 'connecting'
  }

  /** Connects, and again by itself. A refused token ends it: the state is closed then, with the error. */
  start(): void {}

  async close(): Promise<void> {}

  /** Listens. What it returns ends that. */
  on<K extends keyof Events>(_name: K, _listener: (value: Events[K]) => void): () => void {
    return () => {}
  }

  /** Asks for a route, such as `rooms/join/general`; asks again, as the same request, until it is answered. */
  async call<T = Record<string, unknown>>(_route: string, _fields?: object, _options?: CallOptions): Promise<T> {
    throw new ParleyError('closed', 'not connected')
  }

  /** Publishes at QoS 0 and does not wait: for what is worth nothing later, such as typing. */
  signal(_route: string, _fields?: object): void {}

  /** Reads the heads of all rooms again. */
  async refresh(): Promise<void> {}

  /** Says something in a room. It is in the outbox at once, and sent in order, exactly once, as soon as that is possible. */
  send(roomId: string, content: string, options: SendOptions = {}): Outgoing {
    return { clientMsgId: '', roomId, content, type: 'text', createdAt: 0, state: 'queued', ...options }
  }

  /** What has not been sent, in order. */
  outgoing(_roomId?: string): Outgoing[] {
    return []
  }

  retry(_clientMsgId: string): void {}

  discard(_clientMsgId: string): void {}
}
