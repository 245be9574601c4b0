// SPDX-License-Identifier: Apache-2.0

import { Client, indexedDBOutbox, memoryOutbox, type ParleyError } from '@parley/client'
import { render } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { applyLanguage, language, t } from './i18n/i18n.ts'
import { startWorker } from './notifications/register.ts'
import { Shell } from './shell/Shell.tsx'
import { SignIn } from './signin/SignIn.tsx'
import { Chat, ChatContext } from './state/chat.ts'
import { applyTheme, preferences } from './state/preferences.ts'
import { followAddress, go } from './state/route.ts'
import { type Session, session, signOut } from './state/session.ts'
import { useStore } from './state/store.ts'
import { closeDialogs, DialogHost } from './ui/dialogs.tsx'
import { Notices } from './ui/Notices.tsx'
import { notify } from './ui/notices.ts'
import './ui/tokens.css'
import './ui/base.css'
import './ui/parts.css'

function App() {
  const tag = useStore(language)
  const signedIn = useStore(session)
  // Another language shows everything anew.
  return (
    <div key={tag} class="app">
      {signedIn ? <SignedIn key={signedIn.user} session={signedIn} /> : <SignIn />}
      <Notices />
    </div>
  )
}

function SignedIn({ session: signedIn }: { session: Session }) {
  const [chat, setChat] = useState<Chat>()
  const user = signedIn.user
  useEffect(() => {
    const client = new Client({
      url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/mqtt`,
      token: () => session.get()?.token ?? '',
      user,
      catchUpLimit: 1000, // who was away for longer reads the end of a room anew
      outbox: 'indexedDB' in globalThis ? indexedDBOutbox(user) : memoryOutbox(),
    })
    const made = new Chat(client)
    const stop = client.on('state', ({ state, error }) => {
      if (state === 'closed' && error) refused(error)
    })
    made.start()
    setChat(made)
    // The address of a door is of no use to who is inside.
    if (location.pathname !== '/') history.replaceState(null, '', '/')
    if (/^#\/?(setup|join|register)\b/.test(location.hash)) go({ view: 'home' }, { replace: true })
    void startWorker(made)
    return () => {
      stop()
      closeDialogs()
      void made.close()
    }
  }, [user])
  const shown = useMemo(
    () =>
      chat && (
        <ChatContext.Provider value={chat}>
          <Shell />
          <DialogHost />
        </ChatContext.Provider>
      ),
    [chat],
  )
  return shown ?? null
}

function refused(error: ParleyError): void {
  if (error.code === 'closed') return
  void signOut(error.code === 'banned' ? 'banned' : 'expired')
}

// A part of the page that could not be loaded: the server has a newer one, or there is no connection.
addEventListener('vite:preloadError', event => {
  event.preventDefault()
  if (navigator.onLine)
    notify(t('shell.outdated'), { action: { label: t('shell.reload'), run: () => location.reload() } })
  else notify(t('error.offline'), { error: true })
})

applyTheme()
preferences.on(() => {
  applyTheme()
  void applyLanguage()
})
followAddress()
void applyLanguage().then(() => render(<App />, document.getElementById('app')!))
