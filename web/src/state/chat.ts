// SPDX-License-Identifier: Apache-2.0

import {
  type Client,
  type ConnectionState,
  type Info,
  isMessage,
  type LogEvent,
  type Member,
  type Message,
  type Outgoing,
  type ParleyError,
  type RoomData,
  type RoomHead,
  Timeline,
  type User,
} from '@parley/client'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { notify } from '../ui/notices.ts'
import { Drafts } from './drafts.ts'
import { type Mutes, muteHeard, muteListed } from './mutes.ts'
import { People } from './people.ts'
import { Quotes } from './quotes.ts'
import { go, route } from './route.ts'
import { type Store, store, useStore } from './store.ts'
import { Typing } from './typing.ts'
import { Uploads } from './uploads.ts'

export interface Me {
  user: User
  has_password: boolean
  blocked: string[]
  muted?: boolean
  muted_until?: number
}

export type Presence = { status: 'online' | 'away' | 'offline'; lastSeen?: number }

/** A room with its members, as `rooms/{room_id}/info` tells. */
export interface RoomDetail {
  room: RoomData
  members: Member[]
  online: number
  has_more: boolean
}

const keptTimelines = 6 // rooms whose messages stay in memory, so that going back to one is immediate

/** All that a signed-in reader's page knows, and hears. */
export class Chat {
  readonly client: Client
  readonly user: string
  readonly connection = store<{ state: ConnectionState; error?: ParleyError }>({ state: 'connecting' })
  readonly rooms = store<ReadonlyMap<string, RoomHead>>(new Map())
  readonly ready = store(false) // the heads of the rooms are there
  readonly outbox = store<readonly Outgoing[]>([])
  readonly me = store<Me | undefined>(undefined)
  readonly info = store<Info | undefined>(undefined)
  readonly presence = store<ReadonlyMap<string, Presence>>(new Map())
  readonly readers = store<ReadonlyMap<string, ReadonlyMap<string, number>>>(new Map())
  /** When something was last said in a room, as far as this page heard: Unix seconds. */
  readonly activity = store<ReadonlyMap<string, number>>(new Map())
  readonly details = store<ReadonlyMap<string, RoomDetail>>(new Map())
  /** Counts up when the pins of a room may have changed. */
  readonly pinsChanged = store(0)
  /** New messages of others, for who announces them. */
  readonly heard = store<Message | undefined>(undefined)
  readonly people: People
  readonly quotes: Quotes
  /** The rooms in which the reader is muted. */
  readonly mutes = store<Mutes>(new Map())
  readonly typing = new Typing()
  readonly drafts: Drafts
  readonly uploads: Uploads
  readonly #timelines = new Map<string, Timeline>()
  readonly #stops: (() => void)[] = []
  readonly #readTimers = new Map<string, ReturnType<typeof setTimeout>>()
  readonly #readSent = new Map<string, number>()

  constructor(client: Client) {
    this.client = client
    this.user = client.user
    this.people = new People(client)
    this.quotes = new Quotes(client)
    this.uploads = new Uploads(client, () => this.info.get()?.limits.file_size)
    this.drafts = new Drafts(client.user, typeof localStorage === 'undefined' ? undefined : localStorage)
    this.#stops.push(
      client.on('state', now => this.#hearState(now)),
      client.on('rooms', rooms => this.#hearRooms(rooms)),
      client.on('outbox', outbox => this.outbox.set(outbox)),
      client.on('event', event => this.#hearEvent(event)),
      client.on('passing', event => {
        switch (event.type) {
          case 'typing_start':
          case 'typing_stop':
            this.people.ensure([event.user_id])
            this.typing.hear(event)
            break
          case 'user_status':
            this.#setPresence(event.user_id, {
              status: event.status,
              ...(event.last_seen !== undefined && { lastSeen: event.last_seen }),
            })
            break
          case 'read':
            if (event.user_id !== this.user) {
              this.readers.set(now => {
                const room = new Map(now.get(event.room_id))
                room.set(event.user_id, event.read_seq)
                return new Map(now).set(event.room_id, room)
              })
            }
            break
        }
      }),
    )
  }

