// SPDX-License-Identifier: Apache-2.0

import type { Info } from '@parley/client'
import { useEffect, useState } from 'preact/hooks'
import { isKey, language, t } from '../i18n/i18n.ts'
import { duration, fileSize } from '../i18n/time.ts'
import { useChat } from '../state/chat.ts'
import { Button } from '../ui/Button.tsx'
import { ask } from '../ui/dialogs.tsx'
import { errorText } from '../ui/errors.ts'
import { Select } from '../ui/Field.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { Figures } from './Figures.tsx'

/** What goes on, what runs with which limits; and what an administrator does to the whole server. */
export function Overview() {
  const chat = useChat()
  const [info, setInfo] = useState<Info>()
  const [error, setError] = useState('')
  useEffect(() => {
    chat.client.call<Info>('info').then(setInfo, e => setError(errorText(e)))
  }, [chat])
  const guarantees = Array.isArray(info?.guarantees)
    ? (info.guarantees as string[])
    : Object.keys(info?.guarantees ?? {})
  return (
    <div class="stack overview">
      <Figures />
      <Announce />
      <Cleanup />
      <section>
        <h2>{t('admin.about')}</h2>
        {error && <p class="error">{error}</p>}
        {!info && !error && <LineSkeleton />}
        {info && (
          <>
            <dl class="facts">
              <div>
                <dt>{t('admin.version')}</dt>
                <dd>{info.version}</dd>
              </div>
              <div>
                <dt>{t('admin.protocol')}</dt>
                <dd>{info.protocol}</dd>
              </div>
              <div>
                <dt>{t('admin.epoch')}</dt>
                <dd>{info.epoch}</dd>
              </div>
            </dl>
            <div>
              <h3>{t('admin.guarantees')}</h3>
              <p class="person-tags">
                {guarantees.map(g => (
                  <span key={g} class="tag accent">
                    {g.replaceAll('_', ' ')}
                  </span>
                ))}
              </p>
            </div>
            <details>
              <summary>{t('admin.limits')}</summary>
              <dl class="facts">
                {Object.entries(info.limits).map(([name, value]) => (
                  <div key={name}>
                    <dt>{limitName(name)}</dt>
                    <dd>{limitValue(name, value)}</dd>
                  </div>
                ))}
              </dl>
            </details>
            <p class="hint">{t('admin.metrics')}</p>
          </>
        )}
      </section>
    </div>
  )
}

function limitName(name: string): string {
  const key = `limit.${name}`
  return isKey(key) ? t(key) : name.replaceAll('_', ' ')
}

function limitValue(name: string, value: unknown): string {
  if (typeof value !== 'number') return typeof value === 'string' ? value : JSON.stringify(value)
  if (/size|quota|bytes/.test(name)) return value ? fileSize(value) : t('admin.nolimit')
  if (/seconds|_time|expiry|ttl/.test(name)) return duration(value)
  return new Intl.NumberFormat(language.get()).format(value)
}

function Announce() {
  const chat = useChat()
  const [text, setText] = useState('')
  return (
    <section>
      <h2>{t('admin.announce')}</h2>
      <form
        class="stack"
        onSubmit={event => {
          event.preventDefault()
          ask({
            title: t('admin.announce'),
            text: <p class="quoted-text">{text}</p>,
            action: t('admin.announce.do'),
            run: async () => {
              await chat.client.call('broadcast', { content: text.trim() })
              setText('')
            },
            done: t('admin.announce.done'),
          })
        }}
      >
        <div class="field">
          <label for="announcement">{t('admin.announce.label')}</label>
          <textarea
            id="announcement"
            rows={3}
            maxLength={4000}
            value={text}
            onInput={event => setText(event.currentTarget.value)}
          />
        </div>
        <div>
          <Button look="primary" type="submit" icon="announce" disabled={!text.trim()}>
            {t('admin.announce.do')}
          </Button>
        </div>
      </form>
    </section>
  )
}

const ages = [30 * 86_400, 90 * 86_400, 180 * 86_400, 365 * 86_400]

function Cleanup() {
  const chat = useChat()
  const [age, setAge] = useState(String(365 * 86_400))
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const count = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setError('')
    try {
      const { count } = await chat.client.call<{ count: number }>('admin/messages/cleanup', {
        older_than: Number(age),
        dry_run: true,
      })
      if (!count) setError(t('admin.cleanup.nothing'))
      else {
        ask({
          title: t('admin.cleanup'),
          text: t('admin.cleanup.text', { count }),
          action: t('admin.cleanup.do'),
          danger: true,
          run: () => chat.client.call('admin/messages/cleanup', { older_than: Number(age) }),
          done: t('moderate.done'),
        })
      }
    } catch (e) {
      setError(errorText(e))
    }
    setBusy(false)
  }
  return (
    <section>
      <h2>{t('admin.cleanup')}</h2>
      <form class="cleanup" onSubmit={count}>
        <Select
          label={t('admin.cleanup.older')}
          value={age}
          onChange={setAge}
          options={ages.map(n => [String(n), duration(n)])}
        />
        <Button type="submit" busy={busy}>
          {t('admin.cleanup.count')}
        </Button>
      </form>
      {error && <p class="hint">{error}</p>}
    </section>
  )
}
