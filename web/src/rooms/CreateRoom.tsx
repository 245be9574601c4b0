// SPDX-License-Identifier: Apache-2.0

import { useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { useChat } from '../state/chat.ts'
import { go } from '../state/route.ts'
import { Select } from '../ui/Field.tsx'
import { FormDialog } from '../ui/FormDialog.tsx'
import { RoomFields, roomFields } from './RoomFields.tsx'

export function CreateRoom({ onClose }: { onClose: () => void }) {
  const chat = useChat()
  const [text, setText] = useState({ name: '', description: '', most: '100' })
  const [type, setType] = useState('public')
  const create = async () => {
    const made = await chat.client.call<{ room_id: string }>('rooms/create', { ...roomFields(text), type })
    await chat.client.refresh()
    go({ view: 'room', room: made.room_id })
  }
  return (
    <FormDialog
      title={t('rooms.create')}
      action={t('rooms.create.do')}
      disabled={!text.name.trim()}
      run={create}
      onClose={onClose}
    >
      <RoomFields value={text} onChange={setText} autofocus />
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
    </FormDialog>
  )
}
