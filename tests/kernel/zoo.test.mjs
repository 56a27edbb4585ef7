// zoo.test.mjs - plugins that crash, eat, babble and spoil: the server comes back, serves and tells.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { shoal, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

const all = ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web']
const health = async site => (await site.raw({ path: '/health' })).json
const doctor = async site => JSON.parse((await shoal('doctor', site.folder, '--json')).stdout).findings
const route = `static int NAME(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)`
const unused = '(void)call; (void)request; (void)arg; (void)err;'

/** An instance with plugins {name: {c or lua, manifest, options}} beside the shipped ones. */
async function instance (plugins, { settings = [], first = [] } = {}) {
  const site = await startInstance({ started: false, settings })
  const lines = Object.entries(plugins).map(([name, what]) => line(name, writePlugin(join(site.folder, 'plugins'), name, what), what.options))
  site.config = withPlugins(site.config, [...first.map(name => lines.find(text => text.includes(`"${name}"`))), ...all, ...lines.filter(text => !first.some(name => text.includes(`"${name}"`)))])
  await site.start()
  return site
}

/** Does what ends the server, then waits for the next one. */
async function falls (site, act) {
  const before = site.server
  await act().catch(() => {})
  await site.when('another server answers', async () =>
    site.server && site.server !== before && (await site.raw({ path: '/health' }).catch(() => null))?.status === 200, 90000)
}

/** What has to work whatever a plugin does. */
async function serves (site, innocent = 'good') {
  assert.equal((await site.get('/videos')).status, 200)
  assert.equal((await site.raw({ path: '/', headers: { accept: 'text/html' } })).status, 200)
  assert.deepEqual((await site.raw({ path: `/${innocent}` })).json, { fine: true })
}

const good = { lua: 'local shoal = require "shoal"\nshoal.route { path = "/good", handler = function(request) request:json(200, { fine = true }) end }\n', manifest: { permissions: ['routes:/good'] } }

// ---- those that end the server

const enders = {
  aborter: { how: 'crash', act: 'abort();' },
  leaver: { how: 'end', act: 'exit(0);' },
  smasher: { how: 'crash', act: 'char *block = malloc(100); free(block); *(volatile int *)16 = block == NULL; ' }
}
const ender = (name, act) => ({
  c: `#include <stdlib.h>
#include <shoal/plugin.h>
${route.replace('NAME', 'fall')} { ${unused} ${act} return shoal_answer_text(request, 200, "still here"); }
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route one = {.method = "GET", .path = "/${name}", .handler = fall};
    return shoal_route_add(self, &one, err);
}
SHOAL_PLUGIN(.name = "${name}", .start = start);
`,
  manifest: { permissions: [`routes:/${name}`] }
})

for (const [name, { how, act }] of Object.entries(enders)) {
  test(`a C plugin that ends the server (${name}): twice it is forgiven, the third time it alone is left out`, async () => {
    const site = await instance({ good, [name]: ender(name, act) })
    try {
      for (const i of [1, 2, 3]) {
        await falls(site, () => site.raw({ path: `/${name}?${i}` }))
        await serves(site)
        if (i === 2) assert.match((await doctor(site)).find(row => row.about === 'crashes').text, new RegExp(`\\b${name} 2\\b`))
      }
      const now = await health(site)
      assert.equal(now.status, 'degraded')
      assert.deepEqual(now.sentences, [`the plugin ${name} is quarantined`])
      assert.equal(site.status.safeMode, false)
      const told = (await doctor(site)).find(row => row.text.startsWith(`${name} is quarantined`))
      assert.match(told.text, new RegExp(`made the server ${how} three times`))
      assert.match(told.do, new RegExp(`shoal plugin clear .* ${name}`))
      const { server } = site
      assert.ok((await site.raw({ path: `/${name}?4` })).status >= 400)
      assert.equal(site.server, server)
    } finally {
      await site.stop({ mayCrash: true })
    }
  })
}

test('a C plugin whose constructor crashes: it is left out before anything is served', async () => {
  const early = ender('early', '')
  early.c += '__attribute__((constructor)) static void too_soon(void) { *(volatile int *)8 = 1; }\n'
  const site = await startInstance({ started: false })
  try {
    const folder = join(site.folder, 'plugins')
    const lines = [line('early', writePlugin(folder, 'early', early)), line('good', writePlugin(folder, 'good', good))]
    site.config = withPlugins(site.config, [...all, ...lines])
    await site.start()
    await serves(site)
    assert.equal(site.status.safeMode, false)
    assert.deepEqual((await health(site)).sentences, ['the plugin early is quarantined'])
    assert.ok((await doctor(site)).some(row => /^early is quarantined/.test(row.text) && /plugin clear/.test(row.do)))
  } finally {
    await site.stop({ mayCrash: true })
  }
})

