// SPDX-License-Identifier: Apache-2.0

import type { RoomHead } from '@parley/client'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { duration, longDate } from '../i18n/time.ts'
import { moderate } from '../moderation/actions.tsx'
import { openBans, openHooks, openRoomAudit, openRoomReports } from '../moderation/open.ts'
import { partnerOf, roomName, useChat, useHead, useName } from '../state/chat.ts'
import { go, showPanel } from '../state/route.ts'
import { Button } from '../ui/Button.tsx'
import { ask } from '../ui/dialogs.tsx'
import { errorText, reportFailure } from '../ui/errors.ts'
import { Check, Select } from '../ui/Field.tsx'
import { notify } from '../ui/notices.ts'
import { Panel } from '../ui/Panel.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { RoomFields, roomFields } from './RoomFields.tsx'
import './details.css'

/** What a room is, what the reader wants to hear of it, and what moderators set. */
export function DetailsPanel({ room }: { room: string }) {
  const chat = useChat()
  const head = useHead(room)
  return (
    <Panel title={t('rooms.details')}>
      <div class="panel-body">
        {head ? (
          <Details key={room} head={head} />
        ) : partnerOf(room, chat.user) ? (
          <p class="muted">{t('rooms.direct.notyet')}</p>
        ) : (
          <LineSkeleton />
        )}
      </div>
    </Panel>
  )
}

function Details({ head }: { head: RoomHead }) {
  const chat = useChat()
  const room = head.room_id
  const creator = useName(head.created_by)
  const administrator = chat.isAdministrator()
  const common = head.type === 'public' || head.type === 'private'
  const owner = common && (head.role === 'owner' || administrator)
  const moderator = common && (owner || head.role === 'moderator')
  const name = roomName(chat, room)
  return (
    <div class="details">
      {head.description && <p dir="auto">{head.description}</p>}
      {common && (
        <p class="muted small">
          {t('rooms.createdby', { user: creator, time: longDate(head.created_at) })} ·{' '}
          {t('rooms.yourrole', { role: t(`role.${head.role}`) })}
        </p>
      )}
      <Select
        label={t('rooms.notifications')}
        value={head.notifications}
        options={[
          ['all', t('rooms.notifications.all')],
          ['mentions', t('rooms.notifications.mentions')],
          ['none', t('rooms.notifications.none')],
        ]}
        onChange={value =>
          void chat.client
            .call(`rooms/${room}/prefs`, { notifications: value })
            .then(() => chat.client.refresh(), reportFailure)
        }
      />
      <div class="details-links">
        <Button icon="pin" onClick={() => showPanel({ name: 'pins' })}>
          {t('rooms.pins')}
        </Button>
        <Button icon="people" onClick={() => showPanel({ name: 'members' })}>
          {t('members.title')}
        </Button>
      </div>
      {moderator && <RoomSettings head={head} owner={owner} />}
      {moderator && (
        <section>
          <h3>{t('moderate.title')}</h3>
          <div class="details-links">
            <Button
              icon="lock"
              onClick={() =>
                void moderate(chat, room, head.locked ? 'unlock' : 'lock').then(
                  () => notify(head.locked ? t('rooms.unlocked') : t('rooms.locked')),
                  reportFailure,
                )
              }
            >
              {head.locked ? t('rooms.unlock') : t('rooms.lock')}
            </Button>
            <Button icon="block" onClick={() => openBans(room)}>
              {t('moderate.bans')}
            </Button>
            <Button icon="flag" onClick={() => openRoomReports(room)}>
              {t('admin.reports')}
            </Button>
            <Button icon="clock" onClick={() => openRoomAudit(room)}>
              {t('admin.audit')}
            </Button>
            <Button icon="link" onClick={() => openHooks(room)}>
              {t('hooks.title')}
            </Button>
          </div>
          <p class="hint">{t('rooms.lock.hint')}</p>
        </section>
      )}
      {common && (
        <section class="details-end">
          <Button
            icon="exit"
            onClick={() =>
              ask({
                title: t('rooms.leave.title', { room: name }),
                text: head.type === 'private' ? t('rooms.leave.private') : t('rooms.leave.public'),
                action: t('rooms.leave'),
                danger: true,
                run: async () => {
                  await chat.client.call(`rooms/leave/${room}`)
                  go({ view: 'home' }, { replace: true })
                },
              })
            }
          >
            {t('rooms.leave')}
          </Button>
          {owner && (
            <Button
              icon="trash"
              look="quiet"
              class="dangerous"
              onClick={() =>
                ask({
                  title: t('rooms.delete.title', { room: name }),
                  text: t('rooms.delete.text'),
                  action: t('rooms.delete'),
                  danger: true,
                  run: () => chat.client.call(`rooms/${room}/delete`),
                })
              }
            >
              {t('rooms.delete')}
            </Button>
          )}
        </section>
      )}
    </div>
  )
}

const slowModes = [0, 5, 10, 30, 60, 300, 3600]
const retentions = [0, 86_400, 7 * 86_400, 30 * 86_400, 90 * 86_400, 365 * 86_400]

function RoomSettings({ head, owner }: { head: RoomHead; owner: boolean }) {
  const chat = useChat()
  const { name, description, max_members } = head
  const saved = useMemo(() => ({ name, description, most: String(max_members) }), [name, description, max_members])
  const [text, setText] = useState(saved)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  useEffect(() => setText(saved), [saved])
  const update = async (fields: object) => {
    setBusy(true)
    setError('')
    try {
      await chat.client.call(`rooms/${head.room_id}/update`, fields)
      await chat.client.refresh()
      notify(t('settings.saved'))
    } catch (e) {
      setError(errorText(e))
    }
    setBusy(false)
  }
  const dirty = JSON.stringify(text) !== JSON.stringify(saved)
  const lengths = (list: number[], now: number, none: string): [string, string][] =>
    [...new Set([...list, now])].sort((a, b) => a - b).map(n => [String(n), n ? duration(n) : none])
  return (
    <section>
      <h3>{t('rooms.settings')}</h3>
      <form
        class="stack"
        onSubmit={event => {
          event.preventDefault()
          void update(roomFields(text))
        }}
      >
        <RoomFields value={text} onChange={setText} />
        {error && (
          <p class="error" role="alert">
            {error}
          </p>
        )}
        {dirty && (
          <Button look="primary" type="submit" busy={busy}>
            {t('action.save')}
          </Button>
        )}
      </form>
      <Select
        label={t('rooms.slow')}
        value={String(head.slow_mode)}
        options={lengths(slowModes, head.slow_mode, t('rooms.slow.off'))}
        hint={t('rooms.slow.hint')}
        onChange={value => void update({ slow_mode: Number(value) })}
      />
      <Check
        label={t('rooms.readonly')}
        hint={t('rooms.readonly.hint')}
        checked={head.read_only}
        onChange={read_only => void update({ read_only })}
      />
      {head.type === 'public' && (
        <Select
          label={t('rooms.history')}
          value={head.history_visibility}
          options={[
            ['shared', t('rooms.history.shared')],
            ['joined', t('rooms.history.joined')],
          ]}
          onChange={history_visibility => void update({ history_visibility })}
        />
      )}
      {owner && (
        <Select
          label={t('rooms.retention')}
          value={String(head.retention ?? 0)}
          options={lengths(retentions, head.retention ?? 0, t('rooms.retention.server'))}
          hint={t('rooms.retention.hint')}
          onChange={value => void update({ retention: Number(value) })}
        />
      )}
    </section>
  )
}
