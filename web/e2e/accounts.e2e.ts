// SPDX-License-Identifier: Apache-2.0

import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { keepPictures, launch, noBrowser, Person } from '../testing/browser.ts'
import { Server } from '../testing/server.ts'

// A server as it comes: its administrator is made with the link that it prints, everybody else by invitation.
describe.skipIf(noBrowser())('accounts', () => {
  let server: Server
  let browser: Browser
  let ada: Person
  let ben: Person | undefined
  beforeAll(async () => {
    ;[server, browser] = await Promise.all([Server.of(), launch()])
  })
  afterEach(({ task }) =>
    keepPictures(
      task,
      [ada, ben].filter(p => p !== undefined),
    ),
  )
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  test('the first administrator, by the link that the server printed, once', async () => {
    const link = new URL(server.setupLink)
    ada = await Person.at(browser, server.origin + link.pathname + link.hash, 'ada')
    const form = ada.page.getByRole('form', { name: 'Set up' })
    await form.getByLabel('User name').fill('ada')
    await form.getByLabel('Display name').fill('Ada')
    await form.getByLabel('Password').fill('correct horse')
    await form.getByRole('button', { name: 'Set up' }).click()
    await ada.navigation.getByRole('link', { name: 'Administration' }).click()
    await ada.page.getByRole('heading', { name: 'Administration' }).waitFor()
    expect(new URL(ada.page.url()).hash).not.toContain(link.hash.slice(1))

    const late = await Person.at(browser, server.origin + link.pathname + link.hash, 'late')
    await late.page.getByRole('status').getByText('This server has an administrator already.').waitFor()
    expect(await late.page.getByRole('form').count()).toBe(0)
    await late.close()
  })

  test('an account by invitation, and none without', async () => {
    const invitation = server.command('invite', 'ben').trim().split(/\s+/).at(-1) ?? ''
    ben = await Person.at(browser, `${server.origin}/join?invitation=not-one`, 'ben')
    const form = ben.page.getByRole('form', { name: 'Create account' })
    await form.getByLabel('User name').fill('ben')
    await form.getByLabel('Display name').fill('Ben')
    await form.getByLabel('Password').fill('battery staple')
    await form.getByRole('button', { name: 'Create account' }).click()
    await ben.page.getByRole('alert').getByText('This invitation is not valid').waitFor()
    await form.getByLabel('Invitation').fill(invitation)
    await form.getByRole('button', { name: 'Create account' }).click()
    await ben.navigation.waitFor()
  })

  test('another language, at once', async () => {
    if (!ben) throw new Error('there is no account')
    await ben.page.goto(`${server.origin}/#/settings/look`)
    await ben.page.getByLabel('Language').selectOption({ label: 'Deutsch' })
    await ben.page.getByRole('heading', { name: 'Einstellungen' }).waitFor()
    expect(await ben.page.evaluate(() => document.documentElement.lang)).toBe('de')
    await ben.page.reload()
    await ben.page.getByRole('heading', { name: 'Einstellungen' }).waitFor()
    await ben.page.getByLabel('Sprache').selectOption({ label: 'English' })
    await ben.page.getByRole('heading', { name: 'Settings' }).waitFor()
  })

  test('from right to left', async () => {
    if (!ben) throw new Error('there is no account')
    await ben.page.evaluate(() => localStorage.setItem('parley.preferences', '{"language":"ar-XB"}'))
    await ben.page.goto(`${server.origin}/#/`)
    await ben.page.reload()
    await ben.navigation.waitFor()
    expect(await ben.page.evaluate(() => document.documentElement.dir)).toBe('rtl')
    const list = await ben.navigation.boundingBox()
    const main = await ben.page.getByRole('main').boundingBox()
    expect(list?.x).toBeGreaterThan(main?.x ?? Number.POSITIVE_INFINITY)
    expect(await ben.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    await ben.page.evaluate(() => localStorage.removeItem('parley.preferences'))
    await ben.page.reload()
    await ben.navigation.waitFor()
  })

  test('light, dark, and as the system', async () => {
    if (!ben) throw new Error('there is no account')
    const { page } = ben
    const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
    await page.goto(`${server.origin}/#/settings/look`)
    await page.emulateMedia({ colorScheme: 'light' })
    const light = await paper()
    await page.emulateMedia({ colorScheme: 'dark' })
    const dark = await paper()
    expect(dark).not.toBe(light)
    await page.getByLabel('Colours').selectOption({ label: 'Light' })
    await expect.poll(paper).toBe(light)
    await page.getByLabel('Colours').selectOption({ label: 'Dark' })
    await page.emulateMedia({ colorScheme: 'light' })
    await expect.poll(paper).toBe(dark)
    await page.reload()
    await page.getByLabel('Colours').waitFor()
    expect(await paper()).toBe(dark)
    await page.getByLabel('Colours').selectOption({ label: 'As the system' })
    await expect.poll(paper).toBe(light)
  })

  test('the password is changed by who knows it', async () => {
    if (!ben) throw new Error('there is no account')
    await ben.page.goto(`${server.origin}/#/settings/account`)
    const old = ben.page.getByLabel('Current password')
    await old.fill('not this')
    await ben.page.getByLabel('New password').fill('battery staple')
    await ben.page.getByRole('button', { name: 'Change password' }).click()
    await ben.page.getByRole('alert').getByText('That is not the current password.').waitFor()
    expect(await old.getAttribute('aria-invalid')).toBe('true')
    await old.fill('battery staple')
    await ben.page.getByRole('button', { name: 'Change password' }).click()
    await ben.notice('changed').waitFor()
  })

  test('an account is deleted, and its name stays taken', async () => {
    if (!ben) throw new Error('there is no account')
    await ben.page.goto(`${server.origin}/#/settings/account`)
    await ben.page.getByRole('button', { name: 'Delete account' }).click()
    const dialog = ben.dialog('Delete account')
    await dialog.getByLabel('Password').fill('not this')
    await dialog.getByRole('button', { name: 'Delete my account' }).click()
    await dialog.getByRole('alert').getByText('That is not the current password.').waitFor()
    await dialog.getByLabel('Password').fill('battery staple')
    await dialog.getByRole('button', { name: 'Delete my account' }).click()
    const form = ben.page.getByRole('form', { name: 'Sign in' })
    await form.getByLabel('User name').fill('ben')
    await form.getByLabel('Password').fill('battery staple')
    await form.getByRole('button', { name: 'Sign in' }).click()
    await ben.page.getByRole('alert').getByText('User name or password is wrong.').waitFor()
  })

  test('nothing went wrong in the pages', () => {
    expect([...ada.errors, ...(ben?.errors ?? [])]).toEqual([])
  })
})
