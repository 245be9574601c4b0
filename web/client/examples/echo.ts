// SPDX-License-Identifier: Apache-2.0

// A bot that answers "!echo TEXT" in all its rooms, in the thread of who asked. Run it beside `make run`; see ../README.md.

import { Client, isMessage, login, type ParleyError } from '../index.ts'

const origin = process.env.PARLEY_URL ?? 'http://127.0.0.1:8080'
const [user, password] = process.argv.slice(2)
if (user === undefined || password === undefined) {
  console.error('usage: echo USER PASSWORD')
  process.exit(2)
}

const { token } = await login(origin, user, password).catch((e: ParleyError) => {
  console.error(`${e.code}: ${e.message}`)
  process.exit(1)
})
const client = new Client({ url: `${origin.replace(/^http/, 'ws')}/mqtt`, user, token: () => token })

client.on('state', ({ state, error }) => {
  console.log(state, error?.message ?? '')
  if (state === 'closed' && error) process.exit(1)
})
client.on('event', e => {
  if (!isMessage(e) || e.type !== 'text' || e.sender_id === user || !e.content.startsWith('!echo ')) return
  // Sent in order and once, whatever the connection does meanwhile.
  client.send(e.room_id, e.content.slice('!echo '.length), { threadOf: e.id })
})

process.on('SIGINT', () => void client.close().then(() => process.exit(0)))
client.start()
