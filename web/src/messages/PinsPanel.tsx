// SPDX-License-Identifier: Apache-2.0

import { t } from '../i18n/i18n.ts'
import { useChat, useHead } from '../state/chat.ts'
import { IconButton } from '../ui/Button.tsx'
import { Empty } from '../ui/Empty.tsx'
import { reportFailure } from '../ui/errors.ts'
import { Panel } from '../ui/Panel.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { MessageCard } from './MessageCard.tsx'
import { usePins } from './pins.ts'
import '../search/cards.css'

export function PinsPanel({ room }: { room: string }) {
  const chat = useChat()
  const head = useHead(room)
  const { pins } = usePins(room, head !== undefined)
  const may = head?.type === 'direct' || head?.role === 'owner' || head?.role === 'moderator' || chat.isAdministrator()
  return (
    <Panel title={t('rooms.pins')}>
      <div class="panel-body">
        {!pins && <LineSkeleton />}
        {pins?.length === 0 && (
          <Empty icon="pin" title={t('pins.none')}>
            <p>{may ? t('pins.none.may') : t('pins.none.text')}</p>
          </Empty>
        )}
        <ul class="cards">
          {pins?.map(pin => (
            <li key={pin.message.id}>
              <MessageCard message={pin.message} />
              {may && (
                <IconButton
                  icon="close"
                  size={16}
                  label={t('message.unpin')}
                  onClick={() => void chat.client.call(`message/${pin.message.id}/unpin`).catch(reportFailure)}
                />
              )}
            </li>
          ))}
        </ul>
      </div>
    </Panel>
  )
}
