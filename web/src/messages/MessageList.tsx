// SPDX-License-Identifier: Apache-2.0

import type { Message, Outgoing, Timeline } from '@parley/client'
import type { ComponentChildren } from 'preact'
import { useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks'
import { Virtualizer, type VirtualizerHandle } from 'virtua'
import { t } from '../i18n/i18n.ts'
import { useChat } from '../state/chat.ts'
import { useStore } from '../state/store.ts'
import { reportFailure } from '../ui/errors.ts'
import { Icon } from '../ui/Icon.tsx'
import { MessageSkeleton } from '../ui/Skeleton.tsx'
import { MessageItem, OutgoingItem } from './MessageItem.tsx'
import { plainText } from './markdown.ts'
import { operations, type Where } from './operations.tsx'
import { buildRows, type Row, type Step, steps } from './rows.ts'
import './messages.css'

interface MessageListProps {
  timeline: Timeline
  room: string
  /** The id of a thread's first message, where the list is one. */
  thread?: string
  where: Where
  pinned?: ReadonlySet<string>
  /** Shows this message; a new object shows it again. */
  jump?: { message: string } | undefined
  /** seq after which messages were unread when the reader came. */
  unreadAfter?: number | undefined
  /** Above the first message there is. */
  beginning?: ComponentChildren
  /** The reader is at the end and looking: everything up to seq is read. */
  onRead?: (seq: number) => void
  onLeave?: () => void
}

const none: readonly Outgoing[] = []
const near = 900 // pixels from an end at which the next page is asked for
const atEndWithin = 40 // pixels
const actWithin = 1000 // milliseconds in which a place that moves is the reader's doing

export function MessageList(props: MessageListProps) {
  const { timeline, room, thread, where, pinned, jump, unreadAfter, beginning, onRead, onLeave } = props
  const chat = useChat()
  const [, changed] = useReducer<number, void>(n => n + 1, 0)
  useEffect(() => timeline.on(() => changed()), [timeline])
  const outbox = useStore(chat.outbox)
  const readers = useStore(chat.readers, all => all.get(room))

  const outgoing = useMemo(
    () => outbox.filter(o => o.roomId === room && (!thread || o.threadOf === thread)),
    [outbox, room, thread],
  )
  const known = useRef<{ timeline: Timeline; rows: Map<string, Row> }>({ timeline, rows: new Map() })
  const messages = useMemo(
    () => (thread && timeline.root && !timeline.hasOlder ? [timeline.root, ...timeline.messages] : timeline.messages),
    [thread, timeline.root, timeline.hasOlder, timeline.messages],
  )
  const begins = !timeline.hasOlder && timeline.messages.length > 0 && beginning !== undefined
  const sendable = timeline.hasNewer ? none : outgoing
  const wanted = useMemo(() => {
    const before = known.current.timeline === timeline ? known.current.rows : new Map<string, Row>()
    const rows = buildRows({ user: chat.user, messages, outgoing: sendable, unreadAfter, begins }, before)
    known.current = { timeline, rows: new Map(rows.map(row => [row.key, row])) }
    return rows
  }, [timeline, chat.user, messages, sendable, unreadAfter, begins])
  useEffect(() => chat.people.learn(messages), [chat, messages])

  // The virtual list follows in steps, each of which changes one end only.
  const shown = useRef<{ timeline: Timeline; list: number; step: Step }>({
    timeline,
    list: 0,
    step: { rows: wanted, shift: false },
  })
  const waiting = useRef<Step[]>([])
  const [, again] = useReducer<number, void>(n => n + 1, 0)
  const unchanged = (a: readonly Row[], b: readonly Row[]) => a.length === b.length && a.every((row, i) => row === b[i])
  if (shown.current.timeline !== timeline) {
    shown.current = { timeline, list: shown.current.list + 1, step: { rows: wanted, shift: false } }
    waiting.current = []
  } else if (!unchanged(shown.current.step.rows, wanted)) {
    const way = steps(shown.current.step.rows, wanted)
    if (way) {
      shown.current.step = way[0]!
      waiting.current = way.slice(1)
    } else {
      const first = !shown.current.step.rows.length
      shown.current = { timeline, list: shown.current.list + (first ? 0 : 1), step: { rows: wanted, shift: false } }
      waiting.current = []
    }
  } else waiting.current = []
  useLayoutEffect(() => {
    if (waiting.current.length) again()
  })

  const { rows, shift } = shown.current.step
  const list = shown.current.list
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useRef<VirtualizerHandle>(null)
  const [atEnd, setAtEnd] = useState(true)
  const following = useRef(true)
  const looked = useRef({ top: 0, left: 0 }) // pixels above and below what was seen at the last look
  const acted = useRef(Number.NEGATIVE_INFINITY) // when the reader last did what may scroll; infinite while a button is held
  const [missed, setMissed] = useState(0)
  const [active, setActive] = useState<string>()
  const [focused, setFocused] = useState<string>()
  const [found, setFound] = useState<string>()
  const seenRows = useRef(rows)
  const placed = useRef(-1) // the list that has got its first place
  const placing = useRef(0) // the frame in which the first place is looked at again, while its rows are measured
  const [, standing] = useState(0)

  const toEnd = useCallback((smooth = false) => {
    const element = scroller.current
    if (!element) return
    following.current = true
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches
    element.scrollTo({ top: element.scrollHeight, behavior: smooth && !still ? 'smooth' : 'instant' })
    looked.current = placeOf(element)
  }, [])

  // Whether the reader is at the end, before anything moves it. Rows that are measured move the end away, too, and the place
  // with it: only who scrolls up leaves it.
  const settle = () => {
    const element = scroller.current
    if (!element) return
    const before = looked.current
    const { top, left } = placeOf(element)
    looked.current = { top, left }
    if (placing.current) return // heights are guesses yet
    if (timeline.hasNewer) following.current = false
    else if (left < atEndWithin) following.current = true
    else if (top < before.top && left > before.left && performance.now() - acted.current < actWithin)
      following.current = false
  }
  const act = () => {
    acted.current = performance.now()
  }
  const stay = () => {
    settle()
    if (following.current && looked.current.left > 0) toEnd()
  }

  // Waits until the rows at the first unread one are measured, and stand still. It may all fit: then the reader is at the end.
  const stand = (before = '', frames = 30) => {
    placing.current = requestAnimationFrame(() => {
      const element = scroller.current
      if (!element) return
      const { top, left } = placeOf(element)
      const now = `${top} ${left}`
      if (now !== before && frames > 0) return stand(now, frames - 1)
      placing.current = 0
      look()
      standing(n => n + 1)
    })
  }
  useEffect(() => () => cancelAnimationFrame(placing.current), [])

  // The first place of a list: a message that was asked for, the first unread one, or the end.
  const jumped = useRef<object | undefined>(undefined)
  useLayoutEffect(() => {
    if (!rows.length) return
    const index = jump ? rows.findIndex(row => row.kind === 'message' && row.message.id === jump.message) : -1
    if (jump && jumped.current !== jump && index >= 0) {
      jumped.current = jump
      placed.current = list
      following.current = false
      virtual.current?.scrollToIndex(index, { align: 'center' })
      setFound(jump.message)
      return
    }
    if (placed.current === list) {
      if (seenRows.current !== rows) stay()
      seenRows.current = rows
      return
    }
    seenRows.current = rows
    placed.current = list
    const unread = rows.findIndex(row => row.kind === 'message' && row.unread)
    if (unread > 0 && unread < rows.length - 1) {
      following.current = false
      virtual.current?.scrollToIndex(unread, { align: 'start', offset: -80 })
      stand()
    } else if (jump && jumped.current !== jump) following.current = false
    else {
      virtual.current?.scrollToIndex(rows.length - 1, { align: 'end' })
      toEnd()
    }
  })

  // What is not among the messages is loaded first.
  const jumpLoading = useRef<object | undefined>(undefined)
  useEffect(() => {
    if (!jump || jumpLoading.current === jump) return
    jumpLoading.current = jump
    if (timeline.messages.some(m => m.id === jump.message)) {
      changed()
      return
    }
    timeline.loadAround(jump.message).catch(reportFailure)
  }, [jump, timeline])

  useEffect(() => {
    if (!found) return
    const timer = setTimeout(() => setFound(undefined), 2600)
    return () => clearTimeout(timer)
  }, [found])

  const busy = useRef(false)
  const load = (which: 'loadOlder' | 'loadNewer') => {
    if (busy.current || timeline.loading) return
    busy.current = true
    timeline[which]()
      .catch(reportFailure)
      .finally(() => {
        busy.current = false
      })
  }
  const look = () => {
    const element = scroller.current
    if (!element) return
    settle()
    const { left } = looked.current
    const end = following.current
    timeline.following = end
    setAtEnd(end)
    if (end) setMissed(0)
    if (element.scrollTop < near && timeline.hasOlder) load('loadOlder')
    if (left < near && timeline.hasNewer) load('loadNewer')
  }

  // Short pages leave room: then the next one is due without any scrolling.
  const count = timeline.messages.length
  // biome-ignore lint/correctness/useExhaustiveDependencies: looks again when the messages change
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      const element = scroller.current
      if (element && element.scrollHeight <= element.clientHeight + near && timeline.hasOlder && count)
        load('loadOlder')
    })
    return () => cancelAnimationFrame(frame)
  }, [count, timeline])

  // New messages while the reader is elsewhere are counted.
  const last = timeline.hasNewer ? undefined : (timeline.messages.at(-1) as Message | undefined)
  const lastSeq = useRef(last?.seq)
  useEffect(() => {
    if (!last) return
    if (lastSeq.current !== undefined && last.seq > lastSeq.current && !following.current) {
      if (last.sender_id === chat.user && last.client_msg_id) toEnd()
      else if (last.type !== 'system') setMissed(n => n + 1)
    }
    lastSeq.current = last.seq
  }, [last, chat.user, toEnd])
  // What one sends oneself is to be seen.
  const sending = outgoing.length
  const sent = useRef(sending)
  useEffect(() => {
    if (sending > sent.current) {
      if (timeline.hasNewer) void timeline.loadLatest().catch(reportFailure)
      toEnd()
    }
    sent.current = sending
  }, [sending, timeline, toEnd])

  const read = useRef(onRead)
  read.current = onRead
  useEffect(() => {
    const tell = () => {
      const end = timeline.messages.at(-1)
      if (
        end &&
        atEnd &&
        !placing.current &&
        !timeline.hasNewer &&
        document.visibilityState === 'visible' &&
        document.hasFocus()
      )
        read.current?.(end.seq)
    }
    tell()
    addEventListener('focus', tell)
    document.addEventListener('visibilitychange', tell)
    return () => {
      removeEventListener('focus', tell)
      document.removeEventListener('visibilitychange', tell)
    }
  })

  // Focus moves from message to message by the arrow keys; the one with the focus stays mounted wherever the list goes.
  const focusedIndex = focused === undefined ? -1 : rows.findIndex(row => row.key === focused)
  const kept = useMemo(() => (focusedIndex >= 0 ? [focusedIndex] : []), [focusedIndex])
  const focusRow = (index: number) => {
    const row = rows[index]
    if (!row || row.kind === 'start') return
    setFocused(row.key)
    virtual.current?.scrollToIndex(index, { align: 'nearest' })
    let tries = 0
    const focus = () => {
      const element = scroller.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(row.key)}"]`)
      if (element) element.focus({ preventScroll: true })
      else if (tries++ < 10) requestAnimationFrame(focus)
    }
    requestAnimationFrame(focus)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const target = event.target as HTMLElement
    if (target.tagName !== 'ARTICLE') return
    const index = rows.findIndex(row => row.key === target.dataset.key)
    const row = rows[index]
    const moves: Record<string, number> = {
      ArrowUp: index - 1,
      ArrowDown: index + 1,
      Home: rows[0]?.kind === 'start' ? 1 : 0,
      End: rows.length - 1,
    }
    const to = moves[event.key]
    if (to !== undefined) {
      event.preventDefault()
      if (event.key === 'ArrowDown' && to >= rows.length) onLeave?.()
      else focusRow(to)
      return
    }
    if (event.key === 'Escape') {
      event.preventDefault()
      onLeave?.()
      return
    }
    if (row?.kind !== 'message') return
    const key = event.key === 'Backspace' ? 'Delete' : event.key.length === 1 ? event.key.toLowerCase() : event.key
    const operation = operations(chat, row.message, { ...where, pinned: pinned?.has(row.message.id) ?? false }).find(
      o => o.key === key,
    )
    if (operation) {
      event.preventDefault()
      event.stopPropagation()
      operation.run(target)
    }
  }
  const under = (target: EventTarget | null) =>
    (target as Element | null)?.closest?.('article')?.getAttribute('data-key') ?? undefined

  // One row can be reached by the tabulator: the one that had the focus last, else the last one.
  const tabStop = focusedIndex >= 0 ? focused : rows.at(-1)?.key
  let seenId: string | undefined
  if (where.place.startsWith('private:') && readers) {
    const upTo = Math.max(0, ...readers.values())
    const latest = timeline.messages.findLast(m => m.sender_id === chat.user && m.type !== 'system')
    if (latest && latest.seq <= upTo) seenId = latest.id
  }

  return (
    <div class="message-area">
      <div
        ref={scroller}
        class="message-scroller"
        role="log"
        aria-live="off"
        aria-label={t(thread ? 'messages.thread' : 'messages.list')}
        aria-busy={timeline.loading}
        onKeyDown={event => {
          act()
          onKeyDown(event)
        }}
        onWheel={act}
        onTouchMove={act}
        onPointerDown={() => {
          acted.current = Number.POSITIVE_INFINITY // of the scroll bar, perhaps
        }}
        onPointerUp={act}
        onPointerMove={event => {
          if (acted.current === Number.POSITIVE_INFINITY && !event.buttons) act()
        }}
        onFocusIn={event => {
          act()
          const key = under(event.target)
          if (key) {
            setFocused(key)
            setActive(key)
          }
        }}
        onFocusOut={event => {
          if (!scroller.current?.contains(event.relatedTarget as Node | null)) setActive(undefined)
        }}
        onPointerOver={event => {
          if (event.pointerType !== 'touch') setActive(under(event.target))
        }}
        onPointerLeave={event => {
          if (event.pointerType !== 'touch') setActive(undefined)
        }}
      >
        <div class="message-spacer" />
        {!rows.length &&
          (timeline.loading || timeline.hasOlder || !chat.rooms.get().get(room) ? (
            <MessageSkeleton rows={8} />
          ) : (
            beginning
          ))}
        <Virtualizer
          key={list}
          ref={virtual}
          scrollRef={scroller}
          data={rows}
          shift={shift}
          keepMounted={kept}
          bufferSize={500}
          onScroll={look}
          onResize={() => {
            stay()
            requestAnimationFrame(look)
          }}
        >
          {(row: Row) => {
            if (row.kind === 'start') return <div key={row.key}>{beginning}</div>
            if (row.kind === 'outgoing') {
              return (
                <div key={row.key}>
                  <OutgoingItem row={row} focusable={row.key === tabStop} inThread={thread !== undefined} />
                </div>
              )
            }
            const isPinned = pinned?.has(row.message.id) ?? false
            return (
              <div key={row.key}>
                <MessageItem
                  row={row}
                  where={isPinned ? pinnedWhere(where) : where}
                  active={row.key === active}
                  found={row.message.id === found}
                  focusable={row.key === tabStop}
                  seen={row.message.id === seenId}
                />
              </div>
            )
          }}
        </Virtualizer>
      </div>
      {!atEnd && (
        <button
          type="button"
          class={`to-end ${missed ? 'some' : ''}`}
          onClick={() => {
            setMissed(0)
            if (timeline.hasNewer) void timeline.loadLatest().then(() => toEnd(), reportFailure)
            else toEnd(true)
          }}
        >
          <Icon name="arrowdown" size={16} />
          {missed ? t('messages.missed', { count: missed }) : t('messages.toend')}
        </button>
      )}
      {!thread && <Announcer room={room} />}
    </div>
  )
}

/** How many pixels are above and below what is seen. */
function placeOf(element: Element): { top: number; left: number } {
  const { scrollTop: top, scrollHeight, clientHeight } = element
  return { top, left: scrollHeight - top - clientHeight }
}

const pinnedPlaces = new WeakMap<Where, Where>()

// The same object each time, so that rows that did not change are not shown again.
function pinnedWhere(where: Where): Where {
  let made = pinnedPlaces.get(where)
  if (!made) {
    made = { ...where, pinned: true }
    pinnedPlaces.set(where, made)
  }
  return made
}

/** Reads new messages of the room out, when the reader's screen reader has time; not what scrolling brings. */
function Announcer({ room }: { room: string }) {
  const chat = useChat()
  const heard = useStore(chat.heard)
  const text =
    heard && heard.room_id === room
      ? t('messages.announce', { user: heard.sender_name, text: plainText(heard.content) || heard.file?.name || '' })
      : ''
  return (
    <div class="unseen" aria-live="polite" aria-atomic="true">
      {text}
    </div>
  )
}
