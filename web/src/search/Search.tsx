// SPDX-License-Identifier: Apache-2.0

import type { Message } from '@parley/client'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { MessageCard } from '../messages/MessageCard.tsx'
import { roomName, useChat } from '../state/chat.ts'
import { useStore } from '../state/store.ts'
import { Button } from '../ui/Button.tsx'
import { Empty } from '../ui/Empty.tsx'
import { errorText } from '../ui/errors.ts'
import { Field, Select } from '../ui/Field.tsx'
import { Icon } from '../ui/Icon.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import './cards.css'

interface Page {
  messages: Message[]
  has_more: boolean
  covers?: [number, number]
  before?: unknown
}

interface Found {
  messages: Message[]
  next?: Record<string, unknown> | undefined // the fields that ask for the next page
}

/** Looks for messages, in one room or in all. */
export function Search({ room }: { room?: string }) {
  const chat = useChat()
  const known = useStore(chat.people.known)
  const [query, setQuery] = useState('')
  const [sender, setSender] = useState('')
  const [from, setFrom] = useState('')
  const [found, setFound] = useState<Found>()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const running = useRef<AbortController | undefined>(undefined)
  const field = useRef<HTMLInputElement>(null)
  useLayoutEffect(() => field.current?.focus(), [])

  const run = async (next?: Record<string, unknown>) => {
    running.current?.abort()
    const abort = new AbortController()
    running.current = abort
    setBusy(true)
    setError('')
    try {
      const page = await chat.client.call<Page>(
        room ? `search/${room}` : 'search',
        {
          query,
          ...(sender && { sender_id: sender }),
          ...(from && { from: new Date(`${from}T00:00`).getTime() / 1000 }),
          limit: 30,
          ...next,
        },
        { signal: abort.signal },
      )
      chat.people.learn(page.messages)
      const more = page.has_more ? (room ? { before_seq: page.covers?.[0] } : { before: page.before }) : undefined
      setFound(old => ({ messages: next ? [...(old?.messages ?? []), ...page.messages] : page.messages, next: more }))
    } catch (e) {
      if (!abort.signal.aborted) setError(errorText(e))
    }
    if (running.current === abort) setBusy(false)
  }
  // Finds while one writes, as soon as the words stand still.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when what is looked for changes
  useEffect(() => {
    if (!/[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(query)) {
      running.current?.abort()
      setFound(undefined)
      setBusy(false)
      return
    }
    const timer = setTimeout(() => void run(), 300)
    return () => clearTimeout(timer)
  }, [query, sender, from, room])

  const people = [...known]
    .map(([id, person]) => [id, person.name] as [string, string])
    .sort((a, b) => a[1].localeCompare(b[1]))
  return (
    <>
      <form
        class="search-form"
        onSubmit={event => {
          event.preventDefault()
          if (query.trim()) void run()
        }}
      >
        <div class="search-box">
          <Icon name="search" size={18} />
          <input
            ref={field}
            type="search"
            value={query}
            maxLength={256}
            placeholder={t('search.placeholder')}
            aria-label={t('search.placeholder')}
            onInput={event => setQuery(event.currentTarget.value)}
          />
        </div>
        <Select
          label={t('search.from')}
          value={sender}
          onChange={setSender}
          options={[['', t('search.anybody')], ...people.slice(0, 200)]}
        />
        <Field
          label={t('search.since')}
          type="date"
          value={from}
          onInput={event => setFrom(event.currentTarget.value)}
        />
      </form>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      <div aria-live="polite" class="unseen">
        {found && !busy ? t('search.found', { count: found.messages.length }) : ''}
      </div>
      {busy && !found && <LineSkeleton />}
      {found?.messages.length === 0 && !busy && !found.next && (
        <Empty icon="search" title={t('search.none')}>
          <p>{t('search.none.text')}</p>
        </Empty>
      )}
      {!found && !busy && !error && (
        <Empty icon="search" title={room ? t('search.room') : t('search.title')}>
          <p>{t('search.hint')}</p>
        </Empty>
      )}
      <ul class="cards">
        {found?.messages.map(m => (
          <li key={m.id}>
            <MessageCard message={m} snippet={m.snippet} {...(!room && { room: roomName(chat, m.room_id) })} />
          </li>
        ))}
      </ul>
      {found?.next && (
        <Button look="quiet" busy={busy} onClick={() => void run(found.next)}>
          {t('search.more')}
        </Button>
      )}
    </>
  )
}
