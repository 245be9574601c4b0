// SPDX-License-Identifier: Apache-2.0

import { useEffect, useState } from 'preact/hooks'
import { languages, t } from '../i18n/i18n.ts'
import { ago, fullTime } from '../i18n/time.ts'
import { NotificationSettings } from '../notifications/NotificationSettings.tsx'
import { PersonRow } from '../people/PersonRow.tsx'
import { useChat } from '../state/chat.ts'
import { prefer, preferences } from '../state/preferences.ts'
import { formatRoute } from '../state/route.ts'
import { session, signOut } from '../state/session.ts'
import { useStore } from '../state/store.ts'
import { Button } from '../ui/Button.tsx'
import { ask, openDialog } from '../ui/dialogs.tsx'
import { errorText, reportFailure } from '../ui/errors.ts'
import { Field, Select } from '../ui/Field.tsx'
import { Icon } from '../ui/Icon.tsx'
import { notify } from '../ui/notices.ts'
import { PageHead } from '../ui/PageHead.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { DeleteAccount } from './DeleteAccount.tsx'
import { exportAccount } from './export.ts'
import '../admin/admin.css'

const sections = ['account', 'look', 'notifications', 'devices'] as const

export function Settings({ section }: { section: string }) {
  return (
    <div class="page">
      <PageHead title={t('settings.title')} />
      <nav class="tabs" aria-label={t('settings.title')}>
        {sections.map(name => (
          <a
            key={name}
            href={formatRoute({ view: 'settings', section: name })}
            aria-current={name === section ? 'page' : undefined}
          >
            {t(`settings.${name}`)}
          </a>
        ))}
      </nav>
      <div class="page-body">
        <div class="page-width settings stack">
          {section === 'account' && <Account />}
          {section === 'look' && <Look />}
          {section === 'notifications' && <NotificationSettings />}
          {section === 'devices' && <Devices />}
        </div>
      </div>
    </div>
  )
}