const listener = `#include <stdlib.h>
#include <string.h>
#include <shoal/plugin.h>
static int taken(struct shoal_call *call, struct shoal_request *request, void *arg, void **state, struct shoal_err *err)
{ ${unused} *state = NULL; return 0; }
static void heard(shoal_stream stream, void *state, const void *data, size_t length, bool is_text)
{
    (void)stream; (void)state; (void)is_text;
    if (length >= 4 && memcmp(data, "fall", 4) == 0) { *(volatile int *)8 = 1; }
    if (length >= 4 && memcmp(data, "hang", 4) == 0) { for (volatile int i = 0; i >= 0; i = 1) { } }
}
static const struct shoal_stream_ops ops = {.open = taken, .message = heard};
static int start(struct shoal_plugin *self, struct shoal_err *err)
{ return shoal_listen(self, SHOAL_LISTEN_UNIX, "socket", &ops, NULL, err); }
SHOAL_PLUGIN(.name = "listener", .start = start);
`

describe('a C plugin that fails in what a loop calls', () => {
  let site
  before(async () => { site = await instance({ good, listener: { c: listener } }) })
  after(() => site?.stop({ mayCrash: true }))
  const say = word => new Promise((resolve, reject) => {
    const wire = connect(join(site.folder, 'data/listener/socket'), () => wire.write(word))
    wire.on('error', reject)
    wire.on('close', resolve)
  })

  test('a loop that never comes back: the watchdog ends the server and names the plugin', async () => {
    await sleep(1000) // the watchdog has heard of each loop
    await falls(site, () => say('hang'))
    await serves(site)
    const [crash] = site.status.crashes
    assert.equal(crash.plugin, 'listener')
    assert.match(crash.sentence, /loop \d+ is silent/)
    assert.match((await doctor(site)).find(row => row.about === 'crashes').text, /listener 1 \(loop \d+ is silent\)/)
  })

  test('crashes there are its own too: left out at the third', async () => {
    await falls(site, () => say('fall'))
    await falls(site, () => say('fall'))
    await serves(site)
    assert.deepEqual(site.status.crashes.map(row => row.plugin), ['listener', 'listener', 'listener'])
    assert.deepEqual((await health(site)).sentences, ['the plugin listener is quarantined'])
    assert.equal(site.status.safeMode, false)
  })
})

// ---- memory

const used = pid => {
  const [, resident, shared] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ').map(Number)
  return (resident - shared) * 4096
}

test('a C plugin that eats memory: the server is started anew before the machine suffers, and it is left out', async () => {
  const eater = ender('eater', `
    for (int i = 0; i < 400; i++) {
        char *block = malloc(16u << 20);
        if (block == NULL) { break; }
        for (size_t at = 0; at < (16u << 20); at += 4096) { ((volatile char *)block)[at] = 1; }
        shoal_call_sleep(call, 10);
    }`)
  eater.c = eater.c.replace('.handler = fall', '.handler = fall, .timeout_ms = 60000')
  const site = await instance({ good, eater }, { settings: ['memory.max=1200M'] })
  try {
    assert.ok(used(site.server) < 800 << 20, `${used(site.server) >> 20} MiB before it began`)
    for (const i of [1, 2, 3]) {
      let most = 0
      const watching = setInterval(() => { try { most = Math.max(most, used(site.server)) } catch {} }, 20)
      await falls(site, async () => {
        const eating = site.raw({ path: `/eater?${i}`, timeout: 60000 }).catch(() => {})
        for (let j = 0; j < 5; j++) assert.equal((await site.get('/videos').catch(() => ({ status: 200 }))).status, 200)
        await eating
      })
      clearInterval(watching)
      assert.ok(most < 2400 * 1024 * 1024, `${most >> 20} MiB`)
      await serves(site)
    }
    assert.ok(site.status.crashes.every(row => row.plugin === 'eater' && /memory\.max/.test(row.sentence)), JSON.stringify(site.status.crashes))
    assert.deepEqual((await health(site)).sentences, ['the plugin eater is quarantined'])
    assert.equal(site.status.safeMode, false)
    const findings = await doctor(site)
    assert.match(findings.find(row => /^eater is quarantined/.test(row.text)).text, /run out of memory three times/)
    assert.match(findings.find(row => row.about === 'crashes').text, /eater 3 \(the server uses more memory than memory\.max allows\)/)
  } finally {
    await site.stop({ mayCrash: true })
  }
})

const glutton = `local shoal = require "shoal"
local all = shoal.sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) SELECT i, hex(zeroblob(50000)) AS x FROM n"
local big = ("x"):rep(1000000)
local eat = {
  state = function() local t = {} while true do t[#t + 1] = ("x"):rep(10000) .. #t end end,
  text = function() local s = big while true do s = s .. s end end,
  json = function() while true do pcall(shoal.json_encode, { big, big, big }) end end,
  html = function() local s = ("<"):rep(1000000) while true do pcall(shoal.html_escape, s) end end,
  url = function() while true do pcall(shoal.url_encode, big) end end,
  rows = function() shoal.query(all) end,
  same = function() local t = {} for i = 1, 30 do t = { t, t } end shoal.json_encode(t) end,
}
local loops = {
  plain = function() while true do pcall(function() while true do end end) end end,
  concat = function() table.concat(setmetatable({}, { __index = table.concat }), "", 1, math.maxinteger) end,
  concats = function() while true do pcall(table.concat, setmetatable({}, { __index = table.concat }), "", 1, 999999) end end,
  collect = function()
    local meta = getmetatable(shoal.array {})
    if type(meta) == "table" then meta.__gc = function() while true do end end end
    for i = 1, 100000 do shoal.array {} end
    while true do end
  end,
  coroutine = function() local run = coroutine.wrap(function() while true do end end) while true do pcall(run) end end,
  pattern = function() while true do pcall(string.find, ("a"):rep(5000), ".-.-.-.-b") end end,
}
for name, harm in pairs(eat) do shoal.route { path = "/glutton/eat/" .. name, cpu_ms = 20000, timeout_ms = 30000, handler = harm } end
for name, harm in pairs(loops) do shoal.route { path = "/glutton/loop/" .. name, handler = harm } end
shoal.route { path = "/glutton", handler = function(request) request:json(200, { fine = true }) end }
local fired = {}
for _, hook in ipairs { "video.viewed", "video.published", "user.login", "page.data" } do
  for _, fire in ipairs { "fire_tell", "fire_filter", "fire_decide" } do
    fired[#fired + 1] = pcall(shoal[fire], hook, {})
  end
end
shoal.route { path = "/glutton/fired", handler = function(request) request:json(200, fired) end }
`

