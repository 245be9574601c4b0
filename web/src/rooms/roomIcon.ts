// SPDX-License-Identifier: Apache-2.0

import type { RoomData } from '@parley/client'
import type { IconName } from '../ui/Icon.tsx'

export function roomIcon(room: Pick<RoomData, 'type' | 'locked'>): IconName {
  switch (room.type) {
    case 'announcements':
      return 'announce'
    case 'private':
      return 'lock'
    case 'direct':
      return 'person'
    default:
      return 'hash'
  }
}
