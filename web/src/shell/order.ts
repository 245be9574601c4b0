// SPDX-License-Identifier: Apache-2.0

import type { RoomHead } from '@parley/client'
import { compareNames } from '../i18n/compare.ts'
import { type Chat, roomName } from '../state/chat.ts'

export interface Sections {
  rooms: RoomHead[]
  direct: RoomHead[]
}

/** The rooms as the list shows them: announcements and rooms by name, conversations by who spoke last. */
export function sections(
  heads: Iterable<RoomHead>,
  name: (room: string) => string,
  activity: ReadonlyMap<string, number>,
): Sections {
  const rooms: RoomHead[] = []
  const direct: RoomHead[] = []
  for (const head of heads) {
    if (head.type === 'user') continue
    if (head.type === 'direct') direct.push(head)
    else rooms.push(head)
  }
  const top = (head: RoomHead) => (head.type === 'announcements' ? 0 : 1)
  rooms.sort((a, b) => top(a) - top(b) || compareNames(name(a.room_id), name(b.room_id)))
  const recent = (head: RoomHead) => activity.get(head.room_id) ?? 0
  direct.sort(
    (a, b) =>
      recent(b) - recent(a) ||
      Number(b.unread > 0) - Number(a.unread > 0) ||
      compareNames(name(a.room_id), name(b.room_id)),
  )
  return { rooms, direct }
}

/** The rooms that have something new, as far as the reader wants to hear of them; conversations first, then the latest. */
export function unreadRooms(heads: Iterable<RoomHead>, activity: ReadonlyMap<string, number>): RoomHead[] {
  const recent = (head: RoomHead) => activity.get(head.room_id) ?? head.created_at
  return [...heads]
    .filter(head => head.unread > 0 && head.type !== 'user' && head.notifications !== 'none')
    .sort((a, b) => Number(b.type === 'direct') - Number(a.type === 'direct') || recent(b) - recent(a))
}

export function orderedRooms(chat: Chat): RoomHead[] {
  const { rooms, direct } = sections(chat.rooms.get().values(), id => roomName(chat, id), chat.activity.get())
  return [...rooms, ...direct]
}
