// SPDX-License-Identifier: Apache-2.0

import type { User } from '@parley/client'
import { privateRoom } from '@parley/client'
import { useEffect, useId, useMemo, useState } from 'preact/hooks'
import { candidates } from '../compose/mention.ts'
import { handle, t } from '../i18n/i18n.ts'
import { roomIcon } from '../rooms/roomIcon.ts'
import { partnerOf, roomName, useChat } from '../state/chat.ts'
import { go, type Route } from '../state/route.ts'
import { useStore } from '../state/store.ts'
import { Avatar } from '../ui/Avatar.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { Icon, type IconName } from '../ui/Icon.tsx'
import './switcher.css'

interface Target {
  key: string
  name: string
  note: string
  icon?: IconName
  person?: string
  to: Route
}

/** Goes anywhere by a few letters. */
export function Switcher({ onClose }: { onClose: () => void }) {
  const chat = useChat()
  const rooms = useStore(chat.rooms)
  const known = useStore(chat.people.known)
  const activity = useStore(chat.activity)
  const [query, setQuery] = useState('')
  const [chosen, setChosen] = useState(0)
  const listId = useId()

  // The directory knows more people than the page has met.
  useEffect(() => {
    if (query.trim().length < 2) return
    const timer = setTimeout(() => {
      chat.client.call<{ users: User[] }>('users/search', { query: query.trim(), limit: 10 }).then(
        reply => chat.people.put(reply.users),
        () => {},
      )
    }, 200)
    return () => clearTimeout(timer)
  }, [chat, query])

  const found = useMemo(() => {
    const targets = new Map<string, Target>()
    const weights: { id: string; name: string; weight: number }[] = []
    const add = (target: Target, weight: number) => {
      targets.set(target.key, target)
      weights.push({ id: target.key, name: target.name, weight })
    }
    for (const head of rooms.values()) {
      if (head.type === 'user') continue
      const person = partnerOf(head.room_id, chat.user)
      add(
        {
          key: person ?? head.room_id,
          name: roomName(chat, head.room_id),
          note: person ? handle(person) : head.description,
          ...(person ? { person } : { icon: roomIcon(head) }),
          to: { view: 'room', room: head.room_id },
        },
        (head.unread ? 1e12 : 0) + (activity.get(head.room_id) ?? 0),
      )
    }
    for (const [id, person] of known) {
      if (targets.has(id) || id === chat.user) continue
      add(
        {
          key: id,
          name: person.name,
          note: handle(id),
          person: id,
          to: { view: 'room', room: privateRoom(chat.user, id) },
        },
        0,
      )
    }
    add({ key: ' discover', name: t('rooms.discover'), note: '', icon: 'compass', to: { view: 'discover' } }, 0)
    add({ key: ' search', name: t('search.title'), note: '', icon: 'search', to: { view: 'search' } }, 0)
    add(
      {
        key: ' settings',
        name: t('settings.title'),
        note: '',
        icon: 'settings',
        to: { view: 'settings', section: 'account' },
      },
      0,
    )
    if (chat.isAdministrator())
      add(
        { key: ' admin', name: t('admin.title'), note: '', icon: 'shield', to: { view: 'admin', section: 'overview' } },
        0,
      )
    return candidates(query.trim(), weights, 9).map(c => targets.get(c.id)!)
  }, [rooms, known, activity, query, chat])

  const take = (target: Target | undefined) => {
    if (!target) return
    onClose()
    go(target.to)
  }
  return (
    <Dialog title={t('shell.find')} onClose={onClose} bare class="switcher">
      <div class="switcher-field">
        <Icon name="search" size={18} />
        <input
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={found.length ? `${listId}-${chosen}` : undefined}
          aria-label={t('shell.find')}
          placeholder={t('shell.find.hint')}
          autofocus
          value={query}
          onInput={event => {
            setQuery(event.currentTarget.value)
            setChosen(0)
          }}
          onKeyDown={event => {
            if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
              event.preventDefault()
              setChosen(n => (n + (event.key === 'ArrowDown' ? 1 : -1) + found.length) % Math.max(1, found.length))
            } else if (event.key === 'Enter') {
              event.preventDefault()
              take(found[chosen])
            }
          }}
        />
      </div>
      <ul id={listId} role="listbox" aria-label={t('shell.find')}>
        {found.map((target, i) => (
          <li
            key={target.key}
            id={`${listId}-${i}`}
            role="option"
            aria-selected={i === chosen}
            class={i === chosen ? 'chosen' : ''}
            onMouseMove={() => setChosen(i)}
            onClick={() => take(target)}
          >
            {target.person ? (
              <Avatar id={target.person} name={target.name} size="s" />
            ) : (
              <Icon name={target.icon!} size={18} />
            )}
            <span class="cut" dir="auto">
              {target.name}
            </span>
            <span class="muted small cut grow" dir="auto">
              {target.note}
            </span>
          </li>
        ))}
      </ul>
      {!found.length && <p class="muted switcher-none">{t('shell.find.none')}</p>}
    </Dialog>
  )
}
