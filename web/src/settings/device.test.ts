// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { agentName, type Way, wayName, waysOf } from './device.ts'

const way = (session_id: string, kind: Way['kind'], rest: Partial<Way> = {}): Way => ({
  session_id,
  kind,
  name: session_id,
  ...rest,
})

it('takes a browser and its connection for one device', () => {
  const ways = waysOf([
    way('old', 'login', { created_at: 1 }),
    way('new', 'login', { created_at: 3 }),
    way('here', 'login', { created_at: 2, current: true }),
    way('bot', 'token', { scopes: ['send'] }),
    way('m1', 'mqtt', { token_id: 'here', address: '192.0.2.1' }),
    way('m2', 'mqtt', { token_id: 'here', address: '192.0.2.1' }),
    way('m3', 'mqtt', { address: '192.0.2.9' }),
    way('m4', 'mqtt', { token_id: 'gone', since: 5 }),
  ])
  expect(ways.logins.map(d => d.session_id)).toEqual(['here', 'new', 'old'])
  expect(ways.logins[0]!.addresses).toEqual(['192.0.2.1'])
  expect(ways.tokens.map(d => d.session_id)).toEqual(['bot'])
  expect(ways.clients.map(d => d.session_id)).toEqual(['m4', 'm3'])
})

it('names browsers by what they say of themselves', () => {
  const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36'
  const safari = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1'
  const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0'
  expect([chrome, `${chrome} Edg/141.0`, safari, firefox].map(agentName)).toEqual([
    'Chrome, Linux',
    'Edge, Linux',
    'Safari, iPhone',
    'Firefox, Windows',
  ])
  expect(wayName(way('x', 'login', { name: firefox }))).toBe('Firefox, Windows')
  expect(wayName(way('x', 'login', { name: 'kitchen display' }))).toBe('kitchen display')
  expect(wayName(way('x', 'login', { name: 'Mozilla/9' }))).toBe('Mozilla/9')
  expect(wayName(way('x', 'mqtt', { name: '', client_id: 'phone' }))).toBe('phone')
})
