// SPDX-License-Identifier: Apache-2.0

import { useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { useChat } from '../state/chat.ts'
import { signOut } from '../state/session.ts'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { errorText } from '../ui/errors.ts'
import { Field } from '../ui/Field.tsx'

export function DeleteAccount({ onClose }: { onClose: () => void }) {
  const chat = useChat()
  const [password, setPassword] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  return (
    <Dialog title={t('settings.delete')} onClose={onClose}>
      <form
        class="stack"
        onSubmit={async event => {
          event.preventDefault()
          setBusy(true)
          setError('')
          try {
            await chat.client.call('users/me/delete', { password })
            onClose()
            await signOut()
          } catch (e) {
            setError(errorText(e))
            setBusy(false)
          }
        }}
      >
        <p>{t('settings.delete.text')}</p>
        <Field
          label={t('signin.password')}
          type="password"
          autocomplete="current-password"
          required
          value={password}
          error={error || undefined}
          onInput={event => setPassword(event.currentTarget.value)}
        />
        <div class="dialog-actions">
          <Button look="quiet" onClick={onClose}>
            {t('action.cancel')}
          </Button>
          <Button look="danger" type="submit" busy={busy} disabled={!password}>
            {t('settings.delete.do')}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
