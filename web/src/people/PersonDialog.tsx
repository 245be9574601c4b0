// SPDX-License-Identifier: Apache-2.0

import { privateRoom, type User } from '@parley/client'
import { useEffect, useState } from 'preact/hooks'
import { handle, t } from '../i18n/i18n.ts'
import { ago, longDate, timeToCome } from '../i18n/time.ts'
import { moderationItems } from '../moderation/actions.tsx'
import { useChat, useHead, useName } from '../state/chat.ts'
import { go } from '../state/route.ts'
import { useStore } from '../state/store.ts'
import { Avatar } from '../ui/Avatar.tsx'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { errorText, reportFailure } from '../ui/errors.ts'
import { Icon } from '../ui/Icon.tsx'
import './people.css'

/** Who somebody is, and what can be done: write to them, block them, and what a moderator may do. */
export function PersonDialog({ user, room, onClose }: { user: string; room?: string; onClose: () => void }) {
  const chat = useChat()
  const name = useName(user)
  const presence = useStore(chat.presence, all => all.get(user))
  const me = useStore(chat.me)
  const head = useHead(room ?? '')
  const member = useStore(chat.details, all => all.get(room ?? '')?.members.find(m => m.user_id === user))
  const [profile, setProfile] = useState<User>()
  const [error, setError] = useState('')
  useEffect(() => {
    chat.client.call<{ user: User }>(`users/${user}`).then(
      reply => {
        setProfile(reply.user)
        chat.people.put([reply.user])
      },
      e => setError(errorText(e)),
    )
    if (room && !chat.details.get().has(room)) chat.loadDetails(room).catch(() => {})
  }, [chat, user, room])
  const own = user === chat.user
  const blocked = me?.blocked.includes(user) ?? false
  const status = presence?.status ?? 'offline'
  const items =
    own || !room || !head || head.type === 'direct' || head.type === 'announcements'
      ? []
      : moderationItems(chat, head, user, member, profile?.role)
  return (
    <Dialog title={t('people.profile')} onClose={onClose}>
      <div class="person">
        <Avatar id={user} name={name} size="xl" status={status} />
        <div class="grow">
          <h3 dir="auto">{name}</h3>
          <p class="muted">{handle(user)}</p>
          <p class="small muted">
            {status === 'offline' && presence?.lastSeen
              ? t('presence.lastseen', { time: ago(presence.lastSeen) })
              : t(`presence.${status}`)}
          </p>
        </div>
      </div>
      <p class="person-tags">
        {profile?.role === 'administrator' && (
          <span class="tag accent">
            <Icon name="shield" size={13} /> {t('role.administrator')}
          </span>
        )}
        {member && member.role !== 'member' && <span class="tag">{t(`role.${member.role}`)}</span>}
        {member?.muted && (
          <span class="tag warn">
            {member.muted_until
              ? t('moderate.muteduntil', { time: timeToCome(member.muted_until) })
              : t('moderate.muted')}
          </span>
        )}
        {profile && <span class="muted small">{t('people.since', { time: longDate(profile.created_at) })}</span>}
      </p>
      {error && <p class="error">{error}</p>}
      {own && (
        <div class="person-actions">
          <Button
            icon="settings"
            onClick={() => {
              onClose()
              go({ view: 'settings', section: 'account' })
            }}
          >
            {t('settings.title')}
          </Button>
        </div>
      )}
      {!own && (
        <div class="person-actions">
          <Button
            look="primary"
            icon="chat"
            onClick={() => {
              onClose()
              go({ view: 'room', room: privateRoom(chat.user, user) })
            }}
          >
            {t('people.write')}
          </Button>
          <Button
            icon="block"
            onClick={() =>
              void chat.client
                .call(`users/${user}/${blocked ? 'unblock' : 'block'}`)
                .then(() => chat.loadMe(), reportFailure)
            }
          >
            {blocked ? t('people.unblock') : t('people.block')}
          </Button>
        </div>
      )}
      {items.length > 0 && (
        <section class="person-moderation">
          <h3 class="list-heading">{t('moderate.title')}</h3>
          <ul class="sheet-list">
            {items.map(item => (
              <li key={item.label}>
                <button
                  type="button"
                  class={item.danger ? 'danger' : ''}
                  onClick={() => {
                    onClose()
                    item.run()
                  }}
                >
                  {item.icon && <Icon name={item.icon} />} {item.label}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </Dialog>
  )
}
