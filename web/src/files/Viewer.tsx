// SPDX-License-Identifier: Apache-2.0

import { fileURL, type Message } from '@parley/client'
import { useMemo, useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { fileSize, fullTime } from '../i18n/time.ts'
import { useChat } from '../state/chat.ts'
import { IconButton } from '../ui/Button.tsx'
import { Icon } from '../ui/Icon.tsx'
import { useModal } from '../ui/modal.ts'
import './viewer.css'

/** Shows a picture on the whole page, and those before and after it in the room. */
export function Viewer({ message, onClose }: { message: Message; onClose: () => void }) {
  const chat = useChat()
  const element = useModal(onClose)
  const [shown, setShown] = useState(message)
  const [large, setLarge] = useState(false)
  const pictures = useMemo(() => {
    const list = chat
      .timeline(message.room_id)
      .messages.filter(m => m.type === 'image' && m.file?.thumbnail && !m.deleted)
    return list.some(m => m.id === message.id) ? list : [message]
  }, [chat, message])
  const place = pictures.findIndex(m => m.id === shown.id)

  const move = (by: number) => {
    const next = pictures[place + by]
    if (!next) return
    setLarge(false)
    setShown(next)
  }
  const rtl = document.documentElement.dir === 'rtl'
  const file = shown.file!
  return (
    <dialog
      ref={element}
      class="viewer"
      aria-label={t('files.view', { name: file.name })}
      onKeyDown={event => {
        event.stopPropagation()
        if (event.key === 'ArrowLeft') move(rtl ? 1 : -1)
        if (event.key === 'ArrowRight') move(rtl ? -1 : 1)
      }}
    >
      <header>
        <div class="grow">
          <p class="cut">
            <strong>{shown.sender_name}</strong> <span class="cut">{file.name}</span>
          </p>
          <p class="small viewer-about">
            {fullTime(shown.timestamp)} · {file.width} × {file.height} · {fileSize(file.size)}
          </p>
        </div>
        <a
          class="iconbutton"
          href={fileURL(file)}
          download={file.name}
          aria-label={t('files.download')}
          title={t('files.download')}
        >
          <Icon name="download" />
        </a>
        <IconButton icon="close" label={t('action.close')} keys="Esc" onClick={onClose} />
      </header>
      <div
        class={`viewer-stage ${large ? 'large' : ''}`}
        onClick={event => {
          if (event.target === event.currentTarget) onClose()
        }}
      >
        <img key={shown.id} src={fileURL(file)} alt={shown.content || file.name} onClick={() => setLarge(l => !l)} />
      </div>
      {shown.content && <p class="viewer-caption">{shown.content}</p>}
      {pictures.length > 1 && (
        <>
          <IconButton
            class="viewer-previous"
            icon="back"
            label={t('files.previous')}
            disabled={place <= 0}
            onClick={() => move(-1)}
          />
          <IconButton
            class="viewer-next"
            icon="back"
            label={t('files.next')}
            disabled={place >= pictures.length - 1}
            onClick={() => move(1)}
          />
        </>
      )}
    </dialog>
  )
}
