// SPDX-License-Identifier: Apache-2.0

import { t } from '../i18n/i18n.ts'
import { longDate } from '../i18n/time.ts'
import { partnerOf, useChat, useHead, useName, useRoomName } from '../state/chat.ts'
import { Avatar } from '../ui/Avatar.tsx'
import { Button } from '../ui/Button.tsx'
import { Icon } from '../ui/Icon.tsx'
import { openInvite } from './open.ts'
import { roomIcon } from './roomIcon.ts'

/** What stands above a room's first message. */
export function Beginning({ room }: { room: string }) {
  const chat = useChat()
  const head = useHead(room)
  const name = useRoomName(room)
  const other = partnerOf(room, chat.user)
  const creator = useName(head?.created_by ?? '')
  return (
    <div class="beginning">
      {other ? (
        <Avatar id={other} name={name} size="l" />
      ) : (
        <span class="empty-icon">
          <Icon name={head ? roomIcon(head) : 'hash'} size={26} />
        </span>
      )}
      <h2 dir="auto">{name}</h2>
      {head?.description && <p dir="auto">{head.description}</p>}
      <p class="muted">
        {other
          ? t('rooms.beginning.direct', { user: name })
          : head?.type === 'announcements'
            ? t('rooms.beginning.announcements')
            : head && head.history_visibility === 'joined' && head.first_seq > 1
              ? t('rooms.beginning.joined')
              : head
                ? t('rooms.beginning', { user: creator, time: longDate(head.created_at) })
                : ''}
      </p>
      {head && (head.type === 'public' || head.type === 'private') && (
        <Button look="quiet" icon="people" onClick={() => openInvite(room)}>
          {t('rooms.invite')}
        </Button>
      )}
    </div>
  )
}
