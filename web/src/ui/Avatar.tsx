// SPDX-License-Identifier: Apache-2.0

import { avatarColour, avatarColours, initials } from './avatar.ts'

interface AvatarProps {
  id: string
  name: string
  size?: 's' | 'm' | 'l' | 'xl'
  status?: 'online' | 'away' | 'offline' | undefined
}

/** Stands beside the name, which says the same: hidden from screen readers. */
export function Avatar({ id, name, size = 'm', status }: AvatarProps) {
  return (
    <span class={`avatar ${size}`} aria-hidden="true" style={{ backgroundColor: avatarColours[avatarColour(id)] }}>
      {initials(name)}
      {status && status !== 'offline' && <span class={`dot ${status}`} />}
    </span>
  )
}
