// SPDX-License-Identifier: Apache-2.0

/** What somebody began to write and has not sent, kept across reloads. A place is a room, or a thread in it. */
export class Drafts {
  readonly #prefix: string
  readonly #storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | undefined
  readonly #texts = new Map<string, string>()

  constructor(user: string, storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | undefined) {
    this.#prefix = `parley.draft ${user} `
    this.#storage = storage
  }

  get(place: string): string {
    const known = this.#texts.get(place)
    if (known !== undefined) return known
    let saved = ''
    try {
      saved = this.#storage?.getItem(this.#prefix + place) ?? ''
    } catch {
      // No storage: nothing was kept.
    }
    this.#texts.set(place, saved)
    return saved
  }

  set(place: string, text: string): void {
    this.#texts.set(place, text)
    try {
      if (text.trim()) this.#storage?.setItem(this.#prefix + place, text)
      else this.#storage?.removeItem(this.#prefix + place)
    } catch {
      // The storage is full or forbidden: the draft lives as long as the page.
    }
  }
}