describe('a Lua plugin that eats or loops', () => {
  let site
  before(async () => { site = await instance({ good, glutton: { lua: glutton, manifest: { permissions: ['routes:/glutton', 'database'] } } }) })
  after(() => site?.stop())
  const paths = [...glutton.matchAll(/^ {2}(\w+) = function/gm)].map(([, name], i) => `/glutton/${i < 7 ? 'eat' : 'loop'}/${name}`)

  for (const path of paths) {
    test(`${path}: that call fails in time, all else goes on`, async () => {
      const { server } = site
      const early = used(server)
      let most = 0
      const watching = setInterval(() => { try { most = Math.max(most, used(server)) } catch {} }, 20)
      const begin = Date.now()
      const harmed = await site.raw({ path, timeout: 60000 })
      clearInterval(watching)
      assert.ok(harmed.status >= 500, `${harmed.status} ${harmed.text}`)
      assert.ok(Date.now() - begin < 25000, `it took ${Date.now() - begin} ms`)
      assert.ok(most - early < 800 * 1024 * 1024, `${(most - early) >> 20} MiB more`)
      await serves(site)
      assert.deepEqual((await site.raw({ path: '/glutton' })).json, { fine: true })
      assert.equal(site.server, server)
    })
  }

  test('what the core says happened it cannot make up', async () => {
    assert.deepEqual((await site.raw({ path: '/glutton/fired' })).json, Array(12).fill(false))
  })
})

test('100,000 calls into Lua hooks that throw: memory stays flat, and the plugin works afterwards', async () => {
  const fires = ['filter', 'decide'].map(kind => ({ name: `caller.${kind}`, kind, failure: kind === 'filter' ? 'same' : 'open', moment: 'now', payload: 'any' }))
  const caller = `local shoal = require "shoal"
shoal.route { path = "/caller/{times}", cpu_ms = 60000, timeout_ms = 60000, handler = function(request)
  local value = { rows = {} }
  for i = 1, 40 do value.rows[i] = { i } end
  for i = 1, tonumber(request:param "times") do shoal.fire_filter("caller.filter", value) shoal.fire_decide("caller.decide", value) end
  request:json(200, shoal.fire_filter("caller.filter", { please = true }))
end }
`
  const thrower = `local shoal = require "shoal"
shoal.filter("caller.filter", function(value) if value.please then value.done = true return end error({ value }) end)
shoal.decide("caller.decide", function(value) error("no") end)
`
  const site = await instance({
    caller: { lua: caller, manifest: { permissions: ['routes:/caller'], fires } },
    thrower: { lua: thrower, manifest: { hooks: fires.map(row => row.name), needs: ['caller'] }, options: 'memory_mb = 8' }
  }, { settings: ['log.level=error'] })
  try {
    const { server } = site
    const times = async count => {
      for (let i = 0; i < count; i += 500) assert.deepEqual((await site.raw({ path: '/caller/500', timeout: 60000 })).json, { please: true, done: true })
    }
    await times(20000) // 40,000 calls, until allocators have what they keep
    const early = used(server)
    await times(30000)
    assert.ok(used(server) - early < 24 << 20, `${(used(server) - early) >> 20} MiB more`)
    assert.equal(site.server, server)
  } finally {
    await site.stop()
  }
})

// ---- those that write into the memory of others

const victim = {
  c: `#include <stdlib.h>
#include <shoal/plugin.h>
static const struct shoal_svc_json box = {.size = sizeof box};
${route.replace('NAME', 'show')} { ${unused} return shoal_answer_text(request, 200, *(const char **)arg); }
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    const char **text = malloc(sizeof *text);
    *text = "mine";
    const struct shoal_route one = {.method = "GET", .path = "/victim", .handler = show, .arg = text};
    int code = shoal_provide(self, "box", &box, text, err);
    return code != 0 ? code : shoal_route_add(self, &one, err);
}
SHOAL_PLUGIN(.name = "victim", .start = start);
`,
  manifest: { permissions: ['routes:/victim'], provides: ['box'] }
}
const scribbler = ender('scribbler', 'struct shoal_service box; if (shoal_service_find("box", NULL, &box)) { *(const char **)box.arg = (const char *)8; }')

