// out_of_tree.test.mjs - plugins made against an installed SDK, with hooks of their own, and their bounds.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { build, shoal, startInstance } from '../kit/instance.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

const all = ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web']
const folder = mkdtempSync(join(tmpdir(), 'shoal-away-'))
const prefix = join(folder, 'prefix')
const installed = join(prefix, 'bin/shoal')
const pluginsOf = site => join(site.folder, 'plugins')

before(() => execFileSync('cmake', ['--install', build, '--prefix', prefix], { stdio: 'pipe' }))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the installed program outside of every source tree. */
const run = (...args) => spawnSync(installed, args, { cwd: folder, encoding: 'utf8', timeout: 120000 })

/** Begins a C plugin from the installed template; source and manifest replace what it has, lists are further lines of CMake. */
function makeC (name, { source, manifest, lists } = {}) {
  const path = join(folder, name)
  const made = run('plugin', 'new', name, '--c')
  assert.equal(made.status, 0, made.stderr)
  if (source) writeFileSync(join(path, `${name}.c`), source)
  if (source) rmSync(join(path, 'tests'), { recursive: true }) // they test what the template does
  if (manifest) writeFileSync(join(path, 'plugin.json'), JSON.stringify({ ...JSON.parse(readFileSync(join(path, 'plugin.json'), 'utf8')), hooks: [], settings: [], ...manifest }))
  if (lists) appendFileSync(join(path, 'CMakeLists.txt'), lists)
  const objects = join(folder, `${name}-build`)
  execFileSync('cmake', ['-S', path, '-B', objects, `-DSHOAL_SDK=${join(prefix, 'include')}`], { stdio: 'pipe' })
  execFileSync('cmake', ['--build', objects], { stdio: 'pipe' })
  return path
}

/** The line for shoal.lua that `shoal plugin check` prints. */
function checkedLine (name) {
  const { status, stdout, stderr } = run('plugin', 'check', name)
  assert.equal(status, 0, stdout + stderr)
  const found = stdout.match(new RegExp(`\\{ "${name}", sha256 = "[0-9a-f]{64}" \\}`))
  assert.ok(found, stdout)
  return found[0]
}

/** Puts a built plugin into an instance; its line for shoal.lua. */
function bring (site, path, name) {
  cpSync(path, join(pluginsOf(site), name), { recursive: true })
  return checkedLine(name)
}

test('a plugin is made, built, tested and checked with nothing but what was installed', () => {
  for (const path of ['include/shoal/plugin.h', 'share/shoal/cmake/ShoalPlugin.cmake', 'share/shoal/templates/c/CMakeLists.txt']) {
    assert.ok(existsSync(join(prefix, path)), path)
  }
  const path = makeC('away')
  const cache = readFileSync(join(folder, 'away-build/CMakeCache.txt'), 'utf8')
  assert.ok(cache.includes(`=${join(prefix, 'include')}\n`))
  assert.ok(existsSync(join(path, 'away.so')))
  const tested = run('plugin', 'test', 'away')
  assert.equal(tested.status, 0, tested.stdout + tested.stderr)
  assert.match(tested.stdout, /^2 passed, 0 failed$/m)
  assert.ok(checkedLine('away'))
})

test('a plugin from elsewhere links the libraries of the SDK', () => {
  const path = makeC('printer', {
    source: `#include <shoal/plugin.h>
#include <mustache.h>
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)self;
    (void)err;
    struct mustache *template = mustache_parse("x", "{{a}}", 5, NULL);
    bool is_there = template != NULL;
    mustache_free(template);
    return is_there ? 0 : SHOAL_EINTERNAL;
}
SHOAL_PLUGIN(.name = "printer", .start = start);
`,
    lists: `include(${join(prefix, 'share/shoal/cmake/ShoalLibraries.cmake')})
target_link_libraries(printer PRIVATE shoal_mustache)
`
  })
  assert.ok(existsSync(join(path, 'printer.so')))
  assert.match(run('plugin', 'check', 'printer').stdout, /"printer", sha256/)
})

