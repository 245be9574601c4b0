// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { avatarColour, avatarColours, initials } from './avatar.ts'

it('takes letters of the first and the last name', () => {
  expect(initials('Ada Lovelace')).toBe('AL')
  expect(initials('ada')).toBe('A')
  expect(initials('grace.m.hopper')).toBe('GH')
  expect(initials('  ')).toBe('?')
  expect(initials('李 小龍')).toBe('李小')
  expect(initials('🦊 fox')).toBe('🦊F')
})

it('is stable, and uses all colours', () => {
  expect(avatarColour('alice')).toBe(avatarColour('alice'))
  const used = new Set(Array.from({ length: 400 }, (_, i) => avatarColour(`user${i}`)))
  expect(used.size).toBe(avatarColours.length)
})

it('can be read: a contrast of 4.5 with white', () => {
  for (const colour of avatarColours) {
    const [r, g, b] = [1, 3, 5].map(at => {
      const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
    }) as [number, number, number]
    expect(1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05), colour).toBeGreaterThan(4.5)
  }
})
