// SPDX-License-Identifier: Apache-2.0

import { useCallback, useEffect, useState } from 'preact/hooks'
import { isKey, t } from '../i18n/i18n.ts'
import { fullTime, shortTime } from '../i18n/time.ts'
import { roomName, useChat } from '../state/chat.ts'
import { useStore } from '../state/store.ts'
import { Button } from '../ui/Button.tsx'
import { Empty } from '../ui/Empty.tsx'
import { errorText } from '../ui/errors.ts'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import './admin.css'

interface Entry {
  id: number | string
  timestamp: number
  user_id: string
  action: string
  target_id?: string
  room_id?: string
  message_id?: string
  role?: string
  reason?: string
  until?: number
}

/** Who did what, when and why: of one room, or of the whole server. */
export function AuditList({ room }: { room?: string }) {
  const chat = useChat()
  useStore(chat.people.known)
  const [entries, setEntries] = useState<Entry[]>()
  const [more, setMore] = useState(false)
  const [error, setError] = useState('')
  const load = useCallback(
    (before?: Entry['id']) =>
      chat.client
        .call<{ entries: Entry[]; has_more: boolean }>('admin/audit/list', {
          limit: 100,
          ...(room && { room_id: room }),
          ...(before !== undefined && { before }),
        })
        .then(
          reply => {
            chat.people.ensure(reply.entries.flatMap(e => [e.user_id, ...(e.target_id ? [e.target_id] : [])]))
            setEntries(old => (before === undefined ? reply.entries : [...(old ?? []), ...reply.entries]))
            setMore(reply.has_more)
          },
          e => setError(errorText(e)),
        ),
    [chat, room],
  )
  useEffect(() => void load(), [load])
  const what = (e: Entry) => {
    const key = `audit.${e.action}`
    return isKey(key) ? t(key) : e.action
  }
  return (
    <div class="stack">
      {error && <p class="error">{error}</p>}
      {!entries && !error && <LineSkeleton />}
      {entries?.length === 0 && (
        <Empty icon="clock" title={t('admin.audit.none')}>
          <p>{t('admin.audit.none.text')}</p>
        </Empty>
      )}
      {entries && entries.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
        <div class="table-scroll" tabIndex={0} role="region" aria-label={t('admin.audit')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('admin.audit.when')}</th>
                <th scope="col">{t('admin.audit.who')}</th>
                <th scope="col">{t('admin.audit.what')}</th>
                <th scope="col">{t('admin.audit.whom')}</th>
                <th scope="col">{t('moderate.reason')}</th>
              </tr>
            </thead>
            <tbody>
              {entries.map(e => (
                <tr key={e.id}>
                  <td class="muted" title={fullTime(e.timestamp)}>
                    {shortTime(e.timestamp)}
                  </td>
                  <td>{e.user_id === 'system' ? t('admin.operator') : chat.people.name(e.user_id)}</td>
                  <td>
                    {what(e)}
                    {e.role && <span class="tag">{e.role}</span>}
                    {e.until && <span class="small muted"> {t('moderate.until', { time: shortTime(e.until) })}</span>}
                  </td>
                  <td>
                    {[e.target_id && chat.people.name(e.target_id), !room && e.room_id && roomName(chat, e.room_id)]
                      .filter(Boolean)
                      .join(' · ')}
                  </td>
                  <td class="muted">{e.reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {more && (
        <Button look="quiet" onClick={() => void load(entries?.at(-1)?.id)}>
          {t('action.more')}
        </Button>
      )}
    </div>
  )
}
