// SPDX-License-Identifier: Apache-2.0

import { fileURL, type Message, thumbnailURL } from '@parley/client'
import { t } from '../i18n/i18n.ts'
import { fileSize } from '../i18n/time.ts'
import { openDialog } from '../ui/dialogs.tsx'
import { Icon } from '../ui/Icon.tsx'

/** The picture or file of a message. */
export function Attachment({ message }: { message: Message }) {
  const file = message.file
  if (!file) return null
  const url = fileURL(file)
  const small = thumbnailURL(file)
  if (message.type === 'image' && small) {
    const { width, height } = shownSize(file.width ?? 320, file.height ?? 240)
    return (
      <button
        type="button"
        class="picture"
        aria-label={t('files.view', { name: file.name })}
        style={{ width: `${width}px`, aspectRatio: `${width} / ${height}` }}
        onClick={() =>
          void import('../files/Viewer.tsx').then(({ Viewer }) =>
            openDialog(close => <Viewer message={message} onClose={close} />),
          )
        }
      >
        {/* Small animations keep moving; everything else is shown small. */}
        <img
          src={file.mime === 'image/gif' && file.size < 1_000_000 ? url : small}
          width={width}
          height={height}
          alt=""
          loading="lazy"
          decoding="async"
        />
      </button>
    )
  }
  return (
    <a class="file" href={url} download={file.name}>
      <span class="file-icon">
        <Icon name={message.type === 'image' ? 'image' : 'file'} size={22} />
      </span>
      <span class="grow">
        <span class="file-name cut">{file.name}</span>
        <span class="muted small">{fileSize(file.size)}</span>
      </span>
      <Icon name="download" size={18} />
    </a>
  )
}

/** Fits a picture into the space of a message; never larger than it is. */
export function shownSize(width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, 320 / width, 240 / height)
  return { width: Math.max(40, Math.round(width * scale)), height: Math.max(40, Math.round(height * scale)) }
}
