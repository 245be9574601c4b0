// SPDX-License-Identifier: Apache-2.0

import type { RoomHead } from '@parley/client'
import { expect, it } from 'vitest'
import { sections } from './order.ts'
import { unreadTotal } from './title.ts'

const head = (room_id: string, change: Partial<RoomHead> = {}) =>
  ({ room_id, name: room_id, type: 'public', unread: 0, notifications: 'all', ...change }) as RoomHead

it('sorts rooms by name with announcements on top, and conversations by who spoke last', () => {
  const heads = [
    head('zoo'),
    head('private:a:b', { type: 'direct' }),
    head('private:a:c', { type: 'direct', unread: 2 }),
    head('private:a:d', { type: 'direct' }),
    head('announcements', { type: 'announcements' }),
    head('user:a', { type: 'user' }),
    head('Attic'),
  ]
  const { rooms, direct } = sections(heads, id => id, new Map([['private:a:d', 5]]))
  expect(rooms.map(r => r.room_id)).toEqual(['announcements', 'Attic', 'zoo'])
  expect(direct.map(r => r.room_id)).toEqual(['private:a:d', 'private:a:c', 'private:a:b'])
})

it('counts what is unread where the reader wants to hear of it', () => {
  expect(
    unreadTotal([
      head('a', { unread: 2 }),
      head('b', { unread: 4, notifications: 'none' }),
      head('user:a', { unread: 8, type: 'user' }),
    ]),
  ).toBe(2)
})
