// SPDX-License-Identifier: Apache-2.0

import { useEffect, useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { fullTime } from '../i18n/time.ts'
import { PersonRow } from '../people/PersonRow.tsx'
import { useChat } from '../state/chat.ts'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { errorText } from '../ui/errors.ts'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { moderate } from './actions.tsx'

interface Ban {
  user_id: string
  banned_by: string
  timestamp: number
  reason?: string
  until?: number
}

export function BansDialog({ room, onClose }: { room: string; onClose: () => void }) {
  const chat = useChat()
  const [bans, setBans] = useState<Ban[]>()
  const [error, setError] = useState('')
  useEffect(() => {
    chat.client.call<{ bans: Ban[] }>(`rooms/${room}/bans`).then(
      reply => {
        chat.people.ensure(reply.bans.map(b => b.user_id))
        setBans(reply.bans)
      },
      e => setError(errorText(e)),
    )
  }, [chat, room])
  const lift = async (user: string) => {
    try {
      await moderate(chat, room, 'unban', { user_id: user })
      setBans(now => now?.filter(b => b.user_id !== user))
    } catch (e) {
      setError(errorText(e))
    }
  }
  return (
    <Dialog title={t('moderate.bans')} onClose={onClose}>
      {error && <p class="error">{error}</p>}
      {!bans && !error && <LineSkeleton />}
      {bans?.length === 0 && <p class="muted">{t('moderate.bans.none')}</p>}
      <ul>
        {bans?.map(b => (
          <li key={b.user_id}>
            <PersonRow
              id={b.user_id}
              note={[b.until ? t('moderate.until', { time: fullTime(b.until) }) : t('moderate.forever'), b.reason]
                .filter(Boolean)
                .join(' · ')}
              after={<Button onClick={() => void lift(b.user_id)}>{t('moderate.unban')}</Button>}
            />
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
