// SPDX-License-Identifier: Apache-2.0

import { privateRoom } from '@parley/client'
import { t } from '../i18n/i18n.ts'
import { useChat } from '../state/chat.ts'
import { go } from '../state/route.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { Directory } from './Directory.tsx'
import './people.css'

export function StartConversation({ onClose }: { onClose: () => void }) {
  const chat = useChat()
  return (
    <Dialog title={t('rooms.direct.start')} onClose={onClose}>
      <Directory
        onChoose={user => {
          onClose()
          go({ view: 'room', room: privateRoom(chat.user, user) })
        }}
      />
    </Dialog>
  )
}
