// SPDX-License-Identifier: Apache-2.0

import { t } from '../i18n/i18n.ts'
import { fileSize } from '../i18n/time.ts'
import { useChat } from '../state/chat.ts'
import { useStore } from '../state/store.ts'
import { Button, IconButton } from '../ui/Button.tsx'
import { errorText } from '../ui/errors.ts'
import { Icon } from '../ui/Icon.tsx'

/** Files on their way to a room, above its composer. */
export function UploadList({ room }: { room: string }) {
  const chat = useChat()
  const all = useStore(chat.uploads.list)
  const uploads = all.filter(u => u.room === room)
  if (!uploads.length) return null
  return (
    <ul class="uploads" aria-label={t('files.uploads')}>
      {uploads.map(u => (
        <li key={u.id} class={u.state}>
          {u.preview ? <img src={u.preview} alt="" /> : <Icon name="file" size={22} />}
          <div class="grow">
            <p class="cut">{u.file.name}</p>
            {u.state === 'failed' ? (
              <p class="error small" role="alert">
                {u.error ? errorText(u.error) : t('error.internal')}
              </p>
            ) : (
              <>
                <progress
                  max={u.file.size}
                  value={u.state === 'sharing' ? u.file.size : u.sent}
                  aria-label={t('files.uploading', { name: u.file.name })}
                />
                <p class="muted small">
                  {u.state === 'waiting'
                    ? t('files.waiting')
                    : t('files.progress', { sent: fileSize(u.sent), size: fileSize(u.file.size) })}
                </p>
              </>
            )}
          </div>
          {u.state === 'failed' && (
            <Button look="quiet" icon="retry" onClick={() => chat.uploads.retry(u.id)}>
              {t('action.retry')}
            </Button>
          )}
          <IconButton
            icon="close"
            size={16}
            label={t('files.cancel', { name: u.file.name })}
            onClick={() => chat.uploads.discard(u.id)}
          />
        </li>
      ))}
    </ul>
  )
}