for (const [field, next, advice] of [
  ['abi_minor', 'SHOAL_ABI_MINOR + 1', /newer_abi_minor was built for version \d+\.\d+ of the plugin interface and this server has \d+\.\d+: upgrade the server or take an older build/],
  ['abi_major', 'SHOAL_ABI_MAJOR + 1', /newer_abi_major was built for version \d+ of the plugin interface and this server has \d+: take a build of it that is made for this server/]
]) {
  test(`one whose ${field} is higher than the server's does not start, and says what to do`, () => {
    const path = makeC(`newer_${field}`, {
      source: `#include <shoal/plugin.h>
static int start(struct shoal_plugin *self, struct shoal_err *err) { (void)self; (void)err; return 0; }
SHOAL_PLUGIN(.name = "newer_${field}", .start = start, .${field} = ${next});
`
    })
    mkdirSync(join(path, 'tests'))
    writeFileSync(join(path, 'tests/any_test.lua'), 'test("starts", function() equal(1, 1) end)\n')
    const tested = run('plugin', 'test', `newer_${field}`)
    assert.notEqual(tested.status, 0)
    assert.match(tested.stdout + tested.stderr, advice)
  })
}

const fires = name => [{ name, kind: 'decide', failure: 'hold', moment: 'before a letter is delivered', payload: 'word' }]

/** Fires mail_room.letter for each request to its route. */
const mailRoom = `#include <shoal/plugin.h>
static int deliver(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    static const char *const names[] = {"pass", "hold", "refuse"};
    (void)arg;
    (void)err;
    struct shoal_decision said;
    json_t *letter = json_pack("{s:s}", "word", shoal_request_param(request, "word"));
    enum shoal_verdict verdict = shoal_fire_decide(call, "mail_room.letter", letter, &said);
    json_decref(letter);
    return shoal_answer_json(request, 200, json_pack("{s:s, s:s, s:s}", "verdict", names[verdict],
        "plugin", said.plugin, "sentence", said.sentence));
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route route = {.method = "GET", .path = "/mail_room/{word}", .handler = deliver};
    return shoal_route_add(self, &route, err);
}
SHOAL_PLUGIN(.name = "mail_room", .start = start);
`
const reader = `local shoal = require "shoal"
shoal.decide("mail_room.letter", function(letter)
  if letter.word == "bill" then return shoal.refuse("no bills") end
  if letter.word == "parcel" then return shoal.hold("parcels are opened first") end
end)
`
const counter = `local shoal = require "shoal"
shoal.route { path = "/counter/{word}", handler = function(request)
  local verdict, sentence = shoal.fire_decide("counter.letter", { word = request:param "word" })
  request:json(200, { verdict = verdict, sentence = sentence })
end }
`
const clerk = `#include <string.h>
#include <shoal/plugin.h>
static enum shoal_verdict judge(struct shoal_call *call, json_t *letter, void *arg)
{
    (void)arg;
    const char *word = shoal_text(letter, "word", "");
    if (strcmp(word, "bill") == 0) { return shoal_refuse(call, "the clerk returns %s", word); }
    if (strcmp(word, "parcel") == 0) { return shoal_hold(call, "the clerk weighs %s", word); }
    return SHOAL_PASS;
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    int code = shoal_decide(self, "counter.letter", judge, self);
    return code == 0 ? 0 : shoal_fail(err, code, "counter.letter is not there");
}
SHOAL_PLUGIN(.name = "clerk", .start = start);
`

