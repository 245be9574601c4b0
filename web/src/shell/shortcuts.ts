// SPDX-License-Identifier: Apache-2.0

import { h } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Chat } from '../state/chat.ts'
import { go, route, showPanel } from '../state/route.ts'
import { openDialog } from '../ui/dialogs.tsx'
import { orderedRooms } from './order.ts'

export function openSwitcher(): void {
  void import('./Switcher.tsx').then(({ Switcher }) => openDialog(close => h(Switcher, { onClose: close })))
}

export function openHelp(): void {
  void import('./HelpDialog.tsx').then(({ HelpDialog }) => openDialog(close => h(HelpDialog, { onClose: close })))
}

/** The keys that work everywhere. */
export function useShortcuts(chat: Chat): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector('dialog[open]')) return
      const mod = event.ctrlKey || event.metaKey
      const target = event.target as HTMLElement
      const writing = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable
      const now = route.get()
      if (mod && !event.altKey && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        openSwitcher()
      } else if (mod && !event.altKey && event.shiftKey && event.key.toLowerCase() === 'f') {
        event.preventDefault()
        if (now.view === 'room') showPanel({ name: 'search' })
        else go({ view: 'search' })
      } else if (event.altKey && !mod && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
        event.preventDefault()
        const rooms = orderedRooms(chat)
        const at = now.view === 'room' ? rooms.findIndex(room => room.room_id === now.room) : -1
        const by = event.key === 'ArrowDown' ? 1 : -1
        // With shift: to the next one with something unread.
        for (let i = at + by; i >= 0 && i < rooms.length; i += by) {
          if (!event.shiftKey || rooms[i]!.unread) return go({ view: 'room', room: rooms[i]!.room_id })
        }
      } else if (event.key === 'Escape' && now.view === 'room' && now.panel) {
        event.preventDefault()
        showPanel(undefined)
      } else if (event.key === '?' && !writing && !mod) {
        event.preventDefault()
        openHelp()
      } else if (
        !writing &&
        !mod &&
        !event.altKey &&
        event.key.length === 1 &&
        /\p{L}|\p{N}/u.test(event.key) &&
        target === document.body
      ) {
        // Whoever begins to write means the composer.
        document.querySelector<HTMLElement>('[data-composer]')?.focus()
      }
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [chat])
}
