// SPDX-License-Identifier: Apache-2.0

import { isMessage, type LogEvent, type Message } from './types.ts'

/** A message after a log event that is about it. Applying one twice, or one that the message knows already, does no harm. */
export function applied(m: Message, e: LogEvent): Message {
  if (m.deleted) return m // a tombstone stays one
  switch (e.type) {
    case 'message_edited': {
      if (e.content === undefined) return m
      const { flagged: _, mentions: __, ...rest } = m
      const edited: Message = { ...rest, content: e.content, edited: true }
      if (e.flagged) edited.flagged = true
      if (e.mentions) edited.mentions = e.mentions
      return edited
    }
    case 'message_deleted':
      return tombstone(m)
    case 'reaction_added':
    case 'reaction_removed':
      return reacted(m, e)
    default:
      return m
  }
}

/**
 * The first message of a thread after an answer to it, or after the deletion of one. It is undefined where the event does not
 * tell: then the message is to be read again. Twice does no harm, either.
 */
export function answered(first: Message, e: Message | LogEvent): Message | undefined {
  if (isMessage(e)) {
    if (e.deleted || e.seq <= (first.thread_last_seq ?? 0)) return first
    return { ...first, thread_count: (first.thread_count ?? 0) + 1, thread_last_seq: e.seq }
  }
  if (e.type !== 'message_deleted') return first
  if (e.thread_count === undefined) return undefined
  const { thread_count: _, thread_last_seq: __, ...rest } = first
  if (e.thread_count === 0 || e.thread_last_seq === undefined) return rest
  return { ...rest, thread_count: e.thread_count, thread_last_seq: e.thread_last_seq }
}

function tombstone(m: Message): Message {
  const { flagged: _, mentions: __, file: ___, reaction_counts: ____, ...rest } = m
  return { ...rest, content: '', deleted: true, edited: false, reactions: {} }
}

function reacted(m: Message, e: LogEvent): Message {
  const { emoji, user_id: user, count } = e
  if (emoji === undefined || user === undefined) return m
  const others = (m.reactions[emoji] ?? []).filter(u => u !== user)
  const users = e.type === 'reaction_added' ? [...others, user].sort().slice(0, 100) : others
  const reactions = { ...m.reactions }
  const counts = { ...m.reaction_counts }
  if (users.length > 0 || (count ?? 0) > 0) reactions[emoji] = users
  else delete reactions[emoji]
  if (count !== undefined && count > users.length) counts[emoji] = count
  else delete counts[emoji]
  const { reaction_counts: _, ...rest } = m
  const next: Message = { ...rest, reactions: sorted(reactions) }
  if (Object.keys(counts).length > 0) next.reaction_counts = counts
  return next
}

/** By emoji, as a page of the server has them. */
function sorted(reactions: Record<string, string[]>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(reactions).sort(([a], [b]) => (a < b ? -1 : 1)))
}
