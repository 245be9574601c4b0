// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren, PartialInputHTMLAttributes, Ref } from 'preact'
import { useId } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'

interface FieldProps extends Omit<PartialInputHTMLAttributes<HTMLInputElement>, 'ref' | 'label' | 'role'> {
  label: string
  hint?: ComponentChildren
  error?: string | undefined
  inputRef?: Ref<HTMLInputElement>
}

export function Field({ label, hint, error, inputRef, ...rest }: FieldProps) {
  const id = useId()
  const about = error || hint ? `${id}-about` : undefined
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...(rest as object)}
        id={id}
        ref={inputRef}
        aria-describedby={about}
        aria-invalid={error ? true : undefined}
      />
      {(error || hint) && (
        <p id={about} class={error ? 'error' : 'hint'} role={error ? 'alert' : undefined}>
          {error || hint}
        </p>
      )}
    </div>
  )
}

interface ValueProps {
  value: string
  onChange: (value: string) => void
  autofocus?: boolean
}

/** Why a moderator does something. */
export function ReasonField({ value, onChange, autofocus }: ValueProps) {
  return (
    <Field
      label={t('moderate.reason')}
      value={value}
      maxLength={1000}
      autofocus={autofocus ?? false}
      onInput={event => onChange(event.currentTarget.value)}
    />
  )
}

/** Words by which a list is made shorter. */
export function FilterField({ label, value, onChange, autofocus }: ValueProps & { label: string }) {
  return (
    <input
      class="filter"
      type="search"
      value={value}
      placeholder={label}
      aria-label={label}
      autofocus={autofocus ?? false}
      onInput={event => onChange(event.currentTarget.value)}
    />
  )
}

interface SelectProps {
  label: string
  value: string
  options: [value: string, text: string][]
  onChange: (value: string) => void
  hint?: ComponentChildren
  disabled?: boolean
  hideLabel?: boolean
}

export function Select({ label, value, options, onChange, hint, disabled, hideLabel }: SelectProps) {
  const id = useId()
  return (
    <div class="field">
      <label for={id} class={hideLabel ? 'unseen' : ''}>
        {label}
      </label>
      <select
        id={id}
        value={value}
        disabled={disabled}
        aria-describedby={hint ? `${id}-about` : undefined}
        onChange={event => onChange(event.currentTarget.value)}
      >
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
      {hint && (
        <p id={`${id}-about`} class="hint">
          {hint}
        </p>
      )}
    </div>
  )
}

interface CheckProps {
  label: string
  hint?: string
  checked: boolean
  disabled?: boolean
  onChange: (checked: boolean) => void
}

export function Check({ label, hint, checked, disabled, onChange }: CheckProps) {
  const id = useId()
  return (
    <div class="check">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        disabled={disabled}
        aria-describedby={hint ? `${id}-about` : undefined}
        onChange={event => onChange(event.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {hint && (
        <p id={`${id}-about`} class="hint">
          {hint}
        </p>
      )}
    </div>
  )
}
