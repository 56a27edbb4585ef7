// order.test.mjs - what `shoal hooks` prints is the order in which plugins are asked.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { shoal, startInstance } from '../kit/instance.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

// In the order of shoal.lua; a lower number is asked first, equal ones as they stand there.
const priorities = { late: 300, second: 50, unsaid: undefined, unsaid_too: undefined, first: 10 }
const order = ['first', 'second', 'unsaid', 'unsaid_too', 'late']
const lua = name => `local shoal = require "shoal"
shoal.filter("instance.view", function(view)
  if view.document == "config" then view.value.asked = (view.value.asked or "") .. "${name} " end
end)
`

let site
before(async () => {
  site = await startInstance({ started: false })
  const lines = Object.entries(priorities).map(([name, priority]) =>
    line(name, writePlugin(join(site.folder, 'plugins'), name, { lua: lua(name), manifest: { hooks: priority ? { 'instance.view': priority } : ['instance.view'] } })))
  site.config = withPlugins(site.config, [...lines, 'storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web'])
  await site.start()
})
after(() => site?.stop())

test('as printed, so asked', async () => {
  assert.equal((await site.get('/config')).json.asked, `${order.join(' ')} `)
  const rows = JSON.parse((await shoal('hooks', site.folder, '--json')).stdout).filter(row => row.hook === 'instance.view')
  assert.deepEqual(rows.map(row => row.plugin), order)
  assert.deepEqual(rows.map(row => row.priority), [10, 50, 100, 100, 300])
  const one = JSON.parse((await shoal('hooks', site.folder, '--json', '--plugin', 'second')).stdout)
  assert.deepEqual(one.map(row => [row.hook, row.kind, row.plugin]), [['instance.view', 'filter', 'second']])
  const unknown = await shoal('hooks', site.folder, '--plugin', 'nobody')
  assert.notEqual(unknown.code, 0, 'a plugin that is not there has no order')
  assert.match(unknown.stderr, /nobody/)
  const core = JSON.parse((await shoal('routes', site.folder, '--json', '--plugin', 'core')).stdout)
  assert.ok(core.some(row => row.path === '/health') && core.every(row => row.plugin === 'core'), 'what the list calls core can be asked for')
})
