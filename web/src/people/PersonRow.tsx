// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren } from 'preact'
import { handle } from '../i18n/i18n.ts'
import { useChat, useName } from '../state/chat.ts'
import { useStore } from '../state/store.ts'
import { Avatar } from '../ui/Avatar.tsx'

/** Somebody in a list. */
export function PersonRow({
  id,
  note,
  onClick,
  after,
}: {
  id: string
  note?: ComponentChildren
  onClick?: (event: MouseEvent) => void
  after?: ComponentChildren
}) {
  const chat = useChat()
  const name = useName(id)
  const status = useStore(chat.presence, all => all.get(id)?.status)
  const inner = (
    <>
      <Avatar id={id} name={name} status={status} />
      <span class="grow">
        <span class="cut" dir="auto">
          {name}
        </span>
        <span class="muted small cut">{note ?? handle(id)}</span>
      </span>
      {after}
    </>
  )
  if (!onClick) return <div class="list-row">{inner}</div>
  return (
    <button type="button" class="list-row" onClick={onClick}>
      {inner}
    </button>
  )
}
