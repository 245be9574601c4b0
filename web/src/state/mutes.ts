// SPDX-License-Identifier: Apache-2.0

import type { LogEvent, Member } from '@parley/client'

/** That the reader may not write. */
export interface Mute {
  until?: number // Unix seconds; without end where it is absent
}

/** Mutes of the reader by room. */
export type Mutes = ReadonlyMap<string, Mute>

/** What an event of a room changes in them; the same map where nothing. */
export function muteHeard(now: Mutes, user: string, event: LogEvent): Mutes {
  if (event.type !== 'moderated' || event.target_id !== user) return now
  if (event.action === 'mute') return new Map(now).set(event.room_id, muteOf(event.until))
  if (event.action !== 'unmute' || !now.has(event.room_id)) return now
  return without(now, event.room_id)
}

/** What a list of a room's members says of them. */
export function muteListed(now: Mutes, user: string, room: string, members: readonly Member[]): Mutes {
  const own = members.find(m => m.user_id === user)
  if (!own) return now
  if (own.muted) return new Map(now).set(room, muteOf(own.muted_until))
  return now.has(room) ? without(now, room) : now
}

/** For how long from now, in milliseconds: of several mutes the longest. 0: not at all. */
export function mutedFor(mutes: readonly (Mute | undefined)[], now: number): number {
  return Math.max(
    0,
    ...mutes.map(mute => (mute ? (mute.until === undefined ? Number.POSITIVE_INFINITY : mute.until * 1000 - now) : 0)),
  )
}

function muteOf(until: number | null | undefined): Mute {
  return until ? { until } : {}
}

function without(mutes: Mutes, room: string): Mutes {
  const next = new Map(mutes)
  next.delete(room)
  return next
}
