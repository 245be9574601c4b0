// SPDX-License-Identifier: Apache-2.0

import type { Hook } from '@parley/client'
import { useEffect, useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { shortTime } from '../i18n/time.ts'
import { useChat, useName } from '../state/chat.ts'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { ask } from '../ui/dialogs.tsx'
import { errorText } from '../ui/errors.ts'
import { Field } from '../ui/Field.tsx'
import { Icon } from '../ui/Icon.tsx'
import { Secret } from '../ui/Secret.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'

/** The addresses at which programs post into a room: moderators make and end them. */
export function HooksDialog({ room, onClose }: { room: string; onClose: () => void }) {
  const chat = useChat()
  const [hooks, setHooks] = useState<Hook[]>()
  const [made, setMade] = useState<{ name: string; address: string }>()
  const [name, setName] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  useEffect(() => {
    chat.client.call<{ hooks: Hook[] }>(`rooms/${room}/hooks/list`).then(
      reply => {
        chat.people.ensure(reply.hooks.map(hook => hook.user_id))
        setHooks(reply.hooks)
      },
      e => setError(errorText(e)),
    )
  }, [chat, room])
  const create = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setError('')
    try {
      const reply = await chat.client.call<{ hook: Hook; path: string }>(`rooms/${room}/hooks/create`, {
        name: name.trim(),
      })
      setHooks(now => [...(now ?? []), reply.hook])
      setMade({ name: reply.hook.name, address: new URL(reply.path, location.origin).href })
      setName('')
    } catch (e) {
      setError(errorText(e))
    }
    setBusy(false)
  }
  const remove = (hook: Hook) =>
    ask({
      title: t('hooks.delete.title', { name: hook.name }),
      text: t('hooks.delete.text'),
      action: t('hooks.delete'),
      danger: true,
      run: async () => {
        await chat.client.call(`rooms/${room}/hooks/delete`, { hook_id: hook.hook_id })
        setHooks(now => now?.filter(h => h.hook_id !== hook.hook_id))
        setMade(undefined)
      },
    })
  return (
    <Dialog title={t('hooks.title')} onClose={onClose}>
      <div class="stack">
        <p class="muted small">{t('hooks.text')}</p>
        {!hooks && !error && <LineSkeleton />}
        {hooks?.length === 0 && <p class="muted">{t('hooks.none')}</p>}
        {hooks && hooks.length > 0 && (
          <ul aria-label={t('hooks.title')}>
            {hooks.map(hook => (
              <HookRow key={hook.hook_id} hook={hook} onDelete={() => remove(hook)} />
            ))}
          </ul>
        )}
        {made && (
          <div class="stack" role="status">
            <p>{t('hooks.made', { name: made.name })}</p>
            <Secret label={t('hooks.address')} value={made.address} action={t('hooks.copy')} />
          </div>
        )}
        <form class="stack" onSubmit={create}>
          <Field
            label={t('hooks.name')}
            hint={t('hooks.name.hint')}
            required
            maxLength={100}
            value={name}
            onInput={event => setName(event.currentTarget.value)}
          />
          {error && (
            <p class="error" role="alert">
              {error}
            </p>
          )}
          <div class="dialog-actions">
            <Button look="primary" type="submit" busy={busy} disabled={!name.trim()}>
              {t('hooks.create')}
            </Button>
          </div>
        </form>
      </div>
    </Dialog>
  )
}

function HookRow({ hook, onDelete }: { hook: Hook; onDelete: () => void }) {
  const maker = useName(hook.user_id)
  return (
    <li class="list-row">
      <Icon name="link" />
      <span class="grow">
        <span class="cut" dir="auto" title={hook.name}>
          {hook.name}
        </span>
        <span class="muted small">
          {t('hooks.by', { user: maker })} · {t('settings.devices.until', { time: shortTime(hook.expires) })}
        </span>
      </span>
      <Button aria-label={`${t('hooks.delete')}: ${hook.name}`} onClick={onDelete}>
        {t('hooks.delete')}
      </Button>
    </li>
  )
}
