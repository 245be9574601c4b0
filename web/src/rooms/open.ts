// SPDX-License-Identifier: Apache-2.0

import { h } from 'preact'
import { openDialog } from '../ui/dialogs.tsx'

// Dialogs of rooms, loaded when they are needed.

export function openCreateRoom(): void {
  void import('./CreateRoom.tsx').then(({ CreateRoom }) => openDialog(close => h(CreateRoom, { onClose: close })))
}

export function openStartConversation(): void {
  void import('../people/StartConversation.tsx').then(({ StartConversation }) =>
    openDialog(close => h(StartConversation, { onClose: close })),
  )
}

export function openInvite(room: string): void {
  void import('../people/InvitePeople.tsx').then(({ InvitePeople }) =>
    openDialog(close => h(InvitePeople, { room, onClose: close })),
  )
}
