// SPDX-License-Identifier: Apache-2.0

import type { Message } from '@parley/client'
import { useEffect, useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { fullTime } from '../i18n/time.ts'
import { useChat } from '../state/chat.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { errorText } from '../ui/errors.ts'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { Markdown } from './Markdown.tsx'

interface Version {
  seq: number
  content: string
  timestamp: number
  replaced_at: number
  replaced_by: string
}

/** What a message said before: for moderators. */
export function VersionsDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const chat = useChat()
  const [versions, setVersions] = useState<Version[]>()
  const [error, setError] = useState('')
  useEffect(() => {
    chat.client.call<{ versions: Version[] }>(`message/${message.id}/versions`).then(
      reply => setVersions(reply.versions),
      e => setError(errorText(e)),
    )
  }, [chat, message.id])
  return (
    <Dialog title={t('message.versions')} onClose={onClose} wide>
      {error && <p class="error">{error}</p>}
      {!versions && !error && <LineSkeleton />}
      {versions?.length === 0 && <p class="muted">{t('message.versions.none')}</p>}
      <ol class="versions">
        {versions?.map(v => (
          <li key={v.seq}>
            <p class="muted small">
              {t('message.versions.entry', { time: fullTime(v.timestamp), user: chat.people.name(v.replaced_by) })}
            </p>
            <Markdown text={v.content} />
          </li>
        ))}
      </ol>
    </Dialog>
  )
}
