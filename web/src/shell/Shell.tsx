// SPDX-License-Identifier: Apache-2.0

import { lazy, Suspense } from 'preact/compat'
import { useEffect } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { RoomView } from '../rooms/RoomView.tsx'
import { useChat } from '../state/chat.ts'
import { route } from '../state/route.ts'
import { useStore } from '../state/store.ts'
import { LineSkeleton } from '../ui/Skeleton.tsx'
import { ConnectionLine } from './ConnectionLine.tsx'
import { Home } from './Home.tsx'
import { Sidebar } from './Sidebar.tsx'
import { useShortcuts } from './shortcuts.ts'
import { useTitle } from './title.ts'
import './shell.css'

const Discover = lazy(() => import('../rooms/Discover.tsx').then(m => ({ default: m.Discover })))
const SearchPage = lazy(() => import('../search/SearchPage.tsx').then(m => ({ default: m.SearchPage })))
const Settings = lazy(() => import('../settings/Settings.tsx').then(m => ({ default: m.Settings })))
const Admin = lazy(() => import('../admin/Admin.tsx').then(m => ({ default: m.Admin })))

/** The page of somebody who is signed in. */
export function Shell() {
  const chat = useChat()
  const now = useStore(route)
  useShortcuts(chat)
  useTitle(chat)
  useEffect(() => {
    // Away while nobody looks for ten minutes; the server is told once.
    let timer: ReturnType<typeof setTimeout> | undefined
    let away = false
    const back = () => {
      clearTimeout(timer)
      if (away && document.visibilityState === 'visible') {
        away = false
        chat.client.signal('presence/online')
      }
      timer = setTimeout(
        () => {
          away = true
          chat.client.signal('presence/away')
        },
        10 * 60 * 1000,
      )
    }
    back()
    const events = ['pointerdown', 'keydown', 'visibilitychange'] as const
    for (const name of events) document.addEventListener(name, back, { passive: true })
    return () => {
      clearTimeout(timer)
      for (const name of events) document.removeEventListener(name, back)
    }
  }, [chat])

  return (
    <div class={`shell ${now.view === 'home' ? 'at-home' : 'away-from-home'}`}>
      <a
        class="skip"
        href="#main"
        onClick={event => {
          event.preventDefault()
          const to = document.querySelector<HTMLElement>('[data-composer]') ?? document.getElementById('main')
          to?.focus()
        }}
      >
        {t('shell.skip')}
      </a>
      <ConnectionLine />
      <div class="shell-columns">
        <Sidebar />
        <main id="main" class="main" tabIndex={-1}>
          <Suspense fallback={<LineSkeleton rows={8} />}>
            {now.view === 'room' && (
              <RoomView key={now.room} room={now.room} message={now.message} panel={now.panel} route={now} />
            )}
            {now.view === 'home' && <Home />}
            {now.view === 'discover' && <Discover />}
            {now.view === 'search' && <SearchPage />}
            {now.view === 'settings' && <Settings section={now.section} />}
            {now.view === 'admin' && <Admin section={now.section} />}
          </Suspense>
        </main>
      </div>
    </div>
  )
}
