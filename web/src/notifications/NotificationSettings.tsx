// SPDX-License-Identifier: Apache-2.0

import { useEffect, useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { useChat } from '../state/chat.ts'
import { Button } from '../ui/Button.tsx'
import { errorText } from '../ui/errors.ts'
import { Icon } from '../ui/Icon.tsx'
import { type PushState, pushState, subscribe, unsubscribe } from './push.ts'

/** Notifications of this device. The browser is asked only when the reader presses the button. */
export function NotificationSettings() {
  const chat = useChat()
  const [state, setState] = useState<PushState>()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  useEffect(() => {
    void pushState().then(setState)
  }, [])
  const run = async (change: () => Promise<void>) => {
    setBusy(true)
    setError('')
    try {
      await change()
    } catch (e) {
      setError(errorText(e))
    }
    setState(await pushState())
    setBusy(false)
  }
  return (
    <>
      <p>{t('push.text')}</p>
      {state && (
        <p class="note">
          <Icon name={state === 'on' ? 'bell' : 'belloff'} size={16} /> {t(`push.${state}`)}
        </p>
      )}
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      <div>
        {state === 'off' && (
          <Button look="primary" icon="bell" busy={busy} onClick={() => void run(() => subscribe(chat))}>
            {t('push.turnon')}
          </Button>
        )}
        {state === 'on' && (
          <Button icon="belloff" busy={busy} onClick={() => void run(() => unsubscribe(chat))}>
            {t('push.turnoff')}
          </Button>
        )}
      </div>
      <p class="hint">{t('push.rooms')}</p>
    </>
  )
}
