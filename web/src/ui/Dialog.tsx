// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { IconButton } from './Button.tsx'
import { useModal } from './modal.ts'

interface DialogProps {
  title: string
  onClose: () => void
  children: ComponentChildren
  /** Buttons at the end. */
  actions?: ComponentChildren
  wide?: boolean
  /** On phones from the lower edge. */
  sheet?: boolean
  /** Without the line of the title, which is told to screen readers only. */
  bare?: boolean
  class?: string
}

/** A modal dialog: the browser keeps the focus in it and gives it back. */
export function Dialog({ title, onClose, children, actions, wide, sheet, bare, class: extra = '' }: DialogProps) {
  const element = useModal(onClose)
  const heading = useId()
  return (
    <dialog
      ref={element}
      class={`dialog ${wide ? 'wide' : ''} ${sheet ? 'sheet' : ''} ${bare ? 'bare' : ''} ${extra}`}
      aria-labelledby={heading}
      // Keys pressed in a dialog are not for what lies beneath it.
      onKeyDown={event => event.stopPropagation()}
      onMouseDown={event => event.target === event.currentTarget && onClose()}
    >
      <div class="dialog-body">
        <header class={bare ? 'unseen' : 'dialog-head'}>
          <h2 id={heading}>{title}</h2>
          {!bare && <IconButton icon="close" label={t('action.close')} onClick={onClose} />}
        </header>
        <div class="dialog-content">{children}</div>
        {actions && <footer class="dialog-actions">{actions}</footer>}
      </div>
    </dialog>
  )
}