describe('a hook that one plugin fires and another decides', () => {
  let site, firing, deciding
  const ask = async path => {
    const answer = await site.raw({ path })
    assert.equal(answer.status, 200, answer.text)
    return answer.json
  }

  before(async () => {
    const room = makeC('mail_room', { source: mailRoom, manifest: { permissions: ['routes:/mail_room'], fires: fires('mail_room.letter') } })
    const desk = makeC('clerk', { source: clerk, manifest: { hooks: ['counter.letter'], needs: ['counter'] } })
    site = await startInstance({ started: false })
    firing = [
      bring(site, room, 'mail_room'),
      line('counter', writePlugin(pluginsOf(site), 'counter', { lua: counter, manifest: { permissions: ['routes:/counter'], fires: fires('counter.letter') } }))
    ]
    deciding = [
      line('reader', writePlugin(pluginsOf(site), 'reader', { lua: reader, manifest: { hooks: ['mail_room.letter'], needs: ['mail_room'] } })),
      bring(site, desk, 'clerk')
    ]
    site.config = withPlugins(site.config, [...all, ...firing])
    await site.start()
  })
  after(() => site?.stop())

  test('passes everything while nobody decides', async () => {
    for (const word of ['bill', 'parcel', 'card']) {
      assert.deepEqual(await ask(`/mail_room/${word}`), { verdict: 'pass', plugin: '', sentence: '' })
      assert.deepEqual(await ask(`/counter/${word}`), { verdict: 'pass', sentence: '' })
    }
  })

  test('has the verdict of the one that decides, from C to Lua and from Lua to C', async () => {
    await site.kill()
    // Before those that they need: the order of the lines does not matter.
    site.config = withPlugins(site.config, [...all, ...deciding, ...firing])
    await site.start()
    assert.equal((await site.raw({ path: '/health' })).json.status, 'ok')
    assert.deepEqual(await ask('/mail_room/bill'), { verdict: 'refuse', plugin: 'reader', sentence: 'no bills' })
    assert.deepEqual(await ask('/mail_room/parcel'), { verdict: 'hold', plugin: 'reader', sentence: 'parcels are opened first' })
    assert.deepEqual(await ask('/mail_room/card'), { verdict: 'pass', plugin: '', sentence: '' })
    assert.deepEqual(await ask('/counter/bill'), { verdict: 'refuse', sentence: 'the clerk returns bill' })
    assert.deepEqual(await ask('/counter/parcel'), { verdict: 'hold', sentence: 'the clerk weighs parcel' })
    assert.deepEqual(await ask('/counter/card'), { verdict: 'pass', sentence: '' })
  })

  test('one that decides stays out where the one that fires is not', async () => {
    await site.kill()
    site.config = withPlugins(site.config, [...all, ...deciding])
    await site.start()
    const sentences = JSON.parse((await shoal('plugin', 'list', site.folder, '--json')).stdout).map(row => row.sentence)
    assert.match(sentences.join('\n'), /plugin reader needs the plugin mail_room, which is not in shoal\.lua/)
    assert.match(sentences.join('\n'), /plugin clerk needs the plugin counter, which is not in shoal\.lua/)
  })
})

const modes = { open: 'pass', hold: 'hold', closed: 'refuse' }
const gate = `local shoal = require "shoal"
local long = shoal.sql "WITH RECURSIVE gate_n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM gate_n WHERE n < 1000000000) SELECT COUNT(*) AS n FROM gate_n"
shoal.route { path = "/gate/{mode}/{word}", handler = function(request)
  local verdict, sentence = shoal.fire_decide("gate." .. request:param "mode", { word = request:param "word" })
  request:json(200, { verdict = verdict, sentence = sentence })
end }
local waits = {
  sleep = function() shoal.sleep(4000) end,
  fetch = function(request) assert(shoal.fetch { url = request:query "url", timeout_ms = 20000 }) end,
  query = function() pcall(shoal.query, long) end, -- until the time of the request is over
}
for name, wait in pairs(waits) do
  shoal.route { path = "/gate/" .. name, timeout_ms = name == "query" and 5000 or 30000, handler = function(request)
    wait(request)
    request:json(200, { waited = true })
  end }
end
shoal.route { path = "/gate/awake", handler = function(request) request:json(200, { awake = true }) end }
`
const greedy = `local shoal = require "shoal"
local harm = {
  memory = function() local s = "x" while true do s = s .. s end end,
  pattern = function() return (("a"):rep(100000)):find(".-.-.-.-b") end,
}
harm.patterns = function() while true do pcall(harm.pattern) end end
harm.memories = function() while true do pcall(harm.memory) end end
local function judge(event) if harm[event.word] then harm[event.word]() end end
${Object.keys(modes).map(mode => `shoal.decide("gate.${mode}", judge)`).join('\n')}
`

