// SPDX-License-Identifier: Apache-2.0

/** What the server refuses with (docs/protocol.md, section 4), and what the client itself ends a request with. */
export type ErrorCode =
  | 'bad_request'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_member'
  | 'banned'
  | 'muted'
  | 'not_found'
  | 'conflict'
  | 'room_full'
  | 'too_large'
  | 'rejected'
  | 'rate_limited'
  | 'unavailable'
  | 'internal'
  | 'offline' // the time was over without a connection
  | 'timeout' // the time was over without an answer
  | 'aborted' // by the caller's signal
  | 'closed' // by close()
  | (string & {})

/** A refusal. Messages are for people and in English; codes are for programs. */
export class ParleyError extends Error {
  readonly code: ErrorCode
  /** Seconds after which it may succeed, where waiting helps. */
  readonly retryAfter?: number

  constructor(code: ErrorCode, message: string, retryAfter?: number) {
    super(message)
    this.name = 'ParleyError'
    this.code = code
    if (retryAfter !== undefined) this.retryAfter = retryAfter
  }
}

/** Makes any failure one of ours. */
export function asParleyError(e: unknown): ParleyError {
  if (e instanceof ParleyError) return e
  return new ParleyError('internal', e instanceof Error ? e.message : String(e))
}
