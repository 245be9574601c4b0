// SPDX-License-Identifier: Apache-2.0

import { defineConfig } from 'vitest/config'
import { reporters } from './build/reporters.ts'

// What measures how long the page takes has the machine for itself.
const alone = ['e2e/list.e2e.ts']
const common = { environment: 'node', testTimeout: 60_000, hookTimeout: 60_000 } as const

// Tests against the real server, and of the page in a real browser: make e2e. Each file has a server and a browser of its own.
// Two files run at a time, as people wait for each other in them.
export default defineConfig({
  test: {
    reporters: reporters('verbose'),
    globalSetup: './testing/build.ts',
    projects: [
      {
        test: {
          ...common,
          name: 'together',
          include: ['client/**/*.e2e.ts', 'e2e/**/*.e2e.ts'],
          exclude: alone,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...common, name: 'alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
})
