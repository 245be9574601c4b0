// SPDX-License-Identifier: Apache-2.0

import { t } from '../i18n/i18n.ts'
import { PageHead } from '../ui/PageHead.tsx'
import { Search } from './Search.tsx'

export function SearchPage() {
  return (
    <div class="page">
      <PageHead title={t('search.title')} />
      <div class="page-body">
        <div class="page-width">
          <Search />
        </div>
      </div>
    </div>
  )
}
