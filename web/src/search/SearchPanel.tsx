// SPDX-License-Identifier: Apache-2.0

import { t } from '../i18n/i18n.ts'
import { Panel } from '../ui/Panel.tsx'
import { Search } from './Search.tsx'

export function SearchPanel({ room }: { room: string }) {
  return (
    <Panel title={t('search.room')}>
      <div class="panel-body">
        <Search room={room} />
      </div>
    </Panel>
  )
}
