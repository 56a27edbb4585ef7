// line_chat.test.mjs - the example: a line that one says is heard by all in the room.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'
import { openSocket } from '../streams/kit.mjs'

const example = join(import.meta.dirname, '..', '..', 'sdk', 'examples', 'line_chat')
let site

before(async () => {
  site = await startInstance({ started: false })
  const manifest = JSON.parse(readFileSync(join(example, 'plugin.json'), 'utf8'))
  const pin = writePlugin(join(site.folder, 'plugins'), 'line_chat', { c: readFileSync(join(example, 'line_chat.c'), 'utf8'), manifest })
  site.config = withPlugins(site.config, [line('line_chat', pin)])
  await site.start()
})
after(() => site?.stop())

test('a line that one says is heard by all in the room', async () => {
  const guests = [await openSocket(site, '/line_chat/room'), await openSocket(site, '/line_chat/room')]
  // A guest hears from the moment that its stream is open on the server: say it again until both do.
  const heard = guests.map(guest => guest.next())
  let all = false
  Promise.all(heard).then(() => { all = true }, () => {})
  for (let i = 0; i < 100 && !all; i++) {
    guests[0].write('ahoy')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  for (const frame of await Promise.all(heard)) assert.deepEqual(JSON.parse(frame.data.toString()), { line: 'ahoy' })
  for (const guest of guests) await guest.leave()
})

test('a line that is too long is not passed on, and the room goes on', async () => {
  const guest = await openSocket(site, '/line_chat/room')
  const heard = guest.next()
  let is = false
  heard.then(() => { is = true }, () => {})
  for (let i = 0; i < 100 && !is; i++) {
    guest.write('x'.repeat(501))
    guest.write('short')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  assert.deepEqual(JSON.parse((await heard).data.toString()), { line: 'short' })
  await guest.leave()
})
