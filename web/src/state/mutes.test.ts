// SPDX-License-Identifier: Apache-2.0

import type { LogEvent, Member } from '@parley/client'
import { expect, it } from 'vitest'
import { type Mutes, mutedFor, muteHeard, muteListed } from './mutes.ts'

const none: Mutes = new Map()
const event = (action: string, target_id: string, until?: number): LogEvent => ({
  type: 'moderated',
  room_id: 'kitchen',
  seq: 1,
  timestamp: 0,
  action,
  target_id,
  ...(until && { until }),
})
const member = (user_id: string, more: Partial<Member> = {}): Member => ({
  user_id,
  display_name: user_id,
  role: 'member',
  joined_at: 0,
  online: true,
  ...more,
})

it('hears of being muted and unmuted, and of nobody else', () => {
  expect(muteHeard(none, 'bob', event('mute', 'alice'))).toBe(none)
  expect(muteHeard(none, 'bob', event('promote', 'bob'))).toBe(none)
  const muted = muteHeard(none, 'bob', event('mute', 'bob', 5))
  expect(muted).toEqual(new Map([['kitchen', { until: 5 }]]))
  expect(muteHeard(muted, 'bob', event('mute', 'bob'))).toEqual(new Map([['kitchen', {}]]))
  expect(muteHeard(muted, 'bob', event('unmute', 'bob'))).toEqual(none)
})

it('reads it from a list of members, where the reader is on it', () => {
  const muted = muteListed(none, 'bob', 'kitchen', [member('alice'), member('bob', { muted: true, muted_until: 7 })])
  expect(muted).toEqual(new Map([['kitchen', { until: 7 }]]))
  expect(muteListed(muted, 'bob', 'kitchen', [member('alice')])).toBe(muted)
  expect(muteListed(muted, 'bob', 'kitchen', [member('bob')])).toEqual(none)
})

it('lasts as long as the longest', () => {
  expect(mutedFor([], 1000)).toBe(0)
  expect(mutedFor([undefined, { until: 1 }], 2000)).toBe(0)
  expect(mutedFor([{ until: 3 }, { until: 2 }], 1000)).toBe(2000)
  expect(mutedFor([{}, { until: 2 }], 1000)).toBe(Number.POSITIVE_INFINITY)
})
