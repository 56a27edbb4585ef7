// points.test.mjs - the server is killed at each named point once: what it answered stays true.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { dirname, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { Drill, tables } from './drill.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const uploads = ['probe.done', 'upload.moved', 'upload.committed', 'images.stored', 'remux.made', 'remux.stored',
  'publish.asked', 'publish.committed', 'transcode.stored', 'transcode.added', 'storyboard.stored', 'transcode.finished', 'job.ran']
const captions = ['caption.stored']
const settings = ['settings.written', 'settings.committed']
const migrations = ['migration.copied', 'migration.applied']

describe('kill -9 at', () => {
  let drill

  before(async () => { drill = await Drill.start() })
  after(() => drill?.site.stop())

  const dies = async point => {
    assert.deepEqual(await Promise.race([drill.site.ended, sleep(60000, 'alive', { ref: false })]), { code: null, signal: 'SIGKILL' }, `${point} was not reached`)
    await drill.site.start()
    await drill.kept()
  }

  for (const point of uploads) {
    test(point, async () => {
      drill.arm(point)
      await drill.upload()
      await dies(point)
    })
  }

  for (const point of ['upload.moved', 'upload.committed']) {
    test(`${point}, of an upload in chunks: who asks again hears of one video`, async () => {
      const name = `In chunks, ${point}`
      const put = await drill.inChunks(name)
      drill.arm(point)
      assert.equal(await put().catch(() => null), null)
      await dies(point)
      const answer = await put(Buffer.alloc(0))
      assert.equal(answer.status, 200, answer.text)
      assert.deepEqual((await put()).json, answer.json)
      const mine = (await drill.site.get('/users/me/videos?count=100', { token: true })).json.data
      assert.deepEqual(mine.filter(video => video.name === name).map(video => video.uuid), [answer.json.video.uuid])
      drill.acknowledged.push({ uuid: answer.json.video.uuid, name })
    })
  }

  for (const point of captions) {
    test(`${point}: it is asked for again, and is there once`, async () => {
      drill.arm(point)
      assert.equal(await drill.caption(), null)
      await dies(point)
      assert.equal((await drill.caption()).status, 204)
      assert.equal((await drill.site.get(`/videos/${drill.acknowledged[0].uuid}/captions`, { token: true })).json.total, 1)
    })
  }

  for (const point of settings) {
    test(point, async () => {
      await drill.set()
      drill.arm(point)
      await drill.set()
      await dies(point)
    })
  }

  test('migrations: the next start applies them', async () => {
    const files = { ...tables }
    for (const [i, point] of migrations.entries()) {
      await drill.site.kill()
      files[`migrations/00${i + 2}_more.sql`] = `CREATE TABLE listener_more${i} (id ID);\nALTER TABLE listener_heard ADD COLUMN more${i} TEXT;\n`
      drill.install(files)
      drill.arm(point)
      await assert.rejects(drill.site.start(), /ended with SIGKILL/)
      await drill.site.start()
      await drill.kept()
    }
  })

  test('in the end all is published, told and whole, and nothing else is left', () => drill.whole())

  test('every point of the sources stands above', () => {
    const found = execFileSync('grep', ['-rhoE', 'shoal_drill_point\\("[a-z.]+"\\)', `${root}/core`, `${root}/plugins`], { encoding: 'utf8' })
    const named = new Set([...found.matchAll(/"([a-z.]+)"/g)].map(match => match[1]))
    assert.deepEqual([...named].sort(), [...uploads, ...captions, ...settings, ...migrations].sort())
  })
})
