// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { candidates, complete, completing } from './mention.ts'

describe('completing', () => {
  it.each([
    ['@', 1, { from: 0, query: '' }],
    ['hi @bo', 6, { from: 3, query: 'bo' }],
    ['hi @bo there', 6, { from: 3, query: 'bo' }],
    ['(@bo', 4, { from: 1, query: 'bo' }],
    ['*@bo', 4, { from: 1, query: 'bo' }],
    ['@Zoë', 4, { from: 0, query: 'Zoë' }],
    ['me@bo', 5, undefined],
    ['@bo ', 4, undefined],
    ['hi', 2, undefined],
    ['@bo', 0, undefined],
  ])('%s, cursor at %i', (text, cursor, want) => {
    expect(completing(text, cursor)).toEqual(want)
  })
})

describe('candidates', () => {
  const people = [
    { id: 'alice', name: 'Alice Liddell' },
    { id: 'bob', name: 'Bob' },
    { id: 'al', name: 'Albert' },
    { id: 'zoe', name: 'Zoë Albers', weight: 5 },
    { id: 'carol', name: 'Carol' },
  ]

  it('has exact ids first, then beginnings, then words, then anything', () => {
    expect(candidates('al', people).map(p => p.id)).toEqual(['al', 'alice', 'zoe'])
    expect(candidates('ro', people).map(p => p.id)).toEqual(['carol'])
  })

  it('has who spoke last first, when nothing was typed', () => {
    expect(candidates('', people)[0]!.id).toBe('zoe')
  })

  it('cares for neither case nor accents', () => {
    expect(candidates('ZOE', people).map(p => p.id)).toEqual(['zoe'])
    expect(candidates('zoë', people).map(p => p.id)).toEqual(['zoe'])
  })

  it('has an end', () => {
    expect(candidates('', people, 2)).toHaveLength(2)
  })
})

it('puts the name in, and a space after it unless there is one', () => {
  expect(complete('hi @bo', 6, { from: 3, query: 'bo' }, 'bob')).toEqual({ text: 'hi @bob ', cursor: 8 })
  expect(complete('hi @bo there', 6, { from: 3, query: 'bo' }, 'bob')).toEqual({ text: 'hi @bob there', cursor: 8 })
})
