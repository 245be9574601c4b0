// SPDX-License-Identifier: Apache-2.0

import type { Message } from '@parley/client'
import { store } from './store.ts'

/** What a composer is about, beside its text. A place is a room, or `thread` and the id of its first message. */
export interface Composing {
  replyTo?: Message
  editing?: Message
}

export const composing = store<ReadonlyMap<string, Composing>>(new Map())

export function compose(place: string, about: Composing): void {
  composing.set(now => {
    const next = new Map(now)
    if (about.replyTo || about.editing) next.set(place, about)
    else next.delete(place)
    return next
  })
}

export function threadPlace(first: string): string {
  return `thread ${first}`
}

/**
 * Puts the cursor into the composer of a place, wherever it is on the page, once what the caller has changed is on the page too: not
 * a frame later, in which the reader may have typed, or gone elsewhere.
 */
export function focusComposer(place: string): void {
  queueMicrotask(() => document.querySelector<HTMLElement>(`[data-composer="${CSS.escape(place)}"]`)?.focus())
}