  start(): void {
    this.client.start()
    void this.loadMe()
    void this.people.loadDirectory().catch(() => {})
    void this.client.call<Info>('info').then(
      info => this.info.set(info),
      () => {},
    )
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop()
    for (const timeline of this.#timelines.values()) timeline.close()
    for (const timer of this.#readTimers.values()) clearTimeout(timer)
    this.typing.close()
    this.people.close()
    await this.client.close()
  }

  isAdministrator(): boolean {
    return this.me.get()?.user.role === 'administrator'
  }

  async loadMe(): Promise<void> {
    try {
      const me = await this.client.call<Me>('users/me')
      this.me.set(me)
      this.people.put([me.user])
    } catch {
      // Asked again with the next change of the account.
    }
  }

  /** The messages of a room. The last few rooms stay as they were. */
  timeline(room: string): Timeline {
    let timeline = this.#timelines.get(room)
    if (timeline) this.#timelines.delete(room)
    else {
      // Enough to go back and forth in; what is farther away is loaded again, and no page takes longer than the one before.
      timeline = new Timeline(this.client, room, { keep: 1000, page: 60 })
      void timeline.loadLatest().catch(() => {})
    }
    this.#timelines.set(room, timeline)
    for (const [id, old] of this.#timelines) {
      if (this.#timelines.size <= keptTimelines) break
      old.close()
      this.#timelines.delete(id)
    }
    return timeline
  }

  async loadDetails(room: string): Promise<RoomDetail> {
    const reply = await this.client.call<RoomDetail>(`rooms/${room}/info`)
    const detail = { ...reply, members: reply.members ?? [] }
    this.#putDetail(room, detail)
    return detail
  }

  async loadMoreMembers(room: string): Promise<void> {
    const now = this.details.get().get(room)
    const last = now?.members.at(-1)
    if (!now || !last) return
    const reply = await this.client.call<RoomDetail>(`rooms/${room}/info`, { after: last.user_id })
    const more = reply.members ?? []
    this.#putDetail(room, { ...reply, members: [...now.members, ...more] })
  }

  #putDetail(room: string, detail: RoomDetail): void {
    this.people.listed(detail.members)
    const presence = new Map(this.presence.get())
    for (const m of detail.members) {
      presence.set(m.user_id, {
        status: m.away ? 'away' : m.online ? 'online' : 'offline',
        ...(m.last_seen !== undefined && { lastSeen: m.last_seen }),
      })
    }
    this.presence.set(presence)
    this.details.set(now => new Map(now).set(room, detail))
    this.mutes.set(now => muteListed(now, this.user, room, detail.members))
  }

  /** Tells the server how far the reader has read, once in a while. */
  markRead(room: string, seq: number): void {
    const head = this.rooms.get().get(room)
    if (!head || seq <= head.read_seq || seq <= (this.#readSent.get(room) ?? 0)) return
    this.#readSent.set(room, seq)
    if (this.#readTimers.has(room)) return
    this.#readTimers.set(
      room,
      setTimeout(() => {
        this.#readTimers.delete(room)
        const last = this.#readSent.get(room) ?? seq
        this.client.call(`read/${room}`, { seq: last }).catch(() => this.#readSent.delete(room))
      }, 350),
    )
  }

  markUnread(room: string, seq: number): Promise<unknown> {
    this.#readSent.delete(room)
    return this.client.call(`read/${room}`, { seq: Math.max(0, seq - 1), unread: true })
  }

  #setPresence(user: string, presence: Presence): void {
    this.presence.set(now => new Map(now).set(user, presence))
  }

  #hearState(now: { state: ConnectionState; error?: ParleyError }): void {
    this.connection.set(now)
    if (now.state === 'online' && !this.me.get()) void this.loadMe()
  }

  #hearRooms(rooms: ReadonlyMap<string, RoomHead>): void {
    this.rooms.set(new Map(rooms))
    this.ready.set(true)
    const partners: string[] = []
    for (const id of rooms.keys()) {
      const other = partnerOf(id, this.user)
      if (other) partners.push(other)
    }
    this.people.ensure(partners)
  }

  #hearEvent(event: Message | LogEvent): void {
    this.quotes.hear(event)
    if (isMessage(event)) {
      if (event.type !== 'system') {
        this.people.learn([event])
        this.typing.stop(event.room_id, event.sender_id)
        this.activity.set(now => new Map(now).set(event.room_id, event.timestamp))
        if (event.sender_id !== this.user) this.heard.set(event)
      } else if (this.details.get().has(event.room_id)) {
        this.#forgetDetails(event.room_id)
      }
      return
    }
    this.mutes.set(now => muteHeard(now, this.user, event))
    switch (event.type) {
      case 'moderated':
      case 'room_updated':
        if (this.details.get().has(event.room_id)) this.#forgetDetails(event.room_id)
        break
      case 'message_pinned':
      case 'message_unpinned':
        this.pinsChanged.set(n => n + 1)
        break
      case 'removed_from_room':
      case 'room_deleted': {
        const gone = event.room?.room_id ?? event.room_id
        if (event.room_id !== `user:${this.user}`) break
        const reason = event.reason ?? ''
        const room = event.room?.name ?? gone
        if (event.type === 'room_deleted') notify(t('rooms.gone.deleted', { room }))
        const [, how, why] = /^(kicked|banned)(?:: (.+))?/s.exec(reason) ?? []
        if (how) {
          const text = t(how === 'kicked' ? 'rooms.gone.kicked' : 'rooms.gone.banned', { room })
          notify(why ? t('rooms.gone.why', { text, why }) : text, { error: true })
        }
        this.#timelines.get(gone)?.close()
        this.#timelines.delete(gone)
        const now = route.get()
        if (now.view === 'room' && now.room === gone) go({ view: 'home' }, { replace: true })
        break
      }
      case 'room_added':
        if (event.room && event.user_id !== this.user && event.room.type !== 'direct') {
          const room = event.room
          notify(t('rooms.added', { room: room.name, user: this.people.name(event.user_id ?? '') }), {
            action: { label: t('action.open'), run: () => go({ view: 'room', room: room.room_id }) },
          })
        }
        break
      case 'profile_updated':
      case 'user_blocked':
      case 'user_unblocked':
      case 'account_moderated':
        void this.loadMe()
        break
    }
  }

  #forgetDetails(room: string): void {
    const now = route.get()
    if (now.view === 'room' && now.room === room) void this.loadDetails(room).catch(() => {})
    else {
      this.details.set(details => {
        const next = new Map(details)
        next.delete(room)
        return next
      })
    }
  }
}

