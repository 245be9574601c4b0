// SPDX-License-Identifier: Apache-2.0

import { t } from '../i18n/i18n.ts'
import { useChat } from '../state/chat.ts'
import { useStore } from '../state/store.ts'
import { Empty } from '../ui/Empty.tsx'
import { PageHead } from '../ui/PageHead.tsx'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { Tabs } from '../ui/Tabs.tsx'
import { AuditList } from './Audit.tsx'
import { Overview } from './Overview.tsx'
import { ReportList } from './Reports.tsx'
import { Users } from './Users.tsx'
import '../rooms/details.css'
import '../people/people.css'
import './admin.css'

const sections = ['overview', 'users', 'reports', 'audit'] as const

/** What administrators see of the server. */
export function Admin({ section }: { section: string }) {
  const chat = useChat()
  const me = useStore(chat.me)
  if (me && me.user.role !== 'administrator') {
    return (
      <div class="home">
        <Empty icon="shield" title={t('admin.title')}>
          <p>{t('error.forbidden')}</p>
        </Empty>
      </div>
    )
  }
  return (
    <div class="page">
      <PageHead title={t('admin.title')} />
      <Tabs
        label={t('admin.title')}
        tabs={sections.map(name => ({ name, to: { view: 'admin', section: name }, text: t(`admin.${name}`) }))}
        current={section}
      />
      <div class="page-body">
        <div class="page-width">
          {!me && <LineSkeleton />}
          {me && section === 'overview' && <Overview />}
          {me && section === 'users' && <Users />}
          {me && section === 'reports' && <ReportList />}
          {me && section === 'audit' && <AuditList />}
        </div>
      </div>
    </div>
  )
}
