// SPDX-License-Identifier: Apache-2.0

// Each main view, light on a desktop and dark on a phone: axe finds nothing serious in it. With PARLEY_SCREENSHOTS=DIR each is
// looked through in both colours on both, and a picture of each is kept there, see make screenshots.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faults } from '../testing/axe.ts'
import { launch, noBrowser, Person, settled } from '../testing/browser.ts'
import { plainProgram, Server } from '../testing/server.ts'
import { views } from '../testing/views.ts'

const devices: Record<string, BrowserContextOptions> = {
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  desktop: { viewport: { width: 1440, height: 900 } },
}

const pictures = process.env.PARLEY_SCREENSHOTS

/** Looks through a view in one colour, or in both. */
async function look(p: Person, view: string, device: string, axe = true): Promise<void> {
  const found: string[] = []
  const colours = pictures ? (['light', 'dark'] as const) : ([device === 'phone' ? 'dark' : 'light'] as const)
  for (const colorScheme of colours) {
    await p.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await settled(p.page)
    if (axe) for (const fault of await faults(p.page)) found.push(`${colorScheme}: ${fault}`)
    if (pictures) await p.page.screenshot({ path: `${pictures}/${view}-${device}-${colorScheme}.png` })
  }
  expect(found).toEqual([])
}

describe.skipIf(noBrowser())('the main views', () => {
  let server: Server
  let browser: Browser
  beforeAll(async () => {
    if (pictures) mkdirSync(pictures, { recursive: true })
    ;[server, browser] = await Promise.all([Server.start(), launch()])
    // Something for moderators to look at.
    const alice = await server.login('alice')
    const { messages } = await server.ask<{ messages: { id: string; content: string }[] }>(alice, 'history/random')
    const bell = messages.find(m => m.content.includes('bicycle bell'))
    await server.ask(alice, `message/${bell?.id}/report`, { reason: 'It is my bell.' })
    const admin = await server.login('admin')
    for (const action of ['mute', 'unmute'])
      await server.ask(admin, 'admin/rooms/random/moderate', { action, user_id: 'bob', reason: 'The bell again' })
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  describe.each(Object.entries(devices))('on a %s', (device, options) => {
    const people = new Map<string, Person>()
    afterAll(async () => {
      for (const p of people.values()) await p.close()
    })

    test.each(views)('$name', { timeout: 240_000 }, async ({ name, as, long, show }) => {
      let p = people.get(as)
      if (!p) {
        p = await Person.at(browser, server.origin, as, options, as === 'nobody' ? undefined : await server.login(as))
        people.set(as, p)
      }
      await show(p)
      await look(p, name, device, !long || device === 'desktop')
      while (await p.dialog().count()) await p.page.keyboard.press('Escape')
      expect(p.errors).toEqual([])
    })
  })
})

describe.skipIf(noBrowser())('the plain page of a server without the client', () => {
  const dir = mkdtempSync(join(tmpdir(), 'parley-plain-'))
  let server: Server
  let browser: Browser
  beforeAll(async () => {
    ;[server, browser] = await Promise.all([plainProgram(dir).then(path => Server.of(path, '--demo')), launch()])
  }, 240_000)
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  test.each(Object.entries(devices))('on a %s', async (device, options) => {
    const p = await Person.at(browser, server.origin, 'alice', options)
    await p.page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await look(p, 'plain-sign-in', device)
    await p.page.getByLabel('User name').fill('alice')
    await p.page.getByLabel('Password').fill(server.passwords.get('alice') ?? '')
    await p.page.getByRole('button', { name: 'Sign in' }).click()
    await p.page.getByLabel('Room').selectOption({ label: 'Kitchen' })
    await p.log.getByText('I cook tomorrow').waitFor()
    await p.page.getByLabel('Message', { exact: true }).fill(`Two bowls, please, says the ${device}`)
    await p.page.getByRole('button', { name: 'Send' }).click()
    await p.log.getByText(`says the ${device}`).waitFor()
    // What others say comes by itself, over Server-Sent Events.
    await server.ask(await server.login('carol'), 'message/kitchen', { content: `One for the ${device}` })
    await p.log.getByText(`One for the ${device}`).waitFor()
    await p.page.getByText('make build').waitFor()
    await look(p, 'plain', device)
    expect(p.errors).toEqual([])
    await p.close()
  })
})
