// SPDX-License-Identifier: Apache-2.0

import type { Message } from '@parley/client'
import { t } from '../i18n/i18n.ts'
import type { Chat } from '../state/chat.ts'

/** The people whom a system message names. */
export function systemPeople({ user_id, actor_id }: Message): string[] {
  return [user_id, actor_id].filter(id => id !== undefined)
}

/** What a system message says, in the reader's language where its event is known. */
export function systemText(chat: Chat, message: Message): string {
  const user = chat.people.name(message.user_id ?? '')
  switch (message.event) {
    case 'member_joined':
      return message.actor_id && message.actor_id !== message.user_id
        ? t('system.added', { user, actor: chat.people.name(message.actor_id) })
        : t('system.joined', { user })
    case 'member_left':
      return t('system.left', { user })
    default:
      return message.content
  }
}
