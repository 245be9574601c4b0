// SPDX-License-Identifier: Apache-2.0

import type { Message } from '@parley/client'
import type { Chat } from '../state/chat.ts'

interface Page {
  messages: Message[]
  next?: object
  has_more: boolean
}

/** Collects all that the server holds of the account, and gives it to the reader as a file. */
export async function exportAccount(chat: Chat): Promise<void> {
  const first = await chat.client.call<Page & Record<string, unknown>>('users/me/export', {}, { patient: true })
  const messages = [...first.messages]
  let page: Page = first
  while (page.has_more && page.next) {
    page = await chat.client.call<Page>('users/me/export', page.next, { patient: true })
    messages.push(...page.messages)
  }
  const { status: _, next: __, has_more: ___, request_id: ____, ...about } = first
  const text = JSON.stringify({ ...about, messages }, null, 2)
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `${chat.user}.json`
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
