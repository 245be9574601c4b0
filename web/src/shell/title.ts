// SPDX-License-Identifier: Apache-2.0

import type { RoomHead } from '@parley/client'
import { useEffect } from 'preact/hooks'
import type { Chat } from '../state/chat.ts'
import { roomName } from '../state/chat.ts'
import { route } from '../state/route.ts'
import { useStore } from '../state/store.ts'

/** How many messages wait, in the rooms that the reader wants to hear of. */
export function unreadTotal(rooms: Iterable<RoomHead>): number {
  let sum = 0
  for (const room of rooms) if (room.type !== 'user' && room.notifications !== 'none') sum += room.unread
  return sum
}

/** Keeps the title of the page: what waits, where one is. */
export function useTitle(chat: Chat): void {
  const unread = useStore(chat.rooms, rooms => unreadTotal(rooms.values()))
  const now = useStore(route)
  const name = useStore(chat.people.known, () => (now.view === 'room' ? roomName(chat, now.room) : ''))
  useEffect(() => {
    const place = now.view === 'room' ? `${name || roomName(chat, now.room)} · Parley` : 'Parley'
    document.title = unread ? `(${unread > 99 ? '99+' : unread}) ${place}` : place
    const badge = navigator as Navigator & {
      setAppBadge?: (n: number) => Promise<void>
      clearAppBadge?: () => Promise<void>
    }
    const done = unread ? badge.setAppBadge?.(unread) : badge.clearAppBadge?.()
    done?.catch(() => {})
  }, [chat, unread, now, name])
}
