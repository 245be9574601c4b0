// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { type Inline, onlyEmoji, parse, parseInline, plainText, safeHref } from './markdown.ts'

const text = (value: string): Inline => ({ kind: 'text', text: value })

describe('inline', () => {
  it('knows the styles', () => {
    expect(parseInline('a **b** *c* _d_ ~~e~~ `f`')).toEqual([
      text('a '),
      { kind: 'bold', of: [text('b')] },
      text(' '),
      { kind: 'italic', of: [text('c')] },
      text(' '),
      { kind: 'italic', of: [text('d')] },
      text(' '),
      { kind: 'strike', of: [text('e')] },
      text(' '),
      { kind: 'code', text: 'f' },
    ])
  })

  it('nests', () => {
    expect(parseInline('**a *b* c**')).toEqual([
      { kind: 'bold', of: [text('a '), { kind: 'italic', of: [text('b')] }, text(' c')] },
    ])
    expect(parseInline('*a **b** c*')).toEqual([
      { kind: 'italic', of: [text('a '), { kind: 'bold', of: [text('b')] }, text(' c')] },
    ])
  })

  it.each([
    'snake_case_name',
    '2*3*4',
    '* a *',
    'a ** b',
    '**',
    '****',
    '`',
    '_',
    '~~x',
    '[a](b)',
    '[a](javascript:alert(1))',
    'me@example',
  ])('leaves %s alone', written => {
    expect(parseInline(written)).toEqual([text(written)])
  })

  it('takes marks in code literally', () => {
    expect(parseInline('`**a** @bob`')).toEqual([{ kind: 'code', text: '**a** @bob' }])
    expect(parseInline('``a`b``')).toEqual([{ kind: 'code', text: 'a`b' }])
  })

  it('escapes', () => {
    expect(parseInline('\\*a\\*')).toEqual([text('*a*')])
  })

  it.each([
    ['see https://a.example/x.', 'https://a.example/x'],
    ['(https://a.example/x)', 'https://a.example/x'],
    ['https://a.example/x_(y)', 'https://a.example/x_(y)'],
    ['**https://a.example/**', 'https://a.example/'],
  ])('finds the address in %s', (written, url) => {
    const links: string[] = []
    const walk = (nodes: Inline[]) => {
      for (const n of nodes) {
        if (n.kind === 'link') links.push(n.href)
        else if ('of' in n) walk(n.of)
      }
    }
    walk(parseInline(written))
    expect(links).toEqual([url])
  })

  it('names links, never one within another', () => {
    expect(parseInline('[the *https://b.example* page](https://a.example/)')).toEqual([
      {
        kind: 'link',
        href: 'https://a.example/',
        of: [text('the '), { kind: 'italic', of: expect.anything() }, text(' page')],
      },
    ])
  })

  it('finds mentions in any case, without the full stop', () => {
    expect(parseInline('hi @Bob. and a@b')).toEqual([
      text('hi '),
      { kind: 'mention', user: 'bob', text: '@Bob' },
      text('. and a@b'),
    ])
  })

  it('is quick with what never ends', () => {
    for (const mark of ['*a', '_a ', '**a ', '`a', '[a](', '~~a ', '> ', '@', 'https://']) {
      const started = performance.now()
      parse(mark.repeat(4000 / mark.length))
      expect(performance.now() - started).toBeLessThan(200)
    }
  })
})

describe('blocks', () => {
  it('keeps code as it is', () => {
    expect(parse('a\n```go\nx := *p\n\n- y\n```\nb')).toEqual([
      { kind: 'paragraph', of: [text('a')] },
      { kind: 'code', text: 'x := *p\n\n- y', language: 'go' },
      { kind: 'paragraph', of: [text('b')] },
    ])
    expect(parse('```\nopen')).toEqual([{ kind: 'code', text: 'open', language: '' }])
  })

  it('quotes', () => {
    expect(parse('> a\n> > b\nc')).toEqual([
      {
        kind: 'quote',
        of: [
          { kind: 'paragraph', of: [text('a')] },
          { kind: 'quote', of: [{ kind: 'paragraph', of: [text('b')] }] },
        ],
      },
      { kind: 'paragraph', of: [text('c')] },
    ])
  })

  it('lists', () => {
    expect(parse('- a\n- b\n  more\n3. c\n4) d')).toEqual([
      { kind: 'list', ordered: false, start: 1, items: [[text('a')], [text('b\nmore')]] },
      { kind: 'list', ordered: true, start: 3, items: [[text('c')], [text('d')]] },
    ])
    expect(parse('-a\n1.b')).toEqual([{ kind: 'paragraph', of: [text('-a\n1.b')] }])
  })
})

it('lets no script through', () => {
  for (const url of [
    'javascript:alert(1)',
    'data:text/html,x',
    'JaVaScRiPt://x',
    '//a.example',
    '/x',
    'vbscript:x',
    'https:',
    'file:///etc/passwd',
  ]) {
    expect(safeHref(url)).toBeUndefined()
  }
  expect(safeHref('mailto:a@b.example')).toBe('mailto:a@b.example')
})

it('knows emoji from text', () => {
  expect(onlyEmoji('👍')).toBe(true)
  expect(onlyEmoji('👩‍🚀 🇩🇪')).toBe(true)
  expect(onlyEmoji('12')).toBe(false)
  expect(onlyEmoji('👍 yes')).toBe(false)
  expect(onlyEmoji('👍'.repeat(5))).toBe(false)
})

it('puts a message in one line', () => {
  expect(plainText('**a**\n\n> b\n- [c](https://x.example)\n```\nd\n```')).toBe('a b c d')
})
