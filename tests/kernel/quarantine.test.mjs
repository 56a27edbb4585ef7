// quarantine.test.mjs - broken plugins: the server comes back, leaves them out, and says so.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { shoal, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

const all = ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web']
const pluginsOf = site => join(site.folder, 'plugins')
const health = async site => (await site.raw({ path: '/health' })).json
const doctor = async site => {
  const { code, stdout } = await shoal('doctor', site.folder, '--json')
  return { code, findings: JSON.parse(stdout).findings.filter(row => row.level === 'bad') }
}

const crasher = `#include <shoal/plugin.h>
static int boom(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call; (void)arg; (void)err;
    *(volatile int *)8 = 1;
    return shoal_answer_text(request, 200, "still here");
}
static int fine(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call; (void)arg; (void)err;
    return shoal_answer_text(request, 200, "fine");
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route routes[] = {
        {.method = "GET", .path = "/crasher/boom", .handler = boom},
        {.method = "GET", .path = "/crasher/fine", .handler = fine},
    };
    int code = shoal_route_add(self, &routes[0], err);
    return code != 0 ? code : shoal_route_add(self, &routes[1], err);
}
SHOAL_PLUGIN(.name = "crasher", .start = start);
`

const hooker = `#include <shoal/plugin.h>
static enum shoal_verdict check(struct shoal_call *call, json_t *event, void *arg)
{
    (void)call; (void)arg; (void)event;
    *(volatile int *)8 = 1;
    return SHOAL_PASS;
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    return shoal_decide(self, "video.publish", check, self);
}
SHOAL_PLUGIN(.name = "hooker", .start = start);
`

/** A request that makes the server fall over, then waits for another server. */
async function crash (site, path) {
  const before = site.server
  await site.raw({ path }).catch(() => {})
  await site.when('another server answers', async () =>
    site.server && site.server !== before && (await site.raw({ path: '/health' }).catch(() => null))?.status === 200)
}

describe('a C plugin that crashes on a route', () => {
  let site

  before(async () => {
    site = await startInstance({ started: false })
    const pin = writePlugin(pluginsOf(site), 'crasher', { c: crasher, manifest: { permissions: ['routes:/crasher'] } })
    site.config = withPlugins(site.config, [...all, line('crasher', pin)])
    await site.start()
  })
  after(() => site?.stop({ mayCrash: true }))

  test('works as long as it does not', async () => {
    assert.equal((await site.raw({ path: '/crasher/fine' })).text, 'fine')
    assert.equal((await health(site)).status, 'ok')
  })

  test('the server comes back, with it, twice', async () => {
    for (const i of [1, 2]) {
      await crash(site, `/crasher/boom?${i}`)
      assert.equal((await health(site)).status, 'ok', `after crash ${i}`)
      assert.equal((await site.raw({ path: '/crasher/fine' })).text, 'fine')
      assert.equal((await site.get('/config')).status, 200)
    }
    assert.deepEqual(site.status.crashes.map(row => row.plugin), ['crasher', 'crasher'])
  })

  test('the third time in ten minutes it is left out, and it alone', async () => {
    await crash(site, '/crasher/boom?3')
    const now = await health(site)
    assert.equal(now.status, 'degraded')
    assert.match(now.sentences.join(), /crasher is quarantined/)
    assert.equal(site.status.safeMode, false)
    assert.equal((await site.get('/config')).status, 200)
    assert.equal((await site.raw({ path: '/' })).status, 200)
    assert.ok((await site.raw({ path: '/crasher/fine' })).status >= 400)
    const stays = site.server
    assert.ok((await site.raw({ path: '/crasher/boom?4' })).status >= 400)
    assert.equal(site.server, stays)
  })

  test('the doctor tells it, and the list of plugins', async () => {
    const { code, findings } = await doctor(site)
    assert.equal(code, 3)
    const told = findings.find(row => /crasher is quarantined/.test(row.text))
    assert.ok(told, JSON.stringify(findings))
    assert.match(told.do, /shoal plugin clear .* crasher/)
    const rows = JSON.parse((await shoal('plugin', 'list', site.folder, '--json')).stdout)
    assert.equal(rows.find(row => row.name === 'crasher').state, 'quarantined')
    assert.ok(rows.filter(row => row.name !== 'crasher').every(row => row.state === 'running'))
  })

  test('it stays out over a restart, until it is cleared', async () => {
    await site.kill()
    await site.start()
    assert.equal((await health(site)).status, 'degraded')
    const { code, stdout } = await shoal('plugin', 'clear', site.folder, 'crasher')
    assert.equal(code, 0)
    assert.match(stdout, /another chance/)
    await site.kill()
    await site.start()
    assert.equal((await health(site)).status, 'ok')
    assert.equal((await site.raw({ path: '/crasher/fine' })).text, 'fine')
    const again = await shoal('plugin', 'clear', site.folder, 'crasher')
    assert.equal(again.code, 1)
    assert.match(again.stderr, /is not quarantined/)
  })

  test('the same request is refused after it made the server fall twice', async () => {
    await crash(site, '/crasher/boom?same')
    await crash(site, '/crasher/boom?same')
    const stays = site.server
    const refused = await site.raw({ path: '/crasher/boom?same' })
    assert.equal(refused.status, 503)
    assert.match(refused.headers['content-type'], /problem\+json/)
    assert.equal(site.server, stays)
  })

  test('but not for ever: who sent the fatal one may be gone, and others need it', async () => {
    await site.kill()
    site.environment = { SHOAL_REFUSES_MS: '1' }
    await site.start()
    await crash(site, '/crasher/boom?again')
    await crash(site, '/crasher/boom?again')
    const answered = site.server
    await site.raw({ path: '/crasher/boom?again' }).catch(() => {})
    await site.when('it was run, and the server fell', () => site.server !== answered)
    site.environment = {}
  })
})

