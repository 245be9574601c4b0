// SPDX-License-Identifier: Apache-2.0

import { h } from 'preact'
import { openDialog } from '../ui/dialogs.tsx'

/** Shows who somebody is. Loaded when it is needed. */
export function openPerson(user: string, room?: string): void {
  void import('./PersonDialog.tsx').then(({ PersonDialog }) =>
    openDialog(close => h(PersonDialog, { user, ...(room !== undefined && { room }), onClose: close })),
  )
}
