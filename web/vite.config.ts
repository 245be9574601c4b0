// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { compress } from './build/compress.ts'
import { emojiPicker } from './build/emojipicker.ts'
import { icons } from './build/icons.ts'
import { reporters } from './build/reporters.ts'
import { serviceWorker } from './build/serviceworker.ts'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

// The server that the development server passes requests on to.
const server = process.env.PARLEY_SERVER ?? 'http://127.0.0.1:8080'

export default defineConfig({
  base: '/',
  resolve: {
    alias: {
      '@parley/client': path('client/index.ts'),
      // virtua is written for React; preact/compat is the same to it.
      'react/jsx-runtime': 'preact/jsx-runtime',
      'react-dom': 'preact/compat',
      react: 'preact/compat',
    },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [emojiPicker(), icons(), serviceWorker(), compress()],
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: false, // keeps placeholder.html; compress() removes what is old
    assetsInlineLimit: 0, // the content security policy knows no data: scripts or styles
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 600,
    rolldownOptions: {
      checks: { bundlerTimings: false },
      onLog: (level, log, report) => {
        // "use client" in virtua is for React's servers.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log)
      },
    },
  },
  server: {
    proxy: {
      '/api': { target: server },
      '/mqtt': { target: server, ws: true },
    },
  },
  test: {
    include: ['src/**/*.test.ts', 'client/**/*.test.ts'],
    environment: 'node',
    reporters: reporters('default'),
  },
})
