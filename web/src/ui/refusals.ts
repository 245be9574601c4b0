// SPDX-License-Identifier: Apache-2.0

import type { Key } from '../i18n/i18n.ts'

/**
 * Refusals that say more than their code does: words of the server's message, and the text that says it in the reader's language.
 * A text may name {user}, the first thing quoted in the message, and {count} or {size}, its last number. A test holds the words
 * against the server's source; what is not here is told by its code.
 */
export const refusals: readonly (readonly [words: string, key: Key])[] = [
  // Accounts.
  ['is not the present one', 'refused.password.wrong'],
  ['password: shorter than', 'refused.password.short'],
  ['password: longer than', 'refused.password.long'],
  ['has the shape of an access token', 'refused.password.token'],
  ['password: was changed meanwhile', 'refused.password.changed'],
  ['this account has no password', 'refused.password.none'],
  ['use a lower-case letter or digit', 'refused.user.name'],
  ['is taken or was once', 'refused.user.taken'],
  ['nobody can register here', 'refused.closed'],
  ['invitation: is missing, expired', 'refused.invitation'],
  ['setup: the link is not valid', 'refused.setup'],
  ['setup: was used already', 'refused.setup.done'],
  ['setup: this server has an administrator already', 'refused.setup.done'],
  ['too many wrong passwords', 'refused.attempts'],
  ['too many attempts', 'refused.attempts'],
  ['too many logins', 'refused.attempts'],
  ['too many accounts from your address', 'refused.attempts'],
  ['your token was made for less than this', 'refused.scope'],
  ['tokens already; revoke one first', 'refused.tokens'],
  // People.
  ['there is no user', 'refused.user.none'],
  ['you take no private messages from each other', 'refused.private'],
  ['takes no private messages from you', 'refused.private'],
  ['; unblock them first', 'refused.blocked'],
  ['takes no invitations from you', 'refused.invite'],
  ['is banned from this room; unban them first', 'refused.invite.banned'],
  ['take that role away first', 'refused.administrator'],
  ['has a higher role than you', 'refused.role'],
  ['is not a member of the room', 'refused.member'],
  ['is the last administrator', 'refused.administrator.last'],
  ['on this server; lift it first', 'refused.banned'],
  // Rooms.
  ['the room is read-only', 'compose.readonly'],
  ['the room is locked; nobody joins', 'refused.locked.join'],
  ['the room is locked', 'compose.locked'],
  ['slow mode: wait', 'refused.slow'],
  ['max_members: must be from 1 to', 'refused.members'],
  ['pinned messages; unpin one first', 'refused.pins'],
  ['hooks already; delete one first', 'refused.hooks'],
  ['the report is ', 'refused.report'],
  // Messages and files.
  ['the message was deleted', 'refused.deleted'],
  ['there is no such message', 'refused.message'],
  ['different ones already; use one of those', 'refused.reactions'],
  ['characters, at most', 'refused.long'],
  ['is empty', 'refused.empty'],
  ['holds words that are not allowed here', 'refused.words'],
  ['holds a ', 'refused.character'],
  ['size: a file may have', 'refused.file'],
  ['size: must be a number of bytes, at least 1', 'refused.file.empty'],
  ['that they may have together', 'refused.quota'],
  ['no space left for files', 'refused.space'],
  ['this server keeps no files', 'refused.files'],
]