function partnerOf(id: string, user: string): string | undefined {
  const [kind, a, b] = id.split(':')
  if (kind !== 'private') return undefined
  return a === user ? b : a
}

export const ChatContext = createContext<Chat | undefined>(undefined)

export function useChat(): Chat {
  const chat = useContext(ChatContext)
  if (!chat) throw new Error('nobody is signed in')
  return chat
}

/** How somebody is called, now. */
export function useName(id: string): string {
  const chat = useChat()
  return useStore(chat.people.known, known => known.get(id)?.name ?? id)
}

export function useHead(room: string): RoomHead | undefined {
  return useStore(useChat().rooms, rooms => rooms.get(room))
}

/** How a room is called: a private conversation after the other one. */
export function useRoomName(room: string): string {
  const chat = useChat()
  const other = partnerOf(room, chat.user)
  const head = useHead(room)
  const name = useName(other ?? '')
  if (other) return name
  if (room === 'announcements') return t('rooms.announcements')
  return head?.name || room
}

export function roomName(chat: Chat, room: string): string {
  const other = partnerOf(room, chat.user)
  if (other) return chat.people.name(other)
  if (room === 'announcements') return t('rooms.announcements')
  return chat.rooms.get().get(room)?.name || room
}

export type { Store }
export { partnerOf }
