// house.test.mjs - the rules of the house that a grep can hold.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..', '..')
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n').filter(Boolean)
const text = name => readFileSync(join(root, name), 'utf8')
const sources = files.filter(name => /\.[ch]$/.test(name) && /^(core|plugins|sdk)\//.test(name))
const withoutComments = code => code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')
const product = sources.filter(name => !/(_test|_fuzz|test_kit|server_kit_priv)\.[ch]$/.test(name))

test('no call that cannot be bounded', () => {
  const banned = /(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|strtok|gets|atoi|gmtime|localtime|sscanf|alloca|system|popen)\s*\(/
  const found = []
  for (const name of product) {
    withoutComments(text(name)).split('\n').forEach((line, i) => {
      if (banned.test(line)) found.push(`${name}:${i + 1} ${line.trim()}`)
    })
  }
  assert.deepEqual(found, [])
})

test('no SQL is built from strings', () => {
  const built = /printf[^;]*"[^"]*\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b[^"]*%/
  assert.deepEqual(product.filter(name => built.test(withoutComments(text(name)))), [])
})

test('migrations of a plugin are numbered one behind another', () => {
  const numbers = {}
  for (const name of files.filter(path => /^plugins\/[^/]+\/migrations\/.*\.sql$/.test(path))) {
    (numbers[dirname(name)] ??= []).push(Number(basename(name).slice(0, 3)))
  }
  assert.ok(Object.keys(numbers).length > 5)
  for (const [folder, found] of Object.entries(numbers)) {
    assert.deepEqual(found.toSorted((a, b) => a - b), found.map((_, i) => i + 1), folder)
  }
})

test('plugins see the SDK and themselves', () => {
  const found = []
  for (const name of product.filter(path => path.startsWith('plugins/'))) {
    const own = new Set(files.filter(path => dirname(path) === dirname(name)).map(path => basename(path)))
    for (const [, quoted] of text(name).matchAll(/^\s*#include\s+"([^"]+)"/gm)) {
      if (!own.has(quoted)) found.push(`${name}: ${quoted}`)
    }
    if (/#include\s+<(core|plugins)\//.test(text(name))) found.push(name)
  }
  assert.deepEqual(found, [])
})

// Words of the API, of services and of permissions that are names of plugins as well.
const shared = new Set(['comments', 'delivery', 'federation', 'identity', 'signatures', 'subscriptions'])

test('the core names no plugin', () => {
  const plugins = files.filter(name => /^plugins\/[^/]+\/plugin\.json$/.test(name))
    .map(name => name.split('/')[1]).filter(name => name.length > 5 && !shared.has(name))
  const found = []
  for (const name of product.filter(path => path.startsWith('core/'))) {
    for (const plugin of plugins) {
      if (withoutComments(text(name)).includes(`"${plugin}"`)) found.push(`${name}: ${plugin}`)
    }
  }
  assert.deepEqual(found, [])
})

test('every source says its subject and its licence', () => {
  const wrong = sources.filter(name => !/sdk\/templates/.test(name)).filter(name => {
    const head = text(name).split('\n').slice(0, 20)
    const comment = head.slice(0, head.findIndex(line => !line.startsWith('//')))
    const licence = name.startsWith('sdk/') ? 'MIT' : 'AGPL-3.0-or-later'
    const subject = new RegExp(`^// (svc/)?${basename(name)} - `)
    return !subject.test(head[0]) || !comment.includes(`// SPDX-License-Identifier: ${licence}`)
  })
  assert.deepEqual(wrong, [])
})

test('the systemd unit lets the sandbox make its namespaces', () => {
  const made = [...text('core/super/sandbox.c').matchAll(/\bCLONE_NEW(\w+)/g)].map(found => found[1].toLowerCase())
  const [, allowed] = text('core/cli/shoal.service').match(/^RestrictNamespaces=(.*)$/m)
  assert.deepEqual(allowed.split(' ').sort(), [...new Set(made)].sort())
})

test('files stay small enough to have one subject', () => {
  assert.deepEqual(sources.filter(name => text(name).split('\n').length > 800), [])
})

test('no room and no plugin outgrows its budget', () => {
  const budgets = { base: 2500, net: 12100, data: 6000, host: 8900, 'host/lua': 3500, catalog: 16900, super: 5230, cli: 5550, 'plugins/api': 4200 }
  const sizes = {}
  for (const name of product) {
    const [top, folder, inner] = name.split('/')
    const key = top === 'plugins' ? `plugins/${folder}` : folder === 'host' && inner === 'lua' ? 'host/lua' : folder
    sizes[key] = (sizes[key] ?? 0) + text(name).split('\n').length - 1
  }
  const over = Object.entries(sizes).filter(([key, lines]) =>
    lines > (budgets[key] ?? (key.startsWith('plugins/') ? 4000 : Infinity)))
  assert.deepEqual(over, [])
})

test('a unit test stands beside each core file that has logic', () => {
  // jobs_claim.c is held by jobs_claim_test.c or by the test of its topic, jobs_test.c.
  const without = new Set([
    'core/main.c', 'core/host/language.c', 'core/cli/plugin_verb.c', // pass one call on
    'core/cli/serve.c' // puts the parts together: every whole-server test
  ])
  const there = new Set(files)
  const isHeld = stem => there.has(`${stem}_test.c`) || (/\/[^/]*_/.test(stem.slice(stem.lastIndexOf('/'))) && isHeld(stem.slice(0, stem.lastIndexOf('_'))))
  const naked = product.filter(name => /^core\/.*\.c$/.test(name) && !without.has(name) && !isHeld(name.slice(0, -2)))
  assert.deepEqual(naked, [])
})

test('every function of the SDK is described', () => {
  const gaps = []
  for (const name of files.filter(path => /^sdk\/include\/shoal\/.*\.h$/.test(path))) {
    // A run of declarations without an empty line between them shares the comment above it.
    for (const block of text(name).split(/\n\s*\n/)) {
      if (/SHOAL_(API|INLINE) \w/.test(block) && !/\/\/|\/\*/.test(block) && !/#define SHOAL_API/.test(block)) {
        const before = text(name).slice(0, text(name).indexOf(block)).trimEnd().split('\n').pop()
        if (!before.trim().startsWith('//') && !/;$/.test(before.trim())) gaps.push(`${name}: ${block.split('\n')[0]}`)
      }
    }
  }
  assert.deepEqual(gaps, [])
})

test('each SDK header compiles alone', () => {
  const include = join(root, 'sdk', 'include')
  for (const name of files.filter(path => /^sdk\/include\/.*\.h$/.test(path))) {
    execFileSync('gcc', ['-std=c17', '-Wall', '-Wextra', '-Werror', '-I', include, '-fsyntax-only', '-x', 'c', '-'],
      { input: `#include <${name.slice('sdk/include/'.length)}>\n` })
  }
})

test('locales say the same things in each language', () => {
  const keys = (value, path = '') => typeof value === 'object' && value !== null && !('other' in value)
    ? Object.entries(value).flatMap(([key, inner]) => keys(inner, path ? `${path}.${key}` : key)) : [path]
  for (const english of files.filter(name => /locales\/en\.json$/.test(name))) {
    const expected = keys(JSON.parse(text(english))).sort()
    for (const other of files.filter(name => dirname(name) === dirname(english) && name !== english)) {
      assert.deepEqual(keys(JSON.parse(text(other))).sort(), expected, other)
    }
  }
})

test('lock files and sources name no registry and no place on a machine', () => {
  const found = files.filter(name => !/\.(png|jpg|woff2?|ico|mp4)$/.test(name) && name !== 'tests/house/house.test.mjs')
    .filter(name => /registry\.npmjs\.org|deb\.debian\.org|\/work\/main|\/tmp\/b-/.test(text(name)))
  assert.deepEqual(found, [])
})

test('the manual says what the headers and hooks.def say (node sdk/docs/make.mjs)', async () => {
  const { annotations, hooksPage, luaPage, referencePage, readHooks } = await import('../../sdk/docs/make.mjs')
  assert.equal(text('sdk/docs/hooks.md'), hooksPage())
  assert.equal(text('sdk/lua/shoal.lua'), annotations())
  assert.equal(text('sdk/docs/lua.md'), luaPage())
  assert.equal(text('sdk/docs/reference.md'), referencePage())
  const rows = text('sdk/hooks.def').match(/^SHOAL_HOOK\(/gm).length
  assert.equal(readHooks().length, rows)
})

test('every hook of the core is fired somewhere, and by a test', async () => {
  const { readHooks } = await import('../../sdk/docs/make.mjs')
  const code = product.map(name => withoutComments(text(name))).join('\n')
  const tests = files.filter(name => /_test\.c$|\.test\.mjs$|_test\.lua$/.test(name)).map(text).join('\n')
  const quoted = name => new RegExp(`["'\`]${name.replace('.', '\\.')}["'\`]`)
  assert.deepEqual(readHooks().filter(hook => !quoted(hook.name).test(code)).map(hook => hook.name), [])
  assert.deepEqual(readHooks().filter(hook => !quoted(hook.name).test(tests)).map(hook => hook.name), [])
})

test('Lua has the names of C', () => {
  const declared = new Set(files.filter(name => /^sdk\/include\/shoal\/[^/]+\.h$/.test(name))
    .flatMap(name => [...text(name).matchAll(/\bshoal_(\w+)\(/g)].map(each => each[1])))
  // What Lua says in its own way, with the reason.
  const own = new Set([
    'accept', // SHOAL_ACCEPT is a value in C
    'route', 'job', 'timer', 'slot', 'cli', 'metric', // shoal_X_add() with a table for its struct
    'setting', // typed by the row; C has one function a type
    'sql', 'query', 'exec', // shoal_db_*() on the call's connection
    'api', 'viewer', 'service', 'array', 'log', 'sleep', 'random_hex', // shapes that C has in structs
    'json_encode', 'json_decode', 'html_escape' // jansson is at hand in C
  ])
  const missing = []
  for (const name of files.filter(path => /^core\/host\/lua\/lua_(?!string)\w+\.c$/.test(path))) {
    const table = text(name).match(/luaL_Reg functions\[\] = \{([\s\S]*?)\};/)?.[1] ?? ''
    for (const [, word] of table.matchAll(/\{"(\w+)"/g)) {
      if (!declared.has(word) && !own.has(word)) missing.push(`${name}: ${word}`)
    }
  }
  assert.deepEqual(missing, [])
})

test('a service of which there is one is provided as such', () => {
  const wrong = []
  for (const name of files.filter(path => /^sdk\/include\/shoal\/svc\/\w+\.h$/.test(path))) {
    const service = basename(name, '.h')
    const isSingle = text(name).split('\n')[0].endsWith('One provider.')
    const provides = new RegExp(`shoal_provide(_single)?\\([^;"]*"${service}"`, 'g')
    for (const source of product.filter(path => path.startsWith('plugins/'))) {
      for (const [, single] of text(source).matchAll(provides)) {
        if (isSingle !== (single === '_single')) wrong.push(`${source}: ${service}`)
      }
    }
  }
  assert.deepEqual(wrong, [])
})
