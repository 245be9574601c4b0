// SPDX-License-Identifier: Apache-2.0

import { type Client, ParleyError } from '@parley/client'
import { expect, it } from 'vitest'
import { Uploads } from './uploads.ts'

// A client that is asked for a place of a file, and refuses it.
function refusing() {
  const asked: string[] = []
  const client = {
    call: async (_: string, body: { name: string }) => {
      asked.push(body.name)
      throw new ParleyError('forbidden', 'no')
    },
  }
  return { client: client as unknown as Client, asked }
}

it('fails what the server would refuse at once, and sends the others', async () => {
  const { client, asked } = refusing()
  let largest: number | undefined = 5
  const uploads = new Uploads(client, () => largest)
  uploads.add('kitchen', [new File(['123456'], 'large'), new File(['12345'], 'fits'), new File([], 'empty')])
  const shown = () => uploads.list.get().map(u => [u.file.name, u.state, u.error?.code])
  expect(shown()).toEqual([
    ['large', 'failed', 'too_large'],
    ['fits', 'sending', undefined],
    ['empty', 'failed', 'bad_request'],
  ])
  await expect.poll(shown).toContainEqual(['fits', 'failed', 'forbidden'])
  expect(asked).toEqual(['fits'])

  // Trying again asks for the limit again.
  const large = uploads.list.get()[0]!
  uploads.retry(large.id)
  expect(shown()[0]).toEqual(['large', 'failed', 'too_large'])
  largest = undefined
  uploads.retry(large.id)
  expect(shown()[0]).toEqual(['large', 'sending', undefined])
  await expect.poll(() => asked).toEqual(['fits', 'large'])
})
