// full_disk.test.mjs - a disk that is full: refusals that say so, work that waits, and all by itself again.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { shoal, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { Disk, filesOf, inNamespace, intact, refused, settled, strays } from './kit.mjs'

const SIZE = 192 // MiB: an upload wants 64 to spare
const quick = { SHOAL_DRILL_ROOM: '1000', SHOAL_DRILL_FULL: '2000' }
const settings = ['video.delete_after=1s', 'transcode_ffmpeg.threads=1']

/** What nobody but the server needs the disk for: reading. */
async function isRead (site, video, path) {
  for (const [what, answer] of [
    ['a list', await site.get('/videos')],
    ['a video', await site.get(`/videos/${video.uuid}`)],
    ['one\'s own', await site.get('/users/me/videos', { token: true })],
    ['the configuration', await site.get('/config')],
    ['the home page', await site.raw({ path: '/', headers: { accept: 'text/html' } })],
    ['a page', await site.raw({ path: `/w/${video.shortUUID}`, headers: { accept: 'text/html' } })],
    ['a file', await site.raw({ path })]]) assert.equal(answer.status, 200, `${what}: ${answer.text.slice(0, 400)}`)
}

class Upload {
  constructor (site, bytes, fields) { Object.assign(this, { site, bytes, fields }) }

  async begin () {
    const answer = await this.site.post('/videos/upload-resumable', {
      token: true,
      json: { filename: 'pieces.mp4', privacy: 1, ...this.fields },
      headers: { 'x-upload-content-length': String(this.bytes.length), 'x-upload-content-type': 'video/mp4' }
    })
    if (answer.status === 201) this.path = answer.headers.location.slice(`${this.site.url}/api/v1`.length)
    return answer
  }

  put (from, to) {
    const range = from === null ? '*' : `${from}-${to - 1}`
    const body = from === null ? '' : this.bytes.subarray(from, to)
    return this.site.put(this.path, { token: true, body, headers: { 'content-type': 'application/octet-stream', 'content-range': `bytes ${range}/${this.bytes.length}` } })
  }

  /** Asks how far it came, and sends the rest. */
  async finish () {
    const asked = await this.put(null)
    assert.equal(asked.status, 308, asked.text)
    return this.put(Number(asked.headers.range.split('-').pop()) + 1 || 0, this.bytes.length)
  }
}

/** Until the encoder works on something of this instance. */
const encodes = site => site.when('ffmpeg encodes', () => readdirSync('/proc').some(pid => {
  try {
    return /^\d+$/.test(pid) && /libx264/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')) && readlinkSync(`/proc/${pid}/cwd`).startsWith(site.folder) && existsSync(`/proc/${pid}/cwd/progress.txt`)
  } catch { return false }
}))

const outside = Disk.unavailable()
const inside = outside === null ? null : inNamespace(fileURLToPath(import.meta.url), 3, SIZE)

test('in a name space of its own', { skip: outside === null && 'disks can be mounted here' }, t => {
  if (inside === null) return t.skip(outside)
  assert.equal(inside.status, 0, inside.stdout + inside.stderr)
})

