// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren } from 'preact'
import { t } from '../i18n/i18n.ts'
import { showPanel } from '../state/route.ts'
import { IconButton } from './Button.tsx'

/** What stands beside the messages; on small screens in their place. */
export function Panel({
  title,
  children,
  actions,
}: {
  title: string
  children: ComponentChildren
  actions?: ComponentChildren
}) {
  return (
    <aside class="panel" aria-label={title}>
      <header class="bar">
        <IconButton class="only-phone" icon="back" label={t('action.back')} onClick={() => showPanel(undefined)} />
        <h2 class="cut">{title}</h2>
        {actions}
        <IconButton icon="close" label={t('action.close')} keys="Esc" onClick={() => showPanel(undefined)} />
      </header>
      {children}
    </aside>
  )
}
