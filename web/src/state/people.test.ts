// SPDX-License-Identifier: Apache-2.0

import type { Client, Message } from '@parley/client'
import { afterEach, expect, it, vi } from 'vitest'
import { People } from './people.ts'

afterEach(() => void vi.useRealTimers())

it('asks for at most thirty names a minute, and for each once', async () => {
  vi.useFakeTimers()
  const asked: string[] = []
  const call = async (route: string) => {
    const id = route.replace('users/', '')
    asked.push(id)
    return { user: { user_id: id, display_name: `Name of ${id}`, role: 'user', created_at: 0 } }
  }
  const people = new People({ call } as unknown as Pick<Client, 'call'>)
  const ids = Array.from({ length: 50 }, (_, i) => `u${i}`)
  people.ensure([...ids, 'u0', 'system'])
  expect(asked).toHaveLength(3)
  await vi.advanceTimersByTimeAsync(1000)
  expect(asked).toHaveLength(30)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asked).toEqual(ids)
  expect(people.name('u49')).toBe('Name of u49')
  people.close()
})

it('takes no name from what a hook has posted', () => {
  const people = new People({ call: async () => ({}) } as unknown as Pick<Client, 'call'>)
  const message = { sender_id: 'alice', sender_name: 'Alice' } as Message
  people.learn([message, { ...message, sender_name: 'Builds', hook: true }])
  expect(people.name('alice')).toBe('Alice')
  people.close()
})
