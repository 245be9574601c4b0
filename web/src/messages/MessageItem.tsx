// SPDX-License-Identifier: Apache-2.0

import type { Message, Outgoing } from '@parley/client'
import { memo } from 'preact/compat'
import { useEffect, useRef } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { dayName, fullTime, timeOfDay } from '../i18n/time.ts'
import { openPerson } from '../people/openPerson.ts'
import { type Chat, useChat, useName } from '../state/chat.ts'
import { go } from '../state/route.ts'
import { useStore } from '../state/store.ts'
import { Avatar } from '../ui/Avatar.tsx'
import { Button, IconButton } from '../ui/Button.tsx'
import { below, openDialog, openMenu } from '../ui/dialogs.tsx'
import { errorText } from '../ui/errors.ts'
import { Icon } from '../ui/Icon.tsx'
import { Attachment } from './Attachment.tsx'
import { quickEmoji } from './emoji.ts'
import { Markdown } from './Markdown.tsx'
import { MessageSheet } from './MessageSheet.tsx'
import { plainText } from './markdown.ts'
import { openThread, operations, toggleReaction, type Where } from './operations.tsx'
import { Reactions } from './Reactions.tsx'
import type { MessageRow, OutgoingRow } from './rows.ts'
import { systemPeople, systemText } from './system.ts'

export const DayMark = memo(function DayMark({ time }: { time: number }) {
  return (
    <div class="day-mark">
      <span>{dayName(time)}</span>
    </div>
  )
})

interface MessageItemProps {
  row: MessageRow
  where: Where
  /** Shows what can be done with it: the pointer or the focus is there. */
  active: boolean
  found: boolean
  focusable: boolean
  /** Somebody else has read up to here; in private conversations. */
  seen?: boolean
}

export const MessageItem = memo(function MessageItem({ row, where, active, found, focusable, seen }: MessageItemProps) {
  const chat = useChat()
  const { message } = row
  const known = useStore(chat.people.known, known => known.get(message.sender_id)?.name)
  const name = (message.hook ? undefined : known) ?? message.sender_name ?? message.sender_id
  const press = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const own = message.sender_id === chat.user && !message.hook
  const mentioned = message.mentions?.includes(chat.user)
  const time = timeOfDay(message.timestamp)
  const marks = (
    <>
      {row.day !== undefined && <DayMark time={row.day} />}
      {row.unread && (
        <div class="unread-mark">
          <span>{t('messages.new')}</span>
        </div>
      )}
    </>
  )
  if (message.type === 'system') {
    return (
      <>
        {marks}
        <article class="message system" tabIndex={focusable ? 0 : -1} data-key={row.key}>
          <SystemText chat={chat} messages={row.folded ?? [message]} />
          <time class="muted small" dateTime={iso(message.timestamp)} title={fullTime(message.timestamp)}>
            {time}
          </time>
        </article>
      </>
    )
  }
  const openSheet = () => openDialog(close => <MessageSheet message={message} where={where} onClose={close} />)
  // A long press, on screens that are touched.
  const pressed = (event: PointerEvent) => {
    if (event.pointerType !== 'touch' || (event.target as Element).closest('a,button,pre')) return
    clearTimeout(press.current)
    press.current = setTimeout(() => {
      getSelection()?.removeAllRanges()
      openSheet()
    }, 480)
  }
  const released = () => clearTimeout(press.current)

  return (
    <>
      {marks}
      <article
        class={`message ${row.first ? 'first' : ''} ${mentioned ? 'mentioned' : ''} ${found ? 'found' : ''} ${active ? 'active' : ''} ${own ? 'own' : ''}`}
        aria-label={t('message.label', { user: name, time })}
        tabIndex={focusable ? 0 : -1}
        data-key={row.key}
        data-id={message.id}
        onPointerDown={pressed}
        onPointerUp={released}
        onPointerMove={event => {
          if (Math.abs(event.movementY) > 3) released()
        }}
        onPointerCancel={released}
      >
        {row.first ? (
          <button
            type="button"
            class="message-avatar"
            tabIndex={-1}
            aria-hidden="true"
            onClick={() => openPerson(message.sender_id, message.room_id)}
          >
            <Avatar id={message.hook ? name : message.sender_id} name={name} />
          </button>
        ) : (
          <time
            class="message-time"
            dateTime={iso(message.timestamp)}
            title={fullTime(message.timestamp)}
            aria-hidden="true"
          >
            {time}
          </time>
        )}
        <div class="message-body">
          {row.first && (
            <header class="message-head">
              <button
                type="button"
                class="message-sender"
                tabIndex={active ? 0 : -1}
                onClick={() => openPerson(message.sender_id, message.room_id)}
                dir="auto"
              >
                {name}
              </button>
              {message.hook && (
                <span class="tag" title={t('message.hook.text')}>
                  {t('message.hook')}
                </span>
              )}
              <time class="muted small" dateTime={iso(message.timestamp)} title={fullTime(message.timestamp)}>
                {time}
              </time>
              {where.pinned && (
                <span class="tag" title={t('message.pinned')}>
                  <Icon name="pin" size={13} /> {t('message.pinned.tag')}
                </span>
              )}
            </header>
          )}
          {message.reply_to && <Quote message={message} quoted={row.quoted} inThread={where.thread ?? false} />}
          <Content message={message} />
          {hasReactions(message) && <Reactions message={message} />}
          {message.thread_count !== undefined && !where.thread && (
            <button type="button" class="thread-link" onClick={() => openThread(message)}>
              <Icon name="thread" size={16} />
              {t('message.replies', { count: message.thread_count })}
            </button>
          )}
          {seen && (
            <span class="seen small muted">
              <Icon name="checks" size={14} /> {t('message.seen')}
            </span>
          )}
        </div>
        {active && <ActionBar chat={chat} message={message} where={where} openSheet={openSheet} />}
      </article>
    </>
  )
})

