// SPDX-License-Identifier: Apache-2.0

import type { Member } from '@parley/client'
import { useEffect, useState } from 'preact/hooks'
import { compareNames } from '../i18n/compare.ts'
import { handle, t } from '../i18n/i18n.ts'
import { ago } from '../i18n/time.ts'
import { openInvite } from '../rooms/open.ts'
import { useChat, useHead } from '../state/chat.ts'
import { useStore } from '../state/store.ts'
import { Button } from '../ui/Button.tsx'
import { reportFailure } from '../ui/errors.ts'
import { FilterField } from '../ui/Field.tsx'
import { Icon } from '../ui/Icon.tsx'
import { Panel } from '../ui/Panel.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { openPerson } from './openPerson.ts'
import { PersonRow } from './PersonRow.tsx'
import './people.css'

const rank = { owner: 0, moderator: 1, member: 2 }

/** The members of a room: who is there, and who may what. */
export function MembersPanel({ room }: { room: string }) {
  const chat = useChat()
  const head = useHead(room)
  const detail = useStore(chat.details, all => all.get(room))
  const presence = useStore(chat.presence)
  const known = useStore(chat.people.known)
  const [filter, setFilter] = useState('')
  const [busy, setBusy] = useState(false)
  useEffect(() => {
    chat.loadDetails(room).catch(reportFailure)
  }, [chat, room])

  // Among the members that are not loaded yet may be the one who is looked for.
  const searching = filter.trim() !== ''
  const loaded = detail?.members.length ?? 0
  // biome-ignore lint/correctness/useExhaustiveDependencies: each page asks for the next one
  useEffect(() => {
    if (searching && detail?.has_more) chat.loadMoreMembers(room).catch(reportFailure)
  }, [chat, room, searching, loaded])

  const name = (m: Member) => known.get(m.user_id)?.name ?? m.user_id
  const wanted = filter.trim().toLocaleLowerCase()
  const members = (detail?.members ?? [])
    .filter(m => !wanted || m.user_id.includes(wanted) || name(m).toLocaleLowerCase().includes(wanted))
    .sort((a, b) => rank[a.role] - rank[b.role] || compareNames(name(a), name(b)))
  const there = members.filter(m => (presence.get(m.user_id)?.status ?? 'offline') !== 'offline')
  const gone = members.filter(m => (presence.get(m.user_id)?.status ?? 'offline') === 'offline')
  const absent = wanted || !detail ? gone.length : Math.max(gone.length, detail.room.member_count - there.length)
  const row = (m: Member) => {
    const now = presence.get(m.user_id)
    const status = now?.status ?? 'offline'
    return (
      <li key={m.user_id}>
        <PersonRow
          id={m.user_id}
          note={
            status === 'offline'
              ? now?.lastSeen
                ? t('presence.lastseen', { time: ago(now.lastSeen) })
                : handle(m.user_id)
              : t(`presence.${status}`)
          }
          onClick={() => openPerson(m.user_id, room)}
          after={
            <>
              {m.muted && <Icon name="mute" size={16} />}
              {m.role !== 'member' && <span class="tag">{t(`role.${m.role}`)}</span>}
            </>
          }
        />
      </li>
    )
  }
  return (
    <Panel title={t('members.title')}>
      <div class="panel-body">
        <div class="members-head">
          <FilterField label={t('members.filter')} value={filter} onChange={setFilter} />
          {head && head.type !== 'announcements' && (
            <Button icon="plus" onClick={() => openInvite(room)}>
              {t('rooms.invite')}
            </Button>
          )}
        </div>
        {!detail && <LineSkeleton rows={6} />}
        {there.length > 0 && <h3 class="list-heading">{t('members.online', { count: there.length })}</h3>}
        <ul>{there.map(row)}</ul>
        {gone.length > 0 && <h3 class="list-heading">{t('members.offline', { count: absent })}</h3>}
        <ul>{gone.map(row)}</ul>
        {detail?.has_more && (
          <Button
            look="quiet"
            busy={busy}
            onClick={() => {
              setBusy(true)
              chat
                .loadMoreMembers(room)
                .catch(reportFailure)
                .finally(() => setBusy(false))
            }}
          >
            {t('members.more')}
          </Button>
        )}
      </div>
    </Panel>
  )
}
