// SPDX-License-Identifier: Apache-2.0

// Icons in one style: strokes of 1.75 on a field of 24, drawn for this client.

const shapes = {
  announce: 'M4 10v4l3 .5V9.5L4 10Zm3-.5L18 6v12L7 14.5M8 15l1.2 4.5h2.3L10.4 15.4M21 10.5v3',
  archive: 'M4 5h16v4H4zM5.5 9v10h13V9M10 13h4',
  arrowdown: 'M12 5v14m-6-6 6 6 6-6',
  attach: 'm20 11.5-8.2 8.2a5 5 0 0 1-7-7L13.4 4a3.4 3.4 0 0 1 4.8 4.8l-8.5 8.5a1.7 1.7 0 0 1-2.4-2.4l7.8-7.8',
  back: 'M19 12H5m6-6-6 6 6 6',
  bell: 'M6 17V11a6 6 0 0 1 12 0v6l1.5 2h-15L6 17Zm4 4h4',
  belloff: 'M6 17v-6c0-1 .2-1.9.7-2.7M9 5.7A6 6 0 0 1 18 11v4m-2 4H4.5L6 17m4 4h4M4 4l16 16',
  block: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM6 6l12 12',
  chart: 'M4 20h16M7 16v-4m5 4V6m5 10V9',
  chat: 'M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-7l-5 4v-4H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2Z',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  checks: 'm2.5 12.5 4 4L15 8m-3.5 7.5 1.5 1.5L21.5 8',
  chevron: 'm6 9 6 6 6-6',
  clock: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 7.5V12l3 2',
  close: 'M6 6l12 12M18 6 6 18',
  compass: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Zm3.5 5L13.7 13.7 8.5 15.5l1.8-5.2Z',
  copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
  device: 'M4 5h16v10H4zM2.5 19h19',
  download: 'M12 4v11m-5-4.5 5 4.5 5-4.5M5 20h14',
  edit: 'M4 20l1-4L16.5 4.5l3 3L8 19l-4 1Zm10.5-13.5 3 3',
  exit: 'M10 4H5v16h5M9 12h11m-4.5-4.5L20 12l-4.5 4.5',
  file: 'M6 3.5h8l4.5 4.5v12.5H6zM14 3.5V8h4.5',
  flag: 'M6 21V4h12l-2.5 4.5L18 13H6',
  forward: 'm9 5.5 6.5 6.5L9 18.5',
  globe: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM3.5 12h17M12 3.5c5 5 5 12 0 17-5-5-5-12 0-17Z',
  hash: 'M9.5 4 8 20m8-16-1.5 16M5 9h15M4 15h15',
  help: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Zm-2.5 6.3c0-3.3 5-3.3 5-.3 0 2-2.5 2-2.5 4m0 2.8v.2',
  image: 'M4 5h16v14H4zm0 11 5-5 4 4 3-3 4 4M15 9.2v.1',
  info: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 11v5m0-8.5v.2',
  key: 'M15 4a5 5 0 1 0 0 10 5 5 0 0 0 0-10Zm-3.6 8.6L4 20m3-3 2.5 2.5',
  link: 'M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1m2 3.5a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1',
  lock: 'M6 11h12v9H6zm2.5 0V8a3.5 3.5 0 0 1 7 0v3',
  mail: 'M4 6h16v12H4zm0 1 8 6 8-6',
  more: 'M6 12v.1m6-.1v.1m6-.1v.1',
  mute: 'M4 10v4h3l5 4V6l-5 4H4Zm12 0 5 4m0-4-5 4',
  people:
    'M9 5a3.3 3.3 0 1 0 0 6.6A3.3 3.3 0 0 0 9 5ZM3 19.5c.3-7 11.7-7 12 0M16 5.5a3 3 0 0 1 0 5.8M17.5 14c2.2.8 3.4 2.6 3.5 5.5',
  person: 'M12 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM5 20c.3-7.5 13.7-7.5 14 0',
  pin: 'M9 4h6l-.7 5.5L17.5 13v1.5h-11V13l3.2-3.5L9 4Zm3 10.5V21',
  plus: 'M12 5v14M5 12h14',
  react: 'M20 10.5a8.5 8.5 0 1 1-6.5-6.7M8.5 14c1.5 3 5.5 3 7 0M9 9.5v.2m6-.2v.2M19 2.5v5M16.5 5h5',
  reply: 'M9.5 6 4 11.5 9.5 17M4 11.5h10c4 0 6 2.5 6 7',
  retry: 'M19.5 8A8.3 8.3 0 1 0 20.3 13M20 3.5V8.3h-4.8',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm4.8 11.3L20 20',
  send: 'M4 5l17 7-17 7 2.5-7L4 5Zm2.5 7H13',
  settings:
    'M4 7h9m5 0h2M4 17h2m5 0h9M15.5 4.7a2.3 2.3 0 1 0 0 4.6 2.3 2.3 0 0 0 0-4.6Zm-7 10a2.3 2.3 0 1 0 0 4.6 2.3 2.3 0 0 0 0-4.6Z',
  shield: 'M12 3.5 5 6v5.5c0 4.5 3 7.5 7 9 4-1.5 7-4.5 7-9V6l-7-2.5Z',
  smile: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM8.5 14c1.5 3 5.5 3 7 0M9 9.5v.2m6-.2v.2',
  thread: 'M4 5h16M4 5v10.5h4V19l4-3.5h8V5M8 9h8m-8 3h5',
  trash: 'M5 7h14M9.5 7V4.5h5V7M6.5 7l1 13h9l1-13M10.5 11v5.5m3-5.5v5.5',
  unseen: 'M4 12c4-7 12-7 16 0-4 7-12 7-16 0Zm8-2.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z',
  warn: 'M12 4 2.8 19.5h18.4L12 4Zm0 6v4.5m0 2.3v.2',
} as const

export type IconName = keyof typeof shapes

// Those that point where the text goes to or comes from: the other way where it runs from right to left.
const mirrored: ReadonlySet<IconName> = new Set(['announce', 'back', 'exit', 'forward', 'reply', 'send', 'thread'])

export function Icon({ name, size = 20, class: extra = '' }: { name: IconName; size?: number; class?: string }) {
  return (
    <svg
      class={`icon ${name === 'more' ? 'dots' : ''} ${mirrored.has(name) ? 'mirrored' : ''} ${extra}`}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      aria-hidden="true"
      focusable="false"
    >
      <path d={shapes[name]} />
    </svg>
  )
}
