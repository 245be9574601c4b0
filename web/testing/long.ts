// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'

/** A room of so many messages, the n-th of which says its number. */
export interface LongRoom {
  id: string
  name: string
  messages: number
}

const began = Date.UTC(2026, 0, 5, 8) // of the logs
const apart = 30_000 // milliseconds between messages
const people = ['alice', 'bob', 'carol']

/** The id of the n-th message, from 1. */
export function messageId(room: LongRoom, n: number): string {
  return uuid(began + n * apart, `${room.id} ${n}`)
}

export function textOf(n: number): string {
  const words =
    n % 7 ? '' : ` and **more** of it, with \`code\`, so that it may need a second line where the page is narrow`
  return `Message ${n}${words}`
}

/** Writes what `parley import` reads: three people in long rooms. */
export function writeArchive(path: string, rooms: LongRoom[]): void {
  const file = openSync(path, 'w')
  const digest = createHash('sha256')
  const counts: Record<string, number> = {}
  let waiting: string[] = []
  const flush = () => {
    const text = waiting.join('')
    waiting = []
    digest.update(text)
    writeSync(file, text)
  }
  const write = (kind: string, fields: object) => {
    counts[kind] = (counts[kind] ?? 0) + 1
    if (waiting.push(`${JSON.stringify({ kind, ...fields })}\n`) > 5_000) flush()
  }
  write('archive', { format: 1, version: 'test', epoch: 1, exported_at: Date.now(), passwords: false })
  for (const [i, user] of people.entries()) {
    const name = `${user[0]?.toUpperCase()}${user.slice(1)}`
    write('user', { user_id: user, display_name: name, role: 'user', generation: 0, created_at: began + i })
  }
  // The rooms that every server has, without anything in them.
  const empty = {
    max_members: 0,
    history_visibility: 'shared',
    first_seq: 1,
    last_seq: 0,
    messages: 0,
    created_at: began,
  }
  const everybody = { ...empty, room_id: 'announcements', type: 'announcements', name: 'Announcements' }
  write('room', { ...everybody, created_by: 'system', last_at: began, policy: people.length })
  for (const user of people)
    write('member', { room_id: 'announcements', user_id: user, role: 'member', joined_seq: 1, joined_at: began })
  for (const user of people) {
    const log = `user:${user}`
    write('room', { ...empty, room_id: log, type: 'user', name: '', created_by: user, last_at: began, policy: 1 })
    write('member', { room_id: log, user_id: user, role: 'member', joined_seq: 1, joined_at: began })
  }
  for (const room of rooms) {
    const { id, name, messages } = room
    const joins = people.length
    write('room', {
      room_id: id,
      type: 'public',
      name,
      created_by: 'alice',
      created_at: began,
      max_members: 100,
      history_visibility: 'shared',
      first_seq: 1,
      last_seq: joins + messages,
      messages,
      last_at: began + messages * apart,
      policy: joins,
    })
    for (const [i, user] of people.entries()) {
      write('member', {
        room_id: id,
        user_id: user,
        role: i ? 'member' : 'owner',
        joined_seq: i + 1,
        joined_at: began + i,
        read_seq: joins + messages,
      })
    }
    for (const [i, user] of people.entries()) {
      write('event', {
        room_id: id,
        seq: i + 1,
        type: 'system',
        at: began + i,
        user_id: user,
        message_id: uuid(began + i, `${id} ${user}`),
        content: `${user} joined`,
        details: { event: 'member_joined', user_id: user },
      })
    }
    for (let n = 1; n <= messages; n++) {
      write('event', {
        room_id: id,
        seq: joins + n,
        type: 'text',
        at: began + n * apart,
        user_id: people[Math.floor(n / 4) % people.length],
        message_id: messageId(room, n),
        content: textOf(n),
      })
    }
  }
  flush()
  writeSync(file, `${JSON.stringify({ kind: 'end', counts, sha256: digest.digest('hex') })}\n`)
  closeSync(file)
}

/** A UUID of version 7 that is the same each time. */
function uuid(at: number, name: string): string {
  const random = createHash('md5').update(name).digest('hex')
  const hex = `${at.toString(16).padStart(12, '0')}7${random.slice(0, 3)}8${random.slice(3, 18)}`
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
