// SPDX-License-Identifier: Apache-2.0

import { store } from '../state/store.ts'

export interface Notice {
  id: number
  text: string
  error: boolean
  action?: { label: string; run: () => void }
}

/** What is told in passing, at the lower edge. */
export const notices = store<readonly Notice[]>([])

let last = 0

export function notify(text: string, options: { error?: boolean; action?: Notice['action'] } = {}): void {
  const notice: Notice = {
    id: ++last,
    text,
    error: options.error ?? false,
    ...(options.action && { action: options.action }),
  }
  notices.set(now => [...now.filter(n => n.text !== text).slice(-2), notice])
  setTimeout(() => dismiss(notice.id), notice.error || notice.action ? 8000 : 4000)
}

export function dismiss(id: number): void {
  notices.set(now => now.filter(n => n.id !== id))
}
