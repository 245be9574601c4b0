// SPDX-License-Identifier: Apache-2.0

import type { Message } from '@parley/client'
import { t } from '../i18n/i18n.ts'
import { fullTime, shortTime } from '../i18n/time.ts'
import { useName } from '../state/chat.ts'
import { go } from '../state/route.ts'
import { Avatar } from '../ui/Avatar.tsx'
import { plainText } from './markdown.ts'

/** A message in a list of findings or pins; leads to its place. */
export function MessageCard({
  message,
  room,
  snippet,
}: {
  message: Message
  room?: string
  snippet?: string | undefined
}) {
  const name = useName(message.sender_id)
  return (
    <button
      type="button"
      class="card"
      onClick={() => {
        const narrow = matchMedia('(max-width: 1080px)').matches
        const panel = narrow ? undefined : openPanel()
        go({ view: 'room', room: message.room_id, message: message.id, ...(panel && { panel }) })
      }}
    >
      <Avatar id={message.sender_id} name={name} size="s" />
      <span class="grow">
        <span class="unseen">{t('search.jump', { user: name })}</span>
        <span class="card-head">
          <strong class="cut" dir="auto">
            {name}
          </strong>
          {room && (
            <span class="muted small cut" dir="auto">
              {room}
            </span>
          )}
          <time class="muted small" title={fullTime(message.timestamp)}>
            {shortTime(message.timestamp)}
          </time>
        </span>
        <span class="card-text" dir="auto">
          {snippet ? <Snippet text={snippet} /> : plainText(message.content) || message.file?.name}
        </span>
      </span>
    </button>
  )
}

// The panel that is open stays open.
function openPanel() {
  const match = /\/(pins|search)$/.exec(location.hash)
  return match ? { name: match[1] as 'pins' | 'search' } : undefined
}

/** The text round a hit, which the server marks by « and ». */
function Snippet({ text }: { text: string }) {
  return (
    <>
      {text.split('«').map((part, i) => {
        if (i === 0) return part
        const [hit = '', rest = ''] = part.split('»', 2)
        return (
          <span key={i}>
            <mark>{hit}</mark>
            {rest}
          </span>
        )
      })}
    </>
  )
}
