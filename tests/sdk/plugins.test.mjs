// plugins.test.mjs - what a plugin author does: new, build, test, check, and the examples.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const root = join(import.meta.dirname, '..', '..')
const build = process.env.SHOAL_BUILD ?? join(root, 'build')
const shoal = join(build, 'shoal')
const folder = mkdtempSync(join(tmpdir(), 'shoal-sdk-'))

after(() => rmSync(folder, { recursive: true, force: true }))

const run = (...args) => spawnSync(shoal, args, { cwd: folder, encoding: 'utf8', timeout: 120000 })

/** Builds a plugin's folder with its own CMakeLists.txt, as its README says. */
function buildPlugin (path) {
  execFileSync('cmake', ['-S', path, '-B', join(path, 'build'), `-DSHOAL_SDK=${join(root, 'sdk', 'include')}`], { stdio: 'pipe' })
  execFileSync('cmake', ['--build', join(path, 'build')], { stdio: 'pipe' })
  rmSync(join(path, 'build'), { recursive: true })
}

for (const language of ['lua', 'c']) {
  test(`a new plugin in ${language} builds, passes its test and is fine`, () => {
    const name = `fresh_${language}`
    assert.equal(run('plugin', 'new', name, `--${language}`).status, 0)
    if (language === 'c') buildPlugin(join(folder, name))
    const tested = run('plugin', 'test', name)
    assert.equal(tested.status, 0, tested.stdout + tested.stderr)
    assert.match(tested.stdout, /^2 passed, 0 failed$/m)
    const checked = run('plugin', 'check', name)
    assert.equal(checked.status, 0)
    assert.match(checked.stdout, new RegExp(`\\{ "${name}", sha256 = "[0-9a-f]{64}" \\}`))
  })
}

test('a test that does not hold fails', () => {
  run('plugin', 'new', 'wrong', '--lua')
  writeFileSync(join(folder, 'wrong', 'tests', 'wrong_test.lua'),
    'test("says no", function(kit) equal(kit.decide("video.publish", { video = { name = "x" } }), "refuse") end)\n')
  const tested = run('plugin', 'test', 'wrong')
  assert.equal(tested.status, 1)
  assert.match(tested.stdout, /got pass, wanted refuse/)
  assert.match(tested.stdout, /0 passed, 1 failed/)
})

test('an endless loop ends at its budget, and pcall cannot swallow that', () => {
  run('plugin', 'new', 'looper', '--lua')
  writeFileSync(join(folder, 'looper', 'looper.lua'), `
local shoal = require "shoal"
shoal.decide("video.publish", function() while true do pcall(function() while true do end end) end end)
`)
  writeFileSync(join(folder, 'looper', 'tests', 'looper_test.lua'),
    'test("holds, as its hook says for those that fail", function(kit) equal(kit.decide("video.publish", { video = { name = "x" } }), "hold") end)\n')
  const tested = run('plugin', 'test', 'looper')
  assert.equal(tested.status, 0, tested.stdout + tested.stderr)
})

test('a Lua plugin has no way to files, programs or bytecode', () => {
  run('plugin', 'new', 'curious', '--lua')
  writeFileSync(join(folder, 'curious', 'curious.lua'), `
local shoal = require "shoal"
shoal.filter("video.view", function(value)
  value.found = { os = os ~= nil, io = io ~= nil, debug = debug ~= nil, dofile = dofile ~= nil,
    dump = string.dump ~= nil, bytecode = load("\\27Lua") ~= nil,
    outside = pcall(require, "../../etc/passwd") }
end)
`)
  const manifest = JSON.parse(readFileSync(join(folder, 'curious', 'plugin.json'), 'utf8'))
  manifest.hooks = ['video.view']
  writeFileSync(join(folder, 'curious', 'plugin.json'), JSON.stringify(manifest))
  writeFileSync(join(folder, 'curious', 'tests', 'curious_test.lua'), `
test("finds nothing", function(kit)
  for name, there in pairs(kit.filter("video.view", {}).found) do
    if there then error(name) end
  end
end)
`)
  const tested = run('plugin', 'test', 'curious')
  assert.equal(tested.status, 0, tested.stdout + tested.stderr)
})

test('topics are for those whose manifest says so', () => {
  run('plugin', 'new', 'hearer', '--lua')
  const path = join(folder, 'hearer', 'plugin.json')
  writeFileSync(join(folder, 'hearer', 'hearer.lua'), 'local shoal = require "shoal"\nshoal.subscribe("user:1", function() end)\n')
  writeFileSync(join(folder, 'hearer', 'tests', 'hearer_test.lua'), 'test("starts", function() equal(1, 1) end)\n')
  const refused = run('plugin', 'test', 'hearer')
  assert.notEqual(refused.status, 0)
  assert.match(refused.stdout + refused.stderr, /topics/)
  const manifest = JSON.parse(readFileSync(path, 'utf8'))
  writeFileSync(path, JSON.stringify({ ...manifest, permissions: ['topics'] }))
  const heard = run('plugin', 'test', 'hearer')
  assert.equal(heard.status, 0, heard.stdout + heard.stderr)
})

for (const name of readdirSync(join(root, 'sdk', 'examples'))) {
  test(`the example ${name} passes its tests`, () => {
    const path = join(folder, name)
    cpSync(join(root, 'sdk', 'examples', name), path, { recursive: true })
    if (existsSync(join(path, `${name}.c`))) {
      execFileSync('gcc', ['-shared', '-fPIC', '-fvisibility=hidden', '-D_GNU_SOURCE',
        '-I', join(root, 'sdk', 'include'), '-o', join(path, `${name}.so`), join(path, `${name}.c`), '-ljansson'])
    }
    const tested = run('plugin', 'test', path)
    assert.equal(tested.status, 0, tested.stdout + tested.stderr)
    assert.match(tested.stdout, /^[1-9]\d* passed, 0 failed$/m)
  })
}