describe('a full disk', { skip: outside ?? false }, () => {
  test('of the whole instance', async () => {
    const disk = new Disk(SIZE)
    const site = await startInstance({ started: false, settings, below: disk.folder })
    const elsewhere = mkdtempSync(join(tmpdir(), 'shoal-test-copy-'))
    chmodSync(elsewhere, 0o755)
    try {
      site.environment = quick
      await site.start()
      const channelId = await site.channelId()
      const file = await clip('h264')
      const first = await site.published((await site.upload(file, { name: 'Before' })).uuid)
      const path = new URL(first.files[0].fileUrl).pathname
      const bytes = await readFile(await clip('h264', { seconds: 4 }))
      const pieces = new Upload(site, bytes, { name: 'In pieces', channelId })
      assert.equal((await pieces.begin()).status, 201)
      assert.equal((await pieces.put(0, 10000)).status, 308)
      const middle = await site.upload(await clip('noise', { seconds: 4, size: '640x360' }), { name: 'In the middle' })
      await encodes(site)
      const { server } = site
      const before = site.log.length

      disk.fill()
      await site.when('the log says so', () => /the disk .* is full/.test(site.log.slice(before)))
      const health = (await site.raw({ path: '/health' })).json
      assert.equal(health.status, 'degraded')
      assert.ok(health.sentences.some(text => /the disk .* is full/.test(text)), JSON.stringify(health))
      await isRead(site, first, path)

      refused(await site.send(file, { name: 'Refused' }), 507, 'an upload')
      refused(await pieces.put(10000, bytes.length), 507, 'a piece')
      refused(await new Upload(site, bytes, { name: 'Begun', channelId }).begin(), 507, 'the beginning of pieces')
      // The log of the database may have room of its own: what is answered with 204 is kept.
      let name = first.name
      for (let i = 0, answer; i < 400 && answer?.status !== 507; i++) {
        answer = await site.put(`/videos/${first.uuid}`, { token: true, json: { name: `Name ${i}`, description: 'x'.repeat(9000) } })
        if (answer.status !== 204) refused(answer, 507, 'a change')
        else name = `Name ${i}`
      }
      assert.equal((await site.get(`/videos/${first.uuid}`)).json.name, name)
      const logged = await site.logIn()
      if (logged.status !== 200) refused(logged, 507, 'a log-in')
      await isRead(site, first, path)

      const doctor = JSON.parse((await shoal('doctor', site.folder, '--json')).stdout)
      assert.ok(doctor.findings.some(one => one.about === 'disk' && one.level === 'bad'), JSON.stringify(doctor.findings))
      const copied = await shoal('backup', site.folder, join(elsewhere, 'copy'))
      assert.equal(copied.code, 0, copied.stderr)
      const broken = await shoal('backup', site.folder, join(disk.folder, 'copy'))
      assert.ok(broken.code !== 0 && /[Nn]o space|full/.test(broken.stderr), broken.stderr)

      await sleep(5000)
      assert.equal(site.server, server, 'the server is another one')
      const jobs = JSON.parse((await shoal('jobs', 'list', site.folder, '--json')).stdout)
      assert.deepEqual(jobs.filter(job => job.state === 'parked'), [])
      const lines = site.log.slice(before).split('\n')
      assert.ok(lines.length < 100, lines.join('\n'))

      // Another one starts on the full disk: it waits for room, if the log of the database has none either.
      await site.kill()
      disk.fill()
      const end = site.log.length
      const started = site.start()
      started.catch(() => {}) // awaited below
      await site.when('it serves, or says what it waits for', () => /once there is room|serving on/.test(site.log.slice(end)))
      disk.empty()
      await started
      assert.equal((await site.raw({ path: '/health' })).json.status, 'ok')

      await site.published(middle.uuid)
      await site.upload(file, { name: 'Afterwards' })
      const whole = await pieces.finish()
      assert.equal(whole.status, 200, whole.text)
      await settled(site) // the picture of all moments comes last
      const all = await filesOf(site)
      assert.deepEqual((await site.get('/users/me/videos?sort=createdAt', { token: true })).json.data.map(video => video.name),
        [name, 'In the middle', 'Afterwards', 'In pieces'])
      await site.kill()
      intact(join(site.folder, 'shoal.sqlite3'))
      site.environment = { ...quick, SHOAL_DRILL_SWEEP: '1500' }
      await site.start()
      await site.when('nothing is left that nobody knows', () => strays(site, all).length === 0).catch(error => {
        throw new Error(`these are left: ${strays(site, all).join(' ')}\n${error.message}`)
      })
    } finally {
      await site.stop()
      disk.close()
      rmSync(elsewhere, { recursive: true, force: true })
    }
  })

  test('of the media alone', async () => {
    const disk = new Disk(SIZE)
    const media = join(disk.folder, 'media')
    const site = await startInstance({ started: false, settings })
    try {
      disk.give(site.folder)
      site.config = site.config.replace('"storage_fs"', `{ "storage_fs", path = "${media}" }`)
      site.environment = quick
      await site.start()
      const file = await clip('h264')
      const first = await site.published((await site.upload(file, { name: 'Before' })).uuid)
      disk.fill()
      await site.when('the log says so', () => /the disk of the media is full/.test(site.log))
      assert.ok((await site.raw({ path: '/health' })).json.sentences.some(text => /the disk of the media is full/.test(text)))
      refused(await site.send(file, { name: 'Refused' }), 507, 'an upload')
      const doctor = JSON.parse((await shoal('doctor', site.folder, '--json')).stdout)
      assert.ok(doctor.findings.some(one => one.about === 'disk' && one.level === 'bad'), JSON.stringify(doctor.findings))
      assert.equal((await site.put(`/videos/${first.uuid}`, { token: true, json: { name: 'Changed' } })).status, 204)
      await isRead(site, first, new URL(first.files[0].fileUrl).pathname)
      disk.empty()
      await site.when('it is well again', async () => (await site.raw({ path: '/health' })).json.status === 'ok')
      await site.upload(file, { name: 'Afterwards' })
      await settled(site) // the picture of all moments comes last
      const all = await filesOf(site)
      assert.deepEqual(strays(site, all, media), [])
    } finally {
      await site.stop()
      disk.close()
    }
  })

  test('of the database alone', async () => {
    const disk = new Disk(SIZE)
    const path = join(disk.folder, 'shoal.sqlite3')
    const site = await startInstance({ started: false, settings })
    try {
      execFileSync('mv', [join(site.folder, 'shoal.sqlite3'), path])
      disk.give(site.folder)
      site.config += `\ndatabase = { path = "${path}" }\n`
      site.environment = quick
      await site.start()
      const file = await clip('h264')
      const first = await site.published((await site.upload(file, { name: 'Before' })).uuid)
      disk.fill()
      await site.when('the log says so', () => /the disk of the database is full/.test(site.log))
      let name = first.name
      for (let i = 0, answer; i < 400 && answer?.status !== 507; i++) {
        answer = await site.put(`/videos/${first.uuid}`, { token: true, json: { name: `Name ${i}`, description: 'x'.repeat(9000) } })
        if (answer.status !== 204) refused(answer, 507, 'a change')
        else name = `Name ${i}`
      }
      refused(await site.send(file, { name: 'Refused' }), 507, 'an upload')
      await isRead(site, first, new URL(first.files[0].fileUrl).pathname)
      assert.equal((await site.get(`/videos/${first.uuid}`)).json.name, name)
      disk.empty()
      await site.when('it is well again', async () => (await site.raw({ path: '/health' })).json.status === 'ok')
      await site.upload(file, { name: 'Afterwards' })
      await settled(site) // the picture of all moments comes last
      const all = await filesOf(site)
      assert.deepEqual(strays(site, all), [])
      await site.kill()
      intact(path)
    } finally {
      await site.stop()
      disk.close()
    }
  })
})
