// SPDX-License-Identifier: Apache-2.0

import type { Packet } from 'mqtt'
import { type Link, repliesOf } from './connection.ts'
import { ParleyError } from './error.ts'
import { randomId } from './random.ts'

export interface CallOptions {
  signal?: AbortSignal
  /** Milliseconds until the call fails with `timeout`, or `offline` when there is no connection then; 90 000 if not given, 0: never. */
  timeout?: number
  /** Waits and asks again where the server says rate_limited, instead of failing. */
  patient?: boolean
  /** Fails with `offline` when the connection is lost before the answer, instead of asking again. */
  once?: boolean
}

interface Request {
  id: string
  topic: string
  body: Uint8Array
  once: boolean
  patient: boolean
  sent: boolean // on the present connection
  wait?: ReturnType<typeof setTimeout>
  settle(error: ParleyError | undefined, reply?: object): void
}

// Milliseconds.
const callLimit = 90_000 // longer than a server holds a request back
const ackLimit = 120_000
/** A reply comes with the acknowledgement; it is lost where the client does not read fast enough. */
const replyLimit = 10_000

/** Bytes of a PUBLISH beside its topic and payload, at most. */
const packetSlack = 1024

/** Requests and their answers. What is not answered when a connection is lost is asked again on the next one, as the same request. */
export class Requests {
  readonly #replies: string
  readonly #lose: (error: ParleyError) => void
  readonly #open = new Map<string, Request>() // in the order of asking
  #link: Link | undefined
  #closed: ParleyError | undefined
  #counter = 0

  /** lose: gives up a connection that does not answer. */
  constructor(user: string, lose: (error: ParleyError) => void) {
    this.#replies = repliesOf(user)
    this.#lose = lose
  }

  get connected(): boolean {
    return this.#link !== undefined
  }

  up(link: Link): void {
    this.#link = link
    this.#flush()
  }

  down(): void {
    this.#link = undefined
    for (const r of [...this.#open.values()]) {
      clearTimeout(r.wait)
      r.sent = false
      if (r.once) r.settle(new ParleyError('offline', 'the connection was lost'))
    }
  }

  close(error: ParleyError): void {
    this.#closed = error
    this.#link = undefined
    for (const r of [...this.#open.values()]) r.settle(error)
  }

  call<T>(route: string, fields: object, options: CallOptions): Promise<T> {
    const { signal } = options
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) return reject(this.#closed)
      if (signal?.aborted) return reject(aborted())
      if (options.once && !this.#link) return reject(new ParleyError('offline', 'there is no connection'))
      const id = String(++this.#counter)
      const stop = () => r.settle(aborted())
      const timeout = options.timeout ?? callLimit
      const late = () =>
        r.settle(
          this.#link
            ? new ParleyError('timeout', 'the server did not answer in time')
            : new ParleyError('offline', 'there is no connection'),
        )
      const timer = timeout > 0 ? setTimeout(late, timeout) : undefined
      const r: Request = {
        id,
        topic: `chat/${route}`,
        body: new TextEncoder().encode(JSON.stringify({ client_msg_id: randomId(), ...fields })),
        once: options.once ?? false,
        patient: options.patient ?? false,
        sent: false,
        settle: (error, reply) => {
          if (!this.#open.delete(id)) return
          clearTimeout(timer)
          clearTimeout(r.wait)
          signal?.removeEventListener('abort', stop)
          if (error) reject(error)
          else resolve(reply as T)
          this.#flush()
        },
      }
      signal?.addEventListener('abort', stop)
      this.#open.set(id, r)
      this.#flush()
    })
  }

  /** Takes a reply. */
  reply(payload: Uint8Array, correlation: Uint8Array | undefined): void {
    if (!correlation) return
    const r = this.#open.get(new TextDecoder().decode(correlation))
    if (!r) return // given up, or answered before
    let reply: { error?: { code: string; message: string; retry_after?: number } }
    try {
      reply = JSON.parse(new TextDecoder().decode(payload))
    } catch {
      r.settle(new ParleyError('internal', 'the server’s reply is no JSON'))
      return
    }
    const e = reply.error
    if (e) this.#refused(r, new ParleyError(e.code, e.message, e.retry_after))
    else r.settle(undefined, reply)
  }

  /** Publishes what is not on its way, in order, as far as the server takes it. */
  #flush(): void {
    const link = this.#link
    if (!link) return
    let room = link.window
    for (const r of this.#open.values()) if (r.sent) room--
    for (const r of [...this.#open.values()]) {
      if (room <= 0) return
      if (r.sent) continue
      if (r.topic.length + r.body.length + packetSlack > link.maxPacket) {
        r.settle(
          new ParleyError('too_large', `the request has ${r.body.length} bytes; the server takes ${link.maxPacket}`),
        )
        continue
      }
      r.sent = true
      room--
      this.#publish(link, r)
    }
  }

  #publish(link: Link, r: Request): void {
    const present = () => this.#link === link && this.#open.get(r.id) === r
    r.wait = setTimeout(() => {
      if (present()) this.#lose(new ParleyError('offline', 'the server does not answer'))
    }, ackLimit)
    const properties = {
      responseTopic: this.#replies,
      correlationData: new TextEncoder().encode(r.id) as Buffer,
      contentType: 'application/json',
    }
    link.mqtt.publish(r.topic, r.body as Buffer, { qos: 1, properties }, (error, packet) => {
      if (!present() || !r.sent) return
      const refusal = error && refusalOf(error, packet)
      if (refusal) this.#refused(r, refusal)
      if (error) return // not sent: the connection is about to be found lost
      clearTimeout(r.wait)
      r.wait = setTimeout(() => this.#again(r), replyLimit)
    })
  }

  #refused(r: Request, error: ParleyError): void {
    // Nothing was done, and the server ends the connection, or is about to.
    const waits = error.code === 'unavailable' || (r.patient && error.code === 'rate_limited')
    if (!waits) {
      r.settle(error)
      return
    }
    clearTimeout(r.wait)
    r.wait = setTimeout(() => this.#again(r), Math.min(Math.max(error.retryAfter ?? 1, 0.2) * 1000, replyLimit))
  }

  /** Asks again on the present connection. */
  #again(r: Request): void {
    r.sent = false
    this.#flush()
  }
}

function aborted(): ParleyError {
  return new ParleyError('aborted', 'the request was given up')
}

/** Reads a negative acknowledgement; undefined where there is none. */
function refusalOf(error: Error & { code?: number | string }, packet: Packet | undefined): ParleyError | undefined {
  if (typeof error.code !== 'number' || error.code < 0x80) return undefined
  const user =
    (packet &&
      'properties' in packet &&
      (packet.properties as { userProperties?: Record<string, string | string[]> })?.userProperties) ||
    {}
  const one = (name: string) => [user[name] ?? []].flat()[0]
  const wait = one('retry_after')
  return new ParleyError(
    one('code') ?? 'internal',
    one('message') ?? error.message,
    wait === undefined ? undefined : Number(wait),
  )
}
