// SPDX-License-Identifier: Apache-2.0

import type { Message, Outgoing } from '@parley/client'
import { dayNumber } from '../i18n/time.ts'

// What a message list shows: a row for each message. Day and unread marks belong to the row below them, so that the keys
// of rows come and go at the ends of the list only.

export interface MessageRow {
  kind: 'message'
  key: string
  message: Message
  first: boolean // begins a group of messages of one sender
  day?: number // Unix seconds, where a new day begins
  unread: boolean // the first unread one
  quoted?: Message // what it answers, where that is among the messages
  folded?: readonly Message[] // a run of people who came or went, shown as one line: all of them, with `message` the first
}

export interface OutgoingRow {
  kind: 'outgoing'
  key: string
  outgoing: Outgoing
  first: boolean
  day?: number
  quoted?: Message
}

export interface StartRow {
  kind: 'start'
  key: string
}

export type Row = MessageRow | OutgoingRow | StartRow

export interface RowsOf {
  user: string
  messages: readonly Message[]
  outgoing: readonly Outgoing[]
  /** seq after which messages are unread; undefined without a mark. */
  unreadAfter?: number | undefined
  /** Whether the list begins with the first message there is. */
  begins: boolean
}

const groupSpan = 5 * 60 // seconds between messages of one group

/** Makes the rows, using rows of before where nothing changed, so that they need not be shown again. */
export function buildRows(of: RowsOf, before: ReadonlyMap<string, Row> = new Map()): Row[] {
  const rows: Row[] = []
  const byId = new Map<string, Message>()
  for (const m of of.messages) byId.set(m.id, m)
  const keep = (row: Row) => {
    const old = before.get(row.key)
    rows.push(old && same(old, row) ? old : row)
  }
  if (of.begins) keep({ kind: 'start', key: 'start' })

  let marked = of.unreadAfter === undefined
  let sender = ''
  let time = 0
  let day = Number.NaN
  let lastQuarter = Number.NaN
  const sent = new Set<string>()
  for (const message of of.messages) {
    const own = message.sender_id === of.user && !message.hook
    if (message.client_msg_id && own) sent.add(message.client_msg_id)
    const quarter = Math.floor(message.timestamp / 900) // no day begins within one, in any time zone
    const today: number = quarter === lastQuarter ? day : dayNumber(message.timestamp)
    lastQuarter = quarter
    const newDay = today !== day
    const unread = !marked && message.seq > of.unreadAfter! && !own && message.type !== 'system'
    if (unread || (own && message.seq > (of.unreadAfter ?? 0))) marked = true
    const quoted = message.reply_to ? byId.get(message.reply_to) : undefined
    const above = rows.at(-1)
    if (!newDay && above?.kind === 'message' && together(above.message, message)) {
      rows.pop()
      keep({ ...above, folded: [...(above.folded ?? [above.message]), message] })
      time = message.timestamp
      continue
    }
    const from = message.hook ? `hook ${message.sender_name}` : message.sender_id
    const first =
      newDay ||
      unread ||
      message.type === 'system' ||
      from !== sender ||
      message.timestamp - time > groupSpan ||
      Boolean(message.reply_to)
    keep({
      kind: 'message',
      key: message.client_msg_id && own ? `own ${message.client_msg_id}` : message.id,
      message,
      first,
      ...(newDay && { day: message.timestamp }),
      unread,
      ...(quoted && { quoted }),
    })
    sender = message.type === 'system' ? '' : from
    time = message.timestamp
    day = today
  }
  for (const outgoing of of.outgoing) {
    if (sent.has(outgoing.clientMsgId)) continue
    const at = outgoing.createdAt / 1000
    const today = dayNumber(at)
    const answers = outgoing.replyTo ?? outgoing.threadOf
    const quoted = answers ? byId.get(answers) : undefined
    keep({
      kind: 'outgoing',
      key: `own ${outgoing.clientMsgId}`,
      outgoing,
      first: sender !== of.user || today !== day || at - time > groupSpan || Boolean(outgoing.replyTo),
      ...(today !== day && { day: at }),
      ...(quoted && { quoted }),
    })
    sender = of.user
    time = at
    day = today
  }
  return rows
}

/** Whether both tell of somebody who came, or went, in the same way. */
function together(a: Message, b: Message): boolean {
  if (a.type !== 'system' || b.type !== 'system' || a.event !== b.event) return false
  if (a.event !== 'member_joined' && a.event !== 'member_left') return false
  return bringer(a) === bringer(b)
}

/** Who has added somebody, if anybody. */
export function bringer({ actor_id, user_id }: Message): string | undefined {
  return actor_id === user_id ? undefined : actor_id
}

function same(a: Row, b: Row): boolean {
  if (a.kind === 'start' || b.kind === 'start') return a.kind === b.kind
  if (a.first !== b.first || a.day !== b.day || a.quoted !== b.quoted) return false
  if (a.kind === 'outgoing') return b.kind === 'outgoing' && a.outgoing === b.outgoing
  if (b.kind !== 'message' || a.message !== b.message || a.unread !== b.unread) return false
  return a.folded?.length === b.folded?.length && (a.folded?.every((m, i) => m === b.folded![i]) ?? true)
}

/** One rendering of a list on its way from some rows to others. */
export interface Step {
  rows: readonly Row[]
  shift: boolean // rows came or went at the start, and at no other place
}

/**
 * How a virtual list gets from one set of rows to another without losing its place: it must not see changes at both ends
 * at once. First what ended is taken from the end, then the start is changed, then the end is added. Undefined when they
 * have no row in common: then it is another list.
 */
export function steps(from: readonly Row[], to: readonly Row[]): Step[] | undefined {
  if (!from.length || !to.length) return undefined
  const places = new Map(to.map((row, i) => [row.key, i]))
  let firstOld = 0
  while (firstOld < from.length && !places.has(from[firstOld]!.key)) firstOld++
  if (firstOld === from.length) return undefined
  let lastOld = from.length - 1
  while (!places.has(from[lastOld]!.key)) lastOld--
  const firstNew = places.get(from[firstOld]!.key)!
  const lastNew = places.get(from[lastOld]!.key)!
  if (lastNew < firstNew) return undefined

  const out: Step[] = []
  const startChanged = firstNew !== firstOld
  if (startChanged && lastOld < from.length - 1) out.push({ rows: from.slice(0, lastOld + 1), shift: false })
  if (startChanged) {
    // Of both: the same rows in the middle, as they are now.
    if (firstNew > 0 && firstOld > 0) out.push({ rows: to.slice(firstNew, lastNew + 1), shift: true })
    out.push({ rows: to.slice(0, lastNew + 1), shift: true })
  }
  if (!startChanged || lastNew < to.length - 1) out.push({ rows: to, shift: false })
  return out
}
