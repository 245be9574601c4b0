// SPDX-License-Identifier: Apache-2.0

// The page as a browser takes it: how large it is, where it comes from, that it can be installed, and what its worker does.

import type { Browser, CDPSession } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { keepPictures, launch, noBrowser, Person } from '../testing/browser.ts'
import { Server } from '../testing/server.ts'

const largest = 200 * 1024 // bytes of the first load, as they are transferred

describe.skipIf(noBrowser())('the page', () => {
  let server: Server
  let browser: Browser
  let alice: Person
  let cdp: CDPSession
  beforeAll(async () => {
    ;[server, browser] = await Promise.all([Server.start(), launch()])
    alice = await Person.at(browser, 'about:blank', 'alice', { permissions: ['notifications'] })
    cdp = await alice.context.newCDPSession(alice.page)
  })
  afterEach(({ task }) => keepPictures(task, [alice]))
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  test('the first load is small, compressed, and from this server alone', async () => {
    const elsewhere: string[] = []
    const addresses = new Map<string, string>()
    let bytes = 0
    const counted: string[] = []
    await cdp.send('Network.enable')
    // What the worker keeps for later is asked for after the page is there, and counts as well.
    cdp.on('Network.requestWillBeSent', ({ requestId, request }) => {
      addresses.set(requestId, request.url)
      if (!/^(data|blob):/.test(request.url) && new URL(request.url).host !== new URL(server.origin).host)
        elsewhere.push(request.url)
    })
    cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      bytes += encodedDataLength
      counted.push(`${encodedDataLength} ${addresses.get(requestId)}`)
    })
    await alice.page.goto(server.origin)
    await alice.page.getByRole('form', { name: 'Sign in' }).waitFor()
    await alice.signIn('alice', server.passwords.get('alice') ?? '')
    await alice.open('General')
    await alice.sees('The recipe from yesterday')
    await alice.page.waitForLoadState('networkidle')
    console.info(`the first load: ${bytes} bytes in ${counted.length} requests`)
    expect(elsewhere).toEqual([])
    expect(counted.length).toBeGreaterThan(3)
    expect(bytes, counted.join('\n')).toBeLessThanOrEqual(largest)
  })

  test('it can be installed', async () => {
    await alice.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
    const { installabilityErrors } = await cdp.send('Page.getInstallabilityErrors')
    // Windows of tests are private ones, from which nothing is installed.
    expect(installabilityErrors.map(e => e.errorId).filter(e => e !== 'in-incognito')).toEqual([])
    const { url, data, errors } = await cdp.send('Page.getAppManifest')
    expect(errors).toEqual([])
    const manifest = JSON.parse(data ?? '{}') as {
      name: string
      display: string
      icons: { src: string; sizes: string }[]
    }
    expect(manifest).toMatchObject({ name: 'Parley', display: 'standalone' })
    for (const icon of manifest.icons) {
      const answer = await fetch(new URL(icon.src, url))
      expect(answer.headers.get('content-type')).toMatch(/^image\//)
    }
  })

  test('what is pushed becomes a notification, is taken back, and leads to its message', async () => {
    const bob = await server.login('bob')
    const { message_id: message } = await server.ask<{ message_id: string }>(bob, 'message/greenhouse', {
      content: 'Can @alice look at the pump?',
    })
    const registered = new Promise<string>(found => {
      cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
        const ours = registrations.find(r => r.scopeURL.startsWith(server.origin))
        if (ours) found(ours.registrationId)
      })
    })
    await cdp.send('ServiceWorker.enable')
    const registration = await registered
    const push = (pushed: object) =>
      cdp.send('ServiceWorker.deliverPushMessage', {
        origin: server.origin,
        registrationId: registration,
        data: JSON.stringify(pushed),
      })
    const shown = () =>
      alice.page.evaluate(async () => {
        const worker = await navigator.serviceWorker.ready
        return (await worker.getNotifications()).map(n => `${n.title}: ${n.body}`)
      })
    const about = { room_id: 'greenhouse', room_name: 'Greenhouse', sender_id: 'bob', sender_name: 'Bob Okafor' }
    const seq = 1_000
    const asked = {
      type: 'message',
      tag: 'greenhouse',
      seq,
      message_id: message,
      content: 'Can you?',
      timestamp: 1,
      ...about,
    }
    await push(asked)
    await expect.poll(shown).toEqual(['Bob Okafor · Greenhouse: Can you?'])
    // Delivered twice it is shown once; one that is newer takes its place.
    await push(asked)
    await push({
      type: 'message',
      tag: 'greenhouse',
      seq: seq + 1,
      message_id: message,
      content: 'Please',
      timestamp: 2,
      ...about,
    })
    await expect.poll(shown).toEqual(['Bob Okafor · Greenhouse: Please'])

    // A click: headless browsers show none to click on, so the worker is told of it as the browser would tell it.
    const [worker] = alice.context.serviceWorkers()
    if (!worker) throw new Error('there is no worker')
    await worker.evaluate(async () => {
      const scope = self as unknown as ServiceWorkerGlobalScope
      const [notification] = await scope.registration.getNotifications()
      if (!notification) throw new Error('nothing is shown')
      scope.dispatchEvent(new NotificationEvent('notificationclick', { notification }))
    })
    await alice.page.getByRole('heading', { level: 1, name: 'Greenhouse' }).waitFor()
    await alice.sees('look at the pump?')
    await expect.poll(shown).toEqual([])

    await push({
      type: 'message',
      tag: 'kitchen',
      seq: 5,
      message_id: message,
      content: 'Soup',
      timestamp: 3,
      ...about,
    })
    await expect.poll(shown).toHaveLength(1)
    await push({ type: 'close', tag: 'kitchen', seq: 5 })
    await expect.poll(shown).toEqual([])
    await push({ anything: 'else' }) // is not shown, and breaks nothing
    await push({ type: 'message', tag: 'random', seq: 6, message_id: message, content: 'Bell', timestamp: 4, ...about })
    await expect.poll(shown).toHaveLength(1)
  })

  test('this device can be subscribed, as far as the browser has a push service', async () => {
    await alice.page.goto(`${server.origin}/#/settings/notifications`)
    await alice.page.getByRole('button', { name: 'Turn on notifications' }).click()
    // The browser of a distribution may come without one: then it says so, and the page does.
    await alice.page
      .getByText('Notifications are on for this device.')
      .or(alice.page.getByRole('alert'))
      .first()
      .waitFor()
  })

  test('it starts without a network', async () => {
    await alice.context.setOffline(true)
    await alice.page.reload()
    await alice.navigation.waitFor()
    await alice.page.getByText('No connection. Trying again…').waitFor()
    await alice.context.setOffline(false)
    await alice.page.getByText('No connection. Trying again…').waitFor({ state: 'detached', timeout: 40_000 })
    await alice.open('Kitchen')
    await alice.sees('I cook tomorrow')
  })

  test('nothing went wrong in the page', () => {
    // The windows of tests are private ones, and are told that Chromium does not push to such.
    expect(alice.errors.filter(e => !e.includes('Push API in incognito mode'))).toEqual([])
  })
})
