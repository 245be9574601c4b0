// SPDX-License-Identifier: Apache-2.0

import { useEffect, useRef } from 'preact/hooks'
import { formatRoute, type Route } from '../state/route.ts'

/** Links to the parts of a page, in a line. On narrow screens the line moves so that the open one is seen. */
export function Tabs({
  label,
  tabs,
  current,
}: {
  label: string
  tabs: { name: string; to: Route; text: string }[]
  current: string
}) {
  const line = useRef<HTMLElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: looks again when another one is open
  useEffect(() => {
    line.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [current])
  return (
    <nav ref={line} class="tabs" aria-label={label}>
      {tabs.map(tab => (
        <a key={tab.name} href={formatRoute(tab.to)} aria-current={tab.name === current ? 'page' : undefined}>
          {tab.text}
        </a>
      ))}
    </nav>
  )
}
