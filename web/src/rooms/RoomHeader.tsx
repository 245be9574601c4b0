// SPDX-License-Identifier: Apache-2.0

import { t } from '../i18n/i18n.ts'
import { ago } from '../i18n/time.ts'
import { openPerson } from '../people/openPerson.ts'
import { partnerOf, useChat, useHead, useRoomName } from '../state/chat.ts'
import { go, type Panel, showPanel } from '../state/route.ts'
import { useStore } from '../state/store.ts'
import { Avatar } from '../ui/Avatar.tsx'
import { IconButton } from '../ui/Button.tsx'
import { Icon } from '../ui/Icon.tsx'
import { roomIcon } from './roomIcon.ts'

export function RoomHeader({ room, panel, pins }: { room: string; panel: Panel | undefined; pins: number }) {
  const chat = useChat()
  const head = useHead(room)
  const name = useRoomName(room)
  const other = partnerOf(room, chat.user)
  const presence = useStore(chat.presence, all => (other ? all.get(other) : undefined))
  const online = useStore(chat.details, all => all.get(room)?.online)
  const toggle = (which: 'members' | 'pins' | 'search' | 'details') =>
    showPanel(panel?.name === which ? undefined : { name: which })
  let about = head?.description ?? ''
  if (other) {
    const status = presence?.status ?? 'offline'
    about =
      status === 'offline' && presence?.lastSeen
        ? t('presence.lastseen', { time: ago(presence.lastSeen) })
        : t(`presence.${status}`)
  }
  return (
    <header class="bar room-bar">
      <IconButton class="only-phone" icon="back" label={t('action.back')} onClick={() => go({ view: 'home' })} />
      <button
        type="button"
        class="room-title grow"
        onClick={() => (other ? openPerson(other) : toggle('details'))}
        title={other ? undefined : t('rooms.details')}
      >
        {other ? (
          <Avatar id={other} name={name} size="s" status={presence?.status} />
        ) : (
          head && <Icon name={roomIcon(head)} size={18} />
        )}
        <h1 class="cut" dir="auto">
          {name}
        </h1>
        {head?.locked && <Icon name="lock" size={14} />}
        {about && (
          <span class="room-about cut muted small" dir="auto">
            {about}
          </span>
        )}
      </button>
      {!other && head && (
        <button
          type="button"
          class={`headcount ${panel?.name === 'members' ? 'pressed' : ''}`}
          aria-pressed={panel?.name === 'members'}
          title={t('rooms.showmembers', { count: head.member_count })}
          onClick={() => toggle('members')}
        >
          <Icon name="people" size={18} />
          <span class="unseen">{t('members.title')}</span>
          <span>{head.member_count}</span>
          {online !== undefined && online > 0 && (
            <span class="headcount-online" title={t('rooms.online', { count: online })}>
              <i class="dot online" /> {online}
            </span>
          )}
        </button>
      )}
      <IconButton
        icon="pin"
        label={pins ? t('rooms.pins.count', { count: pins }) : t('rooms.pins')}
        aria-pressed={panel?.name === 'pins'}
        class={`not-tiny ${panel?.name === 'pins' ? 'pressed' : ''}`}
        onClick={() => toggle('pins')}
      />
      <IconButton
        icon="search"
        label={t('search.room')}
        aria-pressed={panel?.name === 'search'}
        class={panel?.name === 'search' ? 'pressed' : ''}
        onClick={() => toggle('search')}
      />
      <IconButton
        icon="info"
        label={t('rooms.details')}
        aria-pressed={panel?.name === 'details'}
        class={panel?.name === 'details' ? 'pressed' : ''}
        onClick={() => toggle('details')}
      />
    </header>
  )
}
