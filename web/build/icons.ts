// SPDX-License-Identifier: Apache-2.0

// Draws the icons and writes the manifest: one SVG by hand, and the same shape as PNG in the sizes that phones ask for.

import { crc32, deflateSync } from 'node:zlib'
import type { Plugin } from 'vite'

const green = [11, 110, 95]
const paper = [250, 249, 246]

// The mark, in a square of 64: a rounded field, a speech bubble in it, and three lines of a log in the bubble.
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
  <rect width="64" height="64" rx="14" fill="#0b6e5f"/>
  <path d="M19 15h26a6 6 0 0 1 6 6v17a6 6 0 0 1-6 6H31l-9 8v-8h-3a6 6 0 0 1-6-6V21a6 6 0 0 1 6-6Z" fill="#faf9f6"/>
  <g fill="#0b6e5f"><rect x="21" y="22" width="22" height="3.6" rx="1.8"/><rect x="21" y="28.2" width="22" height="3.6" rx="1.8"/>
  <rect x="21" y="34.4" width="13" height="3.6" rx="1.8"/></g>
</svg>
`

const manifest = {
  id: '/',
  name: 'Parley',
  short_name: 'Parley',
  description: 'Chat over your own server',
  start_url: '/',
  scope: '/',
  display: 'standalone',
  background_color: '#f6f5f2',
  theme_color: '#0b6e5f',
  icons: [
    { src: '/icon.svg', sizes: 'any', type: 'image/svg+xml' },
    { src: '/icon-192.png', sizes: '192x192', type: 'image/png' },
    { src: '/icon-512.png', sizes: '512x512', type: 'image/png' },
    { src: '/icon-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
  ],
}

export function icons(): Plugin {
  const files = (): [name: string, type: string, content: () => string | Buffer][] => [
    ['icon.svg', 'image/svg+xml', () => svg],
    ['manifest.webmanifest', 'application/manifest+json', () => JSON.stringify(manifest)],
    ['icon-180.png', 'image/png', () => png(180, 'square')],
    ['icon-192.png', 'image/png', () => png(192, 'round')],
    ['icon-512.png', 'image/png', () => png(512, 'round')],
    ['icon-maskable-512.png', 'image/png', () => png(512, 'maskable')],
    ['badge-96.png', 'image/png', () => png(96, 'badge')],
  ]
  return {
    name: 'parley:icons',
    generateBundle() {
      for (const [fileName, , content] of files()) this.emitFile({ type: 'asset', fileName, source: content() })
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const file = files().find(([name]) => request.url === `/${name}`)
        if (!file) return next()
        response.setHeader('Content-Type', file[1])
        response.end(file[2]())
      })
    },
  }
}

// How far a point is outside a rounded rectangle, in units of the 64 square; negative inside.
function roundedRectangle(x: number, y: number, left: number, top: number, width: number, height: number, r: number) {
  const dx = Math.abs(x - left - width / 2) - width / 2 + r
  const dy = Math.abs(y - top - height / 2) - height / 2 + r
  return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - r
}

function bubble(x: number, y: number) {
  const body = roundedRectangle(x, y, 13, 15, 38, 29, 6)
  // The tail is the triangle (22,40) (22,52) (31,44).
  const inTail = x >= 22 && y >= 40 && (x - 22) * 8 + (y - 52) * 9 <= 0 && y <= 52
  return inTail ? Math.min(body, -0.5) : body
}

function lines(x: number, y: number) {
  return Math.min(
    roundedRectangle(x, y, 21, 22, 22, 3.6, 1.8),
    roundedRectangle(x, y, 21, 28.2, 22, 3.6, 1.8),
    roundedRectangle(x, y, 21, 34.4, 13, 3.6, 1.8),
  )
}

type Look = 'round' | 'square' | 'maskable' | 'badge'

// One pixel as [red, green, blue, alpha], of a point in the 64 square. A badge is a silhouette: Android paints it.
function colour(look: Look, px: number, py: number): number[] {
  const scale = look === 'maskable' ? 1.3 : 1 // keeps the mark within the safe circle
  const x = (px - 32) * scale + 32
  const y = (py - 32) * scale + 32
  const mark = bubble(x, y) < 0 && lines(x, y) > 0
  if (look === 'badge') return mark ? [255, 255, 255, 255] : [255, 255, 255, 0]
  if (mark) return [...paper, 255]
  const field = look === 'round' ? roundedRectangle(px, py, 0, 0, 64, 64, 14) : -1
  return [...green, field < 0 ? 255 : 0]
}

const cache = new Map<string, Buffer>()

function png(size: number, look: Look): Buffer {
  const known = cache.get(`${look}${size}`)
  if (known) return known
  const samples = 3 // a side: nine points a pixel smooth the edges
  const rows = Buffer.alloc(size * (size * 4 + 1))
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const sum = [0, 0, 0, 0]
      for (let i = 0; i < samples * samples; i++) {
        const x = ((column + ((i % samples) + 0.5) / samples) * 64) / size
        const y = ((row + (Math.floor(i / samples) + 0.5) / samples) * 64) / size
        const [r = 0, g = 0, b = 0, a = 0] = colour(look, x, y)
        sum[0]! += r * a
        sum[1]! += g * a
        sum[2]! += b * a
        sum[3]! += a
      }
      const alpha = sum[3]!
      const at = row * (size * 4 + 1) + 1 + column * 4
      for (let c = 0; c < 3; c++) rows[at + c] = alpha ? Math.round(sum[c]! / alpha) : 0
      rows[at + 3] = Math.round(alpha / (samples * samples))
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  header.set([8, 6, 0, 0, 0], 8) // eight bits, red green blue alpha
  const image = Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    block('IHDR', header),
    block('IDAT', deflateSync(rows, { level: 9 })),
    block('IEND', Buffer.alloc(0)),
  ])
  cache.set(`${look}${size}`, image)
  return image
}

function block(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}
