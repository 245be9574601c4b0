// SPDX-License-Identifier: Apache-2.0

import { useCallback, useEffect, useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { ago, fullTime } from '../i18n/time.ts'
import { openPerson } from '../people/openPerson.ts'
import { roomName, useChat } from '../state/chat.ts'
import { go } from '../state/route.ts'
import { useStore } from '../state/store.ts'
import { Button } from '../ui/Button.tsx'
import { Empty } from '../ui/Empty.tsx'
import { errorText, reportFailure } from '../ui/errors.ts'
import { Select } from '../ui/Field.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import './admin.css'

interface Report {
  report_id: number
  room_id: string
  message_id: string
  sender_id: string
  content?: string
  reporter_id: string
  reason: string
  timestamp: number
  status: 'open' | 'resolved' | 'dismissed'
  closed_by?: string
  closed_at?: number
}

/** What members reported: of one room, or of the whole server. */
export function ReportList({ room, onLeave }: { room?: string; onLeave?: () => void }) {
  const chat = useChat()
  useStore(chat.people.known)
  const [status, setStatus] = useState('open')
  const [reports, setReports] = useState<Report[]>()
  const [more, setMore] = useState(false)
  const [error, setError] = useState('')
  const load = useCallback(
    (before?: number) =>
      chat.client
        .call<{ reports: Report[]; has_more: boolean }>('admin/reports/list', {
          status,
          ...(room && { room_id: room }),
          ...(before !== undefined && { before }),
        })
        .then(
          reply => {
            chat.people.ensure(reply.reports.flatMap(r => [r.sender_id, r.reporter_id]))
            setReports(old => (before === undefined ? reply.reports : [...(old ?? []), ...reply.reports]))
            setMore(reply.has_more)
          },
          e => setError(errorText(e)),
        ),
    [chat, room, status],
  )
  useEffect(() => {
    setReports(undefined)
    void load()
  }, [load])
  const close = (report: Report, outcome: 'resolved' | 'dismissed') =>
    chat.client
      .call(`admin/reports/${report.report_id}/close`, { status: outcome })
      .then(() => void load(), reportFailure)
  return (
    <div class="stack">
      <Select
        label={t('admin.reports.show')}
        value={status}
        onChange={setStatus}
        options={[
          ['open', t('admin.reports.open')],
          ['resolved', t('admin.reports.resolved')],
          ['dismissed', t('admin.reports.dismissed')],
          ['all', t('admin.reports.all')],
        ]}
      />
      {error && <p class="error">{error}</p>}
      {!reports && !error && <LineSkeleton />}
      {reports?.length === 0 && (
        <Empty icon="flag" title={t('admin.reports.none')}>
          <p>{t('admin.reports.none.text')}</p>
        </Empty>
      )}
      <ul class="reports">
        {reports?.map(r => (
          <li key={r.report_id}>
            <p class="small muted">
              <time title={fullTime(r.timestamp)}>{ago(r.timestamp)}</time> · {roomName(chat, r.room_id)} ·{' '}
              {r.reporter_id === 'system'
                ? t('admin.reports.system')
                : t('admin.reports.by', { user: chat.people.name(r.reporter_id) })}
              {r.status !== 'open' && <span class="tag">{t(`admin.reports.${r.status}`)}</span>}
            </p>
            <p dir="auto">
              <strong>{t('moderate.reason')}:</strong> {r.reason}
            </p>
            {r.content && (
              <blockquote class="quoted-text" dir="auto">
                <button type="button" class="textbutton" onClick={() => openPerson(r.sender_id, r.room_id)}>
                  {chat.people.name(r.sender_id)}
                </button>
                : {r.content}
              </blockquote>
            )}
            <div class="details-links">
              <Button
                icon="chat"
                onClick={() => {
                  onLeave?.()
                  go({ view: 'room', room: r.room_id, message: r.message_id })
                }}
              >
                {t('admin.reports.look')}
              </Button>
              {r.status === 'open' && (
                <>
                  <Button icon="check" onClick={() => void close(r, 'resolved')}>
                    {t('admin.reports.resolve')}
                  </Button>
                  <Button look="quiet" onClick={() => void close(r, 'dismissed')}>
                    {t('admin.reports.dismiss')}
                  </Button>
                </>
              )}
            </div>
          </li>
        ))}
      </ul>
      {more && (
        <Button look="quiet" onClick={() => void load(reports?.at(-1)?.report_id)}>
          {t('action.more')}
        </Button>
      )}
    </div>
  )
}
