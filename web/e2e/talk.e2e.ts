// SPDX-License-Identifier: Apache-2.0

import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { keepPictures, launch, noBrowser, Person, settled } from '../testing/browser.ts'
import { pngOf } from '../testing/png.ts'
import { Server } from '../testing/server.ts'

// Two people in two browsers go through all of it, one story after the other.
describe.skipIf(noBrowser())('two people', () => {
  let server: Server
  let browser: Browser
  let alice: Person
  let erin: Person
  beforeAll(async () => {
    server = await Server.start()
    browser = await launch()
    ;[alice, erin] = await Promise.all([
      Person.at(browser, server.origin, 'alice'),
      Person.at(browser, server.origin, 'erin'),
    ])
  })
  afterEach(({ task }) => keepPictures(task, [alice, erin]))
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  test('sign in, refused first, and sign up', async () => {
    const form = alice.page.getByRole('form', { name: 'Sign in' })
    await form.getByLabel('User name').fill('alice')
    await form.getByLabel('Password').fill('wrong')
    await form.getByRole('button', { name: 'Sign in' }).click()
    await alice.page.getByRole('alert').getByText('User name or password is wrong.').waitFor()
    await alice.signIn('alice', server.passwords.get('alice') ?? '')
    await erin.signUp('erin', 'Erin Ó Dálaigh', 'correct horse')
  })

  test('create a room; find it and join it', async () => {
    await erin.navigation.getByRole('button', { name: 'Create a room' }).click()
    const dialog = erin.dialog('Create a room')
    await dialog.getByLabel('Name').fill('Allotment')
    await dialog.getByLabel('Description').fill('Rows and rotations')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await erin.page.getByRole('heading', { level: 1, name: 'Allotment' }).waitFor()

    await alice.navigation.getByRole('link', { name: 'Discover rooms' }).click()
    await alice.page.getByRole('searchbox', { name: 'Find a room' }).fill('allot')
    await alice.page.getByRole('button', { name: 'Join Allotment' }).click()
    await alice.page.getByRole('heading', { level: 1, name: 'Allotment' }).waitFor()
    await erin.sees('Alice Moreau joined')
    await erin.page.getByRole('button', { name: /^Members / }).click()
    const member = erin.panel('Members').getByRole('listitem').filter({ hasText: 'Alice Moreau' })
    await member.getByText('online').waitFor()
    await erin.panel('Members').getByRole('button', { name: 'Close' }).click()
  })

  test('talk, in both directions', async () => {
    await erin.say('Beans are up')
    await alice.sees('Beans are up')
    await alice.say('With **some** `code` and https://parley.example/x')
    const message = erin.message('With some code')
    await message.waitFor()
    expect(await message.getByRole('strong').textContent()).toBe('some')
    expect(await message.getByRole('link').getAttribute('rel')).toContain('noopener')
    await alice.say('<img src=x onerror=alert(1)>')
    await erin.sees('<img src=x onerror=alert(1)>')
  })

  test('typing is told, and ends', async () => {
    // One start in three seconds is passed on.
    await alice.composer().pressSequentially('I am writing', { delay: 400 })
    await erin.page.getByText('Alice Moreau is writing').waitFor()
    await alice.composer().fill('')
    await erin.page.getByText('Alice Moreau is writing').waitFor({ state: 'detached' })
  })

  test('edit, react, reply, delete', async () => {
    await erin.say('Beens need water')
    await erin.message('Beens need water').waitFor()
    await erin.sent()
    await erin.composer().press('ArrowUp')
    await erin.composer('Edit message').fill('Beans need water')
    await erin.composer('Edit message').press('Enter')
    await alice.message('Beans need water').getByText('(edited)').waitFor()

    await alice.act('Beans need water', 'React with 👍')
    await erin
      .message('Beans need water')
      .getByRole('button', { name: /^👍 1: Alice Moreau/ })
      .waitFor()

    // Another one from the picker, and it is taken back.
    await erin.act('Beans need water', 'Add a reaction')
    const picker = erin.dialog('Choose an emoji')
    await picker.getByRole('combobox').fill('sunflower')
    await picker.getByRole('option', { name: /🌻/ }).first().click()
    await alice
      .message('Beans need water')
      .getByRole('button', { name: /^🌻 1: Erin Ó Dálaigh/ })
      .waitFor()
    await erin.message('Beans need water').getByRole('button', { name: /^🌻 1/ }).click()
    await alice.message('Beans need water').getByRole('button', { name: /^🌻/ }).waitFor({ state: 'detached' })

    await alice.act('Beans need water', 'Reply')
    await alice.say('I will see to it')
    await erin
      .message('I will see to it')
      .getByRole('button', { name: /Erin Ó Dálaigh/ })
      .first()
      .waitFor()

    await alice.say('Never mind this')
    await erin.sees('Never mind this')
    await alice.act('Never mind this', 'Delete')
    await alice.dialog('Delete this message?').getByRole('button', { name: 'Delete' }).click()
    await erin.message('This message was deleted').waitFor()
    expect(await erin.message('Never mind this').count()).toBe(0)
  })

  test('a thread beside the room', async () => {
    await erin.act('Beans are up', 'Reply in thread')
    await erin.thread.waitFor()
    await erin.composer('Reply in the thread').fill('And the peas')
    await erin.composer('Reply in the thread').press('Enter')
    await erin.sees('And the peas', erin.thread)
    const link = alice.message('Beans are up').getByRole('button', { name: 'One reply' })
    await link.waitFor()
    await settled(alice.page)
    await link.click()
    await alice.sees('And the peas', alice.thread)
    await alice.composer('Reply in the thread').fill('Peas too')
    await alice.composer('Reply in the thread').press('Enter')
    await erin.sees('Peas too', erin.thread)
    for (const p of [alice, erin])
      await p
        .panel(/^Thread/)
        .getByRole('button', { name: 'Close' })
        .click()
  })

  test('mention somebody, with completion', async () => {
    await erin.composer().pressSequentially('ask @ali')
    await erin.page.getByRole('listbox', { name: 'People to mention' }).getByRole('option', { name: /alice/ }).waitFor()
    await erin.composer().press('Tab')
    await erin.composer().pressSequentially('please')
    await erin.composer().press('Enter')
    await alice.sees(/ask @.* please/)
  })

  test('what is unread is marked, and where it begins', async () => {
    await alice.open('General')
    for (const text of ['One more', 'And another']) await erin.say(text)
    const link = alice.navigation.getByRole('link', { name: /Allotment/ })
    await link.getByText('2', { exact: false }).first().waitFor()
    await alice.open('Allotment')
    await alice.log.getByText('New', { exact: true }).waitFor()
    await alice.sees('And another')
    await link.getByText('unread messages').waitFor({ state: 'detached' })
  })

  test('pins', async () => {
    await erin.act('Beans are up', 'Pin')
    await erin.notice('Pinned').waitFor()
    await alice.page.getByRole('button', { name: 'One pinned message' }).click()
    await alice.panel('Pinned messages').getByText('Beans are up').waitFor()
    await alice.panel('Pinned messages').getByRole('button', { name: 'Close' }).click()
  })

  test('search, and jump to what is found', async () => {
    await alice.open('General')
    await alice.navigation.getByRole('link', { name: 'Search' }).click()
    const field = alice.page.getByRole('searchbox', { name: 'Search messages' })
    await field.fill('beans water')
    await field.press('Enter')
    await alice.page.getByRole('button', { name: 'Message of Erin Ó Dálaigh: go there' }).click()
    await alice.page.getByRole('heading', { level: 1, name: 'Allotment' }).waitFor()
    await alice.sees('Beans need water')
  })

  test('files by button, paste and drop; thumbnails and the viewer', async () => {
    const picture = pngOf(64, 48, [90, 140, 60])
    const chosen = erin.page.waitForEvent('filechooser')
    await erin.page.getByRole('button', { name: 'Attach files' }).click()
    await (await chosen).setFiles([
      { name: 'beans.png', mimeType: 'image/png', buffer: picture },
      { name: 'plan.txt', mimeType: 'text/plain', buffer: Buffer.from('rows and rotations') },
    ])
    await alice.message(/plan\.txt/).waitFor()
    await alice.log.getByRole('button', { name: 'View beans.png' }).waitFor()

    for (const [kind, name] of [
      ['paste', 'pasted.png'],
      ['drop', 'dropped.png'],
    ] as const) {
      const target = kind === 'paste' ? erin.composer() : erin.page.getByRole('region', { name: 'Allotment' })
      await target.evaluate(
        (element, { kind, name, bytes }) => {
          const data = new DataTransfer()
          data.items.add(new File([new Uint8Array(bytes)], name, { type: 'image/png' }))
          const init = { bubbles: true, cancelable: true }
          element.dispatchEvent(
            kind === 'paste'
              ? new ClipboardEvent('paste', { ...init, clipboardData: data })
              : new DragEvent('drop', { ...init, dataTransfer: data }),
          )
        },
        { kind, name, bytes: [...picture] },
      )
      await alice.log.getByRole('button', { name: `View ${name}` }).waitFor()
    }

    await settled(alice.page) // the list goes to its end with each of them
    await alice.log.getByRole('button', { name: 'View dropped.png' }).click()
    const viewer = alice.dialog('View dropped.png')
    await viewer.waitFor()
    await expect
      .poll(
        () =>
          viewer
            .getByRole('img')
            .first()
            .evaluate(i => (i as HTMLImageElement).naturalWidth),
        { timeout: 10_000 },
      )
      .toBe(64)
    await alice.page.keyboard.press('Escape')
    await viewer.waitFor({ state: 'detached' })
  })

  test('a private conversation', async () => {
    await alice.navigation.getByRole('button', { name: 'Start a conversation' }).click()
    const dialog = alice.dialog()
    await dialog.getByRole('searchbox', { name: 'Find people' }).fill('erin')
    await dialog.getByRole('button', { name: /Erin Ó Dálaigh/ }).click()
    await alice.page.getByRole('heading', { level: 1, name: 'Erin Ó Dálaigh' }).waitFor()
    await alice.say('Just you')
    const link = erin.navigation.getByRole('link', { name: /Alice Moreau/ })
    await link.click()
    await erin.sees('Just you')
    await alice.message('Just you').getByText('Read').waitFor()
  })

  test('presence', async () => {
    const link = erin.navigation.getByRole('link', { name: /Alice Moreau/ })
    await link.getByText('online').waitFor()
    const own = alice.navigation.getByRole('button', { name: /Alice Moreau/ })
    await own.click()
    await alice.page.getByRole('menuitemradio', { name: 'away' }).click()
    await link.getByText('away').waitFor()
    await own.click()
    await alice.page.getByRole('menuitemradio', { name: 'online' }).click()
    await link.getByText('online').waitFor()
  })

  test('moderation, and what who is concerned sees of it', async () => {
    for (const p of [alice, erin]) await p.open('Allotment')
    const moderate = async (action: string) => {
      if ((await erin.panel('Members').count()) === 0)
        await erin.page.getByRole('button', { name: /^Members / }).click()
      await erin.panel('Members').getByText('Alice Moreau').first().click()
      await erin.dialog('Profile').getByRole('button', { name: action, exact: true }).click()
    }
    await moderate('Mute')
    await erin.dialog('Mute Alice Moreau').getByRole('button', { name: 'Mute' }).click()
    await alice.page.getByText(/^You are muted here until /).waitFor()
    expect(await alice.composer().count()).toBe(0)
    await moderate('Unmute')
    await alice.say('Can you hear me')
    await erin.sees('Can you hear me')

    const allotment = alice.page.url()
    await moderate('Ban')
    await erin.dialog('Ban Alice Moreau').getByLabel('Reason').fill('too many beans')
    await erin.dialog().getByRole('button', { name: 'Ban' }).click()
    await alice.notice('You were banned from Allotment: too many beans').waitFor()
    await alice.page.goto(allotment)
    await alice.page.getByRole('main').getByRole('button', { name: 'Join' }).click()
    await alice.page.getByRole('alert').getByText('The reason: Too many beans.').waitFor()
    await erin.page.getByRole('button', { name: 'Room details' }).click()
    await erin.panel('Room details').getByRole('button', { name: 'Banned people' }).click()
    await erin.dialog().getByRole('button', { name: 'Lift the ban' }).click()
    await erin.dialog().getByText('Alice Moreau').waitFor({ state: 'detached' })
    await erin.page.keyboard.press('Escape')
    await alice.page.getByRole('main').getByRole('button', { name: 'Join' }).click()
    await alice.composer().waitFor()
  })

  test('what programs post through a webhook of the room', async () => {
    await erin.panel('Room details').getByRole('button', { name: 'Webhooks' }).click()
    const dialog = erin.dialog('Webhooks')
    await dialog.getByLabel('Name of a new webhook').fill('Weather')
    await dialog.getByRole('button', { name: 'Create webhook' }).click()
    const address = await dialog.getByRole('textbox', { name: 'Address of the webhook' }).inputValue()
    const posted = await fetch(address, { method: 'POST', body: JSON.stringify({ text: 'Rain at noon' }) })
    expect(posted.status).toBe(200)
    await alice.message('Rain at noon').getByText('Weather').waitFor()
    await dialog.getByRole('button', { name: 'Delete: Weather' }).click()
    await erin
      .dialog(/^Delete the webhook/)
      .getByRole('button', { name: 'Delete' })
      .click()
    await dialog.getByText('Weather').first().waitFor({ state: 'detached' })
    expect((await fetch(address, { method: 'POST', body: '{"text":"Sun"}' })).status).toBeGreaterThanOrEqual(400)
    await erin.page.keyboard.press('Escape')
  })

  test('a message that fails and is sent again', async () => {
    for (const [p, other] of [
      [alice, /Erin/],
      [erin, /Alice Moreau/],
    ] as const)
      await p.navigation.getByRole('link', { name: other }).click()
    const profile = async (button: string) => {
      await erin.page
        .getByRole('main')
        .getByRole('button', { name: /Alice Moreau/ })
        .first()
        .click()
      await erin.dialog('Profile').getByRole('button', { name: button, exact: true }).click()
    }
    await profile('Block')
    await erin.dialog('Profile').getByRole('button', { name: 'Unblock' }).waitFor()
    await alice.say('Are you there')
    const failed = alice.log.getByRole('article', { name: 'Not sent.' })
    await failed.getByText('You and they take no private messages from each other.').waitFor()
    await erin.dialog('Profile').getByRole('button', { name: 'Unblock' }).click()
    await erin.dialog('Profile').getByRole('button', { name: 'Block', exact: true }).waitFor()
    await erin.page.keyboard.press('Escape')
    await failed.getByRole('button', { name: 'Try again' }).click()
    await erin.sees('Are you there')
    expect(await alice.message('Are you there').count()).toBe(1)
    for (const p of [alice, erin]) await p.open('Allotment')
  })

  test('what an administrator sees', async () => {
    await alice.act('And another', 'Report')
    await alice.dialog('Report').getByLabel('Reason').fill('beans')
    await alice.dialog('Report').getByRole('button', { name: 'Report' }).click()
    await alice.notice(/Reported/).waitFor()
    const admin = await Person.at(browser, server.origin, 'admin')
    await admin.signIn('admin', server.passwords.get('admin') ?? '')
    await admin.navigation.getByRole('link', { name: 'Administration' }).click()
    const tabs = admin.page.getByRole('navigation', { name: 'Administration' })
    await tabs.getByRole('link', { name: 'Reports' }).click()
    await admin.page.getByText('reported by Alice Moreau').waitFor()
    await admin.page.getByRole('button', { name: 'Dismiss', exact: true }).first().click()
    await tabs.getByRole('link', { name: 'Audit log' }).click()
    await admin.page.getByRole('region', { name: 'Audit log' }).getByText('muted').first().waitFor()
    await tabs.getByRole('link', { name: 'Users' }).click()
    await admin.page.getByRole('searchbox', { name: 'Find people' }).fill('erin')
    await admin.page.getByText('Erin Ó Dálaigh').first().waitFor()
    await admin.close()
  })

  test('settings', async () => {
    await erin.navigation.getByRole('button', { name: 'Settings' }).click()
    await erin.page.getByLabel('Display name').fill('Erin D.')
    await erin.page.getByRole('button', { name: 'Save' }).click()
    await erin.navigation.getByRole('button', { name: /Erin D\./ }).waitFor()
    await erin.page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'Appearance' }).click()
    await erin.page.getByLabel('Colours').selectOption({ label: 'Dark' })
    await expect
      .poll(() =>
        erin.page.evaluate(() => getComputedStyle(document.body).colorScheme + document.documentElement.dataset.theme),
      )
      .toContain('dark')
  })

  test('sign out', async () => {
    await erin.navigation.getByRole('button', { name: /Erin D\./ }).click()
    await erin.page.getByRole('menuitem', { name: 'Sign out' }).click()
    await erin.page.getByRole('form', { name: 'Sign in' }).waitFor()
    await erin.page.reload()
    await erin.page.getByRole('form', { name: 'Sign in' }).waitFor()
  })

  test('nothing went wrong in the pages', () => {
    expect({ alice: alice.errors, erin: erin.errors }).toEqual({ alice: [], erin: [] })
  })
})
