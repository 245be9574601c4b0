// SPDX-License-Identifier: Apache-2.0

import type { Client } from './client.ts'
import type { Message } from './types.ts'

export interface TimelineOptions {
  /** A message of a thread: the timeline is that thread, from its first message on. */
  thread?: string
  /** How many messages are kept; beyond it the end that is farther from what was loaded last is let go. 1000 if not given. */
  keep?: number
  /** How many messages a page has; 50 if not given. */
  page?: number
}

/** The messages of a room, or a thread, as a list shows them. */
export class Timeline {
  /** By seq, in their current state. A new array on every change. */
  readonly messages: readonly Message[] = []
  readonly hasOlder: boolean = false
  readonly hasNewer: boolean = false
  readonly loading: boolean = false
  /** Whether the reader is at the latest message: then the oldest ones make room for new ones. */
  following = true
  readonly roomId: string

  constructor(_client: Client, roomId: string, _options: TimelineOptions = {}) {
    this.roomId = roomId
  }

  async loadLatest(): Promise<void> {}
  async loadOlder(): Promise<void> {}
  async loadNewer(): Promise<void> {}
  async loadAround(_messageId: string): Promise<void> {}

  on(_listener: () => void): () => void {
    return () => {}
  }

  close(): void {}
}
