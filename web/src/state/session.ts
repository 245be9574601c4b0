// SPDX-License-Identifier: Apache-2.0

import {
  type Door,
  door,
  login,
  logout,
  ParleyError,
  post,
  type Registration,
  register,
  type SignedIn,
  setup,
} from '@parley/client'
import { forget } from '../notifications/push.ts'
import { store } from './store.ts'

/** Who is signed in on this device. */
export interface Session {
  token: string
  expires: number // Unix seconds
  user: string
}

const key = 'parley.session'

function read(): Session | undefined {
  try {
    const saved = JSON.parse(localStorage.getItem(key) ?? 'null') as Session | null
    if (saved && typeof saved.token === 'string' && saved.expires > Date.now() / 1000) return saved
  } catch {
    // Nobody is signed in then.
  }
  return undefined
}

export const session = store<Session | undefined>(typeof localStorage === 'undefined' ? undefined : read())

/** Why the page shows the door again, where the reader did not ask for it. */
export const signedOutBecause = store<'expired' | 'banned' | undefined>(undefined)

function save(value: Session | undefined): void {
  try {
    if (value) localStorage.setItem(key, JSON.stringify(value))
    else localStorage.removeItem(key)
  } catch {
    // Signed in as long as the page is open.
  }
  session.set(value)
}

// Another tab signed in or out.
if (typeof addEventListener === 'function') {
  addEventListener('storage', (event: StorageEvent) => {
    if (event.key === key || event.key === null) session.set(read())
  })
}

function begin(answer: SignedIn): void {
  signedOutBecause.set(undefined)
  save({ token: answer.token, expires: answer.expires, user: answer.user.user_id })
}

export async function signIn(user: string, password: string): Promise<void> {
  begin(await login('', user, password))
}

export async function signUp(registration: Registration): Promise<void> {
  begin(await register('', registration))
}

/** Makes the first administrator, with the code of the link that the server printed. */
export async function setUp(code: string, registration: Registration): Promise<void> {
  begin(await setup('', code, registration))
}

/** Changes the password. Other devices have to sign in again; this one goes on with a new token. */
export async function changePassword(old: string, next: string): Promise<void> {
  const now = session.get()
  if (!now) return
  const answer = await post<Pick<SignedIn, 'token' | 'expires'>>(
    '',
    'users/me/password',
    { password: old, new_password: next },
    now.token,
  )
  save({ ...now, token: answer.token, expires: answer.expires })
}

/** Ends the session here, and at the server if that can be reached. */
export async function signOut(reason?: 'expired' | 'banned'): Promise<void> {
  const now = session.get()
  signedOutBecause.set(reason)
  save(undefined)
  await forget().catch(() => {}) // a browser without push
  if (!now) return
  try {
    await logout('', now.token)
  } catch (e) {
    if (!(e instanceof ParleyError)) throw e // offline, or void already: then it ends with its time
  }
}

/** What the server tells before anybody signs in. */
export type BeforeSignIn = Door

export function beforeSignIn(): Promise<BeforeSignIn> {
  return door('')
}
