// SPDX-License-Identifier: Apache-2.0

import type { RefObject } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

/** Opens a dialog element as a modal one while it is there: at once, so that the next key is for it. The focus goes back to where it was. */
export function useModal(onClose: () => void): RefObject<HTMLDialogElement | null> {
  const element = useRef<HTMLDialogElement>(null)
  const close = useRef(onClose)
  close.current = onClose
  useLayoutEffect(() => {
    const dialog = element.current!
    const before = document.activeElement as HTMLElement | null
    dialog.showModal()
    const cancelled = (event: Event) => {
      event.preventDefault()
      close.current()
    }
    dialog.addEventListener('cancel', cancelled)
    return () => {
      dialog.removeEventListener('cancel', cancelled)
      dialog.close()
      if (before?.isConnected) before.focus({ preventScroll: true })
    }
  }, [])
  return element
}
