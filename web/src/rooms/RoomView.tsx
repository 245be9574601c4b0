// SPDX-License-Identifier: Apache-2.0

import { type Message, ParleyError } from '@parley/client'
import { lazy, Suspense } from 'preact/compat'
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Composer } from '../compose/Composer.tsx'
import { t } from '../i18n/i18n.ts'
import { MessageList } from '../messages/MessageList.tsx'
import { usePins } from '../messages/pins.ts'
import { partnerOf, useChat, useHead, useRoomName } from '../state/chat.ts'
import { focusComposer } from '../state/compose.ts'
import { go, type Panel, type Route } from '../state/route.ts'
import { useStore } from '../state/store.ts'
import { Button, IconButton } from '../ui/Button.tsx'
import { Empty } from '../ui/Empty.tsx'
import { errorText } from '../ui/errors.ts'
import { Icon } from '../ui/Icon.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { Beginning } from './Beginning.tsx'
import { RoomHeader } from './RoomHeader.tsx'
import { TypingLine } from './TypingLine.tsx'

const ThreadPanel = lazy(() => import('../messages/ThreadPanel.tsx').then(m => ({ default: m.ThreadPanel })))
const MembersPanel = lazy(() => import('../people/MembersPanel.tsx').then(m => ({ default: m.MembersPanel })))
const PinsPanel = lazy(() => import('../messages/PinsPanel.tsx').then(m => ({ default: m.PinsPanel })))
const SearchPanel = lazy(() => import('../search/SearchPanel.tsx').then(m => ({ default: m.SearchPanel })))
const DetailsPanel = lazy(() => import('./DetailsPanel.tsx').then(m => ({ default: m.DetailsPanel })))

interface RoomViewProps {
  room: string
  message: string | undefined
  panel: Panel | undefined
  /** Where the reader is, as an object of its own for each going there. */
  route: Route
}

export function RoomView(props: RoomViewProps) {
  const chat = useChat()
  const head = useHead(props.room)
  const ready = useStore(chat.ready)
  const other = partnerOf(props.room, chat.user)
  if (!head && ready && !other) return <Outside room={props.room} />
  return <Inside {...props} />
}

function Inside({ room, message, panel, route }: RoomViewProps) {
  const chat = useChat()
  const head = useHead(room)
  const name = useRoomName(room)
  // biome-ignore lint/correctness/useExhaustiveDependencies: where the reader came to, not where they went since
  const timeline = useMemo(() => {
    const kept = chat.timeline(room)
    // Whoever comes back is to see the latest, wherever they had scrolled to.
    if (kept.hasNewer && !message) void kept.loadLatest().catch(() => {})
    return kept
  }, [chat, room])
  const pins = usePins(room, head !== undefined)
  const where = useMemo(() => ({ place: room }), [room])
  const jump = useMemo(() => (message && route ? { message } : undefined), [message, route])
  const [dragging, setDragging] = useState(false)
  const ready = useStore(chat.ready)

  // Where reading had stopped when the reader came; forgotten when they leave the page for a while and come back.
  const mark = useRef<{ room: string; after: number } | undefined>(undefined)
  if (head && mark.current?.room !== room)
    mark.current = { room, after: head.unread ? Math.max(head.read_seq, head.first_seq - 1) : Number.MAX_SAFE_INTEGER }
  const [, reset] = useState(0)
  useEffect(() => {
    let leftAt = 0
    const looked = () => {
      if (document.visibilityState === 'hidden') {
        leftAt = Date.now()
        return
      }
      if (Date.now() - leftAt < 5000) return
      const now = chat.rooms.get().get(room)
      // Others may be called otherwise by now: of that nobody is told.
      if (now) void chat.loadDetails(room).catch(() => {})
      if (now?.unread) {
        mark.current = { room, after: now.read_seq }
        reset(n => n + 1)
      }
    }
    document.addEventListener('visibilitychange', looked)
    return () => document.removeEventListener('visibilitychange', looked)
  }, [chat, room])

  const member = head !== undefined
  useEffect(() => {
    if (ready && (member || partnerOf(room, chat.user))) void chat.loadDetails(room).catch(() => {})
  }, [chat, room, ready, member])
  useLayoutEffect(() => {
    if (matchMedia('(pointer: fine)').matches && !message) focusComposer(room)
  }, [room, message])

  const onRead = useCallback((seq: number) => chat.markRead(room, seq), [chat, room])
  const lastOwn = useCallback(
    () =>
      timeline.messages.findLast(
        (m: Message) => m.sender_id === chat.user && !m.hook && m.type !== 'system' && !m.deleted && !m.truncated,
      ),
    [timeline, chat],
  )
  const speakers = useCallback(() => recentSpeakers(timeline.messages), [timeline])
  const focusLast = () => document.querySelector<HTMLElement>('.room-messages article[tabindex="0"]')?.focus()
  const beginning = useMemo(() => <Beginning room={room} />, [room])
  const droppable = (event: DragEvent) =>
    (event.dataTransfer?.types.includes('Files') ?? false) && document.querySelector('[data-composer]') !== null

  return (
    <div class={`room ${panel ? 'with-panel' : ''}`}>
      <section
        class={`room-messages ${dragging ? 'dragging' : ''}`}
        aria-label={name}
        onDragEnter={event => {
          if (droppable(event)) setDragging(true)
        }}
        onDragOver={event => {
          if (event.dataTransfer?.types.includes('Files')) event.preventDefault()
        }}
        onDragLeave={event => {
          if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setDragging(false)
        }}
        onDrop={event => {
          setDragging(false)
          const files = [...(event.dataTransfer?.files ?? [])]
          if (!files.length) return
          event.preventDefault() // the browser would leave the page for the file
          if (!droppable(event)) return
          chat.uploads.add(room, files)
        }}
      >
        <RoomHeader room={room} panel={panel} pins={pins.count} />
        <MessageList
          timeline={timeline}
          room={room}
          where={where}
          pinned={pins.ids}
          jump={jump}
          unreadAfter={mark.current?.after}
          beginning={beginning}
          onRead={onRead}
          onLeave={() => focusComposer(room)}
        />
        <TypingLine room={room} />
        <Composer room={room} place={room} head={head} lastOwn={lastOwn} speakers={speakers} onUp={focusLast} />
        {dragging && (
          <div class="drop-here" aria-hidden="true">
            <Icon name="attach" size={28} />
            {t('files.drop', { room: name })}
          </div>
        )}
      </section>
      {panel && (
        <Suspense
          fallback={
            <aside class="panel">
              <LineSkeleton rows={6} />
            </aside>
          }
        >
          {panel.name === 'thread' && (
            <ThreadPanel key={panel.of} room={room} first={panel.of} head={head} pinned={pins.ids} />
          )}
          {panel.name === 'members' && <MembersPanel room={room} />}
          {panel.name === 'pins' && <PinsPanel room={room} />}
          {panel.name === 'search' && <SearchPanel room={room} />}
          {panel.name === 'details' && <DetailsPanel room={room} />}
        </Suspense>
      )}
    </div>
  )
}

