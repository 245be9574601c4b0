// SPDX-License-Identifier: Apache-2.0

import type { Message, RoomHead } from '@parley/client'
import { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { handle, t } from '../i18n/i18n.ts'
import { duration, timeToCome } from '../i18n/time.ts'
import { pickEmoji } from '../messages/emoji.ts'
import { plainText } from '../messages/markdown.ts'
import { useChat, useName, useRoomName } from '../state/chat.ts'
import { compose, composing, focusComposer } from '../state/compose.ts'
import { type Mute, mutedFor } from '../state/mutes.ts'
import { preferences } from '../state/preferences.ts'
import { useStore } from '../state/store.ts'
import { Avatar } from '../ui/Avatar.tsx'
import { IconButton } from '../ui/Button.tsx'
import { reportFailure } from '../ui/errors.ts'
import { Icon } from '../ui/Icon.tsx'
import { type Candidate, candidates, complete, completing } from './mention.ts'
import { UploadList } from './UploadList.tsx'
import './compose.css'

const longest = 4000 // characters, as the server counts them
const typingEvery = 3500 // milliseconds

interface ComposerProps {
  room: string
  place: string
  head: RoomHead | undefined
  /** The first message of the thread that is written to. */
  thread?: string
  /** The reader's last message here, for the arrow key. */
  lastOwn: () => Message | undefined
  /** Who could be mentioned first: who spoke last. */
  speakers: () => string[]
  onUp?: () => void
  onSent?: () => void
}

export function Composer(props: ComposerProps) {
  const { room, place, head, thread } = props
  const chat = useChat()
  const about = useStore(composing, all => all.get(place))
  const administrator = useStore(chat.me, me => me?.user.role === 'administrator')
  const moderator = head?.role === 'owner' || head?.role === 'moderator' || administrator
  const name = useRoomName(room)
  const blocked = useStore(
    chat.me,
    me => head?.type === 'direct' && (me?.blocked.some(id => room.split(':').includes(id)) ?? false),
  )

  const muted = useMute(room)

  let closed: string | undefined
  if (head?.type === 'announcements' && !administrator) closed = t('compose.announcements')
  else if (head?.locked && !moderator) closed = t('compose.locked')
  else if (head?.read_only && !moderator) closed = t('compose.readonly')
  else if (blocked) closed = t('compose.blocked')
  else if (muted)
    closed = muted.until ? t('compose.muted.until', { time: timeToCome(muted.until) }) : t('compose.muted')
  if (closed) {
    return (
      <div class="composer closed">
        <Icon name="lock" size={16} />
        <span>{closed}</span>
      </div>
    )
  }
  return (
    <Editor
      key={`${place} ${about?.editing?.id ?? ''}`}
      {...props}
      label={thread ? t('compose.thread') : t('compose.label', { room: name })}
    />
  )
}

/** Whether and until when the reader is muted, in a room or on the server; it ends by itself. */
function useMute(room: string): Mute | undefined {
  const chat = useChat()
  const here = useStore(chat.mutes, all => all.get(room))
  const me = useStore(chat.me)
  const everywhere = me?.muted ? { ...(me.muted_until && { until: me.muted_until }) } : undefined
  const left = mutedFor([here, everywhere], Date.now())
  const [, again] = useState(0)
  useEffect(() => {
    if (!left || left > 86_400_000) return
    const timer = setTimeout(() => again(n => n + 1), left + 50)
    return () => clearTimeout(timer)
  }, [left])
  if (!left) return undefined
  return Number.isFinite(left) ? { until: (Date.now() + left) / 1000 } : {}
}

function Editor({
  room,
  place,
  head,
  thread,
  lastOwn,
  speakers,
  onUp,
  onSent,
  label,
}: ComposerProps & { label: string }) {
  const chat = useChat()
  const about = useStore(composing, all => all.get(place))
  const editing = about?.editing
  const replyTo = about?.replyTo
  const [text, setText] = useState(() => editing?.content ?? chat.drafts.get(place))
  const [busy, setBusy] = useState(false)
  const [mention, setMention] = useState<{ from: number; query: string }>()
  const [chosen, setChosen] = useState(0)
  const area = useRef<HTMLTextAreaElement>(null)
  const files = useRef<HTMLInputElement>(null)
  const known = useStore(chat.people.known)
  const members = useStore(chat.details, all => all.get(room)?.members)
  const listId = useId()

  const list = useMemo((): Candidate[] => {
    if (!mention || head?.type === 'announcements') return []
    const recent = speakers()
    const people = new Map<string, Candidate>()
    const add = (id: string) => {
      if (id === chat.user || id === 'system' || people.has(id)) return
      people.set(id, {
        id,
        name: known.get(id)?.name ?? id,
        weight: recent.length - (recent.indexOf(id) + 1 || recent.length + 1),
      })
    }
    for (const id of recent) add(id)
    for (const m of members ?? []) add(m.user_id)
    return candidates(mention.query, people.values())
  }, [mention, members, known, speakers, chat, head?.type])

  useLayoutEffect(() => {
    if (!editing) return
    const element = area.current!
    element.focus()
    element.setSelectionRange(element.value.length, element.value.length)
  }, [editing])

  // Grows with its text, where the browser does not do it by itself.
  // biome-ignore lint/correctness/useExhaustiveDependencies: measures again when the text changes
  useLayoutEffect(() => {
    const element = area.current!
    if (CSS.supports('field-sizing', 'content')) return
    element.style.height = 'auto'
    element.style.height = `${element.scrollHeight}px`
  }, [text])

  const lastTyping = useRef(0)
  const stopTyping = useCallback(() => {
    if (!lastTyping.current) return
    lastTyping.current = 0
    chat.client.signal(`typing/${room}/stop`)
  }, [chat, room])
  useEffect(() => stopTyping, [stopTyping])

  const changed = (value: string) => {
    setText(value)
    if (editing) return
    chat.drafts.set(place, value)
    if (!value.trim()) stopTyping()
    else if (head?.type !== 'announcements' && Date.now() - lastTyping.current > typingEvery) {
      lastTyping.current = Date.now()
      chat.client.signal(`typing/${room}/start`)
    }
  }
  const lookForMention = () => {
    const element = area.current!
    const now =
      element.selectionStart === element.selectionEnd ? completing(element.value, element.selectionStart) : undefined
    setMention(old => (old?.from === now?.from && old?.query === now?.query ? old : now))
    setChosen(0)
  }
  /** Puts a text into the field, and the cursor into it or a selection, at once: whoever types on does not wait for a frame. */
  const insert = (value: string, from: number, to = from) => {
    const element = area.current!
    element.value = value
    element.focus()
    element.setSelectionRange(from, to)
    changed(value)
    setMention(undefined)
  }
  const take = (person: Candidate | undefined) => {
    if (!person || !mention) return
    const done = complete(text, area.current!.selectionStart, mention, person.id)
    insert(done.text, done.cursor)
  }

  const content = text.trim()
  const length = [...content].length
  const tooLong = length > longest
  /** Whether something written here is still being sent. */
  const underWay = () =>
    chat.outbox.get().some(o => o.roomId === room && (!thread || o.threadOf === thread) && o.state !== 'failed')
  const send = async () => {
    if (!content || tooLong || busy) return
    if (editing) {
      if (content === editing.content) return cancel()
      setBusy(true)
      try {
        await chat.client.call(`message/${editing.id}/edit`, { content })
        cancel()
      } catch (e) {
        setBusy(false)
        reportFailure(e)
      }
      return
    }
    chat.client.send(room, content, {
      ...(thread && { threadOf: replyTo && replyTo.id !== thread ? replyTo.id : thread }),
      ...(!thread && replyTo && { replyTo: replyTo.id }),
    })
    stopTyping()
    lastTyping.current = 0
    chat.drafts.set(place, '')
    setText('')
    setMention(undefined)
    compose(place, {})
    onSent?.()
    area.current?.focus()
  }
  const cancel = () => {
    compose(place, {})
    focusComposer(place)
  }

  const upload = (chosenFiles: Iterable<File>) => {
    const all = [...chosenFiles]
    if (!all.length || editing) return
    // What is written already becomes the caption of the first one.
    const caption = content && !tooLong ? content : ''
    chat.uploads.add(room, all, {
      ...(caption && { caption }),
      ...(replyTo ? { replyTo: replyTo.id } : thread ? { replyTo: thread } : {}),
    })
    if (caption) {
      chat.drafts.set(place, '')
      setText('')
    }
    compose(place, {})
    onSent?.()
  }

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return
    if (list.length && mention) {
      const move = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
      if (move) {
        event.preventDefault()
        setChosen(n => (n + move + list.length) % list.length)
        return
      }
      if (event.key === 'Enter' || event.key === 'Tab') {
        event.preventDefault()
        take(list[chosen])
        return
      }
      if (event.key === 'Escape') {
        event.preventDefault()
        event.stopPropagation()
        setMention(undefined)
        return
      }
    }
    const mod = event.ctrlKey || event.metaKey
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      const byEnter =
        preferences.get().sendWith === 'enter' && !matchMedia('(hover: none) and (pointer: coarse)').matches
      if (mod || byEnter) {
        event.preventDefault()
        void send()
      }
      return
    }
    if (event.key === 'ArrowUp' && !text && !mod && !event.shiftKey && !event.altKey) {
      const own = lastOwn()
      if (underWay()) {
        event.preventDefault() // the last one cannot be edited yet, and an older one is not meant
      } else if (own) {
        event.preventDefault()
        compose(place, { editing: own })
      } else if (onUp) {
        event.preventDefault()
        onUp()
      }
      return
    }
    if (event.key === 'Escape' && (editing || replyTo)) {
      event.preventDefault()
      event.stopPropagation()
      cancel()
    }
    if (mod && !event.shiftKey && !event.altKey && (event.key === 'b' || event.key === 'i')) {
      event.preventDefault()
      wrap(event.key === 'b' ? '**' : '*')
    }
  }
  const wrap = (mark: string) => {
    const { selectionStart: from, selectionEnd: to } = area.current!
    const value = text.slice(0, from) + mark + text.slice(from, to) + mark + text.slice(to)
    insert(value, from + mark.length, to + mark.length)
  }

  return (
    <form
      class="composer"
      onSubmit={event => {
        event.preventDefault()
        void send()
      }}
    >
      {list.length > 0 && mention && (
        <ul class="completion" id={listId} role="listbox" aria-label={t('compose.people')}>
          {list.map((person, i) => (
            <li
              key={person.id}
              id={`${listId}-${i}`}
              role="option"
              aria-selected={i === chosen}
              class={i === chosen ? 'chosen' : ''}
              onMouseDown={event => event.preventDefault()}
              onMouseMove={() => setChosen(i)}
              onClick={() => take(person)}
            >
              <Avatar id={person.id} name={person.name} size="s" />
              <span class="cut">{person.name}</span>
              <span class="muted small cut">{handle(person.id)}</span>
            </li>
          ))}
        </ul>
      )}
      {(replyTo || editing) && <About replyTo={replyTo} editing={editing !== undefined} onCancel={cancel} />}
      {!thread && <UploadList room={room} />}
      <div class="composer-row">
        {!editing && (
          <>
            <input
              ref={files}
              type="file"
              multiple
              hidden
              onChange={event => {
                upload(event.currentTarget.files ?? [])
                event.currentTarget.value = ''
              }}
            />
            <IconButton icon="attach" label={t('compose.attach')} onClick={() => files.current?.click()} />
          </>
        )}
        <textarea
          ref={area}
          data-composer={place}
          rows={1}
          value={text}
          dir="auto"
          aria-label={editing ? t('compose.editing') : label}
          placeholder={editing ? t('compose.editing') : label}
          aria-autocomplete="list"
          aria-controls={list.length ? listId : undefined}
          aria-activedescendant={list.length ? `${listId}-${chosen}` : undefined}
          aria-invalid={tooLong || undefined}
          enterkeyhint={preferences.get().sendWith === 'enter' ? 'send' : 'enter'}
          onInput={event => {
            changed(event.currentTarget.value)
            lookForMention()
          }}
          onSelect={lookForMention}
          onBlur={() => setMention(undefined)}
          onKeyDown={onKeyDown}
          onPaste={event => {
            const pasted = [...(event.clipboardData?.files ?? [])]
            if (!pasted.length) return
            event.preventDefault()
            upload(pasted.map(renamed))
          }}
        />
        <IconButton
          class="composer-emoji"
          icon="smile"
          label={t('compose.emoji')}
          onClick={event => {
            const box = event.currentTarget.getBoundingClientRect()
            const at = area.current!.selectionStart
            pickEmoji({ x: box.right - 352, y: box.top - 412 }, emoji =>
              insert(text.slice(0, at) + emoji + text.slice(at), at + emoji.length),
            )
          }}
        />
        <button
          type="submit"
          class="composer-send"
          aria-label={editing ? t('compose.save') : t('compose.send')}
          title={editing ? t('compose.save') : t('compose.send')}
          disabled={!content || tooLong || busy}
        >
          <Icon name={editing ? 'check' : 'send'} />
        </button>
      </div>
      {(length > longest - 400 || (head && head.slow_mode > 0)) && (
        <p class={`composer-note small ${tooLong ? 'error' : 'muted'}`}>
          {length > longest - 400
            ? t('compose.left', { count: longest - length })
            : t('compose.slow', { time: duration(head!.slow_mode) })}
        </p>
      )}
    </form>
  )
}

function About({
  replyTo,
  editing,
  onCancel,
}: {
  replyTo: Message | undefined
  editing: boolean
  onCancel: () => void
}) {
  const name = useName(replyTo?.sender_id ?? '')
  return (
    <div class="composer-about">
      <Icon name={editing ? 'edit' : 'reply'} size={16} />
      <span class="grow cut" dir="auto">
        {editing ? (
          t('compose.editing')
        ) : (
          <>
            <strong>{t('compose.reply', { user: name })}</strong>{' '}
            <span class="muted">{plainText(replyTo!.content) || replyTo!.file?.name}</span>
          </>
        )}
      </span>
      <IconButton icon="close" size={16} label={t('action.cancel')} keys="Esc" onClick={onCancel} />
    </div>
  )
}

// Pictures from the clipboard are all called image.png.
function renamed(file: File): File {
  if (file.name !== 'image.png') return file
  const now = new Date().toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '.')
  return new File([file], `${t('files.pasted')} ${now}.png`, { type: file.type })
}
