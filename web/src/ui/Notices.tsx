// SPDX-License-Identifier: Apache-2.0

import { t } from '../i18n/i18n.ts'
import { useStore } from '../state/store.ts'
import { IconButton } from './Button.tsx'
import { dismiss, notices } from './notices.ts'

export function Notices() {
  const shown = useStore(notices)
  return (
    <div class="notices" role="status" aria-live="polite">
      {shown.map(notice => (
        <div key={notice.id} class={`notice ${notice.error ? 'error' : ''}`}>
          <span class="grow">{notice.text}</span>
          {notice.action && (
            <button
              type="button"
              class="textbutton"
              onClick={() => {
                dismiss(notice.id)
                notice.action!.run()
              }}
            >
              {notice.action.label}
            </button>
          )}
          <IconButton icon="close" size={16} label={t('action.dismiss')} onClick={() => dismiss(notice.id)} />
        </div>
      ))}
    </div>
  )
}
