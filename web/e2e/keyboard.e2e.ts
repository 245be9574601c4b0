// SPDX-License-Identifier: Apache-2.0

import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { keepPictures, launch, noBrowser, Person, settled } from '../testing/browser.ts'
import { Server } from '../testing/server.ts'

// Somebody who uses no pointer at all, from signing in to signing out.
describe.skipIf(noBrowser())('by keyboard alone', () => {
  let server: Server
  let browser: Browser
  let alice: Person
  beforeAll(async () => {
    ;[server, browser] = await Promise.all([Server.start(), launch()])
    alice = await Person.at(browser, server.origin, 'alice')
  })
  afterEach(({ task }) => keepPictures(task, [alice]))
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })
  const press = async (...keys: string[]) => {
    for (const key of keys) await alice.page.keyboard.press(key)
  }
  const type = (text: string) => alice.page.keyboard.type(text)
  const room = (name: string) => alice.page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
  const focused = () =>
    alice.page.evaluate(() => {
      const e = document.activeElement
      return e?.getAttribute('aria-label') ?? e?.textContent ?? ''
    })

  test('sign in', async () => {
    await alice.page.getByRole('form', { name: 'Sign in' }).waitFor()
    await expect.poll(() => alice.page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('username')
    await type('alice')
    await press('Tab')
    await type(server.passwords.get('alice') ?? '')
    await press('Enter')
    await alice.navigation.waitFor()
  })

  test('help on ?', async () => {
    await press('?')
    await alice.dialog('Keyboard and formatting').waitFor()
    await press('Escape')
    await alice.dialog().waitFor({ state: 'detached' })
  })

  test('go to a room by some of its letters', async () => {
    await press('Control+k')
    await alice.dialog('Go to…').waitFor()
    await type('gener')
    await alice
      .dialog()
      .getByRole('option', { name: /General/, selected: true })
      .waitFor()
    await press('Enter')
    await room('General')
    await expect.poll(focused).toBe('Message General')
  })

  test('write, format, edit', async () => {
    await type('from the keys')
    await press('Shift+Enter')
    await press('Control+b')
    await type('bold')
    await press('End')
    await press('Enter')
    await alice.sees(/from the keys/)
    await alice
      .message(/from the keys/)
      .getByRole('strong')
      .waitFor()
    await alice.sent()
    await press('ArrowUp')
    await expect.poll(focused).toBe('Edit message')
    await press('Control+a')
    await type('from the keys, edited')
    await press('Enter')
    await alice.message('from the keys, edited').getByText('(edited)').waitFor()
    await expect.poll(focused).toBe('Message General')
    // A question mark within a text is just that.
    await type('right?')
    await press('Enter')
    await alice.sees('right?')
  })

  test('move among messages, reply, react, open a thread, delete', async () => {
    const last = alice.log.getByRole('article').last()
    for (let i = 0; i < 6 && !(await last.evaluate(e => e === document.activeElement)); i++) await press('Shift+Tab')
    expect(await last.evaluate(e => e === document.activeElement)).toBe(true)
    await press('ArrowUp')
    await expect
      .poll(() => alice.message('from the keys, edited').evaluate(e => e === document.activeElement))
      .toBe(true)
    await press('r')
    await expect.poll(focused).toBe('Message General')
    await type('answered by keys')
    await press('Enter')
    await alice.sees('answered by keys')

    await alice.sent()
    await last.focus()
    await press('+')
    const wanted = alice.dialog('Choose an emoji').getByRole('combobox')
    await expect.poll(() => wanted.evaluate(e => e.matches(':focus'))).toBe(true)
    await type('tada')
    await alice.dialog().getByRole('option', { name: /🎉/ }).first().waitFor()
    await press('ArrowDown', 'Enter')
    await alice.message('answered by keys').getByRole('button', { name: /^🎉 1/ }).waitFor()

    await last.focus()
    await press('t')
    await alice.thread.waitFor()
    await expect.poll(focused).toBe('Reply in the thread')
    await press('Escape')
    await alice.thread.waitFor({ state: 'detached' })

    await alice.message('right?').focus()
    await press('Delete')
    await alice.dialog('Delete this message?').waitFor()
    await alice.dialog().getByRole('button', { name: 'Delete' }).focus()
    await press('Enter')
    await alice.message('right?').waitFor({ state: 'detached' })
  })

  test('mention somebody', async () => {
    await alice.composer().focus()
    await type('@bo')
    await alice.page.getByRole('listbox', { name: 'People to mention' }).getByRole('option', { name: /Bob/ }).waitFor()
    await press('Enter')
    const cursor = () => alice.composer().evaluate(e => (e as HTMLTextAreaElement).selectionStart)
    await expect.poll(cursor).toBe('@bob '.length)
    await type('look')
    await press('Enter')
    await alice.message('look').getByText('@Bob Okafor').waitFor()
  })

  test('go from room to room, and to what is unread', async () => {
    // So high that the room's last message is just below the edge: then there is a way to it, and it does not count as read.
    await alice.page.setViewportSize({ width: 1200, height: 750 })
    await press('Alt+ArrowDown')
    await room('Greenhouse')
    await alice.sees('Good morning. Here is the night.')
    await settled(alice.page)
    const below = () => alice.log.evaluate(e => e.scrollHeight - e.scrollTop - e.clientHeight)
    const latest = alice.page.getByRole('button', { name: 'To the latest' })
    await expect.poll(async () => (await below()) < 40 || (await latest.isVisible())).toBe(true)
    await press('Alt+ArrowUp')
    await room('General')
    await press('Alt+Shift+ArrowDown')
    await alice.page.getByRole('heading', { level: 1, name: /Greenhouse|Harvest plan|Kitchen|Random/ }).waitFor()
  })

  test('search, and close what is open', async () => {
    await press('Control+Shift+F')
    await alice.panel(/Search/).waitFor()
    await expect.poll(focused).toBe('Search messages')
    await alice.page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await press('Escape')
    await alice.panel(/Search/).waitFor({ state: 'detached' })
  })

  test('the way to the messages is short', async () => {
    await alice.page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await alice.page.reload()
    await alice.composer().waitFor()
    await alice.page.getByRole('link', { name: 'Skip to the messages' }).focus()
    await press('Enter')
    await expect.poll(focused).toMatch(/^Message /)
  })

  test('sign out', async () => {
    const own = alice.navigation.getByRole('button', { name: /Alice Moreau/ })
    // The menu has the focus before the browser has painted it: else it would miss the keys of who types fast.
    const role = await own.evaluate(async button => {
      ;(button as HTMLElement).click()
      await Promise.resolve()
      return document.activeElement?.getAttribute('role')
    })
    expect(role).toBe('menuitemradio')
    await press('Escape')
    await own.focus()
    await press('Enter', 'End', 'Enter')
    await alice.page.getByRole('form', { name: 'Sign in' }).waitFor()
    expect(alice.errors).toEqual([])
  })
})