export function recentSpeakers(messages: readonly Message[]): string[] {
  const speakers = new Set<string>()
  for (let i = messages.length - 1; i >= 0 && i > messages.length - 200; i--) {
    const m = messages[i]!
    if (m.type !== 'system') speakers.add(m.sender_id)
  }
  return [...speakers]
}

/** A room that one is not a member of: shows what everybody may know, and how to get in. */
function Outside({ room }: { room: string }) {
  const chat = useChat()
  const [state, setState] = useState<'loading' | 'ready' | 'gone'>('loading')
  const [error, setError] = useState('')
  const [busy, setBusy] = useState(false)
  const detail = useStore(chat.details, all => all.get(room))
  useEffect(() => {
    chat.loadDetails(room).then(
      () => setState('ready'),
      e => {
        setState('gone')
        setError(e instanceof ParleyError && e.code === 'not_found' ? '' : errorText(e))
      },
    )
  }, [chat, room])
  const join = async () => {
    setBusy(true)
    setError('')
    try {
      await chat.client.call(`rooms/join/${room}`)
      await chat.client.refresh()
    } catch (e) {
      setError(errorText(e))
    }
    setBusy(false)
  }
  return (
    <>
      <header class="bar only-phone">
        <IconButton icon="back" label={t('action.back')} onClick={() => go({ view: 'home' })} />
      </header>
      <div class="home">
        {state === 'loading' && <LineSkeleton rows={4} />}
        {state === 'gone' && (
          <Empty icon="lock" title={t('rooms.notthere')}>
            <p>{error || t('rooms.notthere.text')}</p>
            <Button look="quiet" onClick={() => go({ view: 'discover' })}>
              {t('rooms.discover')}
            </Button>
          </Empty>
        )}
        {state === 'ready' && detail && (
          <Empty icon="hash" title={detail.room.name}>
            {detail.room.description && <p dir="auto">{detail.room.description}</p>}
            <p class="muted">{t('rooms.members', { count: detail.room.member_count })}</p>
            {error && (
              <p class="error" role="alert">
                {error}
              </p>
            )}
            <Button look="primary" busy={busy} onClick={join}>
              {t('rooms.join')}
            </Button>
          </Empty>
        )}
      </div>
    </>
  )
}