test('memory that another one spoilt: who trips over it is left out, the doctor names who may have been it, and all else serves', async () => {
  const site = await instance({ good, victim, scribbler })
  try {
    for (const i of [1, 2, 3]) {
      assert.equal((await site.raw({ path: '/victim' })).text, 'mine')
      assert.equal((await site.raw({ path: '/scribbler' })).text, 'still here')
      await falls(site, () => site.raw({ path: `/victim?${i}` }))
      await serves(site)
    }
    // Nobody saw who wrote: the one that was on the stack has the blame, and the server its peace.
    assert.deepEqual((await health(site)).sentences, ['the plugin victim is quarantined'])
    assert.equal(site.status.safeMode, false)
    const told = (await doctor(site)).find(row => /^victim is quarantined/.test(row.text))
    assert.match(told.do, /plugin clear .* victim; if it crashes again: others may have written into its memory \(scribbler\)/)
    const { server } = site
    assert.equal((await site.raw({ path: '/scribbler' })).text, 'still here')
    await serves(site)
    assert.equal(site.server, server)
  } finally {
    await site.stop({ mayCrash: true })
  }
})

// What api makes of a video falls over a text that this one broke, outside of its own code.
const poisoner = {
  c: `#include <stdlib.h>
#include <string.h>
#include <shoal/plugin.h>
static int spoil(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)call; (void)arg; (void)err;
    const char *shape = json_string_value(json_object_get(*value, "shape"));
    if (shape != NULL && strcmp(shape, "detail") == 0) {
        json_t *bad = json_string("a text");
        *(char **)(bad + 1) = (char *)8;
        json_object_set_new(json_object_get(*value, "video"), "bad", bad);
    }
    return 0;
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{ (void)err; return shoal_filter(self, "video.view", spoil, NULL); }
SHOAL_PLUGIN(.name = "poisoner", .start = start);
`,
  manifest: { hooks: ['video.view'], permissions: ['read:videos'] }
}

describe('crashes within a shipped plugin', () => {
  let site, video
  before(async () => {
    site = await instance({ good, poisoner })
    video = await site.upload(await clip('h264', { seconds: 1 }), { name: 'Poison', waitTranscoding: false })
    await site.when('it is listed', async () => (await site.get('/videos')).json.total === 1)
  })
  after(() => site?.stop({ mayCrash: true }))

  test('a page whose inner request crashes again and again is refused, and nothing shipped is turned off', async () => {
    const path = `/w/${video.shortUUID}`
    for (const i of [1, 2]) {
      await falls(site, () => site.raw({ path, headers: { accept: 'text/html' } }))
      await serves(site)
      assert.equal(site.status.crashes.at(-1).plugin, 'api', `crash ${i}`)
      assert.equal(site.status.crashes.at(-1).shipped, true)
    }
    const { server } = site
    for (let i = 0; i < 5; i++) assert.equal((await site.raw({ path, headers: { accept: 'text/html' } })).status, 503)
    await serves(site)
    assert.equal(site.server, server)
    assert.equal(site.status.safeMode, false)
    assert.equal((await health(site)).status, 'ok')
    assert.deepEqual(site.status.quarantine, {})
    assert.match((await doctor(site)).find(row => row.about === 'crashes').text, /api 2\b/)
    const rows = JSON.parse((await shoal('plugin', 'list', site.folder, '--json')).stdout)
    assert.ok(rows.every(row => row.state === 'running'))
  })

  test('where other requests do it too, safe mode keeps what came with the server and leaves the rest out', async () => {
    await falls(site, () => site.get(`/videos/${video.uuid}`))
    assert.equal(site.status.safeMode, true)
    const now = await health(site)
    assert.equal(now.status, 'degraded')
    assert.ok(now.sentences.includes('the server is in safe mode'))
    assert.ok(!now.sentences.some(text => all.some(name => text.includes(`plugin ${name} `))), now.sentences.join())
    const { server } = site
    assert.equal((await site.get(`/videos/${video.uuid}?again`)).status, 200)
    assert.equal((await site.raw({ path: `/w/${video.shortUUID}?again`, headers: { accept: 'text/html' } })).status, 200)
    assert.equal(site.server, server)
    const told = (await doctor(site)).find(row => row.about === 'safe mode')
    assert.match(told.do, /reload/)
  })
})

// ---- nonsense

