// SPDX-License-Identifier: Apache-2.0

import { useEffect, useReducer, useRef } from 'preact/hooks'

/** A value that tells when it changes. */
export interface Store<T> {
  get(): T
  set(next: T | ((now: T) => T)): void
  on(listener: () => void): () => void
}

export function store<T>(value: T): Store<T> {
  const listeners = new Set<() => void>()
  return {
    get: () => value,
    set(next) {
      const now = typeof next === 'function' ? (next as (now: T) => T)(value) : next
      if (Object.is(now, value)) return
      value = now
      for (const listener of [...listeners]) listener()
    },
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

const itself = <T>(value: T) => value

/** The part of a store that a component shows; it renders again only when that part is another one. */
export function useStore<T, S = T>(from: Store<T>, select: (value: T) => S = itself as unknown as (value: T) => S): S {
  const [, again] = useReducer<number, void>(n => n + 1, 0)
  const shown = useRef<S>(undefined as S)
  const chosen = useRef(select)
  chosen.current = select
  shown.current = select(from.get())
  useEffect(() => {
    const look = () => {
      if (!Object.is(chosen.current(from.get()), shown.current)) again()
    }
    look() // what changed between rendering and now
    return from.on(look)
  }, [from])
  return shown.current
}
