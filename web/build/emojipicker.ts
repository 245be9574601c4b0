// SPDX-License-Identifier: Apache-2.0

// The emoji picker writes styles into the page as text, which the server's content security policy forbids. The same by
// the ways that the policy allows: a style sheet made by a script, and styles set on elements.

import type { Plugin } from 'vite'

const changes: [from: string, to: string][] = [
  [
    `const style = document.createElement('style');
    style.textContent = baseStyles + EXTRA_STYLES;
    this.shadowRoot.appendChild(style);`,
    `const sheet = new CSSStyleSheet();
    sheet.replaceSync(baseStyles + EXTRA_STYLES);
    this.shadowRoot.adoptedStyleSheets = [sheet];`,
  ],
  [
    'targetNode.setAttribute(attributeName, newValue);',
    `if (attributeName === 'style') targetNode.style.cssText = newValue;
      else targetNode.setAttribute(attributeName, newValue);`,
  ],
]

export function emojiPicker(): Plugin {
  return {
    name: 'parley:emojipicker',
    enforce: 'pre',
    config: () => ({ optimizeDeps: { exclude: ['emoji-picker-element'] } }),
    transform(code, id) {
      if (!id.includes('emoji-picker-element/picker.js')) return
      for (const [from, to] of changes) {
        if (!code.includes(from)) this.error(`emoji-picker-element has changed: look for what became of ${from}`)
        code = code.replace(from, to)
      }
      return { code, map: null }
    },
  }
}
