// SPDX-License-Identifier: Apache-2.0

import { type Key, t } from '../i18n/i18n.ts'
import { Dialog } from '../ui/Dialog.tsx'
import './help.css'

const mod = () => (/Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : t('key.mod'))

/** The keys, and how text is formatted. */
export function HelpDialog({ onClose }: { onClose: () => void }) {
  const groups: [Key, [string[], Key][]][] = [
    [
      'help.everywhere',
      [
        [[mod(), 'K'], 'help.switch'],
        [['Alt', '↑ ↓'], 'help.nextroom'],
        [['Alt', '⇧', '↑ ↓'], 'help.nextunread'],
        [[mod(), '⇧', 'F'], 'help.search'],
        [['Esc'], 'help.close'],
        [['?'], 'help.help'],
      ],
    ],
    [
      'help.writing',
      [
        [['↵'], 'help.send'],
        [['⇧', '↵'], 'help.newline'],
        [['↑'], 'help.editlast'],
        [['@'], 'help.mention'],
        [[mod(), 'B'], 'help.bold'],
        [[mod(), 'I'], 'help.italic'],
      ],
    ],
    [
      'help.messages',
      [
        [['↑ ↓'], 'help.move'],
        [['R'], 'message.reply'],
        [['T'], 'message.thread'],
        [['E'], 'message.edit'],
        [['+'], 'message.react'],
        [['C'], 'message.copy'],
        [['U'], 'message.unread'],
        [[t('key.delete')], 'message.delete'],
      ],
    ],
  ]
  const formats: [string, Key][] = [
    ['**bold**', 'help.bold'],
    ['*italic*', 'help.italic'],
    ['~~strike~~', 'help.strike'],
    ['`code`', 'help.code'],
    ['```', 'help.codeblock'],
    ['> ', 'help.quote'],
    ['- ', 'help.list'],
    ['[text](https://…)', 'help.link'],
  ]
  return (
    <Dialog title={t('help.title')} onClose={onClose} wide>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys */}
      <div class="help" tabIndex={0}>
        {groups.map(([title, keys]) => (
          <section key={title}>
            <h3>{t(title)}</h3>
            <dl>
              {keys.map(([combination, what]) => (
                <div key={what}>
                  <dt>
                    {combination.map(key => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{t(what)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>{t('help.formatting')}</h3>
          <dl>
            {formats.map(([written, what]) => (
              <div key={what}>
                <dt>
                  <code dir="ltr">{written}</code>
                </dt>
                <dd>{t(what)}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Dialog>
  )
}