test('a C plugin that crashes on a decide hook is left out, and what it should have judged is held', async () => {
  const site = await startInstance({ started: false })
  try {
    const pin = writePlugin(pluginsOf(site), 'hooker', { c: hooker, manifest: { hooks: ['video.publish'] } })
    site.config = withPlugins(site.config, [...all, line('hooker', pin)])
    await site.start()
    const { uuid } = await site.upload(await clip('h264'), { name: 'Judged by a broken one' })
    await site.when('it is quarantined', async () => (await health(site).catch(() => null))?.status === 'degraded', 60000)
    assert.match((await health(site)).sentences.join(), /hooker is quarantined/)
    const video = await site.until(uuid, video => video.blacklisted === true)
    assert.equal(video.blacklisted, true)
    assert.ok([401, 403, 404].includes((await site.get(`/videos/${uuid}`)).status))
    assert.equal((await site.get('/videos')).json.total, 0)
  } finally {
    await site.stop({ mayCrash: true })
  }
})

describe('plugins that cannot start', () => {
  let site
  const good = 'local shoal = require "shoal"\nshoal.route { path = "/good", handler = function(request) request:json(200, { fine = true }) end }\n'
  const expected = {
    other_abi: /other_abi.*(ABI|built for)/i,
    syntax: /syntax\.lua:2/,
    tables: /001_start/,
    no_pin: /sha256/,
    stranger: /pin|sha256/i,
    greedy: /permission|manifest/i,
    copycat: /plugin good answers GET \/good already, and stands before copycat in shoal\.lua$/,
    not_there: /not_there/
  }

  before(async () => {
    site = await startInstance({ started: false })
    const make = (name, what) => line(name, writePlugin(pluginsOf(site), name, what))
    const lines = [
      make('good', { lua: good, manifest: { permissions: ['routes:/good'] } }),
      make('other_abi', { c: '#include <shoal/plugin.h>\nstatic int start(struct shoal_plugin *self, struct shoal_err *err) { (void)self; (void)err; return 0; }\nSHOAL_PLUGIN(.name = "other_abi", .start = start, .abi_major = SHOAL_ABI_MAJOR + 1);\n' }),
      make('syntax', { lua: 'local shoal = require "shoal"\nfunction end\n' }),
      make('tables', { lua: good.replaceAll('/good', '/tables'), manifest: { permissions: ['routes:/tables', 'database'] }, files: { 'migrations/001_start.sql': 'CREATE TABLE tables_one (id ID);\nCREATE TABEL tables_two (id ID);\n' } }),
      make('copycat', { lua: good, manifest: { permissions: ['routes:/good'] } }),
      make('greedy', { lua: good.replaceAll('/good', '/greedy') })
    ]
    writePlugin(pluginsOf(site), 'no_pin', { lua: good.replaceAll('/good', '/no_pin'), manifest: { permissions: ['routes:/no_pin'] } })
    writePlugin(pluginsOf(site), 'stranger', { lua: good.replaceAll('/good', '/stranger'), manifest: { permissions: ['routes:/stranger'] } })
    site.config = withPlugins(site.config, [...all, ...lines, 'no_pin', line('stranger', '0'.repeat(64)), 'not_there'])
    await site.start()
  })
  after(() => site?.stop())

  test('the instance serves without them, and with those that can', async () => {
    assert.deepEqual((await site.raw({ path: '/good' })).json, { fine: true })
    assert.equal((await site.get('/config')).status, 200)
    for (const name of Object.keys(expected)) assert.equal((await site.raw({ path: `/${name}`, headers: { accept: 'application/json' } })).status, 404, name)
  })

  test('/health names each', async () => {
    const now = await health(site)
    assert.equal(now.status, 'degraded')
    for (const name of Object.keys(expected)) assert.ok(now.sentences.some(text => text.includes(name)), `${name}: ${now.sentences}`)
  })

  test('the log, the list of plugins and the doctor say why', async () => {
    const rows = JSON.parse((await shoal('plugin', 'list', site.folder, '--json')).stdout)
    const { code, findings } = await doctor(site)
    assert.equal(code, 3)
    for (const [name, pattern] of Object.entries(expected)) {
      const row = rows.find(row => row.name === name)
      assert.equal(row.state, 'quarantined')
      assert.match(`${name}: ${row.sentence}`, pattern)
      await site.when(`the log has its line on ${name}`, () => site.log.split('\n').some(text => text.includes(name) && pattern.test(text)))
      assert.ok(findings.some(row => row.text.includes(name) && pattern.test(row.text)), `the doctor on ${name}: ${JSON.stringify(findings)}`)
    }
    assert.equal(rows.find(row => row.name === 'good').state, 'running')
  })

  test('a failed migration left nothing behind', async () => {
    const { stdout } = await shoal('plugin', 'list', site.folder, '--json')
    assert.match(JSON.parse(stdout).find(row => row.name === 'tables').sentence, /TABEL|syntax/)
    const pin = writePlugin(pluginsOf(site), 'tables', { lua: good.replaceAll('/good', '/tables'), manifest: { permissions: ['routes:/tables', 'database'] }, files: { 'migrations/001_start.sql': 'CREATE TABLE tables_one (id ID);\nCREATE TABLE tables_two (id ID);\n' } })
    site.config = site.config.replace(/\{ "tables", sha256 = "[0-9a-f]+" \}/, line('tables', pin))
    await site.kill()
    await site.start()
    assert.deepEqual((await site.raw({ path: '/tables' })).json, { fine: true })
  })
})

