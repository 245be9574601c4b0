// SPDX-License-Identifier: Apache-2.0

import { asParleyError, ParleyError } from './error.ts'
import type { User } from './types.ts'

/** What signing in gives. */
export interface SignedIn {
  token: string
  expires: number // Unix seconds
  user: Omit<User, 'created_at'>
}

/** Asks a route over HTTP; origin is such as https://chat.example, '' for the page's own. */
export function post<T>(origin: string, path: string, body: object, token?: string): Promise<T> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json' }
  if (token !== undefined) headers.Authorization = `Bearer ${token}`
  return ask(origin, path, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function ask<T>(origin: string, path: string, init: RequestInit): Promise<T> {
  let answer: Response
  try {
    answer = await fetch(`${origin}/api/v1/${path}`, { ...init, credentials: 'same-origin' })
  } catch (e) {
    throw new ParleyError('offline', asParleyError(e).message)
  }
  const reply = (await answer.json().catch(() => undefined)) as
    | { error?: { code: string; message: string; retry_after?: number } }
    | undefined
  if (reply?.error) throw new ParleyError(reply.error.code, reply.error.message, reply.error.retry_after)
  if (!answer.ok || reply === undefined) {
    throw new ParleyError(answer.status >= 500 ? 'unavailable' : 'internal', `the server answered ${answer.status}`)
  }
  return reply as T
}

/** What a server says of itself before anybody signs in. */
export interface Door {
  server_name: string
  version: string
  registration: 'open' | 'invite' | 'closed'
  min_password: number // characters
  setup: boolean // there is no administrator yet
}

/** Asks what the server is, and who may make an account. */
export function door(origin: string): Promise<Door> {
  return ask(origin, 'auth', { method: 'GET' })
}

/** Signs in with a password. device is what the login is listed as among the user's sessions. */
export function login(origin: string, userId: string, password: string, device?: string): Promise<SignedIn> {
  return post(origin, 'auth/login', { user_id: userId, password, device })
}

export interface Registration {
  userId: string
  password: string
  displayName?: string
  invitation?: string
  device?: string
}

/** Makes an account, where the server's policy lets one. */
export function register(origin: string, r: Registration): Promise<SignedIn> {
  return post(origin, 'auth/register', { ...account(r), invitation: r.invitation })
}

/** Makes the first administrator. secret is what follows the # of the link that the server prints. */
export function setup(origin: string, secret: string, r: Omit<Registration, 'invitation'>): Promise<SignedIn> {
  return post(origin, 'auth/setup', { ...account(r), setup: secret })
}

function account(r: Registration): object {
  return { user_id: r.userId, password: r.password, display_name: r.displayName, device: r.device }
}

/** Revokes a token, and clears the cookie that signing in has set. */
export async function logout(origin: string, token: string): Promise<void> {
  await post(origin, 'auth/logout', {}, token)
}
