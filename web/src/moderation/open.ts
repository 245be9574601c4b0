// SPDX-License-Identifier: Apache-2.0

import { h } from 'preact'
import { openDialog } from '../ui/dialogs.tsx'

// Dialogs for moderators of a room, loaded when they are needed.

export function openBans(room: string): void {
  void import('./BansDialog.tsx').then(({ BansDialog }) => openDialog(close => h(BansDialog, { room, onClose: close })))
}

export function openHooks(room: string): void {
  void import('./HooksDialog.tsx').then(({ HooksDialog }) =>
    openDialog(close => h(HooksDialog, { room, onClose: close })),
  )
}

export function openRoomReports(room: string): void {
  void import('./RoomReports.tsx').then(({ RoomReports }) =>
    openDialog(close => h(RoomReports, { room, onClose: close })),
  )
}

export function openRoomAudit(room: string): void {
  void import('./RoomReports.tsx').then(({ RoomAudit }) => openDialog(close => h(RoomAudit, { room, onClose: close })))
}
