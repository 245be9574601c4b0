// SPDX-License-Identifier: Apache-2.0

import type { Client } from './client.ts'
import { asParleyError, ParleyError } from './error.ts'
import type { FileInfo, Sent } from './types.ts'

export interface UploadOptions {
  /** Where the HTTP door is, such as https://chat.example; the page's own origin if not given. */
  origin?: string
  signal?: AbortSignal
  /** Bytes that the server has, of how many. */
  progress?: (sent: number, size: number) => void
  /** How many times in a row it may fail without a byte moving; 6 if not given. */
  retries?: number
}

/** A permission to upload one file, good for 24 hours. */
interface Ticket {
  file_id: string
  upload_url: string
  expires: number
}

/** Bytes of a request. What is lost of one with its connection is sent again from where the server is. */
const chunk = 8 << 20

/**
 * Uploads a file that can be shared in a room then. It goes on after a lost connection, from where the server is (tus 1.0). What the
 * server finds out about the file (what it is, a picture's size) is told with the message that shares it.
 */
export async function upload(
  client: Client,
  roomId: string,
  file: File,
  options: UploadOptions = {},
): Promise<FileInfo> {
  const { origin = '', signal, progress, retries = 6 } = options
  const ticket = await client.call<Ticket>(
    `file/upload/${roomId}`,
    { name: file.name, mime: file.type || undefined, size: file.size },
    { signal },
  )
  const url = origin + ticket.upload_url
  let offset = 0
  let failures = 0
  for (;;) {
    progress?.(offset, file.size)
    try {
      const part = file.slice(offset, offset + chunk)
      const before = offset
      offset = await patch(url, part, before, signal, sent => progress?.(before + sent, file.size))
      if (offset > before) failures = 0
      if (offset < file.size) continue
      progress?.(file.size, file.size)
      return { file_id: ticket.file_id, name: file.name, mime: file.type, size: file.size }
    } catch (e) {
      const error = asParleyError(e)
      const passing = ['offline', 'unavailable', 'conflict', 'rate_limited', 'internal'].includes(error.code)
      if (!passing || ++failures > retries) throw error
      await pause(error.retryAfter ?? Math.min(2 ** failures * 0.25, 30), signal)
      const there = await received(url, signal).catch(() => undefined)
      if (there !== undefined && there > offset) failures = 0
      offset = there ?? offset
    }
  }
}

/** Sends bytes from an offset on, and tells how many the server has then. */
function patch(
  url: string,
  part: Blob,
  offset: number,
  signal: AbortSignal | undefined,
  progress: (sent: number) => void,
): Promise<number> {
  const headers = {
    'Tus-Resumable': '1.0.0',
    'Upload-Offset': String(offset),
    'Content-Type': 'application/offset+octet-stream',
  }
  // Only XMLHttpRequest tells how far an upload is; Node has none.
  if (typeof XMLHttpRequest !== 'undefined') return send(url, headers, part, signal, progress)
  return ask(url, { method: 'PATCH', headers, body: part, signal }).then(answer =>
    offsetOf(name => answer.headers.get(name)),
  )
}

function send(
  url: string,
  headers: Record<string, string>,
  part: Blob,
  signal: AbortSignal | undefined,
  progress: (sent: number) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted())
    const x = new XMLHttpRequest()
    const stop = () => x.abort()
    signal?.addEventListener('abort', stop)
    x.upload.onprogress = e => progress(e.loaded)
    x.onabort = () => reject(aborted())
    x.onerror = () => reject(new ParleyError('offline', 'the connection was lost'))
    x.onload = () => {
      if (x.status >= 300) return reject(refusalOf(x.status, x.responseText))
      try {
        resolve(offsetOf(name => x.getResponseHeader(name)))
      } catch (e) {
        reject(e)
      }
    }
    x.onloadend = () => signal?.removeEventListener('abort', stop)
    x.open('PATCH', url)
    for (const [name, value] of Object.entries(headers)) x.setRequestHeader(name, value)
    x.send(part)
  })
}

/** How many bytes the server has. */
async function received(url: string, signal: AbortSignal | undefined): Promise<number> {
  const answer = await ask(url, { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0' }, signal })
  return offsetOf(name => answer.headers.get(name))
}

async function ask(url: string, init: { [K in keyof RequestInit]?: RequestInit[K] | undefined }): Promise<Response> {
  let answer: Response
  try {
    answer = await fetch(url, init as RequestInit)
  } catch (e) {
    throw init.signal?.aborted ? aborted() : new ParleyError('offline', asParleyError(e).message)
  }
  if (!answer.ok) throw refusalOf(answer.status, await answer.text().catch(() => ''))
  return answer
}

function offsetOf(header: (name: string) => string | null): number {
  const offset = Number(header('Upload-Offset') ?? Number.NaN)
  if (!Number.isSafeInteger(offset)) throw new ParleyError('internal', 'the answer tells no Upload-Offset')
  return offset
}

function refusalOf(status: number, body: string): ParleyError {
  try {
    const { error } = JSON.parse(body) as { error: { code: string; message: string; retry_after?: number } }
    return new ParleyError(error.code, error.message, error.retry_after)
  } catch {
    return new ParleyError(status >= 500 ? 'unavailable' : 'bad_request', `the server answered ${status}`)
  }
}

function aborted(): ParleyError {
  return new ParleyError('aborted', 'the upload was given up')
}

function pause(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(aborted())
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, seconds * 1000)
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop)
  })
}

/** Says in a room that a file is there. */
export function share(
  client: Client,
  roomId: string,
  file: FileInfo,
  content?: string,
  replyTo?: string,
): Promise<Sent> {
  return client.call<Sent>(`file/share/${roomId}`, { file_id: file.file_id, content, reply_to: replyTo })
}

/** Where a file's bytes are. */
export function fileURL(file: FileInfo, origin = ''): string {
  return `${origin}/api/v1/files/${file.file_id}`
}

/** Where a picture's thumbnail is, where it has one. */
export function thumbnailURL(file: FileInfo, origin = ''): string | undefined {
  return file.thumbnail === undefined ? undefined : origin + file.thumbnail
}
