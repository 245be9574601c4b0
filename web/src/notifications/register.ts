// SPDX-License-Identifier: Apache-2.0

import type { Chat } from '../state/chat.ts'
import { go, parseRoute } from '../state/route.ts'
import { renew, withdraw } from './push.ts'

/** Starts the service worker, and goes where a notification that was clicked leads. */
export async function startWorker(chat: Chat): Promise<void> {
  if (!('serviceWorker' in navigator) || !import.meta.env.PROD) return
  try {
    await navigator.serviceWorker.register('/sw.js', { type: 'module' })
    navigator.serviceWorker.addEventListener('message', event => {
      const { type, hash } = (event.data ?? {}) as { type?: string; hash?: string }
      if (type === 'open' && hash) go(parseRoute(hash))
    })
    // What is read, here or on another device, needs no notification any more.
    let before = chat.rooms.get()
    chat.rooms.on(() => {
      const now = chat.rooms.get()
      for (const [id, head] of now)
        if (head.read_seq > (before.get(id)?.read_seq ?? head.read_seq)) void withdraw(id, head.read_seq)
      before = now
    })
    await renew(chat)
  } catch {
    // Without it there are no notifications; the rest works.
  }
}
