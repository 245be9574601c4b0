// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from 'node:fs'
import { ParleyError } from '@parley/client'
import { expect, it } from 'vitest'
import { isKey } from '../i18n/i18n.ts'
import { errorText, sentence } from './errors.ts'
import { refusals } from './refusals.ts'

// The codes of docs/protocol.md, and those that the client makes itself.
const codes = [
  'bad_request',
  'unauthenticated',
  'forbidden',
  'not_member',
  'banned',
  'muted',
  'not_found',
  'conflict',
  'room_full',
  'too_large',
  'rejected',
  'rate_limited',
  'unavailable',
  'internal',
  'offline',
  'timeout',
  'closed',
  'aborted',
]

it.each(codes)('has a text for %s', code => {
  expect(isKey(`error.${code}`)).toBe(true)
})

it('says why, where the code alone does not', () => {
  expect(errorText(new ParleyError('conflict', 'name: there is a room of that name'))).toBe(
    'There is a room of that name.',
  )
  expect(errorText(new ParleyError('rejected', 'the text has a word that is not allowed'))).toBe(
    'The text has a word that is not allowed.',
  )
})

it('has words of its own for what the server says most', () => {
  const text = (code: string, message: string, retryAfter?: number) =>
    errorText(new ParleyError(code, message, retryAfter))
  expect(text('forbidden', 'password: is not the present one')).toBe('That is not the current password.')
  expect(text('bad_request', 'password: shorter than 8 characters')).toBe(
    'The password is too short: at least 8 characters.',
  )
  expect(text('conflict', '"admin1" is the last administrator; make another one first')).toBe(
    'admin1 is the last administrator. Make another one first.',
  )
  expect(text('too_large', 'size: a file may have 5000000 bytes')).toBe('A file may have at most 5 MB.')
  expect(text('too_large', 'content: has 4100 characters, at most 4000 are allowed')).toBe(
    'That is too long: at most 4,000 characters.',
  )
  expect(text('rate_limited', 'slow mode: wait before your next message in this room', 12.2)).toBe(
    'Slow mode: you can write again in 13 seconds.',
  )
  expect(text('banned', 'you are banned from this room')).toBe('You are banned here.')
  expect(text('banned', 'you are banned from this room: spam')).toBe('You are banned here. The reason: Spam.')
})

// The words come from the server's source: who changes them there finds the client's here.
const sources = ['api', 'auth', 'blob', 'chat', 'content']
  .flatMap(room =>
    readdirSync(new URL(`../../../internal/${room}/`, import.meta.url), { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.go') && !file.endsWith('_test.go'))
      .map(file => readFileSync(new URL(`../../../internal/${room}/${file}`, import.meta.url), 'utf8')),
  )
  .join('\n')

it.each(refusals.map(([words]) => words))('the server says: %s', words => {
  expect(sources.includes(words)).toBe(true)
})

it('makes a sentence of what the server says', () => {
  expect(sentence('size: a file may have 5 bytes')).toBe('A file may have 5 bytes.')
  expect(sentence('Already one.')).toBe('Already one.')
  expect(sentence('')).toBe('')
})
