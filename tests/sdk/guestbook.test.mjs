// guestbook.test.mjs - the example that has one of each, in a running instance, changed while it serves.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { shoal, startInstance } from '../kit/instance.mjs'
import { line, pinOf, withPlugins } from '../kit/plugins.mjs'

const example = join(import.meta.dirname, '../../sdk/examples/guestbook_lua')
const plugins = pin => ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', line('guestbook_lua', pin)]

let site, folder
before(async () => {
  site = await startInstance({ started: false })
  folder = join(site.folder, 'plugins/guestbook_lua')
  cpSync(example, folder, { recursive: true })
  site.config = withPlugins(site.config, plugins(pinOf(folder)))
  await site.start()
})
after(() => site?.stop())

test('a line is kept, heard at once, shown on the page and in the footer, and counted', async () => {
  const events = await fetch(`${site.url}/guestbook/events`)
  assert.match(events.headers.get('content-type'), /event-stream/)
  const reader = events.body.getReader()
  const written = await site.post('//guestbook', { token: true, json: { line: 'it was <lovely>' } })
  assert.equal(written.status, 200, written.text)
  let heard = ''
  while (!heard.includes('\n\n') || !heard.includes('data:')) heard += new TextDecoder().decode((await reader.read()).value)
  assert.match(heard, /^event: guestbook:new\ndata: \{.*"it was <lovely>".*\}$/m)
  await reader.cancel()

  const page = language => site.raw({ path: '/guests', headers: { accept: 'text/html', 'accept-language': language } })
  assert.match((await page('en')).text, /<h1>Guest book<\/h1>\s*<ul><li>root: it was &lt;lovely&gt;<\/li><\/ul>/)
  assert.match((await page('fr')).text, /<h1>Livre d’or<\/h1>/)
  assert.match((await page('en')).text, /<a href="\/guests">Guest book<\/a>: 1/)
  assert.equal((await shoal('guestbook_lua', 'count', site.folder)).stdout, '1 lines\n')
  assert.match((await site.raw({ path: '/metrics' })).text, /^shoal_guestbook_lines_total 1$/m)
  await site.when('its job ran', () => site.log.includes('the first line of root is in the guest book'))
})

test('changed and pinned anew it is reloaded; changed alone it is left out, and reload says so', async () => {
  const code = join(folder, 'guestbook_lua.lua')
  writeFileSync(code, readFileSync(code, 'utf8').replace('Guest book</a>', 'Book of guests</a>'))
  const warned = await shoal('reload', site.folder)
  assert.equal(warned.code, 0)
  assert.match(warned.stderr, /not all of it will start: plugin guestbook_lua was changed: .*; if the change is meant, pin that/)
  await site.when('its route is gone', async () => (await site.raw({ path: '/guestbook' })).status === 404)
  site.config = withPlugins(site.config, plugins(pinOf(folder)))
  assert.equal((await shoal('reload', site.folder)).stderr, '')
  await site.when('the new code answers', async () => (await site.raw({ path: '/', headers: { accept: 'text/html' } })).text.includes('Book of guests</a>: 1'))
})
