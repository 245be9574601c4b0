// SPDX-License-Identifier: Apache-2.0

import type { ButtonHTMLAttributes, ComponentChildren, Ref } from 'preact'
import { Icon, type IconName } from './Icon.tsx'

type Native = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'icon' | 'ref' | 'class'>

interface ButtonProps extends Native {
  look?: 'primary' | 'quiet' | 'danger' | 'plain'
  icon?: IconName
  busy?: boolean
  class?: string
  children?: ComponentChildren
  buttonRef?: Ref<HTMLButtonElement>
}

export function Button({
  look = 'plain',
  icon,
  busy,
  class: extra = '',
  children,
  buttonRef,
  disabled,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      ref={buttonRef}
      class={`button ${look} ${extra}`}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
    >
      {icon && <Icon name={icon} size={18} />}
      {children}
    </button>
  )
}

interface IconButtonProps extends Native {
  icon: IconName
  label: string
  /** Keys that do the same, shown in the tooltip. */
  keys?: string
  class?: string
  size?: number
  buttonRef?: Ref<HTMLButtonElement>
}

export function IconButton({ icon, label, keys, class: extra = '', size, buttonRef, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      ref={buttonRef}
      class={`iconbutton ${extra}`}
      aria-label={label}
      title={keys ? `${label} (${keys})` : label}
    >
      <Icon name={icon} size={size ?? 20} />
    </button>
  )
}
