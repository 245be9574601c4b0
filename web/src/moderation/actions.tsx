// SPDX-License-Identifier: Apache-2.0

import type { Member, RoomHead } from '@parley/client'
import { useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { duration } from '../i18n/time.ts'
import type { Chat } from '../state/chat.ts'
import { ask, openDialog } from '../ui/dialogs.tsx'
import { reportFailure } from '../ui/errors.ts'
import { ReasonField, Select } from '../ui/Field.tsx'
import { FormDialog } from '../ui/FormDialog.tsx'
import type { MenuItem } from '../ui/Menu.tsx'
import { notify } from '../ui/notices.ts'

type Action = 'kick' | 'ban' | 'unban' | 'mute' | 'unmute' | 'promote' | 'demote' | 'lock' | 'unlock'

export function moderate(chat: Chat, room: string, action: Action, fields: object = {}): Promise<unknown> {
  return chat.client.call(`admin/rooms/${room}/moderate`, { action, ...fields })
}

/** What the reader may do with a member of a room. Nobody acts on someone of a higher role. */
export function moderationItems(
  chat: Chat,
  head: RoomHead,
  user: string,
  member: Member | undefined,
  serverRole?: string,
): MenuItem[] {
  const administrator = chat.isAdministrator()
  const owner = head.role === 'owner' || administrator
  const moderator = owner || head.role === 'moderator'
  const outranked = (serverRole === 'administrator' && !administrator) || (member?.role === 'owner' && !administrator)
  if (!moderator || outranked) return []
  const name = chat.people.name(user)
  const room = head.room_id
  const items: MenuItem[] = []
  if (member) {
    if (member.muted)
      items.push({
        label: t('moderate.unmute'),
        icon: 'mute',
        run: () =>
          void moderate(chat, room, 'unmute', { user_id: user }).then(() => notify(t('moderate.done')), reportFailure),
      })
    else
      items.push({
        label: t('moderate.mute'),
        icon: 'mute',
        run: () =>
          sanction(t('moderate.mute.title', { user: name }), t('moderate.mute'), fields =>
            moderate(chat, room, 'mute', { user_id: user, ...fields }),
          ),
      })
    if (owner && member.role === 'member')
      items.push({
        label: t('moderate.promote'),
        icon: 'shield',
        run: () =>
          void moderate(chat, room, 'promote', { user_id: user }).then(
            () => notify(t('moderate.promoted', { user: name })),
            reportFailure,
          ),
      })
    if (owner && member.role === 'moderator')
      items.push({
        label: t('moderate.demote'),
        icon: 'shield',
        run: () =>
          void moderate(chat, room, 'demote', { user_id: user }).then(
            () => notify(t('moderate.demoted', { user: name })),
            reportFailure,
          ),
      })
    if (owner && member.role !== 'owner') {
      items.push({
        label: t('moderate.transfer'),
        icon: 'person',
        run: () =>
          ask({
            title: t('moderate.transfer'),
            text: t('moderate.transfer.text', { user: name, room: head.name }),
            action: t('moderate.transfer.do'),
            run: () => chat.client.call(`rooms/${room}/transfer`, { user_id: user }),
            done: t('moderate.done'),
          }),
      })
    }
    items.push({
      label: t('moderate.kick'),
      icon: 'exit',
      danger: true,
      run: () =>
        ask({
          title: t('moderate.kick.title', { user: name }),
          text: t('moderate.kick.text'),
          action: t('moderate.kick'),
          danger: true,
          reason: true,
          run: reason => moderate(chat, room, 'kick', { user_id: user, ...(reason && { reason }) }),
          done: t('moderate.done'),
        }),
    })
  }
  items.push({
    label: t('moderate.ban'),
    icon: 'block',
    danger: true,
    run: () =>
      sanction(t('moderate.ban.title', { user: name }), t('moderate.ban'), fields =>
        moderate(chat, room, 'ban', { user_id: user, ...fields }),
      ),
  })
  return items
}

/** Asks for how long and why, before somebody is muted or banned. */
export function sanction(
  title: string,
  action: string,
  run: (fields: { duration?: number; reason?: string }) => Promise<unknown>,
): void {
  openDialog(close => <SanctionDialog title={title} action={action} run={run} onClose={close} />)
}

const lengths = [600, 3600, 86_400, 7 * 86_400, 30 * 86_400]

function SanctionDialog({
  title,
  action,
  run,
  onClose,
}: {
  title: string
  action: string
  run: (fields: { duration?: number; reason?: string }) => Promise<unknown>
  onClose: () => void
}) {
  const [length, setLength] = useState('3600')
  const [reason, setReason] = useState('')
  return (
    <FormDialog
      title={title}
      action={action}
      danger
      run={() =>
        run({ ...(Number(length) && { duration: Number(length) }), ...(reason.trim() && { reason: reason.trim() }) })
      }
      done={t('moderate.done')}
      onClose={onClose}
    >
      <Select
        label={t('moderate.length')}
        value={length}
        onChange={setLength}
        options={[...lengths.map(n => [String(n), duration(n)] as [string, string]), ['0', t('moderate.forever')]]}
      />
      <ReasonField value={reason} onChange={setReason} />
    </FormDialog>
  )
}
