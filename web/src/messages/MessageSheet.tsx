// SPDX-License-Identifier: Apache-2.0

import type { Message } from '@parley/client'
import { t } from '../i18n/i18n.ts'
import { useChat } from '../state/chat.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { Icon } from '../ui/Icon.tsx'
import { quickEmoji } from './emoji.ts'
import { operations, toggleReaction, type Where } from './operations.tsx'

/** What can be done with a message, from the lower edge of a phone. */
export function MessageSheet({ message, where, onClose }: { message: Message; where: Where; onClose: () => void }) {
  const chat = useChat()
  return (
    <Dialog title={t('message.actions')} onClose={onClose} sheet bare>
      {!message.deleted && (
        <div class="sheet-emoji">
          {quickEmoji(6).map(emoji => (
            <button
              key={emoji}
              type="button"
              aria-label={t('message.reactwith', { emoji })}
              onClick={() => {
                onClose()
                toggleReaction(chat, message, emoji)
              }}
            >
              {emoji}
            </button>
          ))}
        </div>
      )}
      <ul class="sheet-list">
        {operations(chat, message, where).map(o => (
          <li key={o.id}>
            <button
              type="button"
              class={o.danger ? 'danger' : ''}
              onClick={() => {
                onClose()
                o.run()
              }}
            >
              <Icon name={o.icon} /> {o.label}
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
