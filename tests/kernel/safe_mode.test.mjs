// safe_mode.test.mjs - a server that keeps crashing for no known reason goes on with what came with it.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { shoal, startInstance } from '../kit/instance.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

const all = ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web']
const lua = 'local shoal = require "shoal"\nshoal.route { path = "/guest", handler = function(request) request:json(200, { fine = true }) end }\n'

describe('safe mode', () => {
  let site

  before(async () => {
    site = await startInstance({ started: false })
    const pin = writePlugin(join(site.folder, 'plugins'), 'guest', { lua, manifest: { permissions: ['routes:/guest'] } })
    site.config = withPlugins(site.config, [...all, line('guest', pin)])
    await site.start()
  })
  after(() => site?.stop({ mayCrash: true }))

  const another = async before => site.when('another server answers', async () =>
    site.server && site.server !== before && (await site.raw({ path: '/health' }).catch(() => null))?.status === 200)

  test('a crash: those who ask meanwhile wait, and are answered', async () => {
    const before = site.server
    process.kill(before, 'SIGSEGV')
    // New connections queue in the sockets that the supervisor holds.
    await site.when('the old server is gone', () => { try { process.kill(before, 0); return false } catch { return true } })
    const answers = await Promise.all(Array.from({ length: 10 }, () => site.raw({ path: '/health', timeout: 20000 })))
    assert.deepEqual(answers.map(answer => answer.status), Array(10).fill(200))
    await another(before)
    assert.equal(site.status.safeMode, false)
    assert.deepEqual((await site.raw({ path: '/guest' })).json, { fine: true })
  })

  test('three within ten minutes: the shipped plugins only', async () => {
    for (const i of [2, 3]) {
      const before = site.server
      process.kill(before, 'SIGSEGV')
      await another(before)
      assert.equal(site.status.safeMode, i === 3)
    }
    const health = (await site.raw({ path: '/health' })).json
    assert.equal(health.status, 'degraded')
    assert.match(health.sentences.join(), /safe mode/)
    assert.equal((await site.raw({ path: '/guest' })).status, 404)
    assert.equal((await site.get('/videos')).status, 200)
    assert.equal((await site.raw({ path: '/' })).status, 200)
    assert.equal((await site.logIn()).status, 200)
  })

  test('the doctor says so, and what to do', async () => {
    const { code, stdout } = await shoal('doctor', site.folder, '--json')
    assert.equal(code, 3)
    const row = JSON.parse(stdout).findings.find(row => row.about === 'safe mode')
    assert.equal(row.level, 'bad')
    assert.match(row.do, /reload/)
  })

  test('a reload leaves it', async () => {
    const before = site.server
    assert.equal((await shoal('reload', site.folder)).code, 0)
    await another(before)
    assert.equal(site.status.safeMode, false)
    await site.when('the guest is back', async () => (await site.raw({ path: '/guest' })).status === 200)
    await site.when('all is well', async () => (await site.raw({ path: '/health' })).json.status === 'ok')
  })
})

describe('serve --set', () => {
  let site

  before(async () => { site = await startInstance({ settings: ['instance.name=Set on the line'] }) })
  after(() => site?.stop())

  test('stands over the file, and over a reload', async () => {
    site.config = `${site.config}instance = { name = "Set in the file" }\n`
    assert.equal((await site.get('/config')).json.instance.name, 'Set on the line')
    const before = site.server
    process.kill(site.pid, 'SIGHUP')
    await site.when('another child serves', () => site.server && site.server !== before)
    await sleep(300)
    assert.equal((await site.get('/config')).json.instance.name, 'Set on the line')
  })

  test('a key that does not exist is refused before anything is served', async () => {
    await site.kill()
    for (const [set, pattern] of [['lisen=1', /lisen/], ['instance.nam=x', /nam.*name/], ['signup.enabled=perhaps', /signup\.enabled/], ['nonsense', /nonsense/]]) {
      const { code, stdout, stderr } = await shoal('serve', site.folder, '--set', set)
      assert.equal(code, 2, set)
      assert.match(stdout + stderr, pattern)
    }
  })
})
