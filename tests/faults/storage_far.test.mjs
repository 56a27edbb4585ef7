// storage_far.test.mjs - each step of a storage elsewhere fails: work waits, answers say so, nothing is half there.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { Faults, filesOf, settled } from './kit.mjs'

const part = '/data/storage_far'
let site, faults, file, folder

before(async () => {
  site = await startInstance({ started: false, settings: ['storage=storage_far', 'storage_far.fail_one_in=0', 'storage_far.delay=0s', 'video.delete_after=1s', 'transcode_ffmpeg.threads=1'] })
  faults = new Faults(join(site.home, 'faults'))
  site.config = site.config.replace('"storage_fs",', '"storage_fs",\n  "storage_far",')
  site.environment = { ...faults.environment, SHOAL_DRILL_FULL: '500', SHOAL_DRILL_BACKOFF: '800', SHOAL_DRILL_SWEEP: '1500' }
  await site.start()
  folder = join(site.folder, part)
  file = await clip('h264', { seconds: 1, size: '128x72', rate: 10 })
})
after(() => site?.stop())

const objects = () => readdirSync(folder)
const temporary = () => objects().filter(name => name.startsWith('.put-'))

describe('a storage elsewhere', { skip: !Faults.possible() && 'only the program of the tests has calls that can fail' }, () => {
  // put_begin, write, and commit with its three calls.
  for (const rule of ['make ENOSPC', 'write EDQUOT', 'write EIO', 'sync ENOSPC', 'sync EIO 2', 'rename EIO']) {
    test(`does not take a file: ${rule}`, async () => {
      const { uuid } = await site.upload(file, { name: rule })
      faults.on(`${rule}${/\d$/.test(rule) ? '' : ' all'} ${part}`)
      for (let i = 0; i < 100 && faults.hits.length === 0; i++) await sleep(50)
      assert.ok(faults.hits.length > 0, 'nothing was put')
      assert.equal((await site.get(`/videos/${uuid}`, { token: true })).json.state.id, 2)
      faults.off()
      await site.published(uuid)
      await site.when('no half of a file is left', () => temporary().length === 0)
    })
  }

  test('does not give one', async () => {
    const { data: [{ uuid }] } = (await site.get('/users/me/videos', { token: true })).json
    const { files: [{ fileUrl, size }] } = await site.published(uuid)
    const fetch = headers => site.raw({ path: new URL(fileUrl).pathname, headers })
    for (const rule of ['open EMFILE', 'read EIO']) {
      faults.on(`${rule} all ${part}`)
      for (const answer of [await fetch(), await fetch({ range: 'bytes=0-99' }).catch(() => null)]) {
        if (answer === null) continue // it had begun: the connection ends
        assert.ok([502, 503].includes(answer.status), `${rule}: ${answer.status}`)
        assert.ok(answer.json.detail.length > 10 && answer.headers['retry-after'], answer.text)
      }
      assert.ok(faults.hits.length > 0, rule)
      faults.off()
      const whole = await fetch()
      assert.equal(whole.status, 200, rule)
      assert.equal(whole.body.length, size)
    }
  })

  test('does not remove one', async () => {
    const { data: [{ uuid }] } = (await site.get('/users/me/videos', { token: true })).json
    const { files: [{ fileUrl }] } = await site.published(uuid)
    const name = `web-videos%${fileUrl.split('/').pop()}`
    assert.ok(existsSync(join(folder, name)))
    faults.on(`unlink EIO all ${part}`)
    assert.equal((await site.delete(`/videos/${uuid}`, { token: true })).status, 204)
    await site.when('it is tried', () => faults.hits.length > 0)
    assert.ok(existsSync(join(folder, name)))
    faults.off()
    await site.when('it is removed', () => !existsSync(join(folder, name)))
  })

  test('does not list them: what nobody knows is found later', async () => {
    await settled(site)
    faults.on(`open EIO all ${part}`)
    await site.when('the sweep fails', () => /the timer core\.sweep failed/.test(site.log))
    faults.off()
    const known = await filesOf(site)
    await site.when('nothing is left that nobody knows', () => objects().every(name => known.has(name.split('%').pop())))
  })
})
