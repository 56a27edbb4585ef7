// postgres.test.mjs - the SQL is portable: Debian's PostgreSQL takes every migration and statement.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFile, spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { build, shoal } from '../kit/instance.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const shipped = join(build, 'plugins')
const home = mkdtempSync(join(tmpdir(), 'shoal-pg-'))
const data = join(home, 'data')

/** Folders below a folder that hold a plugin. */
const pluginsIn = folder => readdirSync(folder).filter(name => existsSync(join(folder, name, 'plugin.json'))).sort()
const isBuilt = name => existsSync(join(shipped, name, `${name}.so`)) || existsSync(join(shipped, name, `${name}.lua`))

/** The newest PostgreSQL of this system. */
function binaries () {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql').sort((a, b) => b - a) : []
  if (versions.length === 0) throw new Error('PostgreSQL is not installed (package postgresql)')
  return `/usr/lib/postgresql/${versions[0]}/bin`
}

/** Root may not run a database server: then `nobody` does. */
function runAs () {
  if (process.getuid() !== 0) return {}
  const id = flag => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout)
  return { uid: id('-u'), gid: id('-g') }
}

let server
const user = runAs()
const environment = { PATH: process.env.PATH, HOME: home, LC_ALL: 'C.UTF-8' }

/** Runs a script in psql: {code, stderr}. */
function psql (script, ...options) {
  return new Promise((resolve, reject) => {
    const child = execFile(join(binaries(), 'psql'), ['-X', '-q', '-h', home, '-U', 'shoal', '-d', 'postgres', ...options],
      { env: environment, maxBuffer: 1 << 24, cwd: home }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }))
    child.on('error', reject)
    child.stdin.on('error', () => {}) // it ended before it read: its code says why
    child.stdin.end(script)
  })
}

async function startServer () {
  if (user.uid !== undefined) chownSync(home, user.uid, user.gid)
  mkdirSync(data, { mode: 0o700 })
  if (user.uid !== undefined) chownSync(data, user.uid, user.gid)
  const made = spawnSync(join(binaries(), 'initdb'), ['-D', data, '-U', 'shoal', '--auth=trust', '-E', 'UTF8', '--no-sync', '--no-instructions'], { ...user, env: environment, cwd: home, encoding: 'utf8' })
  assert.equal(made.status, 0, made.stderr)
  server = spawn(join(binaries(), 'postgres'), ['-D', data, '-k', home, '-c', 'listen_addresses=', '-c', 'fsync=off', '-c', 'shared_buffers=16MB'], { ...user, env: environment, cwd: home, stdio: 'ignore' })
  for (let i = 0; i < 200; i++) {
    if ((await psql('SELECT 1')).code === 0) return
    await sleep(100)
  }
  throw new Error('PostgreSQL does not answer')
}

/** Text as a literal that nothing in it can end. */
const quoted = (text, tag) => `$${tag}$${text}$${tag}$`

describe('PostgreSQL', () => {
  let sheet

  before(async () => {
    await startServer()
    const built = pluginsIn(shipped).filter(isBuilt)
    for (const name of pluginsIn(join(root, 'plugins'))) assert.ok(built.includes(name), `${name} is not built`)
    const examples = pluginsIn(join(root, 'sdk/examples')).filter(name => !built.includes(name) && existsSync(join(root, 'sdk/examples', name, `${name}.lua`)))
    const printed = await shoal('sql', '--dialect', 'postgresql', ...built.map(name => join(shipped, name)), ...examples.map(name => join(root, 'sdk/examples', name)))
    assert.equal(printed.code, 0, printed.stderr)
    sheet = JSON.parse(printed.stdout)
  })

  after(async () => {
    if (server) {
      const ended = new Promise(resolve => server.once('exit', resolve))
      server.kill('SIGINT')
      await ended
    }
    rmSync(home, { recursive: true, force: true })
  })

  test('there are migrations and statements of the core and of plugins', () => {
    const owners = list => new Set(list.map(row => row.owner))
    for (const owner of ['core.data', 'core.host', 'core.catalog', 'api', 'word_count_lua']) assert.ok(owners(sheet.migrations).has(owner), owner)
    for (const owner of ['core', 'api']) assert.ok(owners(sheet.statements).has(owner), owner)
    assert.ok(sheet.statements.length > 100, `${sheet.statements.length} statements`)
  })

  test('every migration is applied, in order, each in a transaction', async t => {
    for (const { owner, number, name, sql } of sheet.migrations) {
      await t.test(`${owner} ${number} ${name}`, async () => {
        const { code, stderr } = await psql(`BEGIN;\n${sql}\n;\nCOMMIT;\n`, '-v', 'ON_ERROR_STOP=1')
        assert.equal(code, 0, stderr)
      })
    }
  })

  test('every statement is prepared', async () => {
    // Each in a block of its own, so that one failure hides no other. A name is in the error's text.
    const script = sheet.statements.map(({ owner, name, sql }, i) =>
      `DO $do$ BEGIN EXECUTE ${quoted(`PREPARE s${i} AS ${sql}`, 'sql')}; EXCEPTION WHEN OTHERS THEN RAISE WARNING '${owner} ${name}: %', SQLERRM; END $do$;`).join('\n')
    const { code, stdout, stderr } = await psql(`${script}\nSELECT 'prepared=' || COUNT(*) FROM pg_prepared_statements;\n`, '-v', 'ON_ERROR_STOP=1')
    assert.equal(code, 0, stderr)
    const wrong = stderr.split('\n').filter(line => line.includes('WARNING'))
    assert.deepEqual(wrong, [])
    assert.match(stdout, new RegExp(`prepared=${sheet.statements.length}\\b`))
  })

  test('the check itself sees what is wrong', async () => {
    const { stderr } = await psql("DO $do$ BEGIN EXECUTE $sql$PREPARE bad AS SELECT nothing FROM nowhere$sql$; EXCEPTION WHEN OTHERS THEN RAISE WARNING 'bad: %', SQLERRM; END $do$;")
    assert.match(stderr, /WARNING: +bad: relation "nowhere" does not exist/)
  })
})
