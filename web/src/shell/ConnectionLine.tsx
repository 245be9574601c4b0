// SPDX-License-Identifier: Apache-2.0

import { useEffect, useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { useChat } from '../state/chat.ts'
import { useStore } from '../state/store.ts'
import { Icon } from '../ui/Icon.tsx'

/** A calm line while there is no connection; short interruptions are not worth one. */
export function ConnectionLine() {
  const chat = useChat()
  const state = useStore(chat.connection, c => c.state)
  const cut = useCut()
  const waiting = useStore(chat.outbox, o => o.filter(m => m.state !== 'failed').length)
  const [late, setLate] = useState(false)
  useEffect(() => {
    if (state === 'online') {
      setLate(false)
      return
    }
    const timer = setTimeout(() => setLate(true), state === 'offline' ? 1200 : 2500)
    return () => clearTimeout(timer)
  }, [state])
  return (
    <div class="connection" role="status">
      {(cut || (late && state !== 'online')) && (
        <p>
          <Icon name="clock" size={16} />
          {state === 'connecting' && !cut ? t('connection.connecting') : t('connection.offline')}
          {waiting > 0 && <span> {t('connection.waiting', { count: waiting })}</span>}
        </p>
      )}
    </div>
  )
}

/** Whether the device says that it has no network: that is known before a silent connection is. */
function useCut(): boolean {
  const [cut, setCut] = useState(!navigator.onLine)
  useEffect(() => {
    const look = () => setCut(!navigator.onLine)
    addEventListener('online', look)
    addEventListener('offline', look)
    return () => {
      removeEventListener('online', look)
      removeEventListener('offline', look)
    }
  }, [])
  return cut
}
