// SPDX-License-Identifier: Apache-2.0

import { ParleyError } from '@parley/client'
import { expect, it } from 'vitest'
import { isKey } from '../i18n/i18n.ts'
import { errorText, sentence } from './errors.ts'

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

it('makes a sentence of what the server says', () => {
  expect(sentence('size: a file may have 5 bytes')).toBe('A file may have 5 bytes.')
  expect(sentence('Already one.')).toBe('Already one.')
  expect(sentence('')).toBe('')
})
