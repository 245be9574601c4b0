// SPDX-License-Identifier: Apache-2.0

import { asParleyError } from '@parley/client'
import { useState } from 'preact/hooks'
import { handle, languages, t } from '../i18n/i18n.ts'
import { NotificationSettings } from '../notifications/NotificationSettings.tsx'
import { PersonRow } from '../people/PersonRow.tsx'
import { useChat } from '../state/chat.ts'
import { prefer, preferences } from '../state/preferences.ts'
import { changePassword, signOut } from '../state/session.ts'
import { useStore } from '../state/store.ts'
import { Button } from '../ui/Button.tsx'
import { openDialog } from '../ui/dialogs.tsx'
import { errorText, reportFailure } from '../ui/errors.ts'
import { Field, Select } from '../ui/Field.tsx'
import { notify } from '../ui/notices.ts'
import { PageHead } from '../ui/PageHead.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { Tabs } from '../ui/Tabs.tsx'
import { DeleteAccount } from './DeleteAccount.tsx'
import { Devices } from './Devices.tsx'
import { exportAccount } from './export.ts'
import '../admin/admin.css'

const sections = ['account', 'look', 'notifications', 'devices'] as const

export function Settings({ section }: { section: string }) {
  return (
    <div class="page">
      <PageHead title={t('settings.title')} />
      <Tabs
        label={t('settings.title')}
        tabs={sections.map(name => ({ name, to: { view: 'settings', section: name }, text: t(`settings.${name}`) }))}
        current={section}
      />
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
        <PersonRow id={chat.user} note={handle(chat.user)} />
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
  const [error, setError] = useState<{ text: string; old: boolean }>()
  return (
    <section>
      <h2>{t('settings.password')}</h2>
      <p class="muted small">{t('settings.password.text')}</p>
      <form
        class="stack"
        onSubmit={async event => {
          event.preventDefault()
          setBusy(true)
          setError(undefined)
          try {
            await changePassword(old, next)
            setOld('')
            setNext('')
            notify(t('settings.password.done'))
          } catch (e) {
            setError({ text: errorText(e), old: asParleyError(e).code === 'forbidden' })
          }
          setBusy(false)
        }}
      >
        <input type="text" name="username" autocomplete="username" value={chat.user} hidden readOnly />
        <Field
          label={t('settings.password.old')}
          type="password"
          autocomplete="current-password"
          required
          value={old}
          error={error?.old ? error.text : undefined}
          onInput={event => setOld(event.currentTarget.value)}
        />
        <Field
          label={t('settings.password.new')}
          type="password"
          autocomplete="new-password"
          required
          minLength={8}
          value={next}
          error={error && !error.old ? error.text : undefined}
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
