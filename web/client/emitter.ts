// SPDX-License-Identifier: Apache-2.0

/** Listeners by name. One that fails does not keep the others from hearing. */
export class Emitter<E> {
  readonly #listeners = new Map<keyof E, Set<(value: never) => void>>()

  on<K extends keyof E>(name: K, listener: (value: E[K]) => void): () => void {
    let set = this.#listeners.get(name)
    if (!set) {
      set = new Set()
      this.#listeners.set(name, set)
    }
    // A function of its own each time, so that listening twice is undone once.
    const own = (value: E[K]) => listener(value)
    set.add(own)
    return () => set.delete(own)
  }

  emit<K extends keyof E>(name: K, value: E[K]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        ;(listener as (value: E[K]) => void)(value)
      } catch (e) {
        setTimeout(() => {
          throw e // for whoever watches the page's errors
        })
      }
    }
  }
}
