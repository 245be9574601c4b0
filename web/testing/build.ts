// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Builds the server under test, with the page that is in dist, unless PARLEY_BIN names one. */
export default function setup(): (() => void) | undefined {
  if (process.env.PARLEY_BIN) return undefined
  const dir = mkdtempSync(join(tmpdir(), 'parley-bin-'))
  process.env.PARLEY_BIN = join(dir, 'parley')
  const root = fileURLToPath(new URL('../..', import.meta.url))
  execFileSync('go', ['build', '-o', process.env.PARLEY_BIN, './cmd/parley'], { cwd: root, stdio: 'inherit' })
  return () => rmSync(dir, { recursive: true, force: true })
}
