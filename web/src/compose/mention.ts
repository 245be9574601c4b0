// SPDX-License-Identifier: Apache-2.0

/** What is being completed: the text between @ and the cursor. */
export interface Completing {
  from: number // where @ stands
  query: string
}

/** Finds an @ that the cursor is behind, with nothing but a name between. */
export function completing(text: string, cursor: number): Completing | undefined {
  const before = text.slice(0, cursor)
  const found = /(^|[\s([{"'«„“>/*_~])@([\p{L}\p{N}._-]{0,40})$/u.exec(before)
  if (!found) return undefined
  return { from: cursor - found[2]!.length - 1, query: found[2]! }
}

export interface Candidate {
  id: string
  name: string
  /** Greater comes first among equal matches: who spoke last. */
  weight?: number
}

const fold = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase()

/** Those whose id or name fits, the best first. */
export function candidates(query: string, people: Iterable<Candidate>, most = 8): Candidate[] {
  const wanted = fold(query)
  const ranked: { person: Candidate; rank: number }[] = []
  for (const person of people) {
    const id = fold(person.id)
    const name = fold(person.name)
    let rank: number
    if (!wanted) rank = 1
    else if (id === wanted) rank = 0
    else if (id.startsWith(wanted) || name.startsWith(wanted)) rank = 1
    else if (name.split(/[\s._-]+/).some(word => word.startsWith(wanted))) rank = 2
    else if (id.includes(wanted) || name.includes(wanted)) rank = 3
    else continue
    ranked.push({ person, rank })
  }
  return ranked
    .sort(
      (a, b) =>
        a.rank - b.rank ||
        (b.person.weight ?? 0) - (a.person.weight ?? 0) ||
        a.person.name.localeCompare(b.person.name),
    )
    .slice(0, most)
    .map(r => r.person)
}

/** Puts the chosen one in the place of what was typed. */
export function complete(text: string, cursor: number, at: Completing, id: string): { text: string; cursor: number } {
  const after = text.slice(cursor)
  const inserted = `@${id}${/^\s/.test(after) ? '' : ' '}`
  return {
    text: text.slice(0, at.from) + inserted + after,
    cursor: at.from + inserted.length + (/^\s/.test(after) ? 1 : 0),
  }
}
