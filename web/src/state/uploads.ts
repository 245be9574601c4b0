// SPDX-License-Identifier: Apache-2.0

import { asParleyError, type Client, type FileInfo, ParleyError, upload } from '@parley/client'
import { store } from './store.ts'

/** A file on its way to a room. */
export interface Upload {
  id: number
  /** What makes sharing it a second time do nothing. */
  once: string
  room: string
  file: File
  preview?: string // an object URL of a picture
  sent: number // bytes
  state: 'waiting' | 'sending' | 'sharing' | 'failed'
  error?: ParleyError
  caption: string
  replyTo?: string
}

const atOnce = 2 // uploads at a time; the others wait

/** Uploads files and shares them in their room, in order of choosing. */
export class Uploads {
  readonly list = store<readonly Upload[]>([])
  readonly #client: Client
  readonly #largest: () => number | undefined
  readonly #aborts = new Map<number, AbortController>()
  readonly #uploaded = new Map<number, FileInfo>()
  #last = 0

  /** largest is how many bytes the server takes of a file, once that is known. */
  constructor(client: Client, largest: () => number | undefined = () => undefined) {
    this.#client = client
    this.#largest = largest
  }

  /** Takes files, however they came. Those that the server would refuse fail at once, each by itself. */
  add(room: string, files: Iterable<File>, options: { caption?: string; replyTo?: string } = {}): void {
    const added = [...files].map(
      (file, i): Upload => ({
        id: ++this.#last,
        once: randomId(),
        room,
        file,
        ...(/^image\/(png|jpe?g|gif|webp)$/.test(file.type) && { preview: URL.createObjectURL(file) }),
        sent: 0,
        ...this.#judge(file),
        caption: i === 0 ? (options.caption ?? '') : '',
        ...(i === 0 && options.replyTo && { replyTo: options.replyTo }),
      }),
    )
    this.list.set(now => [...now, ...added])
    this.#next()
  }

  retry(id: number): void {
    this.#change(id, upload => {
      const { error: _, ...rest } = upload
      return { ...rest, ...this.#judge(upload.file) }
    })
    this.#next()
  }

  #judge(file: File): Pick<Upload, 'state' | 'error'> {
    const largest = this.#largest()
    if (largest && file.size > largest)
      return { state: 'failed', error: new ParleyError('too_large', `size: a file may have ${largest} bytes`) }
    if (!file.size)
      return { state: 'failed', error: new ParleyError('bad_request', 'size: must be a number of bytes, at least 1') }
    return { state: 'waiting' }
  }

  discard(id: number): void {
    this.#aborts.get(id)?.abort()
    this.#remove(id)
    this.#next()
  }

  #next(): void {
    const now = this.list.get()
    let running = now.filter(u => u.state === 'sending' || u.state === 'sharing').length
    for (const upload of now) {
      if (running >= atOnce) return
      if (upload.state !== 'waiting') continue
      running++
      this.#change(upload.id, u => ({ ...u, state: 'sending' }))
      void this.#run(upload)
    }
  }

  async #run(entry: Upload): Promise<void> {
    const abort = new AbortController()
    this.#aborts.set(entry.id, abort)
    try {
      let info = this.#uploaded.get(entry.id)
      if (!info) {
        info = await upload(this.#client, entry.room, entry.file, {
          signal: abort.signal,
          progress: sent => this.#change(entry.id, u => ({ ...u, sent })),
        })
        this.#uploaded.set(entry.id, info)
      }
      this.#change(entry.id, u => ({ ...u, state: 'sharing', sent: u.file.size }))
      await this.#client.call(
        `file/share/${entry.room}`,
        {
          file_id: info.file_id,
          client_msg_id: entry.once,
          ...(entry.caption && { content: entry.caption }),
          ...(entry.replyTo && { reply_to: entry.replyTo }),
        },
        { signal: abort.signal },
      )
      this.#remove(entry.id)
    } catch (e) {
      if (!abort.signal.aborted) this.#change(entry.id, u => ({ ...u, state: 'failed', error: asParleyError(e) }))
    } finally {
      this.#aborts.delete(entry.id)
      this.#next()
    }
  }

  #change(id: number, change: (upload: Upload) => Upload): void {
    this.list.set(now => now.map(u => (u.id === id ? change(u) : u)))
  }

  #remove(id: number): void {
    const gone = this.list.get().find(u => u.id === id)
    if (gone?.preview) URL.revokeObjectURL(gone.preview)
    this.#uploaded.delete(id)
    this.list.set(now => now.filter(u => u.id !== id))
  }
}

// randomUUID is missing where the page came over plain HTTP.
function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
}
