// SPDX-License-Identifier: Apache-2.0

import { useEffect, useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { duration, shortTime } from '../i18n/time.ts'
import { useChat } from '../state/chat.ts'
import { signOut } from '../state/session.ts'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { ask, openDialog } from '../ui/dialogs.tsx'
import { errorText } from '../ui/errors.ts'
import { Check, Field, Select } from '../ui/Field.tsx'
import { FormDialog } from '../ui/FormDialog.tsx'
import { Icon, type IconName } from '../ui/Icon.tsx'
import { Secret } from '../ui/Secret.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { type Device, type Way, type Ways, wayName, waysOf } from './device.ts'

/** All ways into the account: devices that are signed in, tokens of programs, and MQTT sessions. */
export function Devices() {
  const chat = useChat()
  const [ways, setWays] = useState<Ways>()
  const [error, setError] = useState('')
  const load = () =>
    chat.client.call<{ sessions: Way[] }>('users/me/sessions').then(
      reply => setWays(waysOf(reply.sessions ?? [])),
      e => setError(errorText(e)),
    )
  // biome-ignore lint/correctness/useExhaustiveDependencies: once
  useEffect(() => void load(), [])
  const revoke = (fields: object, text: string) =>
    ask({
      title: t('settings.devices.revoke'),
      text,
      action: t('settings.devices.revoke'),
      danger: true,
      run: async () => {
        await chat.client.call('users/me/sessions/revoke', fields)
        await load()
      },
      done: t('moderate.done'),
    })
  const list = (devices: Device[], icon: IconName) => (
    <ul class="devices">
      {devices.map(device => (
        <li key={device.session_id} class="list-row">
          <Icon name={icon} />
          <span class="grow">
            <span class="cut" dir="auto" title={device.name}>
              {wayName(device)}
            </span>
            <span class="muted small">{about(device)}</span>
          </span>
          {device.current ? (
            <span class="tag accent">{t('settings.devices.this')}</span>
          ) : (
            <Button
              aria-label={`${t('settings.devices.revoke')}: ${wayName(device)}`}
              onClick={() =>
                revoke(
                  { session_id: device.session_id },
                  t(device.kind === 'token' ? 'settings.tokens.revoke.text' : 'settings.devices.revoke.text'),
                )
              }
            >
              {t(device.kind === 'token' ? 'settings.tokens.revoke' : 'settings.devices.revoke')}
            </Button>
          )}
        </li>
      ))}
    </ul>
  )
  if (error) return <p class="note warn">{error}</p>
  if (!ways) return <LineSkeleton />
  return (
    <>
      <div class="stack">
        <h2>{t('settings.devices')}</h2>
        {list(ways.logins, 'device')}
        <div class="details-links">
          <Button icon="exit" onClick={() => void signOut()}>
            {t('signin.out')}
          </Button>
          {ways.logins.length + ways.clients.length > 1 && (
            <Button
              look="quiet"
              class="dangerous"
              onClick={() => revoke({ others: true }, t('settings.devices.others.text'))}
            >
              {t('settings.devices.others')}
            </Button>
          )}
        </div>
      </div>
      <section>
        <h2>{t('settings.tokens')}</h2>
        <p class="muted small">{t('settings.tokens.text')}</p>
        {list(ways.tokens, 'key')}
        <div>
          <Button
            icon="plus"
            onClick={() => openDialog(close => <CreateToken onClose={close} onDone={() => void load()} />)}
          >
            {t('settings.tokens.create')}
          </Button>
        </div>
      </section>
      {ways.clients.length > 0 && (
        <section>
          <h2>{t('settings.clients')}</h2>
          <p class="muted small">{t('settings.clients.text')}</p>
          {list(ways.clients, 'device')}
        </section>
      )}
    </>
  )
}

function about(device: Device): string {
  const parts: string[] = []
  if (device.connected) parts.push(t('settings.devices.connected'))
  parts.push(...device.addresses)
  if (device.kind === 'token') parts.push(device.scopes ? device.scopes.join(', ') : t('settings.tokens.all'))
  if (device.kind === 'mqtt') {
    if (device.since && !device.connected) parts.push(t('settings.devices.away', { time: shortTime(device.since) }))
  } else {
    if (device.created_at) parts.push(t('settings.devices.since', { time: shortTime(device.created_at) }))
    if (device.expires) parts.push(t('settings.devices.until', { time: shortTime(device.expires) }))
  }
  return parts.join(' · ')
}

const lifetimes = [7 * 86_400, 30 * 86_400, 365 * 86_400, 10 * 365 * 86_400]
const scopes = ['read', 'send', 'rooms', 'account', 'admin'] as const

function CreateToken({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const chat = useChat()
  const [name, setName] = useState('')
  const [ttl, setTtl] = useState(String(365 * 86_400))
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(['read', 'send']))
  return (
    <FormDialog
      title={t('settings.tokens.create')}
      action={t('settings.tokens.create')}
      disabled={!name.trim() || !chosen.size}
      run={async () => {
        const made = await chat.client.call<{ token: string }>('users/me/tokens/create', {
          name: name.trim(),
          ttl: Number(ttl),
          scopes: [...chosen],
        })
        onDone()
        openDialog(close => <ShowToken token={made.token} onClose={close} />)
      }}
      onClose={onClose}
    >
      <Field
        label={t('settings.tokens.name')}
        hint={t('settings.tokens.name.hint')}
        required
        maxLength={100}
        autofocus
        value={name}
        onInput={event => setName(event.currentTarget.value)}
      />
      <fieldset class="choices">
        <legend>{t('settings.tokens.may')}</legend>
        {scopes
          .filter(scope => scope !== 'admin' || chat.isAdministrator())
          .map(scope => (
            <Check
              key={scope}
              label={t(`scope.${scope}`)}
              checked={chosen.has(scope)}
              onChange={on =>
                setChosen(now => {
                  const next = new Set(now)
                  if (on) next.add(scope)
                  else next.delete(scope)
                  return next
                })
              }
            />
          ))}
      </fieldset>
      <Select
        label={t('settings.tokens.ttl')}
        value={ttl}
        onChange={setTtl}
        options={lifetimes.map(n => [String(n), duration(n)])}
      />
    </FormDialog>
  )
}

/** The token itself, which is shown this once. */
function ShowToken({ token, onClose }: { token: string; onClose: () => void }) {
  return (
    <Dialog title={t('settings.tokens.made')} onClose={onClose}>
      <div class="stack">
        <p>{t('settings.tokens.once')}</p>
        <Secret label={t('settings.tokens')} value={token} action={t('settings.tokens.copy')} />
      </div>
    </Dialog>
  )
}
