// SPDX-License-Identifier: Apache-2.0

import type { RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/** Opens a dialog element as a modal one while it is there. The focus goes back to where it was. */
export function useModal(onClose: () => void): RefObject<HTMLDialogElement | null> {
  const element = useRef<HTMLDialogElement>(null)
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
    dialog.addEventListener('cancel', cancelled)
    return () => {
      dialog.removeEventListener('cancel', cancelled)
      dialog.close()
      if (before?.isConnected) before.focus({ preventScroll: true })
    }
  }, [])
  return element
}
