// SPDX-License-Identifier: Apache-2.0

import { useRef } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { Button } from './Button.tsx'
import { notify } from './notices.ts'

/** Something that is shown this once, to be copied; marked for copying by hand where the browser does not let pages copy. */
export function Secret({ label, value, action }: { label: string; value: string; action: string }) {
  const field = useRef<HTMLTextAreaElement>(null)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value)
      notify(t('message.copied'))
    } catch {
      field.current?.select() // also without HTTPS, where there is no clipboard
    }
  }
  return (
    <>
      <textarea
        ref={field}
        class="token"
        dir="ltr"
        readOnly
        rows={4}
        aria-label={label}
        value={value}
        onFocus={event => event.currentTarget.select()}
      />
      <div class="dialog-actions">
        <Button icon="copy" onClick={() => void copy()}>
          {action}
        </Button>
      </div>
    </>
  )
}
