// SPDX-License-Identifier: Apache-2.0

import type { ComponentChild, VNode } from 'preact'
import { useState } from 'preact/hooks'
import { t } from '../i18n/i18n.ts'
import { store, useStore } from '../state/store.ts'
import { Button } from './Button.tsx'
import { Dialog } from './Dialog.tsx'
import { errorText } from './errors.ts'
import { Field } from './Field.tsx'
import { Menu, type MenuItem } from './Menu.tsx'
import { notify } from './notices.ts'

interface Open {
  id: number
  render: (close: () => void) => ComponentChild
}

const open = store<readonly Open[]>([])
let last = 0

/** Shows a dialog above the page, until it closes itself. */
export function openDialog(render: (close: () => void) => ComponentChild): void {
  open.set(now => [...now, { id: ++last, render }])
}

export function openMenu(label: string, at: { x: number; y: number }, items: (MenuItem | undefined | false)[]): void {
  openDialog(close => <Menu label={label} at={at} items={items} onClose={close} />)
}

/** Where a menu of a button belongs. */
export function below(element: Element): { x: number; y: number } {
  const box = element.getBoundingClientRect()
  return { x: document.documentElement.dir === 'rtl' ? box.right - 220 : box.left, y: box.bottom + 4 }
}

export function closeDialogs(): void {
  open.set([])
}

export function DialogHost() {
  const shown = useStore(open)
  return (
    <>
      {shown.map(({ id, render }) => (
        <Keyed key={id} render={render} close={() => open.set(now => now.filter(o => o.id !== id))} />
      ))}
    </>
  )
}

function Keyed({ render, close }: { render: Open['render']; close: () => void }) {
  return <>{render(close)}</>
}

interface Question {
  title: string
  text?: string | VNode
  action: string
  danger?: boolean
  /** Asks for a reason, too. */
  reason?: boolean
  /** What to do; the dialog stays open, with the error, where it fails. */
  run: (reason: string) => Promise<unknown>
  done?: string
}

/** Asks before something is done that cannot be taken back. */
export function ask(question: Question): void {
  openDialog(close => <QuestionDialog question={question} close={close} />)
}

function QuestionDialog({ question, close }: { question: Question; close: () => void }) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const [reason, setReason] = useState('')
  const run = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setError('')
    try {
      await question.run(reason.trim())
      close()
      if (question.done) notify(question.done)
    } catch (e) {
      setError(errorText(e))
      setBusy(false)
    }
  }
  return (
    <Dialog title={question.title} onClose={close}>
      <form onSubmit={run} class="stack">
        {question.text && <div class="dialog-text">{question.text}</div>}
        {question.reason && (
          <Field
            label={t('moderate.reason')}
            value={reason}
            maxLength={1000}
            onInput={event => setReason(event.currentTarget.value)}
            autofocus
          />
        )}
        {error && (
          <p class="error" role="alert">
            {error}
          </p>
        )}
        <div class="dialog-actions">
          <Button look="quiet" onClick={close}>
            {t('action.cancel')}
          </Button>
          <Button look={question.danger ? 'danger' : 'primary'} type="submit" busy={busy}>
            {question.action}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
