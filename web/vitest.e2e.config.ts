// SPDX-License-Identifier: Apache-2.0

import { defineConfig } from 'vitest/config'
import { reporters } from './build/reporters.ts'

// Tests against the real server, and of the page in a real browser: make e2e.
export default defineConfig({
  test: {
    include: ['client/**/*.e2e.ts', 'e2e/**/*.e2e.ts'],
    environment: 'node',
    reporters: reporters('verbose'),
    globalSetup: './testing/build.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
})
