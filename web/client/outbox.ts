// SPDX-License-Identifier: Apache-2.0

import type { ParleyError } from './error.ts'

/** One message on its way. */
export interface Outgoing {
  clientMsgId: string
  roomId: string
  content: string
  type: 'text'
  replyTo?: string // a message that is answered in the room
  threadOf?: string // a message whose thread this belongs to
  createdAt: number // milliseconds; what orders the entries of a room
  /** queued with an error: held back by a limit, and sent again by itself. failed: refused; see retry and discard. */
  state: 'queued' | 'sending' | 'failed'
  error?: ParleyError
}

/** Keeps what has not been sent. */
export interface OutboxStorage {
  load(): Promise<Outgoing[]>
  put(o: Outgoing): Promise<void>
  remove(clientMsgId: string): Promise<void>
  /** Runs one function of each name at a time, over all that share the storage (the tabs of a browser). */
  exclusive?<T>(name: string, run: () => Promise<T>): Promise<T>
  /** Tells when somebody else who shares the storage changed it. Returns the way to stop. */
  watch?(listener: () => void): () => void
  close?(): void
}
