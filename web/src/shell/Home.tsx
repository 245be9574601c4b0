// SPDX-License-Identifier: Apache-2.0

import { t } from '../i18n/i18n.ts'
import { ago } from '../i18n/time.ts'
import { roomIcon } from '../rooms/roomIcon.ts'
import { partnerOf, roomName, useChat } from '../state/chat.ts'
import { formatRoute } from '../state/route.ts'
import { useStore } from '../state/store.ts'
import { Avatar } from '../ui/Avatar.tsx'
import { Empty } from '../ui/Empty.tsx'
import { Icon } from '../ui/Icon.tsx'
import { unreadRooms } from './order.ts'

/** What waits for the reader, where nothing is open. */
export function Home() {
  const chat = useChat()
  const heads = useStore(chat.rooms)
  const ready = useStore(chat.ready)
  const activity = useStore(chat.activity)
  useStore(chat.people.known)
  if (!ready) return <div class="home" />
  const waiting = unreadRooms(heads.values(), activity)
  return (
    <div class="home">
      {waiting.length > 0 ? (
        <section class="waiting" aria-labelledby="waiting-heading">
          <h1 id="waiting-heading">{t('home.waiting')}</h1>
          <ul>
            {waiting.map(head => {
              const name = roomName(chat, head.room_id)
              const other = partnerOf(head.room_id, chat.user)
              const heard = activity.get(head.room_id)
              return (
                <li key={head.room_id}>
                  <a class="list-row" href={formatRoute({ view: 'room', room: head.room_id })}>
                    {other ? (
                      <Avatar id={other} name={name} />
                    ) : (
                      <span class="waiting-icon">
                        <Icon name={roomIcon(head)} size={18} />
                      </span>
                    )}
                    <span class="grow">
                      <strong class="cut" dir="auto">
                        {name}
                      </strong>
                      <span class="muted small cut">
                        {t('home.unread', { count: head.unread })}
                        {heard && ` · ${ago(heard)}`}
                      </span>
                    </span>
                    <Icon name="forward" size={18} class="waiting-go" />
                  </a>
                </li>
              )
            })}
          </ul>
          <Keys />
        </section>
      ) : (
        <Empty icon="checks" title={t('home.title')}>
          <p>{t('home.text')}</p>
          <Keys />
        </Empty>
      )}
    </div>
  )
}

function Keys() {
  return (
    <p class="muted small home-keys">
      <kbd>{t('key.mod')}</kbd> <kbd>K</kbd> {t('home.switch')} · <kbd>?</kbd> {t('home.help')}
    </p>
  )
}
