// SPDX-License-Identifier: Apache-2.0

// The service worker: keeps the shell for a start without a connection.

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