describe('a Lua plugin that loops', () => {
  let site
  const endless = `local shoal = require "shoal"
local function forever() while true do pcall(function() while true do end end) end end
shoal.route { path = "/loops/now", handler = forever }
shoal.route { path = "/loops/memory", handler = function() local t = {} while true do t[#t + 1] = ("x"):rep(100000) .. #t end end }
shoal.route { path = "/loops/fine", handler = function(request) request:json(200, { fine = true }) end }
shoal.filter("instance.view", forever)
shoal.decide("user.login", function(event) if event.user and event.user.username == "looper" then forever() end end)
`

  before(async () => {
    site = await startInstance({ started: false })
    const pin = writePlugin(pluginsOf(site), 'loops', { lua: endless, manifest: { permissions: ['routes:/loops'], hooks: ['instance.view', 'user.login'] } })
    site.config = withPlugins(site.config, [...all, line('loops', pin)])
    await site.start()
  })
  after(() => site?.stop())

  test('on a route: that request fails, others are answered meanwhile', async () => {
    const { server } = site
    const stuck = ['now', 'memory'].map(name => site.raw({ path: `/loops/${name}` }))
    let isOver = false
    Promise.all(stuck).catch(() => {}).then(() => { isOver = true })
    let meanwhile = 0
    for (let i = 0; i < 20; i++) {
      assert.equal((await site.get('/videos')).status, 200)
      meanwhile += isOver ? 0 : 1
    }
    assert.ok(meanwhile > 0)
    for (const answer of await Promise.all(stuck)) assert.ok(answer.status >= 500, answer.text)
    assert.deepEqual((await site.raw({ path: '/loops/fine' })).json, { fine: true })
    assert.equal(site.server, server)
  })

  test('on a filter: the value goes on unchanged', async () => {
    const answer = await site.get('/config')
    assert.equal(answer.status, 200)
    assert.equal(answer.json.instance.name.length > 0, true)
  })

  test('on a decide that fails closed: refused', async () => {
    assert.equal((await site.post('/users', { token: true, json: { username: 'looper', password: 'pass word 99', email: 'looper@example.org', role: 2, videoQuota: -1, videoQuotaDaily: -1 } })).status, 200)
    const refused = await site.logIn('looper', 'pass word 99')
    assert.equal(refused.status, 503, refused.text)
    assert.match(refused.json.detail, /the check by loops did not work/)
    assert.equal((await site.logIn()).status, 200)
  })
})
