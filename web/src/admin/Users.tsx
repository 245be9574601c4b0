// SPDX-License-Identifier: Apache-2.0

import type { User } from '@parley/client'
import { useCallback, useEffect, useState } from 'preact/hooks'
import { handle, t } from '../i18n/i18n.ts'
import { fullTime, shortTime } from '../i18n/time.ts'
import { sanction } from '../moderation/actions.tsx'
import { openPerson } from '../people/openPerson.ts'
import { PersonRow } from '../people/PersonRow.tsx'
import { useChat } from '../state/chat.ts'
import { Button, IconButton } from '../ui/Button.tsx'
import { ask, below, openMenu } from '../ui/dialogs.tsx'
import { errorText, reportFailure } from '../ui/errors.ts'
import { FilterField } from '../ui/Field.tsx'
import { notify } from '../ui/notices.ts'
import { LineSkeleton } from '../ui/Skeleton.tsx'

/** The accounts of the server, and what an administrator may do to them. */
export function Users() {
  const chat = useChat()
  const [query, setQuery] = useState('')
  const [users, setUsers] = useState<User[]>()
  const [more, setMore] = useState(false)
  const [error, setError] = useState('')
  const load = useCallback(
    (after?: string) =>
      chat.client
        .call<{ users: User[]; has_more: boolean }>('users/search', { query, limit: 50, ...(after && { after }) })
        .then(
          reply => {
            chat.people.put(reply.users)
            setUsers(old => (after ? [...(old ?? []), ...reply.users] : reply.users))
            setMore(reply.has_more)
            setError('')
          },
          e => setError(errorText(e)),
        ),
    [chat, query],
  )
  useEffect(() => {
    const timer = setTimeout(() => void load(), query ? 200 : 0)
    return () => clearTimeout(timer)
  }, [load, query])
  const act = (user: string, action: string, fields: object = {}) =>
    chat.client.call(`admin/users/${user}/${action}`, fields)
  const done = () => notify(t('moderate.done'))
  const changeRole = (u: User, administrator: boolean) =>
    ask({
      title: t(administrator ? 'admin.users.demote.title' : 'admin.users.promote.title', { user: u.display_name }),
      text: t(administrator ? 'admin.users.demote.text' : 'admin.users.promote.text'),
      action: t(administrator ? 'admin.users.demote' : 'admin.users.promote'),
      danger: administrator,
      reason: true,
      run: async reason => {
        await act(u.user_id, administrator ? 'demote' : 'promote', reason ? { reason } : {})
        if (u.user_id === chat.user) await chat.loadMe()
        else await load()
      },
      done: t('moderate.done'),
    })
  return (
    <div class="stack">
      <FilterField label={t('people.find')} value={query} onChange={setQuery} />
      {error && <p class="error">{error}</p>}
      {!users && !error && <LineSkeleton rows={8} />}
      {users?.length === 0 && <p class="muted">{t('people.none')}</p>}
      <ul>
        {users?.map(u => {
          const administrator = u.role === 'administrator'
          return (
            <li key={u.user_id}>
              <PersonRow
                id={u.user_id}
                note={`${handle(u.user_id)} · ${t('people.since', { time: shortTime(u.created_at) })}`}
                after={
                  <>
                    {administrator && <span class="tag accent">{t('role.administrator')}</span>}
                    <IconButton
                      icon="more"
                      label={t('admin.users.actions', { user: u.display_name })}
                      aria-haspopup="menu"
                      title={fullTime(u.created_at)}
                      onClick={event =>
                        openMenu(t('moderate.title'), below(event.currentTarget), [
                          { label: t('people.profile'), icon: 'person', run: () => openPerson(u.user_id) },
                          {
                            label: administrator ? t('admin.users.demote') : t('admin.users.promote'),
                            icon: 'shield',
                            run: () => changeRole(u, administrator),
                          },
                          !administrator && {
                            label: t('moderate.mute.server'),
                            icon: 'mute',
                            run: () =>
                              sanction(t('moderate.mute.title', { user: u.display_name }), t('moderate.mute'), fields =>
                                act(u.user_id, 'mute', fields),
                              ),
                          },
                          !administrator && {
                            label: t('moderate.unmute.server'),
                            icon: 'mute',
                            run: () => void act(u.user_id, 'unmute').then(done, reportFailure),
                          },
                          !administrator && {
                            label: t('moderate.ban.server'),
                            icon: 'block',
                            danger: true,
                            run: () =>
                              sanction(t('moderate.ban.title', { user: u.display_name }), t('moderate.ban'), fields =>
                                act(u.user_id, 'ban', fields),
                              ),
                          },
                          !administrator && {
                            label: t('moderate.unban.server'),
                            icon: 'check',
                            run: () => void act(u.user_id, 'unban').then(done, reportFailure),
                          },
                        ])
                      }
                    />
                  </>
                }
              />
            </li>
          )
        })}
      </ul>
      {more && (
        <Button look="quiet" onClick={() => void load(users?.at(-1)?.user_id)}>
          {t('action.more')}
        </Button>
      )}
    </div>
  )
}
