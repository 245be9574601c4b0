// SPDX-License-Identifier: Apache-2.0

import type { RoomHead } from '@parley/client'
import { memo } from 'preact/compat'
import { t } from '../i18n/i18n.ts'
import { openCreateRoom, openStartConversation } from '../rooms/open.ts'
import { roomIcon } from '../rooms/roomIcon.ts'
import { partnerOf, roomName, useChat, useName } from '../state/chat.ts'
import { formatRoute, go, route } from '../state/route.ts'
import { signOut } from '../state/session.ts'
import { useStore } from '../state/store.ts'
import { Avatar } from '../ui/Avatar.tsx'
import { IconButton } from '../ui/Button.tsx'
import { openMenu } from '../ui/dialogs.tsx'
import { Icon } from '../ui/Icon.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { sections } from './order.ts'
import { openHelp, openSwitcher } from './shortcuts.ts'

export function Sidebar() {
  const chat = useChat()
  const heads = useStore(chat.rooms)
  const ready = useStore(chat.ready)
  const activity = useStore(chat.activity)
  useStore(chat.people.known) // conversations are sorted by name
  const now = useStore(route)
  const administrator = useStore(chat.me, me => me?.user.role === 'administrator')
  const { rooms, direct } = sections(heads.values(), id => roomName(chat, id), activity)
  const open = now.view === 'room' ? now.room : undefined

  return (
    <nav class="sidebar" aria-label={t('shell.navigation')}>
      <header class="sidebar-head">
        <button type="button" class="finder" onClick={openSwitcher} aria-keyshortcuts="Control+K Meta+K">
          <Icon name="search" size={16} />
          <span class="grow">{t('shell.find')}</span>
          <kbd>{t('key.mod')} K</kbd>
        </button>
      </header>
      <div class="sidebar-lists">
        <ul class="sidebar-pages">
          <Page icon="search" label={t('search.title')} to={{ view: 'search' }} current={now.view === 'search'} />
          <Page
            icon="compass"
            label={t('rooms.discover')}
            to={{ view: 'discover' }}
            current={now.view === 'discover'}
          />
          {administrator && (
            <Page
              icon="shield"
              label={t('admin.title')}
              to={{ view: 'admin', section: 'overview' }}
              current={now.view === 'admin'}
            />
          )}
        </ul>
        <section aria-labelledby="rooms-heading">
          <header>
            <h2 id="rooms-heading">{t('rooms.title')}</h2>
            <IconButton icon="plus" size={18} label={t('rooms.create')} onClick={openCreateRoom} />
          </header>
          {!ready && <LineSkeleton rows={4} />}
          <ul>
            {rooms.map(head => (
              <RoomLink key={head.room_id} head={head} current={head.room_id === open} />
            ))}
          </ul>
        </section>
        <section aria-labelledby="direct-heading">
          <header>
            <h2 id="direct-heading">{t('rooms.direct')}</h2>
            <IconButton icon="plus" size={18} label={t('rooms.direct.start')} onClick={openStartConversation} />
          </header>
          {!ready && <LineSkeleton rows={3} />}
          {ready && !direct.length && <p class="sidebar-empty muted small">{t('rooms.direct.none')}</p>}
          <ul>
            {direct.map(head => (
              <DirectLink key={head.room_id} head={head} current={head.room_id === open} />
            ))}
          </ul>
        </section>
      </div>
      <Own />
    </nav>
  )
}

function Page({
  icon,
  label,
  to,
  current,
}: {
  icon: 'search' | 'compass' | 'shield'
  label: string
  to: Parameters<typeof go>[0]
  current: boolean
}) {
  return (
    <li>
      <a class="room-link" href={formatRoute(to)} aria-current={current ? 'page' : undefined}>
        <Icon name={icon} size={18} />
        <span class="cut">{label}</span>
      </a>
    </li>
  )
}

const RoomLink = memo(function RoomLink({ head, current }: { head: RoomHead; current: boolean }) {
  const silent = head.notifications === 'none'
  return (
    <li>
      <a
        class={`room-link ${head.unread && !silent ? 'unread' : ''} ${silent ? 'silent' : ''}`}
        href={formatRoute({ view: 'room', room: head.room_id })}
        aria-current={current ? 'page' : undefined}
      >
        <Icon name={roomIcon(head)} size={18} />
        <span class="cut" dir="auto">
          {head.type === 'announcements' ? t('rooms.announcements') : head.name}
        </span>
        {silent && <Icon name="belloff" size={14} class="room-silent" />}
        <Unread count={head.unread} quiet={silent || head.notifications === 'mentions'} />
      </a>
    </li>
  )
})

const DirectLink = memo(function DirectLink({ head, current }: { head: RoomHead; current: boolean }) {
  const chat = useChat()
  const other = partnerOf(head.room_id, chat.user) ?? ''
  const name = useName(other)
  const status = useStore(chat.presence, all => all.get(other)?.status)
  return (
    <li>
      <a
        class={`room-link ${head.unread ? 'unread' : ''}`}
        href={formatRoute({ view: 'room', room: head.room_id })}
        aria-current={current ? 'page' : undefined}
      >
        <Avatar id={other} name={name} size="s" status={status} />
        <span class="cut" dir="auto">
          {name}
        </span>
        {status && status !== 'offline' && <span class="unseen">{t(`presence.${status}`)}</span>}
        <Unread count={head.unread} />
      </a>
    </li>
  )
})

function Unread({ count, quiet }: { count: number; quiet?: boolean }) {
  if (!count) return null
  return (
    <span class={`badge ${quiet ? 'quiet' : ''}`}>
      {count > 99 ? '99+' : count}
      <span class="unseen"> {t('rooms.unread', { count })}</span>
    </span>
  )
}

/** Who is signed in, and what they may do about it. */
function Own() {
  const chat = useChat()
  const name = useName(chat.user)
  const online = useStore(chat.connection, c => c.state === 'online')
  const status = useStore(chat.presence, all => all.get(chat.user)?.status) ?? 'online'
  const shown = online ? status : 'offline'
  return (
    <footer class="sidebar-foot">
      <button
        type="button"
        class="self"
        aria-haspopup="menu"
        onClick={event => {
          const box = event.currentTarget.getBoundingClientRect()
          const say = (route: string) => () => void chat.client.call(route).catch(() => {})
          openMenu(t('presence.title'), { x: box.left, y: box.top - 8 }, [
            { label: t('presence.online'), checked: status === 'online', run: say('presence/online') },
            { label: t('presence.away'), checked: status === 'away', run: say('presence/away') },
            { label: t('presence.invisible'), checked: status === 'offline', run: say('presence/offline') },
            { label: t('settings.title'), icon: 'settings', run: () => go({ view: 'settings', section: 'account' }) },
            { label: t('help.title'), icon: 'help', keys: '?', run: openHelp },
            { label: t('signin.out'), icon: 'exit', run: () => void signOut() },
          ])
        }}
      >
        <Avatar id={chat.user} name={name} status={shown} />
        <span class="grow">
          <span class="cut self-name" dir="auto">
            {name}
          </span>
          <span class="cut muted small">{t(`presence.${shown}`)}</span>
        </span>
      </button>
      <IconButton
        icon="settings"
        label={t('settings.title')}
        onClick={() => go({ view: 'settings', section: 'account' })}
      />
    </footer>
  )
}
