// SPDX-License-Identifier: Apache-2.0

/** A way into the account, as `users/me/sessions` lists it. */
export interface Way {
  session_id: string
  kind: 'login' | 'token' | 'mqtt'
  name: string
  current?: boolean
  connected?: boolean
  created_at?: number
  expires?: number
  scopes?: string[]
  client_id?: string
  since?: number
  address?: string
  token_id?: string // which token an MQTT session came with
}

/** A way in, with the MQTT sessions that came by it. */
export interface Device extends Way {
  addresses: string[]
}

export interface Ways {
  /** Signed in with a password; this device first, then the latest ones. */
  logins: Device[]
  tokens: Device[]
  /** MQTT sessions whose token is not listed: of clients that know the password, or that are away. */
  clients: Device[]
}

/** Sorts the ways in as people think of them: a browser and its MQTT session are one device. */
export function waysOf(list: readonly Way[]): Ways {
  const ways: Ways = { logins: [], tokens: [], clients: [] }
  const byToken = new Map<string, Device>()
  for (const way of list) {
    if (way.kind === 'mqtt') continue
    const device = { ...way, addresses: [] }
    byToken.set(way.session_id, device)
    ways[way.kind === 'token' ? 'tokens' : 'logins'].push(device)
  }
  for (const way of list) {
    if (way.kind !== 'mqtt') continue
    const token = byToken.get(way.token_id ?? '')
    if (!token) ways.clients.push({ ...way, addresses: way.address ? [way.address] : [] })
    else if (way.address && !token.addresses.includes(way.address)) token.addresses.push(way.address)
  }
  const latest = (a: Device, b: Device) =>
    Number(b.current ?? false) - Number(a.current ?? false) ||
    Number(b.connected ?? false) - Number(a.connected ?? false) ||
    (b.created_at ?? b.since ?? 0) - (a.created_at ?? a.since ?? 0)
  for (const group of Object.values(ways) as Device[][]) group.sort(latest)
  return ways
}

const browsers: Record<string, string> = { Edg: 'Edge', OPR: 'Opera', HeadlessChrome: 'Chrome' }
const systems: Record<string, string> = { 'Mac OS X': 'macOS', CrOS: 'ChromeOS' }

/** The program and the system that a User-Agent names: "Firefox, Linux". Undefined where it names neither. */
export function agentName(agent: string): string | undefined {
  const browser = ['Firefox', 'Edg', 'OPR', 'HeadlessChrome', 'Chrome', 'Safari'].find(b => agent.includes(`${b}/`))
  const system = /Android|iPhone|iPad|Windows|Mac OS X|CrOS|Linux/.exec(agent)?.[0]
  const names = [browser && (browsers[browser] ?? browser), system && (systems[system] ?? system)].filter(Boolean)
  return names.length ? names.join(', ') : undefined
}

/** What a way in is listed as. A login keeps the User-Agent for a name where it was given no other. */
export function wayName(way: Way): string {
  const name = way.name || way.client_id || way.session_id
  return (/^Mozilla\//.test(name) && agentName(name)) || name
}
