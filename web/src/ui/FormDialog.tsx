// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { Button } from './Button.tsx'
import { Dialog } from './Dialog.tsx'
import { errorText } from './errors.ts'
import { notify } from './notices.ts'

interface FormDialogProps {
  title: string
  /** What the button says that does it. */
  action: string
  danger?: boolean
  disabled?: boolean
  /** What to do; the dialog stays open, with the error, where it fails. */
  run: () => Promise<unknown>
  /** What is told once it is done. */
  done?: string | undefined
  onClose: () => void
  children?: ComponentChildren
}

/** A dialog of fields, with a button that does something with them and one that does not. */
export function FormDialog({ title, action, danger, disabled, run, done, onClose, children }: FormDialogProps) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const submit = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setError('')
    try {
      await run()
      onClose()
      if (done) notify(done)
    } catch (e) {
      setError(errorText(e))
      setBusy(false)
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        {children}
        {error && (
          <p class="error" role="alert">
            {error}
          </p>
        )}
        <div class="dialog-actions">
          <Button look="quiet" onClick={onClose}>
            {t('action.cancel')}
          </Button>
          <Button look={danger ? 'danger' : 'primary'} type="submit" busy={busy} disabled={disabled ?? false}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
