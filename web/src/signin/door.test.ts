// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { parseDoor } from './door.ts'

it.each([
  ['/', { kind: 'in' }],
  ['/#/r/general', { kind: 'in' }],
  ['/setup?code=abc', { kind: 'setup', code: 'abc' }],
  ['/setup?token=abc', { kind: 'setup', code: 'abc' }],
  ['/setup/abc', { kind: 'setup', code: 'abc' }],
  ['/setup#abc', { kind: 'setup', code: 'abc' }],
  ['/#/setup/abc', { kind: 'setup', code: 'abc' }],
  ['/#/setup?code=abc', { kind: 'setup', code: 'abc' }],
  ['/join?invitation=a%2Bb', { kind: 'up', invitation: 'a+b' }],
  ['/join#a.b', { kind: 'up', invitation: 'a.b' }],
  ['/register', { kind: 'up', invitation: '' }],
])('%s', (address, want) => {
  expect(parseDoor(new URL(address, 'https://chat.example'))).toEqual(want)
})