const filters = ['list.query', 'video.view', 'user.view', 'instance.view', 'page.data', 'video.fill', 'transcode.plan', 'transcode.encode', 'media.place']
const modes = ['number', 'text', 'list', 'bool', 'null', 'empty', 'junk', 'extreme', 'deep', 'bytes', 'func', 'keys', 'huge', 'throw']
const babble = `local shoal = require "shoal"
local mode = "off"
local function deep() local t = {} for i = 1, 60 do t = { t } end return t end
local function other(v)
  local kind = type(v)
  if v == shoal.null then return "no longer null" end
  if kind == "string" then return 7 elseif kind == "number" then return "seven" elseif kind == "boolean" then return { 1 } end
  local t = {}
  for key, inner in pairs(v) do t[key] = other(inner) end
  return t
end
local function extreme(v)
  local kind = type(v)
  if v == shoal.null then return v end
  if kind == "string" then return ("<&\\0x"):rep(2000) elseif kind == "number" then return v > 0 and -9007199254740991 or 9007199254740991 elseif kind == "boolean" then return not v end
  local t = {}
  for key, inner in pairs(v) do t[key] = extreme(inner) end
  return t
end
local nonsense = {
  number = function() return 42 end, text = function() return "nonsense" end, list = function() return { 1, 2 } end,
  bool = function() return true end, null = function() return shoal.null end, empty = function() return {} end,
  junk = other, extreme = extreme, deep = deep, bytes = function(v) v.name = "\\xff\\xfe" return v end,
  func = function() return print end, keys = function() return { [{}] = 1, [2.5] = 2 } end,
  huge = function() local t = {} for i = 1, 20 do t[i] = ("x"):rep(1000000) end return t end, throw = function() error({}) end,
}
local function babble(v) local make = nonsense[mode] if make then return make(v) end end
for _, hook in ipairs { ${filters.map(name => JSON.stringify(name)).join(', ')} } do shoal.filter(hook, babble) end
shoal.decide("user.login", function(event)
  if mode == "bool" then return nil end
  if mode == "empty" then return { verdict = 99 } elseif mode == "junk" then return { verdict = "x", sentence = {} } end
  return babble(event)
end)
shoal.tell("video.state", babble)
shoal.slot("footer", babble)
shoal.provide("oracle", babble)
shoal.route { path = "/babble/mode/{mode}", handler = function(request) mode = request:param "mode" request:json(200, { mode = mode }) end }
local kept
local answers = {
  number = function() return 42 end, text = function() return "x" end, nothing = function() end, func = function() return print end,
  status = function(request) request:json(9999, {}) end, minus = function(request) request:status(-1) end,
  split = function(request) request:answer_header("x-a", "b\\r\\nset-cookie: c=d") request:json(200, {}) end,
  kind = function(request) request:answer(200, "text/html\\r\\nx: y", "z") end,
  bytes = function(request) request:json(200, { "\\xff" }) end,
  fail = function(request) return request:fail(200, "all is well") end,
  other = function(request) if kept then kept:json(200, {}) end kept = request error("none") end,
  cycle = function(request) local t = {} t.t = t request:json(200, t) end,
  throw = function() error(setmetatable({}, { __tostring = function() error "again" end })) end,
}
for name, answer in pairs(answers) do shoal.route { path = "/babble/" .. name, handler = answer } end
shoal.route { path = "/babble/twice", handler = function(request) request:json(200, { first = true }) request:json(201, { second = true }) return { 3 } end }
shoal.job("nonsense", function() return print end)
`
const cmodes = ['positive', 'negative', 'none', 'other', 'junk']
const cbabble = `#include <string.h>
#include <shoal/plugin.h>
static char mode[32] = "off";
static bool is(const char *word) { return strcmp(mode, word) == 0; }
static int shape(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)call; (void)arg; (void)err;
    if (is("positive")) { json_object_clear(*value); return 42; }
    if (is("negative")) { json_object_clear(*value); return -31337; }
    if (is("none")) { json_decref(*value); *value = NULL; }
    if (is("other")) { json_decref(*value); *value = json_integer(7); }
    if (is("junk")) { const char *key; void *next; json_t *inner; json_object_foreach_safe(*value, next, key, inner) { json_object_set_new(*value, key, json_real(1e300)); } }
    return 0;
}
static enum shoal_verdict judge(struct shoal_call *call, json_t *event, void *arg)
{
    (void)call; (void)arg; (void)event;
    return is("off") ? SHOAL_PASS : (enum shoal_verdict)(is("positive") ? 42 : is("negative") ? -42 : SHOAL_ACCEPT);
}
static int hear(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err) { (void)call; (void)event; (void)arg; (void)err; return is("off") ? 0 : -31337; }
static int fill(struct shoal_call *call, const char *slot, const json_t *data, struct shoal_buf *out, void *arg, struct shoal_err *err)
{
    (void)call; (void)slot; (void)data; (void)arg; (void)err;
    if (!is("off")) { shoal_buf_puts(out, "<b>half of"); }
    return is("off") ? 0 : is("positive") ? 42 : -31337;
}
static int serve(struct shoal_call *call, void *arg, const char *operation, const json_t *arguments, json_t **result, struct shoal_err *err)
{
    (void)call; (void)arg; (void)operation; (void)arguments; (void)err;
    *result = is("none") ? NULL : json_string("a result");
    return is("positive") ? 42 : is("negative") ? -31337 : 0;
}
static const struct shoal_svc_json table = {sizeof table, serve};
static int set(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call; (void)arg; (void)err;
    const char *word = shoal_request_param(request, "mode");
    strncpy(mode, word, sizeof mode - 1);
    return shoal_answer_text(request, 200, word);
}
static int answer(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call; (void)arg;
    const char *what = shoal_request_param(request, "what");
    if (strcmp(what, "positive") == 0) { return 42; }
    if (strcmp(what, "negative") == 0) { return -31337; }
    if (strcmp(what, "failed") == 0) { shoal_answer_text(request, 200, "and yet"); return shoal_fail(err, SHOAL_EINTERNAL, "%s", ""); }
    if (strcmp(what, "bytes") == 0) { return shoal_fail(err, SHOAL_EINVAL, "\\xff\\xfe"); }
    if (strcmp(what, "status") == 0) { return shoal_answer_text(request, 70000, "x"); }
    if (strcmp(what, "null") == 0) { return shoal_answer_json(request, 200, NULL); }
    return 0;
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const char *const hooks[] = {${filters.map(name => JSON.stringify(name)).join(', ')}};
    const struct shoal_route routes[] = {{.method = "GET", .path = "/cbabble/mode/{mode}", .handler = set}, {.method = "GET", .path = "/cbabble/{what}", .handler = answer}};
    int code = 0;
    for (size_t i = 0; i < sizeof hooks / sizeof hooks[0] && code == 0; i++) { code = shoal_filter(self, hooks[i], shape, NULL); }
    code = code != 0 ? code : shoal_decide(self, "user.login", judge, NULL);
    code = code != 0 ? code : shoal_tell(self, "video.state", hear, NULL);
    code = code != 0 ? code : shoal_slot_add(self, "footer", fill, NULL, err);
    code = code != 0 ? code : shoal_provide(self, "seer", &table, NULL, err);
    code = code != 0 ? code : shoal_route_add(self, &routes[0], err);
    return code != 0 ? code : shoal_route_add(self, &routes[1], err);
}
SHOAL_PLUGIN(.name = "cbabble", .start = start);
`
const asker = `local shoal = require "shoal"
shoal.route { path = "/asker/{service}", handler = function(request) local ok, said = pcall(shoal.service, request:param "service", "what", {}) request:json(200, { ok = ok, said = said }) end }
`

