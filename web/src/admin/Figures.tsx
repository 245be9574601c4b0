// SPDX-License-Identifier: Apache-2.0

import { useEffect, useState } from 'preact/hooks'
import { language, t } from '../i18n/i18n.ts'
import { ago, decimal, fileSize, timeOfDay } from '../i18n/time.ts'
import { useChat } from '../state/chat.ts'
import { errorText } from '../ui/errors.ts'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { perMinute, type Stats } from './stats.ts'

const every = 10_000 // milliseconds; the server counts no oftener

/** What goes on on the server, read again and again while somebody looks. */
export function Figures() {
  const chat = useChat()
  const [readings, setReadings] = useState<Stats[]>([]) // the present one, and one before
  const [error, setError] = useState('')
  useEffect(() => {
    let open = true
    const read = () => {
      if (document.visibilityState === 'hidden') return
      chat.client.call<Stats>('admin/stats').then(
        stats => {
          if (!open) return
          setReadings(before => [stats, ...before.slice(0, 1)])
          setError('')
        },
        e => open && setError(errorText(e)),
      )
    }
    read()
    const timer = setInterval(read, every)
    return () => {
      open = false
      clearInterval(timer)
    }
  }, [chat])
  const [now, before] = readings
  if (!now) return error ? <p class="note warn">{error}</p> : <LineSkeleton />
  const count = (n: number) => new Intl.NumberFormat(language.get()).format(n)
  const { accounts, connections, rooms, storage, commits, push, webhooks } = now
  const open = connections.mqtt + connections.mqtts + connections.websocket + connections.sse
  const refused = Object.entries(now.requests).filter(([outcome]) => outcome !== 'ok')
  const rate = perMinute(before, now)
  return (
    <>
      <dl class="figures">
        <Figure
          name={t('figure.accounts')}
          value={count(accounts.total)}
          note={t('figure.accounts.note', { active: accounts.active, administrators: accounts.administrators })}
        />
        <Figure
          name={t('figure.connections')}
          value={count(open)}
          note={[
            ['MQTT', connections.mqtt],
            ['MQTTS', connections.mqtts],
            ['WebSocket', connections.websocket],
            ['SSE', connections.sse],
          ]
            .filter(([, n]) => n)
            .map(([door, n]) => `${door} ${count(n as number)}`)
            .join(' · ')}
        />
        <Figure
          name={t('figure.rooms')}
          value={count(rooms.public + rooms.private)}
          note={t('figure.rooms.note', { private: rooms.private, direct: rooms.direct })}
        />
        <Figure
          name={t('figure.messages')}
          value={count(now.messages)}
          note={rate === undefined ? t('figure.events', { count: commits.events }) : t('figure.rate', { count: rate })}
        />
        <Figure
          name={t('figure.storage')}
          value={fileSize(storage.database + storage.search + storage.files)}
          note={t('figure.storage.note', { database: fileSize(storage.database), files: fileSize(storage.files) })}
        />
        <Figure
          name={t('figure.commits')}
          value={milliseconds(commits.p95)}
          note={t('figure.commits.note', { p50: milliseconds(commits.p50), p99: milliseconds(commits.p99) })}
          bad={commits.failed > 0 && t('figure.commits.failed', { count: commits.failed })}
        />
        <Figure
          name={t('figure.requests')}
          value={count(now.requests.ok ?? 0)}
          note={
            refused.length
              ? refused
                  .sort(([, a], [, b]) => b - a)
                  .slice(0, 3)
                  .map(([code, n]) => `${code} ${count(n)}`)
                  .join(' · ')
              : t('figure.requests.none')
          }
        />
        <Figure
          name={t('figure.push')}
          value={count(push.sent)}
          note={t('figure.push.note', { queue: push.queue, failed: push.failed })}
          bad={push.dropped > 0 && t('figure.push.dropped', { count: push.dropped })}
        />
        {webhooks.sent + webhooks.behind + webhooks.failed > 0 && (
          <Figure
            name={t('figure.webhooks')}
            value={count(webhooks.sent)}
            note={t('figure.webhooks.note', { behind: webhooks.behind, failed: webhooks.failed })}
            bad={webhooks.skipped > 0 && t('figure.webhooks.skipped', { count: webhooks.skipped })}
          />
        )}
      </dl>
      <p class="hint">
        {t('figure.since', { started: ago(now.started_at), read: timeOfDay(now.timestamp), version: now.version })}
        {error && ` · ${error}`}
      </p>
    </>
  )
}

function Figure({ name, value, note, bad }: { name: string; value: string; note: string; bad?: string | false }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span class="figure">{value}</span>
        <span class={bad ? 'error' : 'muted small'}>{bad || note || '\u00a0'}</span>
      </dd>
    </div>
  )
}

function milliseconds(seconds: number): string {
  return decimal(seconds * 1000, 'millisecond')
}
