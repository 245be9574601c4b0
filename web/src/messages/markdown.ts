// SPDX-License-Identifier: Apache-2.0

// The small Markdown of messages, parsed to nodes: what people write never becomes HTML.

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'bold' | 'italic' | 'strike'; of: Inline[] }
  | { kind: 'code'; text: string }
  | { kind: 'link'; href: string; of: Inline[] }
  | { kind: 'mention'; user: string; text: string }

export type Block =
  | { kind: 'paragraph'; of: Inline[] }
  | { kind: 'code'; text: string; language: string }
  | { kind: 'quote'; of: Block[] }
  | { kind: 'list'; ordered: boolean; start: number; items: Inline[][] }

const deepest = 6 // quotes and styles within each other; what is deeper stays as it was written

export function parse(text: string, depth = 0): Block[] {
  const blocks: Block[] = []
  const lines = text.split('\n')
  let paragraph: string[] = []
  const endParagraph = () => {
    while (paragraph.length && paragraph[0]!.trim() === '') paragraph.shift()
    while (paragraph.length && paragraph.at(-1)!.trim() === '') paragraph.pop()
    if (paragraph.length) blocks.push({ kind: 'paragraph', of: parseInline(paragraph.join('\n')) })
    paragraph = []
  }
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    const fence = /^\s{0,3}```\s*([\w+#.-]*)\s*$/.exec(line)
    if (fence) {
      let end = i + 1
      while (end < lines.length && !/^\s{0,3}```\s*$/.test(lines[end]!)) end++
      endParagraph()
      blocks.push({ kind: 'code', text: lines.slice(i + 1, end).join('\n'), language: fence[1] ?? '' })
      i = end
      continue
    }
    const oneLine = /^\s{0,3}```(.+?)```\s*$/.exec(line)
    if (oneLine) {
      endParagraph()
      blocks.push({ kind: 'code', text: oneLine[1]!.trim(), language: '' })
      continue
    }
    if (/^\s{0,3}>/.test(line) && depth < deepest) {
      endParagraph()
      const quoted: string[] = []
      while (i < lines.length && /^\s{0,3}>/.test(lines[i]!)) quoted.push(lines[i++]!.replace(/^\s{0,3}> ?/, ''))
      i--
      blocks.push({ kind: 'quote', of: parse(quoted.join('\n'), depth + 1) })
      continue
    }
    const item = listItem(line)
    if (item) {
      endParagraph()
      const items: string[] = []
      while (i < lines.length) {
        const next = listItem(lines[i]!)
        if (next && next.ordered === item.ordered) items.push(next.text)
        else if (!next && items.length && /^\s{2,}\S/.test(lines[i]!))
          items[items.length - 1] += `\n${lines[i]!.trim()}`
        else break
        i++
      }
      i--
      blocks.push({
        kind: 'list',
        ordered: item.ordered,
        start: item.start,
        items: items.map(text => parseInline(text)),
      })
      continue
    }
    paragraph.push(line)
  }
  endParagraph()
  return blocks
}

function listItem(line: string): { ordered: boolean; start: number; text: string } | undefined {
  const bullet = /^\s{0,3}[-*•] +(\S.*)$/.exec(line)
  if (bullet) return { ordered: false, start: 1, text: bullet[1]! }
  const numbered = /^\s{0,3}(\d{1,9})[.)] +(\S.*)$/.exec(line)
  if (numbered) return { ordered: true, start: Number(numbered[1]), text: numbered[2]! }
  return undefined
}

const styles = [
  { mark: '**', kind: 'bold' },
  { mark: '__', kind: 'bold' },
  { mark: '~~', kind: 'strike' },
  { mark: '*', kind: 'italic' },
  { mark: '_', kind: 'italic' },
] as const

