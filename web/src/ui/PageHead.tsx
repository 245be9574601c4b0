// SPDX-License-Identifier: Apache-2.0

import { t } from '../i18n/i18n.ts'
import { go } from '../state/route.ts'
import { IconButton } from './Button.tsx'

export function PageHead({ title }: { title: string }) {
  return (
    <header class="bar">
      <IconButton class="only-phone" icon="back" label={t('action.back')} onClick={() => go({ view: 'home' })} />
      <h1 class="cut">{title}</h1>
    </header>
  )
}
