// SPDX-License-Identifier: Apache-2.0

import { applied, type Client, isMessage, type LogEvent, type Message, type Page } from '@parley/client'
import { store } from './store.ts'

const kept = 500 // quoted messages in memory; the ones that were asked for first make room
const atOnce = 3

/** Messages that are answered by some that are shown, and are not among them. Each is asked for once. */
export class Quotes {
  readonly known = store<ReadonlyMap<string, Message>>(new Map())
  readonly #client: Pick<Client, 'call'>
  readonly #asked = new Set<string>()
  readonly #waiting: { room: string; id: string }[] = []
  #asking = 0

  constructor(client: Pick<Client, 'call'>) {
    this.#client = client
  }

  ensure(room: string, id: string): void {
    if (this.#asked.has(id)) return
    this.#asked.add(id)
    this.#waiting.push({ room, id })
    if (this.#waiting.length > kept) this.#asked.delete(this.#waiting.shift()!.id)
    this.#next()
  }

  /** Keeps what is known as it is now. */
  hear(event: Message | LogEvent): void {
    if (isMessage(event) || event.message_id === undefined) return
    const now = this.known.get().get(event.message_id)
    if (!now) return
    if (event.type === 'message_edited' && event.content === undefined) {
      this.#asked.delete(now.id)
      this.ensure(now.room_id, now.id)
      return
    }
    const next = applied(now, event)
    if (next !== now) this.known.set(known => new Map(known).set(next.id, next))
  }

  #next(): void {
    while (this.#asking < atOnce && this.#waiting.length) void this.#ask(this.#waiting.shift()!)
  }

  async #ask({ room, id }: { room: string; id: string }): Promise<void> {
    this.#asking++
    try {
      const page = await this.#client.call<Page>(`history/${room}`, { around: id, limit: 1 }, { patient: true })
      const message = page.messages.find(m => m.id === id)
      if (!message) return
      const next = new Map(this.known.get()).set(id, message)
      for (const oldest of next.keys()) {
        if (next.size <= kept) break
        next.delete(oldest)
        this.#asked.delete(oldest)
      }
      this.known.set(next)
    } catch {
      // It was from before the reader's joining, or is gone: it stays "an earlier message".
    } finally {
      this.#asking--
      this.#next()
    }
  }
}
