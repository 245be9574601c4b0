// SPDX-License-Identifier: Apache-2.0

// Builds src/notifications/worker.ts into /sw.js, without a hash in its name, and tells it what the shell consists of:
// all scripts and styles, which it keeps for a start without a connection, and for a page that is older than the server.

import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'vite'

const source = fileURLToPath(new URL('../src/notifications/worker.ts', import.meta.url))

export function serviceWorker(): Plugin {
  return {
    name: 'parley:serviceworker',
    apply: 'build',
    enforce: 'post', // after Vite has removed the scripts of which only a style is left
    async generateBundle(_, bundle) {
      const shell = new Set(['/', '/icon.svg', '/manifest.webmanifest'])
      const entries = Object.values(bundle).filter(file => file.type === 'chunk')
      const add = (name: string) => {
        const chunk = entries.find(entry => entry.fileName === name)
        if (!chunk || shell.has(`/${name}`)) return
        shell.add(`/${name}`)
        for (const css of chunk.viteMetadata?.importedCss ?? []) shell.add(`/${css}`)
        for (const next of [...chunk.imports, ...chunk.dynamicImports]) add(next)
      }
      for (const chunk of entries) if (chunk.isEntry) add(chunk.fileName)
      const files = [...shell].sort()
      const version = createHash('sha256').update(files.join('\n')).digest('hex').slice(0, 12)
      const result = await build({
        configFile: false,
        logLevel: 'error',
        define: { SHELL_FILES: JSON.stringify(files), SHELL_VERSION: JSON.stringify(version) },
        build: {
          write: false,
          target: 'es2022',
          lib: { entry: source, formats: ['es'], fileName: () => 'sw.js' },
        },
      })
      for (const output of [result].flat()) {
        if (!('output' in output)) continue
        for (const file of output.output) {
          if (file.type === 'chunk') this.emitFile({ type: 'asset', fileName: 'sw.js', source: file.code })
        }
      }
    },
  }
}
