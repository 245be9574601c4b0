// SPDX-License-Identifier: Apache-2.0

import type { Message } from '@parley/client'
import { memo } from 'preact/compat'
import { t } from '../i18n/i18n.ts'
import { useChat } from '../state/chat.ts'
import { useStore } from '../state/store.ts'
import { below } from '../ui/dialogs.tsx'
import { Icon } from '../ui/Icon.tsx'
import { pickEmoji } from './emoji.ts'
import { toggleReaction } from './operations.tsx'

export const Reactions = memo(function Reactions({ message }: { message: Message }) {
  const chat = useChat()
  const people = useStore(chat.people.known)
  const entries = Object.entries(message.reactions)
  if (!entries.length) return null
  return (
    <div class="reactions">
      {entries.map(([emoji, users]) => {
        const own = users.includes(chat.user)
        const count = message.reaction_counts?.[emoji] ?? users.length
        const names = users
          .slice(0, 20)
          .map(user => (user === chat.user ? t('people.you') : (people.get(user)?.name ?? user)))
        const who = new Intl.ListFormat(document.documentElement.lang).format(names)
        return (
          <button
            key={emoji}
            type="button"
            class={`reaction ${own ? 'own' : ''}`}
            aria-pressed={own}
            aria-label={t('reactions.label', { emoji, count, who })}
            title={who}
            onClick={() => toggleReaction(chat, message, emoji)}
          >
            <span class="emoji">{emoji}</span>
            <span class="count">{count}</span>
          </button>
        )
      })}
      <button
        type="button"
        class="reaction add"
        aria-label={t('message.react')}
        title={t('message.react')}
        onClick={event => pickEmoji(below(event.currentTarget), emoji => toggleReaction(chat, message, emoji, true))}
      >
        <Icon name="react" size={16} />
      </button>
    </div>
  )
})
