// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren } from 'preact'
import { memo } from 'preact/compat'
import { useMemo } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { openPerson } from '../people/openPerson.ts'
import { useChat, useName } from '../state/chat.ts'
import { IconButton } from '../ui/Button.tsx'
import { notify } from '../ui/notices.ts'
import { type Block, type Inline, onlyEmoji, parse } from './markdown.ts'

/** A message's text as its author formatted it. */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  const blocks = useMemo(() => parse(text), [text])
  return (
    <div class={`markdown ${onlyEmoji(text) ? 'only-emoji' : ''}`}>
      {blocks.map((block, i) => (
        <BlockNode key={i} block={block} />
      ))}
    </div>
  )
})

// Paragraphs have a direction of their own; marks of lists and quotes stand where the page begins.
function BlockNode({ block }: { block: Block }): ComponentChildren {
  switch (block.kind) {
    case 'paragraph':
      return (
        <p dir="auto">
          <Inlines of={block.of} />
        </p>
      )
    case 'code':
      return <CodeBlock text={block.text} />
    case 'quote':
      return (
        <blockquote>
          {block.of.map((inner, i) => (
            <BlockNode key={i} block={inner} />
          ))}
        </blockquote>
      )
    case 'list': {
      const items = block.items.map((item, i) => (
        <li key={i}>
          <div dir="auto">
            <Inlines of={item} />
          </div>
        </li>
      ))
      return block.ordered ? <ol start={block.start}>{items}</ol> : <ul>{items}</ul>
    }
  }
}

function CodeBlock({ text }: { text: string }) {
  const copy = () =>
    navigator.clipboard?.writeText(text).then(
      () => notify(t('message.copied')),
      () => {},
    )
  return (
    <div class="codeblock" dir="ltr">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      {'clipboard' in navigator && <IconButton icon="copy" size={16} label={t('message.copycode')} onClick={copy} />}
    </div>
  )
}

function Inlines({ of }: { of: Inline[] }): ComponentChildren {
  return of.map((node, i) => {
    switch (node.kind) {
      case 'text':
        return node.text
      case 'bold':
        return (
          <strong key={i}>
            <Inlines of={node.of} />
          </strong>
        )
      case 'italic':
        return (
          <em key={i}>
            <Inlines of={node.of} />
          </em>
        )
      case 'strike':
        return (
          <s key={i}>
            <Inlines of={node.of} />
          </s>
        )
      case 'code':
        return (
          <code key={i} dir="ltr">
            {node.text}
          </code>
        )
      case 'link':
        return (
          <a key={i} href={node.href} target="_blank" rel="noopener noreferrer nofollow">
            <Inlines of={node.of} />
          </a>
        )
      case 'mention':
        return <Mention key={i} user={node.user} text={node.text} />
      default:
        return null
    }
  })
}

function Mention({ user, text }: { user: string; text: string }) {
  const chat = useChat()
  const name = useName(user)
  const known = chat.people.known.get().has(user)
  if (!known) return text
  return (
    <button
      type="button"
      class={`mention ${user === chat.user ? 'me' : ''}`}
      title={text}
      onClick={() => openPerson(user)}
    >
      @{name}
    </button>
  )
}
