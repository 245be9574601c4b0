// SPDX-License-Identifier: Apache-2.0

import { t } from '../i18n/i18n.ts'
import { useChat } from '../state/chat.ts'
import { useStore } from '../state/store.ts'

/** Who is writing. The line keeps its height, so that nothing jumps. */
export function TypingLine({ room }: { room: string }) {
  const chat = useChat()
  const users = useStore(chat.typing.now, all => all.get(room))
  useStore(chat.people.known)
  const names = (users ?? []).map(user => chat.people.name(user))
  let text = ''
  if (names.length === 1) text = t('typing.one', { user: names[0]! })
  else if (names.length === 2) text = t('typing.two', { first: names[0]!, second: names[1]! })
  else if (names.length > 2) text = t('typing.many', { count: names.length })
  return (
    <p class="typing small muted" aria-live="off">
      {text && (
        <>
          <span class="typing-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <span class="cut">{text}</span>
        </>
      )}
    </p>
  )
}
