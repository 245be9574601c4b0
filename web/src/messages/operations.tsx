// SPDX-License-Identifier: Apache-2.0

import type { Message } from '@parley/client'
import { t } from '../i18n/i18n.ts'
import type { Chat } from '../state/chat.ts'
import { compose, focusComposer, threadPlace } from '../state/compose.ts'
import { showPanel } from '../state/route.ts'
import { ask, below, openDialog } from '../ui/dialogs.tsx'
import { reportFailure } from '../ui/errors.ts'
import type { IconName } from '../ui/Icon.tsx'
import { notify } from '../ui/notices.ts'
import { pickEmoji, remember } from './emoji.ts'
import { plainText } from './markdown.ts'

/** Something that can be done with a message. */
export interface Operation {
  id: string
  label: string
  icon: IconName
  /** The key that does it while the message has the focus. */
  key?: string
  danger?: boolean
  run: (from?: Element) => void
}

export function toggleReaction(chat: Chat, message: Message, emoji: string, add?: boolean): void {
  const own = message.reactions[emoji]?.includes(chat.user) ?? false
  if (own && add) return
  if (!own) remember(emoji)
  chat.client.call(`message/${message.id}/${own ? 'unreact' : 'react'}`, { emoji }).catch(reportFailure)
}

export interface Where {
  /** The composer that answers go to: a room, or a thread. */
  place: string
  /** Whether a thread is shown: then answering stays in it. */
  thread?: boolean
  pinned?: boolean
}

/** What the reader may do with a message. The server decides in the end. */
export function operations(chat: Chat, message: Message, where: Where): Operation[] {
  const head = chat.rooms.get().get(message.room_id)
  const own = message.sender_id === chat.user
  const moderator = head?.role === 'owner' || head?.role === 'moderator' || chat.isAdministrator()
  const direct = head?.type === 'direct'
  if (message.type === 'system' || message.truncated) return []
  if (message.deleted) return moderator && !direct ? [earlierTexts(message)] : []
  const list: (Operation | false)[] = [
    {
      id: 'react',
      label: t('message.react'),
      icon: 'react',
      key: '+',
      run: from => pickEmoji(from ? below(from) : center(), emoji => toggleReaction(chat, message, emoji, true)),
    },
    {
      id: 'reply',
      label: t('message.reply'),
      icon: 'reply',
      key: 'r',
      run: () => {
        compose(where.place, { replyTo: message })
        focusComposer(where.place)
      },
    },
    !where.thread && {
      id: 'thread',
      label: t('message.thread'),
      icon: 'thread',
      key: 't',
      run: () => openThread(message),
    },
    own && {
      id: 'edit',
      label: t('message.edit'),
      icon: 'edit',
      key: 'e',
      run: () => {
        compose(where.place, { editing: message })
        focusComposer(where.place)
      },
    },
    message.content !== '' && {
      id: 'copy',
      label: t('message.copy'),
      icon: 'copy',
      key: 'c',
      run: () =>
        void navigator.clipboard?.writeText(message.content).then(
          () => notify(t('message.copied')),
          () => {},
        ),
    },
    {
      id: 'link',
      label: t('message.link'),
      icon: 'link',
      run: () =>
        void navigator.clipboard
          ?.writeText(`${location.origin}/#/r/${encodeURIComponent(message.room_id)}/m/${message.id}`)
          .then(
            () => notify(t('message.linkcopied')),
            () => {},
          ),
    },
    !where.thread && {
      id: 'unread',
      label: t('message.unread'),
      icon: 'unseen',
      key: 'u',
      run: () =>
        void chat.markUnread(message.room_id, message.seq).then(() => notify(t('message.unread.done')), reportFailure),
    },
    (moderator || direct) && {
      id: 'pin',
      label: where.pinned ? t('message.unpin') : t('message.pin'),
      icon: 'pin',
      run: () =>
        void chat.client
          .call(`message/${message.id}/${where.pinned ? 'unpin' : 'pin'}`)
          .then(() => notify(where.pinned ? t('message.unpinned') : t('message.pinned')), reportFailure),
    },
    moderator && message.edited && earlierTexts(message),
    !own && {
      id: 'report',
      label: t('message.report'),
      icon: 'flag',
      run: () =>
        ask({
          title: t('message.report'),
          text: t('message.report.text'),
          action: t('message.report.send'),
          reason: true,
          run: reason => chat.client.call(`message/${message.id}/report`, { reason: reason || '—' }),
          done: t('message.report.done'),
        }),
    },
    (own || moderator) && {
      id: 'delete',
      label: t('message.delete'),
      icon: 'trash',
      key: 'Delete',
      danger: true,
      run: () =>
        ask({
          title: t('message.delete.title'),
          text: (
            <>
              <blockquote class="quoted-text cut">{plainText(message.content) || message.file?.name}</blockquote>
              <p>{own ? t('message.delete.own') : t('message.delete.other', { user: message.sender_name })}</p>
            </>
          ),
          action: t('message.delete'),
          danger: true,
          run: () => chat.client.call(`message/${message.id}/delete`),
        }),
    },
  ]
  return list.filter(o => o !== false)
}

export function openThread(message: Message): void {
  const first = message.thread_id ?? message.id
  showPanel({ name: 'thread', of: first })
  focusComposer(threadPlace(first))
}

function earlierTexts(message: Message): Operation {
  return {
    id: 'versions',
    label: t('message.versions'),
    icon: 'clock',
    run: () =>
      void import('./VersionsDialog.tsx').then(({ VersionsDialog }) =>
        openDialog(close => <VersionsDialog message={message} onClose={close} />),
      ),
  }
}

function center(): { x: number; y: number } {
  return { x: innerWidth / 2 - 176, y: innerHeight / 2 - 200 }
}
