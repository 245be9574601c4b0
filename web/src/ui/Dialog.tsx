// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { IconButton } from './Button.tsx'

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
  const element = useRef<HTMLDialogElement>(null)
  const heading = useId()
  const close = useRef(onClose)
  close.current = onClose
  useEffect(() => {
    const dialog = element.current!
    const before = document.activeElement as HTMLElement | null
    dialog.showModal()
    const cancelled = (event: Event) => {
      event.preventDefault()
      close.current()
    }
    const pressed = (event: MouseEvent) => {
      if (event.target === dialog) close.current()
    }
    dialog.addEventListener('cancel', cancelled)
    dialog.addEventListener('mousedown', pressed)
    return () => {
      dialog.removeEventListener('cancel', cancelled)
      dialog.removeEventListener('mousedown', pressed)
      dialog.close()
      if (before?.isConnected) before.focus({ preventScroll: true })
    }
  }, [])
  return (
    <dialog
      ref={element}
      class={`dialog ${wide ? 'wide' : ''} ${sheet ? 'sheet' : ''} ${bare ? 'bare' : ''} ${extra}`}
      aria-labelledby={heading}
      // Keys pressed in a dialog are not for what lies beneath it.
      onKeyDown={event => event.stopPropagation()}
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
