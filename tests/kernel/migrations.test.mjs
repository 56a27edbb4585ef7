// migrations.test.mjs - tables change with a copy kept before, and an older program names that copy.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { shoal, startInstance } from '../kit/instance.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

const code = `local shoal = require "shoal"
local count = shoal.sql "SELECT COUNT(*) AS n FROM notes_one"
local add = shoal.sql "INSERT INTO notes_one (text) VALUES ($1)"
shoal.route { path = "/notes", handler = function(request) request:json(200, { n = shoal.query(count)[1].n }) end }
shoal.route { path = "/notes/add", handler = function(request) shoal.exec(add, "a note") request:json(200, {}) end }
`
const first = { 'migrations/001_start.sql': 'CREATE TABLE notes_one (id ID, text TEXT NOT NULL);\n' }
const second = { ...first, 'migrations/002_more.sql': 'CREATE TABLE notes_two (id ID);\nALTER TABLE notes_one ADD COLUMN seen TIME;\n' }
const broken = { ...second, 'migrations/003_broken.sql': 'CREATE TABLE notes_three (id ID);\nINSERT INTO nowhere VALUES (1);\n' }

describe('migrations of a plugin', () => {
  let site

  const put = files => {
    const pin = writePlugin(join(site.folder, 'plugins'), 'notes', { lua: code, manifest: { permissions: ['routes:/notes', 'database'] }, files })
    site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', line('notes', pin)])
  }
  const copies = () => existsSync(join(site.folder, 'backups')) ? readdirSync(join(site.folder, 'backups')).filter(name => name.startsWith('shoal-before-notes-')) : []
  const state = async () => JSON.parse((await shoal('plugin', 'list', site.folder, '--json')).stdout).find(row => row.name === 'notes')

  before(async () => {
    site = await startInstance()
    await site.kill()
    put(first)
    await site.start()
    assert.equal((await site.raw({ path: '/notes/add' })).status, 200)
  })
  after(() => site?.stop())

  test('the same server starts again and does not write its version anew', async () => {
    const version = () => execFileSync('sqlite3', [join(site.folder, 'shoal.sqlite3'), "SELECT * FROM setting WHERE key = 'server.version'"], { encoding: 'utf8' })
    const before = version()
    assert.notEqual(before, '')
    await site.kill()
    await site.start()
    assert.equal(version(), before)
  })

  test('a new one is applied by a reload, on what was there', async () => {
    put(second)
    const { server } = site
    assert.equal((await shoal('reload', site.folder)).code, 0)
    await site.when('another child serves', () => site.server && site.server !== server)
    await site.says(/002_more of notes was applied/)
    assert.equal((await site.raw({ path: '/notes' })).json.n, 1)
    assert.equal((await site.raw({ path: '/health' })).json.status, 'ok')
  })

  test('a copy of the database from before is kept', async () => {
    await site.kill()
    const before = copies().length
    put(broken)
    await site.start()
    await site.says('backups/shoal-before-')
    assert.ok(copies().length + before > 0 || readdirSync(join(site.folder, 'backups')).length > 0)
  })

  test('one that fails leaves nothing, keeps what was applied, and is named', async () => {
    const row = await state()
    assert.equal(row.state, 'quarantined')
    assert.match(row.sentence, /003_broken of notes failed/)
    put(second)
    await site.kill()
    await site.start()
    assert.equal((await state()).state, 'running')
    assert.equal((await site.raw({ path: '/notes' })).json.n, 1)
  })

  test('an older version refuses newer tables and names the copy', async () => {
    put(first)
    await site.kill()
    await site.start()
    const row = await state()
    assert.equal(row.state, 'quarantined')
    assert.match(row.sentence, /newer than this program: it knows the migration 002_more of notes; the copy from before is .*backups\/shoal-before-.*\.sqlite3/)
    assert.ok(existsSync(row.sentence.match(/is (\S*\.sqlite3)/)[1]))
    assert.equal((await site.get('/config')).status, 200)
  })

  test('one that was changed after it had been applied is refused', async () => {
    put({ ...second, 'migrations/001_start.sql': `${first['migrations/001_start.sql']}-- changed\n` })
    await site.kill()
    await site.start()
    assert.match((await state()).sentence, /001_start of notes was changed after it had been applied/)
  })

  test('a plugin does not reach beyond its own tables', async () => {
    for (const [sql, pattern] of [
      ['CREATE TABLE other_one (id ID);', /may not use other_one; its own tables begin with notes_/],
      ['UPDATE catalog_user SET role = 0;', /may not use catalog_user/],
      ['DROP TABLE catalog_video;', /may not use catalog_video/],
      ["ATTACH DATABASE '/etc/passwd' AS evil;", /not authorized|may not/]
    ]) {
      put({ ...second, 'migrations/003_reach.sql': `${sql}\n` })
      await site.kill()
      await site.start()
      const row = await state()
      assert.equal(row.state, 'quarantined', sql)
      assert.match(row.sentence, /003_reach of notes failed/)
      assert.match(row.sentence, pattern)
    }
    assert.equal((await site.get('/users/me', { token: true })).json.role.id, 0)
  })
})
