// SPDX-License-Identifier: Apache-2.0

import { asParleyError, ParleyError } from './error.ts'
import type { User } from './types.ts'

/** What signing in gives. */
export interface SignedIn {
  token: string
  expires: number // Unix seconds
  user: Omit<User, 'created_at'>
}

/** Asks the HTTP door; origin is such as https://chat.example, "" for the page's own. */
export async function post<T>(origin: string, path: string, body: object, token?: string): Promise<T> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json' }
  if (token !== undefined) headers.Authorization = `Bearer ${token}`
  let answer: Response
  try {
    answer = await fetch(`${origin}/api/v1/${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      credentials: 'same-origin',
    })
  } catch (e) {
    throw new ParleyError('offline', asParleyError(e).message)
  }
  const reply = (await answer.json().catch(() => undefined)) as
    | { error?: { code: string; message: string; retry_after?: number } }
    | undefined
  if (reply?.error) throw new ParleyError(reply.error.code, reply.error.message, reply.error.retry_after)
  if (!answer.ok || reply === undefined)
    throw new ParleyError(answer.status >= 500 ? 'unavailable' : 'internal', `the server answered ${answer.status}`)
  return reply as T
}

/** Signs in with a password. */
export function login(origin: string, userId: string, password: string): Promise<SignedIn> {
  return post(origin, 'auth/login', { user_id: userId, password })
}

export interface Registration {
  userId: string
  password: string
  displayName?: string
  invitation?: string
}

/** Makes an account, where the server's policy lets one. */
export function register(origin: string, r: Registration): Promise<SignedIn> {
  return post(origin, 'auth/register', {
    user_id: r.userId,
    password: r.password,
    display_name: r.displayName,
    invitation: r.invitation,
  })
}
