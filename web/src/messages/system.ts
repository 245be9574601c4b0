// SPDX-License-Identifier: Apache-2.0

import type { Message } from '@parley/client'
import { language, t } from '../i18n/i18n.ts'
import { bringer } from './rows.ts'

/** The people whom system messages name. */
export function systemPeople(messages: readonly Message[]): string[] {
  return messages.flatMap(({ user_id, actor_id }) => [user_id, actor_id].filter(id => id !== undefined))
}

const namedAtMost = 3 // of those who came or went together; of more, two

/** What a run of system messages says in one line, in the reader's language where their event is known. */
export function systemText(messages: readonly Message[], nameOf: (id: string) => string): string {
  const [first] = messages
  if (!first) return ''
  const names = [...new Set(messages.map(m => m.user_id ?? ''))].map(nameOf)
  const count = names.length
  const shown = count > namedAtMost ? [...names.slice(0, 2), t('system.others', { count: count - 2 })] : names
  const user = new Intl.ListFormat(language.get()).format(shown)
  switch (first.event) {
    case 'member_joined': {
      const actor = bringer(first)
      return actor ? t('system.added', { user, actor: nameOf(actor) }) : t('system.joined', { user, count })
    }
    case 'member_left':
      return t('system.left', { user, count })
    default:
      return first.content
  }
}
