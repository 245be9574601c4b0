// SPDX-License-Identifier: Apache-2.0

import { h } from 'preact'
import { prefer, preferences } from '../state/preferences.ts'
import { openDialog } from '../ui/dialogs.tsx'

const usual = ['👍', '❤️', '😂', '🎉', '👀', '✅']

/** Those that one reaches for: the last used ones, filled up with the usual. */
export function quickEmoji(count = 6): string[] {
  return [...new Set([...preferences.get().recentEmoji, ...usual])].slice(0, count)
}

export function remember(emoji: string): void {
  const recent = preferences.get().recentEmoji
  prefer({ recentEmoji: [emoji, ...recent.filter(e => e !== emoji)].slice(0, 6) })
}

/** Lets the reader choose one emoji. The picker and its data come when they are needed. */
export function pickEmoji(at: { x: number; y: number }, chosen: (emoji: string) => void): void {
  void import('./EmojiPicker.tsx').then(({ EmojiPicker }) =>
    openDialog(close =>
      h(EmojiPicker, {
        at,
        onClose: close,
        onChoose: (emoji: string) => {
          close()
          remember(emoji)
          chosen(emoji)
        },
      }),
    ),
  )
}
