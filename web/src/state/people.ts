// SPDX-License-Identifier: Apache-2.0

import type { Client, Message, User } from '@parley/client'
import { store } from './store.ts'

export interface Person {
  name: string
  administrator?: boolean
}

const atOnce = 3
const aMinute = 30 // so that most of what the server allows is left for what the reader does

/** How people are called. What is not known yet is asked for, a few at a time. */
export class People {
  readonly known = store<ReadonlyMap<string, Person>>(new Map())
  readonly #client: Pick<Client, 'call'>
  readonly #asked = new Set<string>()
  readonly #waiting: string[] = []
  #asking = 0
  #left = aMinute // how many may be asked for until the minute is over
  #minute: ReturnType<typeof setTimeout> | undefined

  constructor(client: Pick<Client, 'call'>) {
    this.#client = client
  }

  name(id: string): string {
    return this.known.get().get(id)?.name ?? id
  }

  /** Takes names from messages, which carry those of their senders. */
  learn(messages: readonly Message[]): void {
    // A hook has a name of its own.
    const senders = messages.filter(m => m.sender_name && m.sender_id !== 'system' && !m.hook)
    this.#rename(senders.map(m => [m.sender_id, m.sender_name]))
  }

  /** Takes the names of a list of members. */
  listed(members: readonly Pick<User, 'user_id' | 'display_name'>[]): void {
    this.#rename(members.map(m => [m.user_id, m.display_name || m.user_id]))
  }

  #rename(names: [id: string, name: string][]): void {
    const known = this.known.get()
    let next: Map<string, Person> | undefined
    for (const [id, name] of names) {
      const now = (next ?? known).get(id)
      if (now?.name === name) continue
      next ??= new Map(known)
      next.set(id, { ...now, name })
    }
    if (next) this.known.set(next)
  }

  put(users: readonly Pick<User, 'user_id' | 'display_name' | 'role'>[]): void {
    if (!users.length) return
    const next = new Map(this.known.get())
    for (const u of users) {
      this.#asked.add(u.user_id)
      next.set(u.user_id, { name: u.display_name || u.user_id, administrator: u.role === 'administrator' })
    }
    this.known.set(next)
  }

  /** Reads the first page of the directory: on most servers that is everybody. */
  async loadDirectory(): Promise<void> {
    const reply = await this.#client.call<{ users: User[] }>('users/search', { limit: 200 })
    this.put(reply.users)
  }

  ensure(ids: Iterable<string>): void {
    for (const id of ids) {
      if (this.#asked.has(id) || id === 'system') continue
      this.#asked.add(id)
      if (!this.known.get().has(id)) this.#waiting.push(id)
    }
    this.#next()
  }

  close(): void {
    clearTimeout(this.#minute)
    this.#waiting.length = 0
  }

  #next(): void {
    while (this.#asking < atOnce && this.#left > 0 && this.#waiting.length) {
      this.#left--
      this.#minute ??= setTimeout(() => {
        this.#minute = undefined
        this.#left = aMinute
        this.#next()
      }, 60_000)
      void this.#ask(this.#waiting.shift()!)
    }
  }

  async #ask(id: string): Promise<void> {
    this.#asking++
    try {
      const reply = await this.#client.call<{ user: User }>(`users/${id}`)
      this.put([reply.user])
    } catch {
      // An erased account keeps its id for a name.
    } finally {
      this.#asking--
      this.#next()
    }
  }
}
