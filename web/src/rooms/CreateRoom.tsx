// SPDX-License-Identifier: Apache-2.0

import { useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { useChat } from '../state/chat.ts'
import { go } from '../state/route.ts'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { errorText } from '../ui/errors.ts'
import { Field, Select } from '../ui/Field.tsx'

export function CreateRoom({ onClose }: { onClose: () => void }) {
  const chat = useChat()
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [type, setType] = useState('public')
  const [most, setMost] = useState('100')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const create = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setError('')
    try {
      const made = await chat.client.call<{ room_id: string }>('rooms/create', {
        name: name.trim(),
        type,
        max_members: Number(most),
        ...(description.trim() && { description: description.trim() }),
      })
      await chat.client.refresh()
      onClose()
      go({ view: 'room', room: made.room_id })
    } catch (e) {
      setError(errorText(e))
      setBusy(false)
    }
  }
  return (
    <Dialog title={t('rooms.create')} onClose={onClose}>
      <form class="stack" onSubmit={create}>
        <Field
          label={t('rooms.name')}
          required
          maxLength={100}
          autofocus
          value={name}
          onInput={event => setName(event.currentTarget.value)}
        />
        <Field
          label={t('rooms.description')}
          hint={t('rooms.description.hint')}
          maxLength={1000}
          value={description}
          onInput={event => setDescription(event.currentTarget.value)}
        />
        <Select
          label={t('rooms.type')}
          value={type}
          onChange={setType}
          options={[
            ['public', t('rooms.type.public')],
            ['private', t('rooms.type.private')],
          ]}
          hint={type === 'public' ? t('rooms.type.public.hint') : t('rooms.type.private.hint')}
        />
        <Field
          label={t('rooms.max')}
          type="number"
          min={1}
          max={100000}
          required
          value={most}
          onInput={event => setMost(event.currentTarget.value)}
        />
        {error && (
          <p class="error" role="alert">
            {error}
          </p>
        )}
        <div class="dialog-actions">
          <Button look="quiet" onClick={onClose}>
            {t('action.cancel')}
          </Button>
          <Button look="primary" type="submit" busy={busy} disabled={!name.trim()}>
            {t('rooms.create.do')}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
