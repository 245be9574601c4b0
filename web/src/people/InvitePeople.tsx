// SPDX-License-Identifier: Apache-2.0

import { useMemo, useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { useChat, useRoomName } from '../state/chat.ts'
import { useStore } from '../state/store.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { errorText } from '../ui/errors.ts'
import { Directory } from './Directory.tsx'
import './people.css'

/** Makes people members of a room. */
export function InvitePeople({ room, onClose }: { room: string; onClose: () => void }) {
  const chat = useChat()
  const name = useRoomName(room)
  const members = useStore(chat.details, all => all.get(room)?.members)
  const [added, setAdded] = useState<ReadonlySet<string>>(new Set())
  const [error, setError] = useState('')
  const without = useMemo(
    () => new Set((members ?? []).map(m => m.user_id).filter(id => !added.has(id))),
    [members, added],
  )
  const invite = async (user: string) => {
    setError('')
    try {
      await chat.client.call(`rooms/${room}/invite`, { user_id: user })
      setAdded(now => new Set(now).add(user))
      void chat.loadDetails(room).catch(() => {})
    } catch (e) {
      setError(`${chat.people.name(user)}: ${errorText(e)}`)
    }
  }
  return (
    <Dialog title={t('rooms.invite.title', { room: name })} onClose={onClose}>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      <Directory without={without} chosen={added} onChoose={user => void invite(user)} />
    </Dialog>
  )
}
