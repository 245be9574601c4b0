// SPDX-License-Identifier: Apache-2.0

import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { keepPictures, launch, noBrowser, Person } from '../testing/browser.ts'
import { Server, type SignedInUser } from '../testing/server.ts'

/** What people said in the list that is shown, line by line. */
const said = (p: Person) =>
  p.log.evaluate(list => [...list.querySelectorAll('article .markdown')].map(e => e.textContent ?? ''))

describe.skipIf(noBrowser())('a conversation that is interrupted', () => {
  let server: Server
  let browser: Browser
  let alice: Person
  let bob: Person
  let reader: SignedInUser
  beforeAll(async () => {
    ;[server, browser] = await Promise.all([Server.start(), launch()])
    const a = await server.login('alice')
    reader = await server.login('bob')
    await server.ask(reader, 'rooms/create', { room_id: 'cut', name: 'Cut off', type: 'public', max_members: 10 })
    await server.ask(a, 'rooms/join/cut')
    ;[alice, bob] = await Promise.all([
      Person.at(browser, server.origin, 'alice', {}, a),
      Person.at(browser, server.origin, 'bob', {}, reader),
    ])
    for (const p of [alice, bob]) await p.open('Cut off')
  })
  afterEach(({ task }) => keepPictures(task, [alice, bob]))
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  /** What the server's own log has, of what people said. */
  const logged = async () => {
    const { messages } = await server.ask<{ messages: { type: string; content: string }[] }>(reader, 'history/cut', {
      limit: 200,
    })
    return messages.flatMap(m => (m.type === 'text' ? [m.content] : [])).reverse()
  }
  const both = async (expected: string[]) => {
    for (const p of [alice, bob]) await expect.poll(() => said(p), { timeout: 40_000 }).toEqual(expected)
    expect(await logged()).toEqual(expected)
  }
  const lines: string[] = []

  test('the server is killed and comes back', async () => {
    await alice.say('Before')
    await bob.sees('Before')
    await server.kill()
    await alice.say('Into the void')
    await alice.say('And on')
    await alice.page.getByText('No connection. Trying again…').waitFor()
    await alice.page.getByText('2 messages are sent as soon as there is one.').waitFor()
    expect(await alice.log.getByRole('article', { name: 'Sending…' }).count()).toBe(2)
    await server.restart()
    lines.push('Before', 'Into the void', 'And on')
    await both(lines)
    await bob.say('There you are')
    lines.push('There you are')
    await both(lines)
    await alice.page.getByText('No connection. Trying again…').waitFor({ state: 'detached' })
  })

  test('it is killed while both write', async () => {
    for (let i = 1; i <= 6; i++) {
      await alice.say(`alice ${i}`)
      await bob.say(`bob ${i}`)
      if (i === 3) {
        await server.kill()
        await server.restart()
      }
    }
    await expect.poll(async () => (await logged()).length, { timeout: 40_000 }).toBe(lines.length + 12)
    const all = await logged()
    for (const who of ['alice', 'bob'])
      expect(all.filter(text => text.startsWith(`${who} `))).toEqual([1, 2, 3, 4, 5, 6].map(i => `${who} ${i}`))
    lines.splice(0, lines.length, ...all)
    await both(lines)
  })

  test('what is written offline waits across a reload, and is sent once and in order', async () => {
    // The page itself has to come from somewhere without a network.
    await alice.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
    await expect.poll(() => alice.page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true)
    await alice.context.setOffline(true)
    await alice.page.getByText('No connection. Trying again…').waitFor()
    for (const text of ['Written in a tunnel', 'With a second one', 'And a third one']) await alice.say(text)
    await bob.say('Are you there?')
    await bob.sees('Are you there?')

    await alice.page.reload()
    await alice.page.getByRole('heading', { level: 1 }).first().waitFor()
    await alice.page.getByText('3 messages are sent as soon as there is one.').waitFor()

    await alice.context.setOffline(false)
    lines.push('Are you there?', 'Written in a tunnel', 'With a second one', 'And a third one')
    await expect.poll(logged, { timeout: 40_000 }).toEqual(lines)
    await both(lines)
    // Another reload shows the same: nothing is left that could be sent again.
    await alice.page.reload()
    await both(lines)
  })

  test('a file goes on after the connection was lost', async () => {
    await bob.page.getByRole('button', { name: 'Attach files' }).waitFor()
    // Slow enough to be cut in the middle.
    const cdp = await bob.context.newCDPSession(bob.page)
    await cdp.send('Network.enable')
    const speed = (bytes: number) =>
      cdp.send('Network.emulateNetworkConditions', {
        offline: false,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: bytes,
      })
    await speed(1_500_000)
    const chosen = bob.page.waitForEvent('filechooser')
    await bob.page.getByRole('button', { name: 'Attach files' }).click()
    const file = { name: 'log.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(6_000_000, 7) }
    await (await chosen).setFiles([file])
    const progress = bob.page.getByRole('progressbar', { name: 'Uploading log.bin' })
    await progress.waitFor()
    await server.kill()
    await server.restart()
    await speed(-1)
    await alice.message('log.bin').waitFor({ timeout: 40_000 })
    await progress.waitFor({ state: 'detached' })
    expect(await alice.message('log.bin').count()).toBe(1)
  })

  test('nothing went wrong in the pages', () => {
    expect({ alice: alice.errors, bob: bob.errors }).toEqual({ alice: [], bob: [] })
  })
})