const word = /[A-Za-z0-9]/
const mention = /@([a-z0-9][a-z0-9._-]{0,63})/iy
const address = /(?:https?:\/\/|mailto:)[^\s<>"]+/iy
const named = /\[([^\][\n]{1,400})\]\(([^\s()]+(?:\([^\s()]*\)[^\s()]*)*)\)/y

export function parseInline(text: string, depth = 0): Inline[] {
  const out: Inline[] = []
  let plain = ''
  const flush = () => {
    if (plain) out.push({ kind: 'text', text: plain })
    plain = ''
  }
  // Marks for which the rest of the text has no end: looked for once only, so that no text takes quadratic time.
  const hopeless = new Set<string>()
  let i = 0
  scan: while (i < text.length) {
    const c = text[i]!
    const before = text[i - 1] ?? ''
    if (c === '\\' && /[\\`*_~[\]()>@#+.!-]/.test(text[i + 1] ?? '')) {
      plain += text[i + 1]
      i += 2
      continue
    }
    if (c === '`') {
      const mark = /^`+/.exec(text.slice(i, i + 8))![0]
      const end = hopeless.has(mark) ? -1 : text.indexOf(mark, i + mark.length)
      if (end > i + mark.length) {
        flush()
        out.push({ kind: 'code', text: text.slice(i + mark.length, end).replace(/^ (.+) $/s, '$1') })
        i = end + mark.length
        continue
      }
      if (end < 0) hopeless.add(mark)
      plain += mark
      i += mark.length
      continue
    }
    if ((c === 'h' || c === 'H' || c === 'm' || c === 'M') && !word.test(before)) {
      address.lastIndex = i
      const found = address.exec(text)
      if (found) {
        const url = trimAddress(found[0])
        const href = safeHref(url)
        if (href) {
          flush()
          out.push({ kind: 'link', href, of: [{ kind: 'text', text: url }] })
          i += url.length
          continue
        }
      }
    }
    if (c === '[') {
      named.lastIndex = i
      const found = named.exec(text)
      const href = found && safeHref(found[2]!)
      if (found && href) {
        flush()
        out.push({
          kind: 'link',
          href,
          of: depth < deepest ? withoutLinks(parseInline(found[1]!, depth + 1)) : [{ kind: 'text', text: found[1]! }],
        })
        i += found[0].length
        continue
      }
    }
    if (c === '@' && !word.test(before) && before !== '/' && before !== '.') {
      mention.lastIndex = i
      const found = mention.exec(text)
      if (found) {
        const user = found[1]!.replace(/[._-]+$/, '')
        flush()
        out.push({ kind: 'mention', user: user.toLowerCase(), text: `@${user}` })
        i += user.length + 1
        continue
      }
    }
    if (depth < deepest && (c === '*' || c === '_' || c === '~') && !word.test(before)) {
      for (const { mark, kind } of styles) {
        if (!text.startsWith(mark, i) || hopeless.has(mark)) continue
        const from = i + mark.length
        if (/\s/.test(text[from] ?? ' ')) continue
        const end = closing(text, mark, from)
        if (end < 0) {
          hopeless.add(mark)
          continue
        }
        flush()
        out.push({ kind, of: parseInline(text.slice(from, end), depth + 1) })
        i = end + mark.length
        continue scan
      }
    }
    plain += c
    i++
  }
  flush()
  return out
}

// Where a style ends: after something that is no space, not within a word, and not in the middle of a longer mark.
function closing(text: string, mark: string, from: number): number {
  for (let end = text.indexOf(mark, from + 1); end >= 0; end = text.indexOf(mark, end + 1)) {
    if (/\s/.test(text[end - 1]!)) continue
    const after = text[end + mark.length] ?? ''
    if (word.test(after)) continue
    if (mark.length === 1 && (after === mark || text[end - 1] === mark)) {
      end++ // a double mark belongs to bold
      continue
    }
    return end
  }
  return -1
}

function withoutLinks(nodes: Inline[]): Inline[] {
  return nodes.flatMap(node => (node.kind === 'link' ? node.of : [node]))
}

// Punctuation after an address belongs to the sentence, and so does a bracket that was opened before it.
function trimAddress(url: string): string {
  for (;;) {
    const last = url.at(-1) ?? ''
    if (/[.,;:!?'"»…*_~]/.test(last)) url = url.slice(0, -1)
    else if (last === ')' && url.split(')').length > url.split('(').length) url = url.slice(0, -1)
    else if (last === ']' && url.split(']').length > url.split('[').length) url = url.slice(0, -1)
    else return url
  }
}

/** The address if it leads to the web or to mail; never to a script. */
export function safeHref(url: string): string | undefined {
  if (!/^(https?:\/\/[^\s/]|mailto:[^\s@]+@)/i.test(url)) return undefined
  try {
    return new URL(url).href
  } catch {
    return undefined
  }
}

/** Whether a text is nothing but a few emoji, which are shown large then. */
export function onlyEmoji(text: string): boolean {
  if (text.length > 40) return false
  const compact = text.replace(/\s/g, '')
  if (
    !compact ||
    !/^(\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d|\ufe0f|\u20e3)+$/u.test(compact)
  )
    return false
  const parts =
    typeof Intl.Segmenter === 'function' ? [...new Intl.Segmenter().segment(compact)].length : compact.length
  return parts <= 4
}

/** A message in one line, for quotes and lists, without its marks. */
export function plainText(text: string): string {
  const inline = (nodes: Inline[]): string =>
    nodes.map(n => (n.kind === 'text' || n.kind === 'code' || n.kind === 'mention' ? n.text : inline(n.of))).join('')
  const block = (b: Block): string => {
    switch (b.kind) {
      case 'paragraph':
        return inline(b.of)
      case 'code':
        return b.text
      case 'quote':
        return b.of.map(block).join(' ')
      case 'list':
        return b.items.map(inline).join(' ')
    }
  }
  return parse(text.slice(0, 600)).map(block).join(' ').replace(/\s+/g, ' ').trim()
}
