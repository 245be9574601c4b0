// SPDX-License-Identifier: Apache-2.0

import type { User } from '@parley/client'
import { useEffect, useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { useChat } from '../state/chat.ts'
import { reportFailure } from '../ui/errors.ts'
import { FilterField } from '../ui/Field.tsx'
import { Icon } from '../ui/Icon.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { PersonRow } from './PersonRow.tsx'

/** Finds people of the server, to choose one. */
export function Directory({
  without,
  onChoose,
  chosen,
}: {
  without?: ReadonlySet<string>
  onChoose: (user: string) => void
  chosen?: ReadonlySet<string>
}) {
  const chat = useChat()
  const [query, setQuery] = useState('')
  const [users, setUsers] = useState<User[]>()
  useEffect(() => {
    let current = true
    const timer = setTimeout(
      () => {
        chat.client.call<{ users: User[] }>('users/search', { query, limit: 50 }).then(reply => {
          if (!current) return
          chat.people.put(reply.users)
          setUsers(reply.users)
        }, reportFailure)
      },
      query ? 200 : 0,
    )
    return () => {
      current = false
      clearTimeout(timer)
    }
  }, [chat, query])
  const shown = users?.filter(u => u.user_id !== chat.user && !without?.has(u.user_id))
  return (
    <div class="directory">
      <FilterField label={t('people.find')} value={query} onChange={setQuery} autofocus />
      {!shown && <LineSkeleton />}
      {shown?.length === 0 && <p class="muted">{t('people.none')}</p>}
      <ul class="directory-list">
        {shown?.map(u => (
          <li key={u.user_id}>
            <PersonRow
              id={u.user_id}
              onClick={() => onChoose(u.user_id)}
              after={chosen?.has(u.user_id) && <Icon name="check" />}
            />
          </li>
        ))}
      </ul>
    </div>
  )
}
