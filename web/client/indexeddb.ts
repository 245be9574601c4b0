// SPDX-License-Identifier: Apache-2.0

import type { OutboxStorage, Outgoing } from './outbox.ts'

const store = 'outgoing'

/** Keeps the outbox of a user in the browser, over reloads, for all its tabs. */
export function indexedDBOutbox(user: string): OutboxStorage {
  const name = `parley-outbox:${user}`
  const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(name)
  let opened: Promise<IDBDatabase> | undefined

  const open = (): Promise<IDBDatabase> => {
    opened ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(name, 1)
      request.onupgradeneeded = () => request.result.createObjectStore(store, { keyPath: 'clientMsgId' })
      request.onerror = () => reject(request.error)
      request.onsuccess = () => {
        const db = request.result
        db.onversionchange = () => {
          db.close()
          opened = undefined
        }
        db.onclose = () => {
          opened = undefined
        }
        resolve(db)
      }
    }).catch(e => {
      opened = undefined // the next one tries again
      throw e
    })
    return opened
  }

  const change = async (how: (s: IDBObjectStore) => void): Promise<void> => {
    const db = await open()
    await new Promise<void>((resolve, reject) => {
      const transaction = db.transaction(store, 'readwrite', { durability: 'strict' })
      transaction.oncomplete = () => resolve()
      transaction.onabort = transaction.onerror = () => reject(transaction.error)
      how(transaction.objectStore(store))
    })
    channel?.postMessage('')
  }

  return {
    async load() {
      const db = await open()
      return new Promise<Outgoing[]>((resolve, reject) => {
        const request = db.transaction(store).objectStore(store).getAll()
        request.onsuccess = () => resolve(request.result as Outgoing[])
        request.onerror = () => reject(request.error)
      })
    },
    put(o) {
      // Of an error only what was said is kept: a clone of one loses the rest.
      const error = o.error && { code: o.error.code, message: o.error.message, retryAfter: o.error.retryAfter }
      return change(s => s.put({ ...o, error }))
    },
    remove: clientMsgId => change(s => s.delete(clientMsgId)),
    async exclusive<T>(lock: string, run: () => Promise<T>): Promise<T> {
      // Pages over plain HTTP have no locks. The server knows repetitions then too; only the order between tabs is not kept.
      if (typeof navigator === 'undefined' || !navigator.locks) return run()
      let began = false
      try {
        return (await navigator.locks.request(`parley-outbox:${lock}`, () => {
          began = true
          return run()
        })) as T
      } catch (e) {
        if (began) throw e
        return run() // no lock is given here
      }
    },
    watch(listener) {
      if (!channel) return () => {}
      channel.addEventListener('message', listener)
      return () => channel.removeEventListener('message', listener)
    },
    close() {
      channel?.close()
      void opened?.then(db => db.close()).catch(() => {})
    },
  }
}