describe('plugins that return nonsense', () => {
  let site, video, media, channelId
  const hooks = [...filters, 'user.login', 'video.state']
  const permissions = ['read:videos', 'read:users', 'media']
  before(async () => {
    site = await instance({
      good,
      babble: { lua: babble, manifest: { hooks, provides: ['oracle'], permissions: [...permissions, 'routes:/babble', 'pages'] } },
      cbabble: { c: cbabble, manifest: { hooks, provides: ['seer'], permissions: [...permissions, 'routes:/cbabble', 'pages'] } },
      asker: { lua: asker, manifest: { permissions: ['routes:/asker'] } }
    })
    assert.equal((await health(site)).status, 'ok', site.log.slice(-3000))
    media = await clip('h264', { seconds: 1 })
    video = await site.upload(media, { name: 'Before the nonsense' })
    await site.published(video.uuid)
    channelId = await site.channelId()
  })
  after(() => site?.stop())
  const set = async (plugin, mode) => assert.equal((await site.raw({ path: `/${plugin}/mode/${mode}` })).status, 200)

  for (const [plugin, list] of [['babble', modes], ['cbabble', cmodes]]) {
    for (const mode of list) {
      test(`${plugin}, ${mode}: from filters, deciders, slots and services`, async () => {
        const { server } = site
        await set(plugin, mode)
        const isKept = !['empty', 'junk', 'extreme', 'positive'].includes(mode) // of another type: the value goes on unchanged
        for (const path of ['/api/v1/config', '/api/v1/config/about', '/api/v1/server/stats', '/api/v1/videos', `/api/v1/videos/${video.uuid}`, '/nodeinfo/2.0.json', '/', `/w/${video.shortUUID}`, `/videos/embed/${video.uuid}`, '/search?search=before', '/nowhere']) {
          const answer = await site.raw({ path, headers: { accept: path.startsWith('/api') ? 'application/json' : 'text/html,*/*' } })
          assert.ok(answer.status > 0)
          if (isKept) assert.equal(answer.status, path === '/nowhere' ? 404 : 200, `${path}: ${answer.status} ${answer.text.slice(0, 300)}`)
          if (!isKept && path.startsWith('/api/v1/config')) assert.equal(answer.status, 200)
        }
        const me = await site.get('/users/me', { token: true })
        if (isKept) assert.equal(me.json.username, 'root')
        if (plugin === 'cbabble' ? !['none', 'other', 'junk'].includes(mode) : !['bool', 'null'].includes(mode)) {
          const refused = await site.logIn()
          assert.equal(refused.status, 503, refused.text)
          assert.match(refused.json.detail, new RegExp(`the check by ${plugin} did not work`))
        }
        assert.equal((await site.raw({ path: `/asker/${plugin === 'babble' ? 'oracle' : 'seer'}` })).status, 200)
        assert.deepEqual((await site.raw({ path: '/good' })).json, { fine: true })
        await set(plugin, 'off')
        await serves(site)
        assert.equal((await site.logIn()).status, 200)
        assert.equal((await site.get(`/videos/${video.uuid}`)).json.name, 'Before the nonsense')
        assert.equal(site.server, server)
      })
    }
  }

  test('from routes', async () => {
    const { server } = site
    for (const name of ['number', 'text', 'nothing', 'func', 'status', 'minus', 'split', 'kind', 'bytes', 'other', 'other', 'cycle', 'throw']) {
      const answer = await site.raw({ path: `/babble/${name}` })
      assert.equal(answer.status, 500, `${name}: ${answer.status} ${answer.text}`)
      assert.equal(answer.headers['set-cookie'], undefined)
    }
    assert.ok((await site.raw({ path: '/babble/fail' })).status >= 400)
    assert.deepEqual((await site.raw({ path: '/babble/twice' })).json, { first: true })
    for (const name of ['positive', 'negative', 'failed', 'status', 'null', 'nothing']) {
      const answer = await site.raw({ path: `/cbabble/${name}` })
      assert.ok(answer.status >= 400, `${name}: ${answer.status} ${answer.text}`)
    }
    assert.equal((await site.raw({ path: '/cbabble/bytes' })).status, 400)
    await serves(site)
    assert.equal(site.server, server)
  })

  for (const [plugin, mode] of [['babble', 'empty'], ['babble', 'junk'], ['babble', 'extreme'], ['babble', 'number'], ['cbabble', 'junk'], ['cbabble', 'positive']]) {
    test(`${plugin}, ${mode}: a video goes all its way in spite of it`, async () => {
      const { server } = site
      await set(plugin, mode)
      let made
      try {
        made = await site.upload(media, { name: `In spite of ${mode}`, channelId })
        await site.when('it is made', async () => {
          const mine = JSON.parse((await shoal('jobs', 'list', site.folder, '--json')).stdout).filter(job => job.subject === `video:${made.uuid}`)
          return mine.some(job => job.kind === 'core.transcode') && mine.every(job => job.state === 'done')
        })
      } finally {
        await set(plugin, 'off')
      }
      const now = await site.published(made.uuid)
      assert.equal(now.state.id, 1)
      assert.equal(site.server, server)
    })
  }

  test('nobody is left out for it, and the doctor has nothing to say of crashes', async () => {
    assert.equal(site.status.crashes.length, 0)
    assert.deepEqual((await health(site)).sentences, [])
  })
})