/** Who came and went, by name. */
function SystemText({ chat, messages }: { chat: Chat; messages: readonly Message[] }) {
  useStore(chat.people.known)
  useEffect(() => chat.people.ensure(systemPeople(messages)), [chat, messages])
  const nameOf = (id: string) => chat.people.name(id)
  // All of them by name, for who wants to know.
  const all = messages.length > 1 ? messages.map(m => nameOf(m.user_id ?? '')).join(', ') : undefined
  return (
    <span dir="auto" title={all}>
      {systemText(messages, nameOf)}
    </span>
  )
}

function Content({ message }: { message: Message }) {
  if (message.truncated) return <p class="muted small">{t('message.truncated')}</p>
  if (message.deleted) {
    return (
      <p class="deleted">
        <Icon name="trash" size={15} /> {t('message.deleted')}
      </p>
    )
  }
  return (
    <>
      {message.content && <Markdown text={message.content} />}
      {message.file && <Attachment message={message} />}
      {(message.edited || message.flagged) && (
        <span class="message-notes small muted">
          {message.edited && <span>{t('message.edited')}</span>}
          {message.flagged && (
            <span class="flagged" title={t('message.flagged.text')}>
              <Icon name="warn" size={14} /> {t('message.flagged')}
            </span>
          )}
        </span>
      )}
    </>
  )
}

function Quote({
  message,
  quoted: loaded,
  inThread,
}: {
  message: Message
  quoted: Message | undefined
  inThread: boolean
}) {
  const chat = useChat()
  const id = message.reply_to!
  const fetched = useStore(chat.quotes.known, known => known.get(id))
  useEffect(() => {
    if (!loaded) chat.quotes.ensure(message.room_id, id)
  }, [chat, loaded, message.room_id, id])
  const quoted = loaded ?? fetched
  const name = useName(quoted?.sender_id ?? '')
  const text = quoted?.deleted
    ? t('message.deleted')
    : quoted
      ? plainText(quoted.content) || quoted.file?.name
      : undefined
  // In a thread, what answers its first message needs no quote.
  if (inThread && message.reply_to === message.thread_id) return null
  return (
    <button
      type="button"
      class="quote"
      onClick={() =>
        message.thread_id && !inThread ? openThread(message) : go({ view: 'room', room: message.room_id, message: id })
      }
    >
      <Icon name={message.thread_id ? 'thread' : 'reply'} size={14} />
      {quoted ? (
        <>
          <strong>{name}</strong>
          <span class="cut" dir="auto">
            {text}
          </span>
        </>
      ) : (
        <span class="cut">{t('message.original')}</span>
      )}
    </button>
  )
}

interface ActionBarProps {
  chat: Chat
  message: Message
  where: Where
  openSheet: () => void
}

