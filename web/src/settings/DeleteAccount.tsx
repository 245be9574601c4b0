// SPDX-License-Identifier: Apache-2.0

import { useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { useChat } from '../state/chat.ts'
import { signOut } from '../state/session.ts'
import { Field } from '../ui/Field.tsx'
import { FormDialog } from '../ui/FormDialog.tsx'

export function DeleteAccount({ onClose }: { onClose: () => void }) {
  const chat = useChat()
  const [password, setPassword] = useState('')
  return (
    <FormDialog
      title={t('settings.delete')}
      action={t('settings.delete.do')}
      danger
      disabled={!password}
      run={async () => {
        await chat.client.call('users/me/delete', { password })
        await signOut()
      }}
      onClose={onClose}
    >
      <p>{t('settings.delete.text')}</p>
      <Field
        label={t('signin.password')}
        type="password"
        autocomplete="current-password"
        required
        value={password}
        onInput={event => setPassword(event.currentTarget.value)}
      />
    </FormDialog>
  )
}
