// SPDX-License-Identifier: Apache-2.0

import { ParleyError } from '@parley/client'
import { t } from '../i18n/i18n.ts'
import { agentName } from '../settings/device.ts'
import type { Chat } from '../state/chat.ts'

export type PushState = 'on' | 'off' | 'denied' | 'unsupported'

const key = 'parley.push'

/** Whether this device gets notifications; the browser is not asked for anything. */
export async function pushState(): Promise<PushState> {
  if (!('serviceWorker' in navigator) || !('PushManager' in globalThis) || !('Notification' in globalThis))
    return 'unsupported'
  if (Notification.permission === 'denied') return 'denied'
  const registration = await navigator.serviceWorker.getRegistration()
  const subscription = await registration?.pushManager.getSubscription()
  return subscription && Notification.permission === 'granted' ? 'on' : 'off'
}

/** Asks the browser, and gives the server the address to push to. Called on a click only. */
export async function subscribe(chat: Chat): Promise<void> {
  const info = await chat.client.call<{ push?: { vapid_public_key?: string } }>('info')
  const publicKey = info.push?.vapid_public_key
  if (!publicKey) throw new ParleyError('unavailable_push', t('push.unavailable'))
  if ((await Notification.requestPermission()) !== 'granted') throw new ParleyError('denied', t('push.denied'))
  const registration = await navigator.serviceWorker.ready
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: bytes(publicKey),
  })
  await tell(chat, subscription)
}

async function tell(chat: Chat, subscription: PushSubscription): Promise<void> {
  const { endpoint, keys } = subscription.toJSON()
  await chat.client.call('push/subscribe', {
    type: 'webpush',
    endpoint,
    keys,
    device: agentName(navigator.userAgent) ?? 'Browser',
  })
  try {
    localStorage.setItem(key, chat.user)
  } catch {
    // Then it is told again at the next start.
  }
}

/** Ends it, at the server first: so that nothing is sent to an address that nobody reads. */
export async function unsubscribe(chat: Chat): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration()
  const subscription = await registration?.pushManager.getSubscription()
  if (!subscription) return
  await chat.client.call('push/unsubscribe', { endpoint: subscription.endpoint })
  await subscription.unsubscribe()
  localStorage.removeItem(key)
}

/** After a start: a subscription that the browser renewed, or of another account, is told to the server again. */
export async function renew(chat: Chat): Promise<void> {
  if ((await pushState()) !== 'on') return
  const registration = await navigator.serviceWorker.getRegistration()
  const subscription = await registration?.pushManager.getSubscription()
  if (subscription) await tell(chat, subscription)
}

/** Ends the notifications of a device whose user signs out. */
export async function forget(): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  const registration = await navigator.serviceWorker.getRegistration()
  const subscription = await registration?.pushManager?.getSubscription()
  await subscription?.unsubscribe()
  for (const notification of (await registration?.getNotifications()) ?? []) notification.close()
}

/** Closes what is shown of a room, up to seq: it was read here. */
export async function withdraw(room: string, seq: number): Promise<void> {
  if (!('serviceWorker' in navigator) || !('Notification' in globalThis) || Notification.permission !== 'granted')
    return
  const registration = await navigator.serviceWorker.getRegistration()
  for (const notification of (await registration?.getNotifications({ tag: room })) ?? []) {
    const shown = (notification.data as { seq?: number } | null)?.seq ?? 0
    if (shown <= seq) notification.close()
  }
}

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'))
  const out = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i)
  return out
}