function Account() {
  const chat = useChat()
  const me = useStore(chat.me)
  const [name, setName] = useState<string>()
  const [error, setError] = useState('')
  if (!me) return <LineSkeleton />
  const shown = name ?? me.user.display_name
  return (
    <>
      <form
        class="stack"
        onSubmit={event => {
          event.preventDefault()
          setError('')
          chat.client.call('users/me/update', { display_name: shown.trim() }).then(
            () => {
              notify(t('settings.saved'))
              setName(undefined)
              void chat.loadMe()
            },
            e => setError(errorText(e)),
          )
        }}
      >
        <PersonRow id={chat.user} note={`@${chat.user}`} />
        <Field
          label={t('signup.name')}
          hint={t('settings.name.hint')}
          value={shown}
          required
          maxLength={100}
          error={error || undefined}
          onInput={event => setName(event.currentTarget.value)}
        />
        <div>
          <Button look="primary" type="submit" disabled={!shown.trim() || shown === me.user.display_name}>
            {t('action.save')}
          </Button>
        </div>
      </form>
      {me.has_password && <Password />}
      {me.blocked.length > 0 && (
        <section>
          <h2>{t('settings.blocked')}</h2>
          <ul>
            {me.blocked.map(id => (
              <li key={id}>
                <PersonRow
                  id={id}
                  after={
                    <Button
                      onClick={() =>
                        void chat.client.call(`users/${id}/unblock`).then(() => chat.loadMe(), reportFailure)
                      }
                    >
                      {t('people.unblock')}
                    </Button>
                  }
                />
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h2>{t('settings.data')}</h2>
        <p class="muted small">{t('settings.data.text')}</p>
        <div class="details-links">
          <Button icon="download" onClick={() => void exportAccount(chat).catch(reportFailure)}>
            {t('settings.export')}
          </Button>
          <Button icon="exit" onClick={() => void signOut()}>
            {t('signin.out')}
          </Button>
          {me.has_password && (
            <Button
              icon="trash"
              look="quiet"
              class="dangerous"
              onClick={() => openDialog(close => <DeleteAccount onClose={close} />)}
            >
              {t('settings.delete')}
            </Button>
          )}
        </div>
      </section>
    </>
  )
}

function Password() {
  const chat = useChat()
  const [old, setOld] = useState('')
  const [next, setNext] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  return (
    <section>
      <h2>{t('settings.password')}</h2>
      <p class="muted small">{t('settings.password.text')}</p>
      <form
        class="stack"
        onSubmit={async event => {
          event.preventDefault()
          setBusy(true)
          setError('')
          try {
            await chat.client.call('users/me/password', { password: old, new_password: next })
            await signOut('password')
          } catch (e) {
            setError(errorText(e))
            setBusy(false)
          }
        }}
      >
        <input type="text" name="username" autocomplete="username" value={chat.user} hidden readOnly />
        <Field
          label={t('settings.password.old')}
          type="password"
          autocomplete="current-password"
          required
          value={old}
          onInput={event => setOld(event.currentTarget.value)}
        />
        <Field
          label={t('settings.password.new')}
          type="password"
          autocomplete="new-password"
          required
          minLength={8}
          value={next}
          error={error || undefined}
          onInput={event => setNext(event.currentTarget.value)}
        />
        <div>
          <Button type="submit" busy={busy} disabled={!old || !next}>
            {t('settings.password.do')}
          </Button>
        </div>
      </form>
    </section>
  )
}

function Look() {
  const chosen = useStore(preferences)
  return (
    <>
      <Select
        label={t('settings.theme')}
        value={chosen.theme}
        options={[
          ['system', t('settings.theme.system')],
          ['light', t('settings.theme.light')],
          ['dark', t('settings.theme.dark')],
        ]}
        onChange={theme => prefer({ theme: theme as typeof chosen.theme })}
      />
      <Select
        label={t('settings.language')}
        value={chosen.language}
        options={[
          ['', t('settings.language.browser')],
          ...Object.entries(languages).map(([tag, { name }]) => [tag, name] as [string, string]),
        ]}
        onChange={language => prefer({ language })}
      />
      <Select
        label={t('settings.send')}
        value={chosen.sendWith}
        options={[
          ['enter', t('settings.send.enter')],
          ['mod+enter', t('settings.send.mod')],
        ]}
        onChange={sendWith => prefer({ sendWith: sendWith as typeof chosen.sendWith })}
      />
    </>
  )
}

interface SignedInDevice {
  session_id?: string
  id?: string
  kind?: string
  name?: string
  client_id?: string
  user_agent?: string
  address?: string
  created_at?: number
  last_seen?: number
  last_used?: number
  connected?: boolean
  current?: boolean
}

function Devices() {
  const chat = useChat()
  const [list, setList] = useState<SignedInDevice[]>()
  const [error, setError] = useState('')
  const load = () =>
    chat.client.call<{ sessions: SignedInDevice[] }>('users/me/sessions').then(
      reply => setList(reply.sessions ?? []),
      e => setError(errorText(e)),
    )
  // biome-ignore lint/correctness/useExhaustiveDependencies: once
  useEffect(() => void load(), [])
  const expires = session.get()?.expires
  return (
    <>
      {expires && <p class="muted">{t('settings.devices.until', { time: fullTime(expires) })}</p>}
      {error && <p class="note">{error}</p>}
      {!list && !error && <LineSkeleton />}
      <ul>
        {list?.map(device => {
          const id = device.session_id ?? device.id ?? ''
          const seen = device.last_used ?? device.last_seen ?? device.created_at
          return (
            <li key={id} class="list-row">
              <Icon name="device" />
              <span class="grow">
                <span class="cut">{device.name || device.user_agent || device.client_id || id}</span>
                <span class="muted small cut">
                  {[device.current && t('settings.devices.this'), device.address, seen && ago(seen)]
                    .filter(Boolean)
                    .join(' · ')}
                </span>
              </span>
              {!device.current && (
                <Button
                  onClick={() =>
                    ask({
                      title: t('settings.devices.revoke'),
                      text: t('settings.devices.revoke.text'),
                      action: t('settings.devices.revoke'),
                      danger: true,
                      run: async () => {
                        await chat.client.call('users/me/sessions/revoke', { session_id: id })
                        await load()
                      },
                    })
                  }
                >
                  {t('settings.devices.revoke')}
                </Button>
              )}
            </li>
          )
        })}
      </ul>
      <div>
        <Button icon="exit" onClick={() => void signOut()}>
          {t('signin.out')}
        </Button>
      </div>
    </>
  )
}
