// upgrade.test.mjs - an instance of an earlier version: everything of it is there, and its work goes on.
//
// earlier/*.tar.gz are instances as an earlier version left them: one video is published, and the server
// was killed in the middle of the work on another. A version that changes tables adds one of before.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chownSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { playsWhole, settled, tmpOf } from '../crash/look.mjs'
import { shoal, startInstance } from '../kit/instance.mjs'

const earlier = join(dirname(fileURLToPath(import.meta.url)), 'earlier')
const MARIA = ['maria', 'pass word 99']

/** An instance of an earlier version at the place of a new one, as its owner would have it. */
async function placed (archive) {
  const site = await startInstance({ started: false })
  const { uid, gid } = statSync(site.folder)
  for (const name of readdirSync(site.folder)) rmSync(join(site.folder, name), { recursive: true })
  execFileSync('tar', ['-xzf', join(earlier, archive), '--no-same-owner', '-C', site.folder])
  for (const entry of readdirSync(site.folder, { recursive: true })) chownSync(join(site.folder, entry), uid, gid)
  site.config = site.config.replace(/^listen = .*$/m, `listen = { "127.0.0.1:${site.port}" }`)
  return site
}

const sql = (path, text) => execFileSync('sqlite3', [path, text]).toString().trim()

for (const archive of readdirSync(earlier).filter(name => name.endsWith('.tar.gz'))) {
  describe(`an instance of ${archive.replace('.tar.gz', '')}`, () => {
    let site
    after(() => site?.stop())

    test('serves what it had, and ends what it had begun', async () => {
      site = await placed(archive)
      await site.start()
      const token = await site.token(...MARIA)
      const { data } = (await site.get('/users/me/videos', { token })).json
      assert.deepEqual(data.map(video => video.name).sort(), ['Seen before the upgrade', 'Uploaded right before the upgrade'])
      const [seen] = data.filter(video => video.name === 'Seen before the upgrade')
      const { json } = await site.get(`/videos/${seen.uuid}`)
      assert.deepEqual([json.tags, json.description, json.account.name], [['old'], 'Made by an older version', 'maria'])
      await playsWhole(site, seen.uuid, 1)
      const [begun] = data.filter(video => video !== seen)
      await site.published(begun.uuid, token)
      await settled(site)
      await playsWhole(site, begun.uuid, 1)
      assert.deepEqual(tmpOf(site), [])
      assert.equal((await site.get('//health')).json.status, 'ok')
    })

    test('has a copy of its database from before, as it was', async () => {
      const copies = readdirSync(join(site.folder, 'backups')).filter(name => name.endsWith('.sqlite3'))
      assert.equal(copies.length, 1)
      await site.says(new RegExp(`copied to .*${copies[0]}`))
      const copy = join(site.folder, 'backups', copies[0])
      assert.equal(sql(copy, 'PRAGMA integrity_check'), 'ok')
      assert.equal(sql(copy, 'SELECT COUNT(*) FROM catalog_video'), '2')
      assert.equal(sql(copy, "SELECT COUNT(*) FROM job WHERE state = 'active'"), '1')
    })

    test('is left as it was where its tables cannot be changed, and says so', async () => {
      const other = await placed(archive)
      try {
        const path = join(other.folder, 'shoal.sqlite3')
        // Whatever the newest change of the core adds is there already, made by somebody else.
        sql(path, 'ALTER TABLE job ADD COLUMN cut_offs INTEGER')
        const before = sql(path, '.dump')
        const { code, stderr, stdout } = await shoal('serve', other.folder)
        assert.notEqual(code, 0)
        assert.match(stderr + stdout, /migration .* of core\.data failed: .*cut_offs/)
        assert.equal(sql(path, '.dump'), before)
      } finally { await other.stop() }
    })
  })
}
