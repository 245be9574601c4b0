// SPDX-License-Identifier: Apache-2.0

import type { RoomData } from '@parley/client'
import { useEffect, useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { useChat } from '../state/chat.ts'
import { go } from '../state/route.ts'
import { useStore } from '../state/store.ts'
import { Button } from '../ui/Button.tsx'
import { Empty } from '../ui/Empty.tsx'
import { errorText, reportFailure } from '../ui/errors.ts'
import { FilterField } from '../ui/Field.tsx'
import { Icon } from '../ui/Icon.tsx'
import { PageHead } from '../ui/PageHead.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { openCreateRoom } from './open.ts'
import './discover.css'

/** The public rooms of the server. */
export function Discover() {
  const chat = useChat()
  const own = useStore(chat.rooms)
  const [query, setQuery] = useState('')
  const [rooms, setRooms] = useState<RoomData[]>()
  const [more, setMore] = useState(false)
  const [error, setError] = useState('')
  const [busy, setBusy] = useState('')
  const load = (after?: string) =>
    chat.client
      .call<{ rooms: RoomData[]; has_more: boolean }>('rooms/list', { query, limit: 50, ...(after && { after }) })
      .then(
        reply => {
          setRooms(old => (after ? [...(old ?? []), ...reply.rooms] : reply.rooms))
          setMore(reply.has_more)
          setError('')
        },
        e => setError(errorText(e)),
      )
  // biome-ignore lint/correctness/useExhaustiveDependencies: asks when the words change
  useEffect(() => {
    const timer = setTimeout(() => void load(), query ? 200 : 0)
    return () => clearTimeout(timer)
  }, [query])
  const join = async (room: string) => {
    setBusy(room)
    try {
      await chat.client.call(`rooms/join/${room}`)
      await chat.client.refresh()
      go({ view: 'room', room })
    } catch (e) {
      reportFailure(e)
    }
    setBusy('')
  }
  return (
    <div class="page">
      <PageHead title={t('rooms.discover')} />
      <div class="page-body">
        <div class="page-width">
          <div class="discover-head">
            <FilterField label={t('rooms.find')} value={query} onChange={setQuery} />
            <Button icon="plus" onClick={openCreateRoom}>
              {t('rooms.create')}
            </Button>
          </div>
          {error && <p class="error">{error}</p>}
          {!rooms && !error && <LineSkeleton rows={6} />}
          {rooms?.length === 0 && (
            <Empty icon="compass" title={t('rooms.none')}>
              <p>{t('rooms.none.text')}</p>
            </Empty>
          )}
          <ul class="discover-list">
            {rooms?.map(room => {
              const member = own.has(room.room_id)
              return (
                <li key={room.room_id}>
                  <span class="discover-icon">
                    <Icon name="hash" size={18} />
                  </span>
                  <div class="grow">
                    <p class="discover-name">
                      <span dir="auto">{room.name}</span>
                      {room.locked && <Icon name="lock" size={14} />}
                    </p>
                    {room.description && (
                      <p class="muted small discover-about" dir="auto">
                        {room.description}
                      </p>
                    )}
                    <p class="muted small">{t('rooms.members', { count: room.member_count })}</p>
                  </div>
                  {member ? (
                    <Button
                      onClick={() => go({ view: 'room', room: room.room_id })}
                      aria-label={t('rooms.open.named', { room: room.name })}
                    >
                      {t('action.open')}
                    </Button>
                  ) : (
                    <Button
                      look="primary"
                      busy={busy === room.room_id}
                      onClick={() => void join(room.room_id)}
                      aria-label={t('rooms.join.named', { room: room.name })}
                    >
                      {t('rooms.join')}
                    </Button>
                  )}
                </li>
              )
            })}
          </ul>
          {more && (
            <Button look="quiet" onClick={() => void load(rooms?.at(-1)?.room_id)}>
              {t('action.more')}
            </Button>
          )}
        </div>
      </div>
    </div>
  )
}
