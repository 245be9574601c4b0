// SPDX-License-Identifier: Apache-2.0

import type { LogEvent, Message } from './types.ts'

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
