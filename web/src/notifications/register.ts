// SPDX-License-Identifier: Apache-2.0

import type { Chat } from '../state/chat.ts'
import { go, parseRoute } from '../state/route.ts'

/** Starts the service worker, and goes where a notification that was clicked leads. */
export async function startWorker(_chat: Chat): Promise<void> {
  if (!('serviceWorker' in navigator) || !import.meta.env.PROD) return
  try {
    await navigator.serviceWorker.register('/sw.js', { type: 'module' })
    navigator.serviceWorker.addEventListener('message', event => {
      const { type, hash } = (event.data ?? {}) as { type?: string; hash?: string }
      if (type === 'open' && hash) go(parseRoute(hash))
    })
  } catch {
    // Without it there are no notifications; the rest works.
  }
}
