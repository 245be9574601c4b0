// SPDX-License-Identifier: Apache-2.0

import { isMessage, type LogEvent, type Message, type RoomHead } from './types.ts'

/** A room's head after an event, and whether that is all that the event changed of it. */
export function headAfter(head: RoomHead, e: Message | LogEvent, user: string): [RoomHead, boolean] {
  const next = { ...head, last_seq: e.seq }
  if (isMessage(e)) {
    if (e.type !== 'system') next.unread = e.sender_id === user && !e.hook ? 0 : head.unread + 1
    else if (e.event === 'member_joined') next.member_count++
    else if (e.event === 'member_left') next.member_count--
    else return [next, false]
    return [next, true]
  }
  switch (e.type) {
    case 'room_updated': {
      const { owner_id, ...changes } = e.changes ?? {}
      Object.assign(next, changes)
      return [next, owner_id === undefined && changes.history_visibility === undefined] // roles, and first_seq
    }
    case 'moderated':
      if (e.action === 'lock' || e.action === 'unlock') next.locked = e.action === 'lock'
      else if (e.action === 'mute' || e.action === 'unmute') return [next, true]
      else return [next, false] // roles and counts
      return [next, true]
  }
  return [next, true]
}
