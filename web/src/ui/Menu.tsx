// SPDX-License-Identifier: Apache-2.0

import { useLayoutEffect, useRef } from 'preact/hooks'
import { Icon, type IconName } from './Icon.tsx'

export interface MenuItem {
  label: string
  icon?: IconName
  danger?: boolean
  keys?: string
  checked?: boolean
  run: () => void
}

interface MenuProps {
  label: string
  items: (MenuItem | undefined | false)[]
  /** Where it opens, in the window. */
  at: { x: number; y: number }
  onClose: () => void
}

/** A menu at a place of the window, for pointers and keys. */
export function Menu({ label, items, at, onClose }: MenuProps) {
  const element = useRef<HTMLDivElement>(null)
  const close = useRef(onClose)
  close.current = onClose

  useLayoutEffect(() => {
    const menu = element.current!
    const { width, height } = menu.getBoundingClientRect()
    menu.style.left = `${Math.max(8, Math.min(at.x, innerWidth - width - 8))}px`
    menu.style.top = `${Math.max(8, at.y + height > innerHeight - 8 ? at.y - height : at.y)}px`
  }, [at.x, at.y])

  // At once, and not when the browser has painted it: whoever knows the menu types on.
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null
    const menu = element.current!
    menu.querySelector<HTMLElement>('button')?.focus({ preventScroll: true })
    const outside = (event: Event) => {
      if (!menu.contains(event.target as Node)) close.current()
    }
    addEventListener('pointerdown', outside, true)
    addEventListener('resize', outside)
    addEventListener('wheel', outside, { capture: true, passive: true })
    return () => {
      removeEventListener('pointerdown', outside, true)
      removeEventListener('resize', outside)
      removeEventListener('wheel', outside, true)
      if (menu.contains(document.activeElement) || document.activeElement === document.body) {
        if (before?.isConnected) before.focus({ preventScroll: true })
      }
    }
  }, [])

  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation()
    const buttons = [...element.current!.querySelectorAll<HTMLElement>('button')]
    const now = buttons.indexOf(document.activeElement as HTMLElement)
    const move = (to: number) => {
      event.preventDefault()
      buttons[(to + buttons.length) % buttons.length]?.focus()
    }
    if (event.key === 'Escape' || event.key === 'Tab') {
      event.preventDefault()
      onClose()
    } else if (event.key === 'ArrowDown') move(now + 1)
    else if (event.key === 'ArrowUp') move(now - 1)
    else if (event.key === 'Home') move(0)
    else if (event.key === 'End') move(-1)
  }

  return (
    <div ref={element} class="menu" role="menu" aria-label={label} tabIndex={-1} onKeyDown={onKeyDown}>
      {items.map(
        item =>
          item && (
            <button
              key={item.label}
              type="button"
              role={item.checked === undefined ? 'menuitem' : 'menuitemradio'}
              aria-checked={item.checked}
              class={item.danger ? 'danger' : ''}
              tabIndex={-1}
              onClick={() => {
                onClose()
                item.run()
              }}
            >
              {item.icon && <Icon name={item.icon} size={18} />}
              <span class="grow">{item.label}</span>
              {item.checked && <Icon name="check" size={16} />}
              {item.keys && <kbd>{item.keys}</kbd>}
            </button>
          ),
      )}
    </div>
  )
}
