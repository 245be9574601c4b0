// SPDX-License-Identifier: Apache-2.0

import type { ComponentChild, VNode } from 'preact'
import { useState } from 'preact/hooks'
import { store, useStore } from '../state/store.ts'
import { ReasonField } from './Field.tsx'
import { FormDialog } from './FormDialog.tsx'
import { Menu, type MenuItem } from './Menu.tsx'

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
  const [reason, setReason] = useState('')
  const { title, text, action, danger, run, done } = question
  return (
    <FormDialog
      title={title}
      action={action}
      danger={danger ?? false}
      run={() => run(reason.trim())}
      done={done}
      onClose={close}
    >
      {text && <div class="dialog-text">{text}</div>}
      {question.reason && <ReasonField value={reason} onChange={setReason} autofocus />}
    </FormDialog>
  )
}
