// SPDX-License-Identifier: Apache-2.0

import { store } from './store.ts'

/** What a reader chose on this device. */
export interface Preferences {
  theme: 'system' | 'light' | 'dark'
  language: string // a language of i18n, or "" for the browser's
  sendWith: 'enter' | 'mod+enter'
  recentEmoji: string[]
}

const key = 'parley.preferences'
const usual: Preferences = { theme: 'system', language: '', sendWith: 'enter', recentEmoji: [] }

function read(): Preferences {
  try {
    return { ...usual, ...(JSON.parse(localStorage.getItem(key) ?? '{}') as Partial<Preferences>) }
  } catch {
    return usual
  }
}

export const preferences = store<Preferences>(typeof localStorage === 'undefined' ? usual : read())

export function prefer(change: Partial<Preferences>): void {
  preferences.set(now => ({ ...now, ...change }))
  try {
    localStorage.setItem(key, JSON.stringify(preferences.get()))
  } catch {
    // Private windows may keep nothing; the choice holds as long as the page does.
  }
}

/** Puts the chosen theme on the page. */
export function applyTheme(): void {
  const { theme } = preferences.get()
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}
