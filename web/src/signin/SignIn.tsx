// SPDX-License-Identifier: Apache-2.0

import { asParleyError } from '@parley/client'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { type BeforeSignIn, beforeSignIn, setUp, signedOutBecause, signIn, signUp } from '../state/session.ts'
import { useStore } from '../state/store.ts'
import { Button } from '../ui/Button.tsx'
import { errorText } from '../ui/errors.ts'
import { Field } from '../ui/Field.tsx'
import { type Door, parseDoor } from './door.ts'
import './signin.css'

/** What somebody sees who is not signed in: signing in, registering, or setting the server up. */
export function SignIn() {
  const [door, setDoor] = useState<Door>(() => parseDoor(location))
  const [about, setAbout] = useState<BeforeSignIn>()
  const [offline, setOffline] = useState(false)
  const reason = useStore(signedOutBecause)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = () =>
      void beforeSignIn().then(
        answer => {
          setAbout(answer)
          setOffline(false)
        },
        () => {
          setOffline(true)
          timer = setTimeout(ask, 5000)
        },
      )
    ask()
    return () => clearTimeout(timer)
  }, [])
  const isSetUp = about?.setup === false
  const registers = about && about.registration !== 'closed'
  return (
    <main class="door">
      <div class="door-card">
        <img class="door-mark" src="/icon.svg" width="44" height="44" alt="" />
        <h1>{about?.server_name || 'Parley'}</h1>
        {reason && (
          <p class="note warn" role="status">
            {t(`signin.because.${reason}`)}
          </p>
        )}
        {offline && (
          <p class="note warn" role="status">
            {t('connection.offline')}
          </p>
        )}
        {about?.setup && door.kind !== 'setup' && (
          <p class="note" role="status">
            {t('setup.wanted')}
          </p>
        )}
        {isSetUp && door.kind === 'setup' && (
          <p class="note warn" role="status">
            {t('refused.setup.done')}
          </p>
        )}
        {door.kind === 'in' && <InForm />}
        {door.kind === 'up' && <UpForm invitation={door.invitation} about={about} />}
        {door.kind === 'setup' && !isSetUp && <SetupForm code={door.code} about={about} />}
        {door.kind === 'in' && registers && (
          <p class="door-other">
            {t('signin.new')}{' '}
            <button type="button" class="textbutton" onClick={() => setDoor({ kind: 'up', invitation: '' })}>
              {t('signup.title')}
            </button>
          </p>
        )}
        {door.kind !== 'in' && (
          <p class="door-other">
            {t('signup.have')}{' '}
            <button type="button" class="textbutton" onClick={() => setDoor({ kind: 'in' })}>
              {t('signin.title')}
            </button>
          </p>
        )}
        {door.kind === 'in' && about?.registration === 'closed' && (
          <p class="door-other muted small">{t('refused.closed')}</p>
        )}
      </div>
      {about?.version && <p class="door-version muted small">Parley {about.version}</p>}
    </main>
  )
}

function useSubmit(run: () => Promise<void>) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<{ text: string; field?: string }>()
  const submit = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setError(undefined)
    try {
      await run()
    } catch (e) {
      const known = asParleyError(e)
      const field = /^(user_id|password|invitation|display_name):/.exec(known.message)?.[1]
      setError({
        text: known.code === 'unauthenticated' ? t('signin.wrong') : errorText(known),
        ...(field && { field }),
      })
      setBusy(false)
    }
  }
  return { busy, error, submit }
}

function InForm() {
  const [user, setUser] = useState('')
  const [password, setPassword] = useState('')
  const { busy, error, submit } = useSubmit(() => signIn(user.trim().toLowerCase(), password))
  return (
    <form class="stack" onSubmit={submit} aria-label={t('signin.title')}>
      <Field
        label={t('signin.user')}
        name="username"
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        required
        autofocus
        value={user}
        onInput={event => setUser(event.currentTarget.value)}
      />
      <Field
        label={t('signin.password')}
        name="password"
        type="password"
        autocomplete="current-password"
        required
        value={password}
        onInput={event => setPassword(event.currentTarget.value)}
      />
      {error && (
        <p class="error" role="alert">
          {error.text}
        </p>
      )}
      <Button look="primary" type="submit" busy={busy}>
        {t('signin.title')}
      </Button>
    </form>
  )
}

function UpForm({ invitation, about }: { invitation: string; about: BeforeSignIn | undefined }) {
  return (
    <AccountForm
      about={about}
      title={t('signup.title')}
      invitation={about?.registration === 'invite' || invitation ? invitation : undefined}
    />
  )
}

function SetupForm({ code, about }: { code: string; about: BeforeSignIn | undefined }) {
  return <AccountForm about={about} title={t('setup.title')} text={t('setup.text')} code={code} />
}

interface AccountFormProps {
  about: BeforeSignIn | undefined
  title: string
  text?: string
  invitation?: string | undefined
  code?: string
}

function AccountForm({ about, title, text, invitation, code }: AccountFormProps) {
  const [user, setUser] = useState('')
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [invited, setInvited] = useState(invitation ?? '')
  const least = about?.min_password ?? 8
  const form = useRef<HTMLFormElement>(null)
  // A touch keyboard would hide what is asked.
  useLayoutEffect(() => {
    const first = [...form.current!.querySelectorAll('input')].find(input => !input.value)
    if (matchMedia('(pointer: fine)').matches) first?.focus()
  }, [])
  const { busy, error, submit } = useSubmit(() => {
    const registration = {
      userId: user.trim().toLowerCase(),
      password,
      ...(name.trim() && { displayName: name.trim() }),
      ...(invited.trim() && { invitation: invited.trim() }),
    }
    return code === undefined ? signUp(registration) : setUp(code, registration)
  })
  return (
    <form ref={form} class="stack" onSubmit={submit} aria-label={title}>
      <h2>{title}</h2>
      {text && <p class="muted">{text}</p>}
      {invitation !== undefined && (
        <Field
          label={t('signup.invitation')}
          hint={t('signup.invitation.hint')}
          required
          autocomplete="off"
          spellcheck={false}
          value={invited}
          error={error?.field === 'invitation' ? error.text : undefined}
          onInput={event => setInvited(event.currentTarget.value)}
        />
      )}
      <Field
        label={t('signin.user')}
        hint={t('signup.user.hint')}
        name="username"
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        required
        pattern="[a-zA-Z0-9][a-zA-Z0-9._\-]{0,63}"
        value={user}
        error={error?.field === 'user_id' ? error.text : undefined}
        onInput={event => setUser(event.currentTarget.value)}
      />
      <Field
        label={t('signup.name')}
        hint={t('signup.name.hint')}
        name="name"
        autocomplete="name"
        maxLength={100}
        value={name}
        error={error?.field === 'display_name' ? error.text : undefined}
        onInput={event => setName(event.currentTarget.value)}
      />
      <Field
        label={t('signin.password')}
        hint={t('signup.password.hint', { count: least })}
        name="password"
        type="password"
        autocomplete="new-password"
        required
        minLength={least}
        value={password}
        error={error?.field === 'password' ? error.text : undefined}
        onInput={event => setPassword(event.currentTarget.value)}
      />
      {error && !error.field && (
        <p class="error" role="alert">
          {error.text}
        </p>
      )}
      <Button look="primary" type="submit" busy={busy}>
        {title}
      </Button>
    </form>
  )
}