const setMode = `static char mode[32] = "off";
static bool is(const char *word) { return strcmp(mode, word) == 0; }
${route.replace('NAME', 'set')} { ${unused} strncpy(mode, shoal_request_param(request, "mode"), sizeof mode - 1); return shoal_answer_text(request, 200, mode); }
`
const liar = `#include <stdint.h>
#include <string.h>
#include <shoal/plugin.h>
#include <shoal/svc/storage.h>
${setMode}
static int put_begin(struct shoal_call *call, void *arg, const char *key, const char *mime, int64_t size, void **put, struct shoal_err *err)
{ (void)call; (void)arg; (void)key; (void)mime; (void)size; (void)err; *put = NULL; return is("code") ? 42 : 0; }
static int put_write(struct shoal_call *call, void *put, const void *data, size_t length, struct shoal_err *err)
{ (void)call; (void)put; (void)data; (void)length; (void)err; return is("code") ? 42 : 0; }
static int put_commit(struct shoal_call *call, void *put, struct shoal_err *err) { (void)call; (void)put; (void)err; return is("code") ? 42 : 0; }
static void put_abort(struct shoal_call *call, void *put) { (void)call; (void)put; }
static int64_t read_at(struct shoal_call *call, void *arg, const char *key, uint64_t offset, void *out, size_t length, struct shoal_err *err)
{ (void)call; (void)arg; (void)key; (void)offset; (void)out; (void)err; return is("more") ? (int64_t)length + 4096 : is("code") ? -31337 : is("none") ? 0 : INT64_MAX; }
static int64_t size_at(struct shoal_call *call, void *arg, const char *key, struct shoal_err *err)
{ (void)call; (void)arg; (void)key; (void)err; return is("code") ? -31337 : is("more") ? 100000 : is("none") ? 0 : INT64_MAX; }
static int remove_at(struct shoal_call *call, void *arg, const char *key, struct shoal_err *err) { (void)call; (void)arg; (void)key; (void)err; return is("code") ? 42 : -31337; }
static int list(struct shoal_call *call, void *arg, const char *prefix, bool (*each)(const char *, int64_t, void *), void *user, struct shoal_err *err)
{ (void)call; (void)arg; (void)prefix; (void)err; for (int i = 0; i < 1000 && each("../../../etc/passwd", INT64_MIN, user); i++) { each("\\xff\\n", -1, user); } return 42; }
static const char *url_of(struct shoal_call *call, void *arg, const char *key, int ttl_s, struct shoal_err *err)
{ (void)call; (void)arg; (void)key; (void)ttl_s; (void)err; return is("url") ? "x\\r\\nset-cookie: a=b" : NULL; }
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_svc_storage storage = {.size = sizeof storage, .put_begin = put_begin, .put_write = put_write, .put_commit = put_commit, .put_abort = put_abort,
        .read = read_at, .stat = size_at, .remove = remove_at, .list = list, .url = url_of, .max_age_s = UINT32_MAX};
    const struct shoal_route one = {.method = "GET", .path = "/liar/{mode}", .handler = set};
    int code = shoal_provide(self, "storage", &storage, NULL, err);
    return code != 0 ? code : shoal_route_add(self, &one, err);
}
SHOAL_PLUGIN(.name = "liar", .start = start);
`
const faker = `#include <string.h>
#include <shoal/plugin.h>
#include <shoal/svc/transcoder.h>
${setMode}
static int probe(struct shoal_call *call, void *arg, const char *path, json_t **out, struct shoal_err *err)
{
    (void)call; (void)arg; (void)path; (void)err;
    *out = is("none") ? NULL : is("text") ? json_string("a film") : is("empty") ? json_object()
        : json_pack("{s:f, s:s, s:I, s:{s:i, s:i, s:i, s:f, s:[]}, s:i}", "duration", -1e300, "format", "", "bitrate_bps", (json_int_t)-1, "video", "codec", 7, "width", -5, "height", 2000000000, "fps", -1e9, "rotation", "audio", 3);
    return is("code") ? 42 : 0;
}
static int remux(struct shoal_call *call, void *arg, const char *path, const json_t *probed, const char *out, const char *key, struct shoal_err *err)
{ (void)call; (void)arg; (void)path; (void)probed; (void)out; (void)key; (void)err; return is("code") ? 42 : 0; }
static int images(struct shoal_call *call, void *arg, const char *path, const json_t *probed, double at_s, struct shoal_image *list, size_t count, struct shoal_err *err)
{ (void)call; (void)arg; (void)path; (void)probed; (void)at_s; (void)err; for (size_t i = 0; i < count; i++) { list[i].out_width = -1; list[i].out_height = 2000000000; } return 0; }
static int takes(struct shoal_call *call, void *arg, const json_t *probed, const json_t *plan) { (void)call; (void)arg; (void)probed; (void)plan; return 0; }
static int run(struct shoal_call *call, void *arg, const struct shoal_transcode *what, struct shoal_err *err)
{
    (void)call; (void)arg;
    struct shoal_rendition wild = {.size = sizeof wild, .resolution = -7, .width = -1, .fps = -1e300, .media_path = "/etc/passwd", .playlist_path = "", .codecs = "\\"\\n\\xff", .bitrate_bps = -1};
    what->progress(what->user, 100000);
    return what->ready(what->user, &wild, err) < 0 && is("code") ? 42 : 0;
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_svc_transcoder table = {.size = sizeof table, .probe = probe, .remux = remux, .images = images, .takes = takes, .run = run};
    const struct shoal_route one = {.method = "GET", .path = "/faker/{mode}", .handler = set};
    int code = shoal_provide(self, "transcoder", &table, NULL, err);
    return code != 0 ? code : shoal_route_add(self, &one, err);
}
SHOAL_PLUGIN(.name = "faker", .start = start);
`

