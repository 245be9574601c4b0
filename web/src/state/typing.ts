// SPDX-License-Identifier: Apache-2.0

import type { PassingEvent } from '@parley/client'
import { store } from './store.ts'

const longest = 11_000 // milliseconds; the server says typing_stop after ten seconds, unless the connection was lost

/** Who is writing, by room. */
export class Typing {
  readonly now = store<ReadonlyMap<string, readonly string[]>>(new Map())
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>()

  hear(event: Extract<PassingEvent, { type: 'typing_start' | 'typing_stop' }>): void {
    const key = `${event.room_id} ${event.user_id}`
    clearTimeout(this.#timers.get(key))
    this.#timers.delete(key)
    if (event.type === 'typing_stop') {
      this.#remove(event.room_id, event.user_id)
      return
    }
    this.#timers.set(
      key,
      setTimeout(() => this.stop(event.room_id, event.user_id), longest),
    )
    const users = this.now.get().get(event.room_id) ?? []
    if (!users.includes(event.user_id)) this.#put(event.room_id, [...users, event.user_id])
  }

  /** Whoever sends something is not writing any more. */
  stop(room: string, user: string): void {
    const key = `${room} ${user}`
    clearTimeout(this.#timers.get(key))
    this.#timers.delete(key)
    this.#remove(room, user)
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  #remove(room: string, user: string): void {
    const users = this.now.get().get(room)
    if (users?.includes(user)) {
      this.#put(
        room,
        users.filter(u => u !== user),
      )
    }
  }

  #put(room: string, users: readonly string[]): void {
    const next = new Map(this.now.get())
    if (users.length) next.set(room, users)
    else next.delete(room)
    this.now.set(next)
  }
}