function ActionBar({ chat, message, where, openSheet }: ActionBarProps) {
  const all = operations(chat, message, where)
  if (!all.length) return null
  const near = all.filter(o => o.id === 'react' || o.id === 'reply' || o.id === 'thread' || o.id === 'edit')
  const rest = all.filter(o => !near.includes(o))
  return (
    <div class="action-bar" role="toolbar" aria-label={t('message.actions')}>
      {!message.deleted &&
        quickEmoji(3).map(emoji => (
          <button
            key={emoji}
            type="button"
            class="iconbutton quick"
            aria-label={t('message.reactwith', { emoji })}
            title={t('message.reactwith', { emoji })}
            onClick={() => toggleReaction(chat, message, emoji)}
          >
            {emoji}
          </button>
        ))}
      {near.map(o => (
        <IconButton
          key={o.id}
          icon={o.icon}
          label={o.label}
          {...(o.key && { keys: o.key.toUpperCase() })}
          size={18}
          onClick={event => o.run(event.currentTarget)}
        />
      ))}
      {rest.length > 0 && (
        <IconButton
          icon="more"
          size={18}
          label={t('message.more')}
          aria-haspopup="menu"
          onClick={event => {
            if (innerWidth <= 700) return openSheet()
            openMenu(
              t('message.actions'),
              below(event.currentTarget),
              rest.map(o => ({
                label: o.label,
                icon: o.icon,
                danger: o.danger ?? false,
                ...(o.key && { keys: o.key === 'Delete' ? t('key.delete') : o.key.toUpperCase() }),
                run: () => o.run(),
              })),
            )
          }}
        />
      )}
    </div>
  )
}

/** A message that is not with the server yet. */
export const OutgoingItem = memo(function OutgoingItem({
  row,
  focusable,
  inThread,
}: {
  row: OutgoingRow
  focusable: boolean
  inThread?: boolean
}) {
  const chat = useChat()
  const { outgoing } = row
  const name = useName(chat.user)
  const failed = outgoing.state === 'failed'
  return (
    <>
      {row.day !== undefined && <DayMark time={row.day} />}
      <article
        class={`message own outgoing ${row.first ? 'first' : ''} ${failed ? 'failed' : ''}`}
        tabIndex={focusable ? 0 : -1}
        data-key={row.key}
        aria-label={failed ? t('outbox.failed') : t('outbox.sending')}
      >
        {row.first ? (
          <span class="message-avatar">
            <Avatar id={chat.user} name={name} />
          </span>
        ) : (
          <span class="message-time" />
        )}
        <div class="message-body">
          {row.first && (
            <header class="message-head">
              <span class="message-sender" dir="auto">
                {name}
              </span>
            </header>
          )}
          {(outgoing.replyTo || (outgoing.threadOf && !inThread)) && (
            <span class="quote">
              <Icon name={outgoing.threadOf ? 'thread' : 'reply'} size={14} />
              <span class="cut">{row.quoted ? plainText(row.quoted.content) : t('message.original')}</span>
            </span>
          )}
          <Markdown text={outgoing.content} />
          <OutgoingState outgoing={outgoing} />
        </div>
      </article>
    </>
  )
})

function OutgoingState({ outgoing }: { outgoing: Outgoing }) {
  const chat = useChat()
  if (outgoing.state === 'failed') {
    return (
      <div class="outgoing-failed" role="alert">
        <Icon name="warn" size={16} />
        <span class="grow">
          {t('outbox.failed')} {outgoing.error ? errorText(outgoing.error) : ''}
        </span>
        <Button look="quiet" icon="retry" onClick={() => chat.client.retry(outgoing.clientMsgId)}>
          {t('action.retry')}
        </Button>
        <Button look="quiet" icon="trash" onClick={() => chat.client.discard(outgoing.clientMsgId)}>
          {t('action.discard')}
        </Button>
      </div>
    )
  }
  return (
    <span class="outgoing-state small muted">
      <Icon name="clock" size={13} />
      {outgoing.error ? errorText(outgoing.error) : t('outbox.sending')}
    </span>
  )
}

function hasReactions(message: Message): boolean {
  for (const _ in message.reactions) return true
  return false
}

function iso(timestamp: number): string {
  return new Date(timestamp * 1000).toISOString()
}
