// SPDX-License-Identifier: Apache-2.0

// Puts a .br and a .gz beside each built file that compresses, so that the server has them ready.

import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const kept = 'placeholder.html' // what the repository keeps in the folder
const worthwhile = /\.(js|css|html|json|svg|webmanifest|txt)$/
const smallest = 512 // bytes; below it a compressed copy saves no packet

export function compress(): Plugin {
  let dir = ''
  return {
    name: 'parley:compress',
    apply: 'build',
    configResolved(config) {
      dir = join(config.root, config.build.outDir)
    },
    buildStart() {
      if (!existsSync(dir)) return
      for (const name of readdirSync(dir)) if (name !== kept) rmSync(join(dir, name), { recursive: true })
    },
    writeBundle() {
      for (const entry of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
        const file = join(dir, entry)
        if (entry === kept || !worthwhile.test(entry) || statSync(file).size < smallest) continue
        const bytes = readFileSync(file)
        const quality = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
        writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: quality }))
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
      }
    },
  }
}
