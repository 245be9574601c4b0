// SPDX-License-Identifier: Apache-2.0

/** One or two letters that stand for a name. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/[\s._-]+/)
    .filter(Boolean)
  const first = (text: string | undefined) => (text ? [...text][0]! : '')
  const letters = words.length > 1 ? first(words[0]) + first(words.at(-1)) : first(words[0])
  return letters.toLocaleUpperCase() || '?'
}

// Twelve hues; white letters have a contrast of at least 4.5 on each of them (a test measures it).
export const avatarColours = [
  '#a33b2c',
  '#9a4a00',
  '#7d5a00',
  '#5a6a12',
  '#2f7036',
  '#0c7061',
  '#0b6b85',
  '#2b62a8',
  '#4a55b5',
  '#6e48ab',
  '#8c3f93',
  '#a0356a',
]

/** Which colour an id has: always the same one, on every device. */
export function avatarColour(id: string): number {
  let hash = 2166136261
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 16777619)
  return (hash >>> 0) % avatarColours.length
}