describe('what Lua may not do to others', () => {
  let site
  // Takes a request and says nothing until the test does.
  const silent = createServer((request, response) => {
    silent.asked++
    silent.answer = () => response.end('at last')
  })
  Object.assign(silent, { asked: 0, answer () {} })

  before(async () => {
    await new Promise(resolve => silent.listen(0, '127.0.0.1', resolve))
    site = await startInstance({ started: false, settings: ['fetch.private=127.0.0.1'] })
    const hooks = Object.keys(modes).map(mode => `gate.${mode}`)
    const lines = [
      line('gate', writePlugin(pluginsOf(site), 'gate', { lua: gate, manifest: { permissions: ['routes:/gate', 'http:127.0.0.1', 'database'], fires: Object.keys(modes).map(mode => ({ ...fires(`gate.${mode}`)[0], failure: mode })) } })),
      line('greedy', writePlugin(pluginsOf(site), 'greedy', { lua: greedy, manifest: { hooks, needs: ['gate'] } }))
    ]
    site.config = withPlugins(site.config, [...all, ...lines])
    await site.start()
  })
  after(async () => {
    silent.close()
    silent.closeAllConnections()
    await site?.stop()
  })

  for (const [word, why] of Object.entries({
    memory: /greedy: not enough memory/,
    pattern: /greedy: .*(pattern takes too long on this text|ran out of time)/, // whichever comes first
    patterns: /ran out of time/,
    memories: /ran out of time/
  })) {
    test(`a hook that does harm (${word}) is cut off, and counts as its hook says for those that fail`, async () => {
      const { server, log } = site
      for (const [mode, verdict] of Object.entries(modes)) {
        const answer = await site.raw({ path: `/gate/${mode}/${word}` })
        assert.equal(answer.json.verdict, verdict, `${mode}: ${answer.text}`)
        assert.match(answer.json.sentence, verdict === 'pass' ? /^$/ : /the check by greedy did not work/)
        assert.equal((await site.raw({ path: `/gate/${mode}/fine` })).json.verdict, 'pass')
      }
      await site.when('the log says why, each time', () =>
        site.log.slice(log.length).split('\n').filter(text => why.test(text)).length === 3)
      assert.equal(site.server, server)
    })
  }

  for (const blocks of ['sleep', 'fetch', 'query']) {
    test(`a request that waits (${blocks}) does not hold up others to the same plugin`, async () => {
      let done = false
      const waiter = site.raw({ path: `/gate/${blocks}?url=${encodeURIComponent(`http://127.0.0.1:${silent.address().port}/`)}` }).finally(() => { done = true })
      if (blocks === 'fetch') await site.when('the other server is asked', () => silent.asked > 0)
      else await sleep(200)
      let answered = 0 // meanwhile: on a slow machine there is time for fewer
      for (let i = 0; i < 10 && !done; i++) {
        assert.deepEqual((await site.raw({ path: '/gate/awake' })).json, { awake: true })
        assert.equal((await site.raw({ path: '/gate/closed/fine' })).json.verdict, 'pass')
        answered += done ? 0 : 1
      }
      assert.ok(answered > 0)
      silent.answer()
      assert.deepEqual((await waiter).json, { waited: true })
    })
  }
})
