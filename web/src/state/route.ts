// SPDX-License-Identifier: Apache-2.0

import { type Store, store } from './store.ts'

/** What stands beside the messages of a room. */
export type Panel = { name: 'thread'; of: string } | { name: 'members' | 'pins' | 'search' | 'details' }

export type Route =
  | { view: 'home' }
  | { view: 'room'; room: string; message?: string; panel?: Panel }
  | { view: 'discover' }
  | { view: 'search' }
  | { view: 'settings'; section: string }
  | { view: 'admin'; section: string }

/** Reads the part of an address after #. What makes no sense is home. */
export function parseRoute(hash: string): Route {
  let parts: string[]
  try {
    parts = hash
      .replace(/^#?\/?/, '')
      .split('/')
      .map(decodeURIComponent)
  } catch {
    return { view: 'home' }
  }
  const [view = '', second = '', ...rest] = parts
  switch (view) {
    case 'discover':
    case 'search':
      return { view }
    case 'settings':
      return { view, section: second || 'account' }
    case 'admin':
      return { view, section: second || 'overview' }
    case 'r': {
      if (!second) return { view: 'home' }
      const route: Route = { view: 'room', room: second }
      for (let i = 0; i < rest.length; i++) {
        const word = rest[i]
        if (word === 'm' && rest[i + 1]) route.message = rest[++i]
        else if (word === 'thread' && rest[i + 1]) route.panel = { name: 'thread', of: rest[++i]! }
        else if (word === 'members' || word === 'pins' || word === 'search' || word === 'details')
          route.panel = { name: word }
      }
      return route
    }
    default:
      return { view: 'home' }
  }
}

export function formatRoute(route: Route): string {
  const parts: string[] = []
  switch (route.view) {
    case 'home':
      break
    case 'room':
      parts.push('r', route.room)
      if (route.message) parts.push('m', route.message)
      if (route.panel?.name === 'thread') parts.push('thread', route.panel.of)
      else if (route.panel) parts.push(route.panel.name)
      break
    case 'settings':
    case 'admin':
      parts.push(route.view, route.section)
      break
    default:
      parts.push(route.view)
  }
  return `#/${parts.map(encodeURIComponent).join('/')}`
}

/** Where the reader is. */
export const route: Store<Route> = store<Route>({ view: 'home' })

/** Follows the address of the page from now on. */
export function followAddress(): () => void {
  const read = () => route.set(parseRoute(location.hash))
  read()
  addEventListener('hashchange', read)
  return () => removeEventListener('hashchange', read)
}

export function go(to: Route, options: { replace?: boolean } = {}): void {
  const hash = formatRoute(to)
  if (hash === formatRoute(parseRoute(location.hash))) {
    route.set({ ...to }) // the same place again: jumps to its message again
    return
  }
  if (options.replace) {
    history.replaceState(null, '', hash)
    route.set(to)
  } else {
    location.hash = hash
  }
}

/** Opens or closes what stands beside the messages. */
export function showPanel(panel: Panel | undefined): void {
  const now = route.get()
  if (now.view !== 'room') return
  const { panel: open, message: _, ...rest } = now
  const next: Route = panel ? { ...rest, panel } : rest
  go(next, { replace: open !== undefined && panel !== undefined })
}
