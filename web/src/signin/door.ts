// SPDX-License-Identifier: Apache-2.0

/** Which of the forms in front of the chat is shown. */
export type Door = { kind: 'in' } | { kind: 'up'; invitation: string } | { kind: 'setup'; code: string }

/**
 * Reads it from the address: /setup?code=… is the link that the server prints at its first start, and /join?invitation=… an
 * invitation. Both may stand after # too, where they do not reach logs of proxies.
 */
export function parseDoor(at: { pathname: string; search: string; hash: string }): Door {
  const hash = at.hash.replace(/^#\/?/, '')
  const [hashPath = '', hashQuery = ''] = hash.split('?')
  const query = new URLSearchParams(at.search)
  const own = new URLSearchParams(hashQuery)
  const [kind = '', ...rest] = (at.pathname.replace(/^\/+/, '') || hashPath).split('/')
  const after = at.pathname.length > 1 ? (rest[0] ?? (hashPath || '')) : (rest[0] ?? '')
  const value = (...names: string[]) => {
    for (const name of names) {
      const found = query.get(name) ?? own.get(name)
      if (found) return found
    }
    return decode(after)
  }
  if (kind === 'setup') return { kind: 'setup', code: value('code', 'token') }
  if (kind === 'join' || kind === 'register') return { kind: 'up', invitation: value('invitation', 'code', 'token') }
  return { kind: 'in' }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
