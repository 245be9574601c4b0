// SPDX-License-Identifier: Apache-2.0

import { t } from '../i18n/i18n.ts'
import { Field } from '../ui/Field.tsx'

/** What a room is called, what it is about, and how many may be in it. */
export interface RoomText {
  name: string
  description: string
  most: string
}

/** The same as the server is told. */
export function roomFields({ name, description, most }: RoomText) {
  return { name: name.trim(), description: description.trim(), max_members: Number(most) }
}

export function RoomFields({
  value,
  onChange,
  autofocus,
}: {
  value: RoomText
  onChange: (value: RoomText) => void
  autofocus?: boolean
}) {
  const set = (change: Partial<RoomText>) => onChange({ ...value, ...change })
  return (
    <>
      <Field
        label={t('rooms.name')}
        required
        maxLength={100}
        autofocus={autofocus ?? false}
        value={value.name}
        onInput={event => set({ name: event.currentTarget.value })}
      />
      <Field
        label={t('rooms.description')}
        hint={t('rooms.description.hint')}
        maxLength={1000}
        value={value.description}
        onInput={event => set({ description: event.currentTarget.value })}
      />
      <Field
        label={t('rooms.max')}
        type="number"
        min={1}
        max={100000}
        required
        value={value.most}
        onInput={event => set({ most: event.currentTarget.value })}
      />
    </>
  )
}
