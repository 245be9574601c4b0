// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren } from 'preact'
import { Icon, type IconName } from './Icon.tsx'

/** What stands where nothing is yet. */
export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name={icon} size={26} />
      </span>
      <p class="empty-title">{title}</p>
      {children && <div class="empty-text">{children}</div>}
    </div>
  )
}
