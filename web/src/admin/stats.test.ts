// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { perMinute, type Stats } from './stats.ts'

const reading = (timestamp: number, events: number, started_at = 100) =>
  ({ timestamp, started_at, commits: { events } }) as unknown as Stats

it('takes a rate from two readings of one run', () => {
  expect(perMinute(reading(200, 50), reading(230, 65))).toBe(30)
  expect(perMinute(undefined, reading(230, 65))).toBeUndefined()
  expect(perMinute(reading(230, 65), reading(230, 65))).toBeUndefined()
  expect(perMinute(reading(200, 50), reading(230, 3, 220))).toBeUndefined() // it was started anew meanwhile
})
