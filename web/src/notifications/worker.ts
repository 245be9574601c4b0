// SPDX-License-Identifier: Apache-2.0

// The service worker: keeps the shell for a start without a connection, and shows what is pushed.

/// <reference lib="webworker" />

declare const SHELL_FILES: string[]
declare const SHELL_VERSION: string

export {}

const worker = self as unknown as ServiceWorkerGlobalScope
const cacheName = `shell-${SHELL_VERSION}`

worker.addEventListener('install', event => {
  event.waitUntil(caches.open(cacheName).then(cache => cache.addAll(SHELL_FILES)))
  void worker.skipWaiting()
})

worker.addEventListener('activate', event => {
  const removeOld = async () => {
    for (const name of await caches.keys()) if (name !== cacheName) await caches.delete(name)
    await worker.clients.claim()
  }
  event.waitUntil(removeOld())
})

// The page comes from the server where that answers, so that a new version is seen at once; files with a hash in their
// name never change. Nothing that people wrote is kept here.
worker.addEventListener('fetch', event => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== worker.location.origin) return
  if (request.mode === 'navigate' && url.pathname === '/') {
    event.respondWith(fetch(request).catch(async () => (await caches.match('/')) ?? Response.error()))
  } else if (SHELL_FILES.includes(url.pathname)) {
    event.respondWith(caches.match(url.pathname).then(kept => kept ?? fetch(request)))
  }
})

// What the server pushes: docs/protocol.md, section 6, Push.
type Pushed =
  | {
      type: 'message'
      tag: string
      room_id: string
      seq: number
      message_id: string
      thread_id?: string
      room_name?: string
      sender_id?: string
      sender_name?: string
      content?: string
      file_name?: string
      timestamp: number
    }
  | { type: 'close'; tag: string; seq: number }

worker.addEventListener('push', event => {
  let pushed: Pushed
  try {
    pushed = event.data?.json() as Pushed
  } catch {
    return // not from a Parley server
  }
  event.waitUntil(show(pushed))
})

async function show(pushed: Pushed): Promise<void> {
  const shown = await worker.registration.getNotifications({ tag: pushed.tag })
  if (pushed.type === 'close') {
    for (const notification of shown) if (seqOf(notification) <= pushed.seq) notification.close()
    return
  }
  if (pushed.type !== 'message' || shown.some(notification => seqOf(notification) >= pushed.seq)) return // a copy
  const sender = pushed.sender_name ?? pushed.sender_id
  const title = [sender, pushed.room_name].filter(Boolean).join(' · ') || 'Parley'
  await worker.registration.showNotification(title, {
    tag: pushed.tag,
    body: pushed.content || pushed.file_name || '',
    icon: '/icon-192.png',
    badge: '/badge-96.png',
    data: {
      seq: pushed.seq,
      hash: `#/r/${encodeURIComponent(pushed.room_id)}/m/${encodeURIComponent(pushed.message_id)}${
        pushed.thread_id ? `/thread/${encodeURIComponent(pushed.thread_id)}` : ''
      }`,
    },
    // A later message in the same room is to be heard, too.
    ...({ renotify: true, timestamp: pushed.timestamp * 1000 } as object),
  })
}

function seqOf(notification: Notification): number {
  return (notification.data as { seq?: number } | null)?.seq ?? 0
}

worker.addEventListener('notificationclick', event => {
  event.notification.close()
  const hash = (event.notification.data as { hash?: string } | null)?.hash ?? ''
  const open = async () => {
    const [page] = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true })
    if (!page) return void (await worker.clients.openWindow(`/${hash}`))
    page.postMessage({ type: 'open', hash })
    await page.focus()
  }
  event.waitUntil(open())
})
