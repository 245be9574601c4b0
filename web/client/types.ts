// SPDX-License-Identifier: Apache-2.0

// What goes over the wire, with the names of docs/protocol.md. Fields and types that are not listed may come, and are to be ignored.

/** offline: lost, and connecting again by itself. closed: for good. */
export type ConnectionState = 'connecting' | 'online' | 'offline' | 'closed'

/** Of a room; `direct` is a private conversation, `user` the user's own log. */
export type RoomType = 'public' | 'private' | 'direct' | 'announcements' | 'user'
export type RoomRole = 'owner' | 'moderator' | 'member'
export type ServerRole = 'administrator' | 'user'
export type Notifications = 'all' | 'mentions' | 'none'

/** A file that a message shares. */
export interface FileInfo {
  file_id: string
  name: string
  mime: string
  size: number // bytes
  width?: number // pixels, as it is to be shown
  height?: number
  thumbnail?: string // a path of the HTTP door
}

/** A message in its current state. */
export interface Message {
  type: 'text' | 'image' | 'file' | 'system'
  id: string
  room_id: string
  seq: number
  epoch?: number
  sender_id: string
  sender_name: string
  content: string
  timestamp: number // Unix seconds; for display, order is seq
  reply_to?: string | null
  thread_id?: string | null
  reactions: Record<string, string[]> // by emoji: who; at most 100 of them
  reaction_counts?: Record<string, number> // where there are more
  thread_count?: number // answers in the thread that it begins, without deleted ones
  thread_last_seq?: number // the latest of these
  edited: boolean
  deleted?: boolean
  flagged?: boolean
  hook?: boolean // an incoming webhook of the room posted it, and sender_name is its name
  mentions?: string[]
  file?: FileInfo
  is_private?: boolean
  target_id?: string
  client_msg_id?: string // to the sender only
  // Of system messages.
  event?: 'member_joined' | 'member_left' | (string & {})
  user_id?: string
  actor_id?: string
  // Larger than the client takes: only type, id, room_id and seq are there.
  truncated?: boolean
  // Of search results: the text round the hit, which stands between « and ».
  snippet?: string
}

/** The room that an event is about. */
export interface RoomName {
  room_id: string
  name: string
  type: RoomType
}

/** An event of a room's log, or of the user's own log (room_id `user:…`), that is no message. */
export interface LogEvent {
  type:
    | 'message_edited'
    | 'message_deleted'
    | 'reaction_added'
    | 'reaction_removed'
    | 'message_pinned'
    | 'message_unpinned'
    | 'room_updated'
    | 'moderated'
    | 'room_deleted'
    | 'room_added'
    | 'removed_from_room'
    | 'profile_updated'
    | 'user_blocked'
    | 'user_unblocked'
    | 'account_moderated'
    | (string & {})
  room_id: string
  seq: number
  epoch?: number
  timestamp: number
  user_id?: string // who did it
  message_id?: string
  content?: string
  flagged?: boolean
  mentions?: string[]
  emoji?: string
  count?: number
  // Of the deletion of an answer: what is left of its thread.
  thread_id?: string
  thread_count?: number
  thread_last_seq?: number
  changes?: Partial<RoomData> & { owner_id?: string }
  action?: string
  target_id?: string
  role?: string
  reason?: string
  until?: number | null
  room?: RoomName
}

/** An event that is in no log, and lost on who is away. */
export type PassingEvent =
  | { type: 'typing_start' | 'typing_stop'; room_id: string; user_id: string; timestamp: number }
  | {
      type: 'user_status'
      user_id: string
      status: 'online' | 'away' | 'offline'
      last_seen?: number
      timestamp: number
    }
  | { type: 'read'; room_id: string; user_id: string; read_seq: number; timestamp: number }
  | ({ type: 'message_history'; room_id: string } & Page)

/** A room as everybody sees it. */
export interface RoomData {
  room_id: string
  name: string
  description: string
  type: RoomType
  created_by: string
  created_at: number
  max_members: number
  member_count: number
  slow_mode: number // seconds
  read_only: boolean
  locked: boolean
  history_visibility: 'shared' | 'joined'
  retention?: number // seconds
  last_seq: number
}

/** A room of the user's own. */
export interface RoomHead extends RoomData {
  role: RoomRole
  first_seq: number // the first that the user may see
  joined_seq: number // the user's joining
  read_seq: number
  unread: number
  notifications: Notifications
}

export interface Member {
  user_id: string
  display_name: string
  role: RoomRole
  joined_at: number
  online: boolean
  away?: boolean
  last_seen?: number
  muted?: boolean
  muted_until?: number
}

export interface User {
  user_id: string
  display_name: string
  role: ServerRole
  created_at: number
}

/** A part of a room's log. */
export interface Page {
  epoch: number
  messages: Message[] // newest first, but ascending after after_seq
  covers: [number, number] // in seq: what the page answers for; both 0 for nothing
  count: number
  has_more: boolean
}

/** The reply to a message that is durable. */
export interface Sent {
  status: string
  room_id: string
  message_id: string
  seq: number
  timestamp: number
  duplicate?: boolean
}

/** The reply to `sync`. */
export interface Synced {
  epoch: number
  rooms: RoomHead[]
  events: (Message | LogEvent)[]
  unread: number
  has_more: boolean
}

/** The reply to `info`. */
export interface Info {
  version: string
  protocol: string
  epoch: number
  limits: Record<string, number>
  guarantees: Record<string, unknown>
}

/** An incoming webhook of a room: of the replies to `rooms/{room_id}/hooks/create` (with `path`) and `…/list`. */
export interface Hook {
  hook_id: string
  name: string // what its messages are shown under
  user_id: string // who made it
  created_at: number
  expires: number
}

/** The reply to `admin/stats`. Counters begin with the server's start: rates are the difference of two readings. */
export interface Stats {
  version: string
  epoch: number
  timestamp: number // when it was read
  started_at: number
  uptime: number // seconds
  counted_at: number // when accounts, rooms, messages, sessions and storage were counted
  accounts: { total: number; administrators: number; active: number } // active: within 24 hours
  rooms: { public: number; private: number; direct: number }
  messages: number
  connections: { mqtt: number; mqtts: number; websocket: number; sse: number } // open ones
  sessions: { away: number }
  storage: { database: number; search: number; files: number; file_count: number } // bytes
  requests: Record<string, number> // over MQTT by outcome: ok, or the code of the refusal
  commits: {
    total: number
    changes: number
    events: number
    failed: number
    queue: number // now
    p50: number // seconds
    p95: number
    p99: number
  }
  push: { queue: number; calls: number; sent: number; failed: number; dropped: number } // queue and calls: now
}

/** The reply to `admin/users/{user_id}/promote` and `demote`, and to the other routes of moderation. */
export interface Moderated {
  status: 'moderated'
  room_id?: string
  user_id?: string
  action: string
  until?: number
}

export function isMessage(e: Message | LogEvent): e is Message {
  return e.type === 'text' || e.type === 'image' || e.type === 'file' || e.type === 'system'
}

/** The room of a private conversation between two users. */
export function privateRoom(a: string, b: string): string {
  return a < b ? `private:${a}:${b}` : `private:${b}:${a}`
}

/** With whom the user talks in a private conversation; undefined in other rooms. */
export function partner(roomId: string, user: string): string | undefined {
  const [kind, a, b] = roomId.split(':')
  if (kind !== 'private' || a === undefined || b === undefined) return undefined
  return a === user ? b : a
}
