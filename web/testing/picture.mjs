// SPDX-License-Identifier: Apache-2.0

// Takes the picture of the README again: node testing/picture.mjs PARLEY FILE, with the program and where the picture goes.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'

const [program, file] = process.argv.slice(2)
if (!program || !file) throw new Error('usage: node testing/picture.mjs PARLEY FILE')
const data = mkdtempSync(join(tmpdir(), 'parley-picture-'))
const server = spawn(program, ['serve', '--demo', '--data', data, '--mqtt', '127.0.0.1:0', '--http', '127.0.0.1:0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  let origin
  let password
  for await (const line of createInterface({ input: server.stdout })) {
    origin ??= /^http\s+(\S+)/.exec(line)?.[1]
    password ??= /^\s+alice\s+(\S+)/.exec(line)?.[1]
    if (origin && password) break
  }
  if (!origin || !password) throw new Error('the server did not start')
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  })
  const page = await browser.newPage({ viewport: { width: 1200, height: 750 }, colorScheme: 'light' })
  await page.goto(origin)
  await page
    .getByLabel(/user|name/i)
    .first()
    .fill('alice')
  await page.locator('input[type=password]').first().fill(password)
  await page.keyboard.press('Enter')
  await page.getByText('Greenhouse').first().click()
  await page.getByText('What is that dip at four?').first().waitFor()
  await page.getByText('A hook for the door').waitFor()
  await page.locator('[role=log] img').first().waitFor()
  await page.waitForLoadState('networkidle')
  // At the end of the room, with all of it read.
  await page.getByText('A hook for the door').scrollIntoViewIfNeeded()
  await page.getByRole('link', { name: 'Greenhouse' }).locator('.badge').waitFor({ state: 'detached' })
  await page.screenshot({ path: file })
  await browser.close()
} finally {
  server.kill()
  await new Promise(done => server.once('exit', done))
  rmSync(data, { recursive: true, force: true })
}