test('a storage that keeps nothing and answers nonsense: files fail, all else serves', async () => {
  const site = await instance({ good, liar: { c: liar, manifest: { provides: ['storage'], permissions: ['media', 'routes:/liar'] } } }, { settings: ['storage=liar'] })
  try {
    const { server } = site
    const channelId = await site.channelId()
    const media = await clip('h264', { seconds: 1 })
    const made = await site.upload(media, { name: 'Kept nowhere', channelId, waitTranscoding: false })
    await site.when('a file is there', async () => ((await site.get(`/videos/${made.uuid}`, { token: true })).json.files ?? []).length > 0)
    const video = (await site.get(`/videos/${made.uuid}`, { token: true })).json
    const paths = [new URL(video.files[0].fileUrl).pathname, video.thumbnailPath, video.previewPath].filter(Boolean)
    for (const mode of ['more', 'code', 'none', 'url', 'wild']) {
      assert.equal((await site.raw({ path: `/liar/${mode}` })).status, 200)
      for (const path of paths) {
        for (const range of [undefined, 'bytes=0-99', 'bytes=90000-']) {
          const answer = await site.raw({ path, headers: range ? { range } : {} }).catch(error => ({ status: 0, headers: {}, error }))
          assert.equal(answer.headers['set-cookie'], undefined)
          if (mode === 'more' || mode === 'code') assert.ok(answer.status === 0 || answer.status >= 400, `${mode} ${path} ${range}: ${answer.status}`)
        }
      }
      await site.send(media, { name: 'Once more', channelId })
      await serves(site)
    }
    assert.equal((await site.delete(`/videos/${made.uuid}`, { token: true })).status, 204)
    await serves(site)
    assert.equal(site.server, server)
    assert.equal(site.status.crashes.length, 0)
  } finally {
    await site.stop()
  }
})

test('a transcoder that makes nothing and says that it did: its videos fail, all else serves', async () => {
  const site = await instance({ good, faker: { c: faker, manifest: { provides: ['transcoder'], permissions: ['media', 'routes:/faker'] } } }, { first: ['faker'] })
  try {
    const { server } = site
    const channelId = await site.channelId()
    for (const mode of ['none', 'text', 'empty', 'wild', 'code']) {
      assert.equal((await site.raw({ path: `/faker/${mode}` })).status, 200)
      const answer = await site.send(await clip('h264', { seconds: 1 }), { name: `Made of ${mode}`, channelId })
      assert.ok(answer.status >= 200)
      await sleep(500)
      await serves(site)
      assert.equal((await site.get('/users/me/videos', { token: true })).status, 200)
    }
    await sleep(2000)
    assert.equal((await site.get('/videos')).json.total, 0, 'nothing is shown that was not made')
    await serves(site)
    assert.equal(site.server, server)
    assert.equal(site.status.crashes.length, 0)
  } finally {
    await site.stop()
  }
})
