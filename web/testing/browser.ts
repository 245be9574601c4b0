// SPDX-License-Identifier: Apache-2.0

// Chromium, and what a person does with the page in it. Everything is found as a person finds it: by its role and name.

import { existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core'
import type { SignedInUser } from './server.ts'

/** The distribution's browser; none where it is not installed. */
export const browserPath = [process.env.CHROMIUM ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  path => path && existsSync(path),
)

/** Whether the tests of this file cannot run. Says so, and fails where everything has to run. */
export function noBrowser(): boolean {
  if (browserPath) return false
  if (process.env.CI === 'true')
    throw new Error('chromium is not installed: install the package, or name it by CHROMIUM')
  console.warn('SKIPPED: chromium is not installed (install the package, or name it by CHROMIUM)')
  return true
}

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: browserPath ?? '',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** Where pictures of what failed are kept: outside the tree, and told at the end. */
function pictureDirectory(): string {
  const dir = process.env.PARLEY_PICTURES ?? mkdtempSync(join(tmpdir(), 'parley-pictures-'))
  mkdirSync(dir, { recursive: true })
  return dir
}

/** After a test that failed: keeps pictures of what people saw, and tells where. */
export async function keepPictures(
  task: { name: string; result?: { state: string } },
  people: Person[],
): Promise<void> {
  if (task.result?.state !== 'fail') return
  const dir = pictureDirectory()
  for (const p of people)
    await p.page.screenshot({ path: `${dir}/${p.name} ${task.name.replaceAll('/', ' ')}.png` }).catch(() => {})
  console.error(`what they saw: ${dir}`)
}

/** Waits until nothing moves any more, and all pictures are there. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await document.fonts.ready
    await Promise.all(document.getAnimations().map(a => a.finished.catch(() => {})))
    await Promise.all([...document.images].map(i => i.decode().catch(() => {})))
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
  })
}

/** A person at a browser of their own. */
export class Person {
  readonly name: string
  readonly origin: string
  readonly context: BrowserContext
  readonly page: Page
  /** What went wrong in the page. */
  readonly errors: string[] = []

  private constructor(name: string, origin: string, context: BrowserContext, page: Page) {
    this.name = name
    this.origin = origin
    this.context = context
    this.page = page
    page.on('pageerror', e => this.errors.push(String(e.stack ?? e)))
    page.on('console', m => {
      // What a request that failed leaves behind is the browser's own line: the server is away at times in these tests.
      if (m.type() === 'error' && !/Failed to load resource|WebSocket (connection|is already)/.test(m.text()))
        this.errors.push(m.text())
    })
  }

  /** Opens the page; session is what it keeps of who is signed in, for those who need not sign in themselves. */
  static async at(
    browser: Browser,
    origin: string,
    name: string,
    options: BrowserContextOptions = {},
    session?: SignedInUser,
  ): Promise<Person> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options })
    context.setDefaultTimeout(20_000) // a loaded machine is no fault of the page
    if (session) {
      await context.addInitScript(kept => localStorage.setItem('parley.session', kept), JSON.stringify(session))
      // Pictures are fetched with the cookie that signing in sets.
      await context.addCookies([
        { name: 'parley_token', value: session.token, url: `${origin}/api/v1`, httpOnly: true, sameSite: 'Strict' },
      ])
    }
    const page = await context.newPage()
    const person = new Person(name, origin, context, page)
    await page.goto(origin)
    return person
  }

  async signIn(user: string, password: string): Promise<void> {
    const form = this.page.getByRole('form', { name: 'Sign in' })
    await form.getByLabel('User name').fill(user)
    await form.getByLabel('Password').fill(password)
    await form.getByRole('button', { name: 'Sign in' }).click()
    await this.navigation.waitFor()
  }

  async signUp(user: string, displayName: string, password: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Create account' }).click()
    const form = this.page.getByRole('form', { name: 'Create account' })
    await form.getByLabel('User name').fill(user)
    await form.getByLabel('Display name').fill(displayName)
    await form.getByLabel('Password').fill(password)
    await form.getByRole('button', { name: 'Create account' }).click()
    await this.navigation.waitFor()
  }

  get navigation(): Locator {
    return this.page.getByRole('navigation', { name: 'Rooms and conversations' })
  }

  /** The list of messages of the room that is open. */
  get log(): Locator {
    return this.page.getByRole('log', { name: 'Messages', exact: true })
  }

  get thread(): Locator {
    return this.page.getByRole('log', { name: 'Messages of the thread' })
  }

  panel(name: string | RegExp): Locator {
    return this.page.getByRole('complementary', { name })
  }

  dialog(name?: string | RegExp): Locator {
    return name === undefined ? this.page.getByRole('dialog') : this.page.getByRole('dialog', { name })
  }

  notice(text: string | RegExp): Locator {
    return this.page.getByRole('status').getByText(text)
  }

  async open(room: string): Promise<void> {
    await this.navigation.getByRole('link', { name: room }).first().click()
    await this.page.getByRole('heading', { level: 1, name: room }).waitFor()
    await this.log.waitFor()
  }

  composer(place: string | RegExp = /^Message /): Locator {
    return this.page.getByRole('textbox', { name: place })
  }

  async say(text: string): Promise<void> {
    const field = this.composer()
    await field.fill(text)
    await field.press('Enter')
  }

  /** A message by what it says itself: what it quotes belongs to another one. */
  message(text: string | RegExp, within: Locator = this.log): Locator {
    const own = this.page.locator(':not(.quote, .quote *, :has(.quote))', { hasText: text })
    return within.getByRole('article').filter({ has: own })
  }

  async sees(text: string | RegExp, within?: Locator): Promise<void> {
    await this.message(text, within).first().waitFor()
  }

  /** Until nothing in the list is being sent any more. */
  async sent(within: Locator = this.log): Promise<void> {
    await within.getByRole('article', { name: 'Sending…' }).first().waitFor({ state: 'detached' })
  }

  /** Does something with a message, by its bar or its menu, when it has been sent. */
  async act(text: string | RegExp, action: string, within?: Locator): Promise<void> {
    await this.sent(within)
    const message = this.message(text, within).last()
    await message.hover()
    const bar = message.getByRole('toolbar', { name: 'Message actions' })
    await bar.waitFor()
    const button = bar.getByRole('button', { name: action, exact: true })
    if ((await button.count()) > 0) {
      await button.click()
      return
    }
    await bar.getByRole('button', { name: 'More actions' }).click()
    await this.page.getByRole('menu').getByRole('menuitem', { name: action }).click()
  }

  async close(): Promise<void> {
    await this.context.close()
  }
}
