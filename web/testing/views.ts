// SPDX-License-Identifier: Apache-2.0

// The main views of the client, and how one comes to each: for axe to look through, and for pictures.

import type { Person } from './browser.ts'

export interface View {
  name: string
  /** Who looks at it: somebody of the demo, or nobody who is signed in. */
  as: 'nobody' | 'alice' | 'admin'
  /** So much of it that looking through it once has to do. */
  long?: true
  show(p: Person): Promise<void>
}

const at = async (p: Person, hash: string) => {
  await p.page.evaluate(to => {
    location.hash = to
  }, hash)
}
const heading = (p: Person, name: string) => p.page.getByRole('heading', { name, exact: true }).first().waitFor()
const room = async (p: Person, id: string, text: string) => {
  await at(p, `#/r/${id}`)
  await p.sees(text)
}
const panel = async (p: Person, where: string, name: string | RegExp, text: string | RegExp) => {
  await at(p, `#/r/${where}`)
  await p.panel(name).getByText(text).first().waitFor()
}

export const views: View[] = [
  {
    name: 'sign-in',
    as: 'nobody',
    show: async p => {
      await p.page.goto(p.origin)
      await p.page.getByRole('button', { name: 'Create account' }).waitFor()
    },
  },
  {
    name: 'sign-up',
    as: 'nobody',
    show: async p => {
      await p.page.getByRole('button', { name: 'Create account' }).click()
      await p.page.getByRole('form', { name: 'Create account' }).waitFor()
    },
  },
  {
    name: 'docs',
    as: 'nobody',
    long: true,
    show: async p => {
      await p.page.goto(`${p.origin}/docs`)
      await p.page.getByRole('heading', { level: 1 }).first().waitFor()
    },
  },
  {
    name: 'home',
    as: 'alice',
    show: async p => {
      await at(p, '#/')
      await p.navigation.getByRole('link', { name: /Kitchen/ }).waitFor()
    },
  },
  { name: 'room', as: 'alice', show: p => room(p, 'general', 'The recipe from yesterday') },
  {
    name: 'room-with-picture',
    as: 'alice',
    show: async p => {
      await room(p, 'greenhouse', 'A hook for the door')
      await p.log.getByRole('button', { name: 'View temperature.png' }).scrollIntoViewIfNeeded()
    },
  },
  {
    name: 'viewer',
    as: 'alice',
    show: async p => {
      await p.log.getByRole('button', { name: 'View temperature.png' }).click()
      await p.dialog('View temperature.png').getByRole('img').waitFor()
    },
  },
  { name: 'members', as: 'alice', show: p => panel(p, 'greenhouse/members', 'Members', 'Bob Okafor') },
  { name: 'details', as: 'alice', show: p => panel(p, 'harvest-plan/details', 'Room details', 'Slow mode') },
  { name: 'pins', as: 'alice', show: p => panel(p, 'general/pins', 'Pinned messages', 'For this week') },
  {
    name: 'thread',
    as: 'alice',
    show: async p => {
      await room(p, 'general', 'Who takes the early shift')
      await p.message('Who takes the early shift').getByRole('button', { name: '3 replies' }).click()
      await p.sees('You are both wonderful', p.thread)
    },
  },
  {
    name: 'profile',
    as: 'alice',
    show: async p => {
      await panel(p, 'harvest-plan/members', 'Members', 'Bob Okafor')
      await p.panel('Members').getByText('Bob Okafor').first().click()
      await p.dialog('Profile').getByRole('button', { name: 'Mute', exact: true }).waitFor()
    },
  },
  {
    name: 'private-conversation',
    as: 'alice',
    show: p => room(p, 'private:alice:bob', 'Please. I bring the hook.'),
  },
  {
    name: 'emoji',
    as: 'alice',
    show: async p => {
      await p.page.getByRole('button', { name: 'Insert an emoji' }).click()
      await p.dialog('Choose an emoji').getByRole('option').or(p.dialog().getByRole('menuitem')).first().waitFor()
    },
  },
  {
    name: 'search',
    as: 'alice',
    show: async p => {
      await at(p, '#/search')
      await p.page.getByRole('searchbox', { name: 'Search messages' }).fill('greenhouse')
      await p.page
        .getByRole('button', { name: /: go there/ })
        .first()
        .waitFor()
    },
  },
  {
    name: 'search-in-room',
    as: 'alice',
    show: p => panel(p, 'general/search', /Search/, /Words in any order/),
  },
  {
    name: 'discover',
    as: 'alice',
    show: async p => {
      await at(p, '#/discover')
      await p.page.getByRole('button', { name: 'Join Reading circle' }).waitFor()
    },
  },
  {
    name: 'new-room',
    as: 'alice',
    show: async p => {
      await p.page.getByRole('main').getByRole('button', { name: 'Create a room' }).click()
      await p.dialog('Create a room').waitFor()
    },
  },
  ...(
    [
      ['account', 'Your data'],
      ['look', 'Colours'],
      ['notifications', 'Hear of private messages, mentions and replies while this page is closed.'],
      ['devices', 'this device'],
    ] as const
  ).map(
    ([section, text]): View => ({
      name: `settings-${section}`,
      as: 'alice',
      show: async p => {
        await at(p, `#/settings/${section}`)
        await p.page.getByRole('main').getByText(text).first().waitFor()
      },
    }),
  ),
  {
    name: 'switcher',
    as: 'alice',
    show: async p => {
      await at(p, '#/')
      await p.page.getByRole('main').or(p.navigation).first().waitFor()
      await p.page.keyboard.press('Control+k')
      await p.dialog('Go to…').getByRole('combobox').fill('h')
      await p.dialog('Go to…').getByRole('option').first().waitFor()
    },
  },
  {
    name: 'help',
    as: 'alice',
    show: async p => {
      await at(p, '#/')
      await p.page.keyboard.press('?')
      await p.dialog('Keyboard and formatting').waitFor()
    },
  },
  ...(
    [
      ['overview', 'Guarantees'],
      ['users', 'Carol Lindqvist'],
      ['reports', 'reported by Alice Moreau'],
      ['audit', 'muted'],
    ] as const
  ).map(
    ([section, text]): View => ({
      name: `admin-${section}`,
      as: 'admin',
      show: async p => {
        await at(p, `#/admin/${section}`)
        await heading(p, 'Administration')
        await p.page.getByRole('main').getByText(text).first().waitFor()
      },
    }),
  ),
]
