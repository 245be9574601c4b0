// SPDX-License-Identifier: Apache-2.0

import type { Client } from './client.ts'
import { ParleyError } from './error.ts'
import type { FileInfo } from './types.ts'

export interface UploadOptions {
  /** Where the HTTP door is, such as https://chat.example; the page's own origin if not given. */
  origin?: string
  signal?: AbortSignal
  /** Bytes that the server has, of how many. */
  progress?: (sent: number, size: number) => void
}

/** Uploads a file that can be shared in a room then, and goes on by itself after a lost connection. */
export async function upload(
  _client: Client,
  _roomId: string,
  _file: File,
  _options: UploadOptions = {},
): Promise<FileInfo> {
  throw new ParleyError('unavailable', 'not connected')
}

/** Where a file's bytes are, and its thumbnail's. */
export function fileURL(file: FileInfo, origin = ''): string {
  return `${origin}/api/v1/files/${file.file_id}`
}

export function thumbnailURL(file: FileInfo, origin = ''): string | undefined {
  return file.thumbnail === undefined ? undefined : origin + file.thumbnail
}
