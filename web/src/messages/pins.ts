// SPDX-License-Identifier: Apache-2.0

import type { Message } from '@parley/client'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { useChat } from '../state/chat.ts'
import { useStore } from '../state/store.ts'

export interface Pin {
  message: Message
  seq: number
  pinned_by: string
  pinned_at: number
}

/** What is pinned in a room, read again when that changes. */
export function usePins(
  room: string,
  member: boolean,
): { pins: Pin[] | undefined; ids: ReadonlySet<string>; count: number } {
  const chat = useChat()
  const changed = useStore(chat.pinsChanged)
  const [pins, setPins] = useState<Pin[]>()
  // biome-ignore lint/correctness/useExhaustiveDependencies: read again when the pins change
  useEffect(() => {
    if (!member) return
    let current = true
    chat.client.call<{ pins: Pin[] }>(`rooms/${room}/pins`).then(
      reply => {
        if (current) setPins(reply.pins)
      },
      () => {},
    )
    return () => {
      current = false
    }
  }, [chat, room, member, changed])
  const ids = useMemo(() => new Set((pins ?? []).map(pin => pin.message.id)), [pins])
  return { pins, ids, count: pins?.length ?? 0 }
}
