// SPDX-License-Identifier: Apache-2.0

import { AuditList } from '../admin/Audit.tsx'
import { ReportList } from '../admin/Reports.tsx'
import { t } from '../i18n/i18n.ts'
import { Dialog } from '../ui/Dialog.tsx'

export function RoomReports({ room, onClose }: { room: string; onClose: () => void }) {
  return (
    <Dialog title={t('admin.reports')} onClose={onClose} wide>
      <ReportList room={room} onLeave={onClose} />
    </Dialog>
  )
}

export function RoomAudit({ room, onClose }: { room: string; onClose: () => void }) {
  return (
    <Dialog title={t('admin.audit')} onClose={onClose} wide>
      <AuditList room={room} />
    </Dialog>
  )
}
