// SPDX-License-Identifier: Apache-2.0

/** Grey rows in the shape of what will come. */
export function MessageSkeleton({ rows = 6 }: { rows?: number }) {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} class="skeleton-row">
          <span class="bone round" />
          <div class="grow">
            <span class={`bone w${(i * 7) % 3}`} />
            <span class={`bone long w${(i * 5) % 4}`} />
          </div>
        </div>
      ))}
    </div>
  )
}

export function LineSkeleton({ rows = 5 }: { rows?: number }) {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} class="skeleton-row tight">
          <span class={`bone long w${(i * 5) % 4}`} />
        </div>
      ))}
    </div>
  )
}
