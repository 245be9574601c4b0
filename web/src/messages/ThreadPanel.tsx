// SPDX-License-Identifier: Apache-2.0

import { type Message, type RoomHead, Timeline } from '@parley/client'
import { useCallback, useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks'
import { Composer } from '../compose/Composer.tsx'
import { t } from '../i18n/i18n.ts'
import { recentSpeakers } from '../rooms/RoomView.tsx'
import { useChat, useRoomName } from '../state/chat.ts'
import { focusComposer, threadPlace } from '../state/compose.ts'
import { errorText } from '../ui/errors.ts'
import { Panel } from '../ui/Panel.tsx'
import { MessageList } from './MessageList.tsx'

/** A message and what was answered to it. */
export function ThreadPanel({
  room,
  first,
  head,
  pinned,
}: {
  room: string
  first: string
  head: RoomHead | undefined
  pinned: ReadonlySet<string>
}) {
  const chat = useChat()
  const name = useRoomName(room)
  const place = threadPlace(first)
  const [error, setError] = useState('')
  const timeline = useMemo(() => new Timeline(chat.client, room, { thread: first, keep: 4000 }), [chat, room, first])
  useEffect(() => {
    timeline.loadLatest().catch(e => setError(errorText(e)))
    return () => timeline.close()
  }, [timeline])
  // The panel comes later than whoever opened it could focus what is in it.
  useLayoutEffect(() => {
    if (matchMedia('(pointer: fine)').matches) focusComposer(place)
  }, [place])
  const where = useMemo(() => ({ place, thread: true }), [place])
  const lastOwn = useCallback(
    () =>
      timeline.messages.findLast(
        (m: Message) => m.sender_id === chat.user && !m.hook && m.type !== 'system' && !m.deleted,
      ),
    [timeline, chat],
  )
  const speakers = useCallback(
    () => recentSpeakers(timeline.root ? [timeline.root, ...timeline.messages] : timeline.messages),
    [timeline],
  )
  return (
    <Panel title={t('messages.threadin', { room: name })}>
      {error ? (
        <p class="error panel-body">{error}</p>
      ) : (
        <MessageList
          timeline={timeline}
          room={room}
          thread={first}
          where={where}
          pinned={pinned}
          onLeave={() => focusComposer(place)}
        />
      )}
      <Composer room={room} place={place} thread={first} head={head} lastOwn={lastOwn} speakers={speakers} />
    </Panel>
  )
}
