// kill.test.mjs - kill -9 at bad moments: what was answered stays, and what was begun is finished.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { shoal, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { encoding, ffmpegs, isHidden, playsWhole, settled, tmpOf } from './look.mjs'

/** The supervisor, and with it the server; the next start waits until that one is gone. */
const killAll = site => site.kill('SIGKILL')

describe('kill -9', () => {
  let site, long, short

  before(async () => {
    long = await clip('h264', { seconds: 16, size: '854x480' })
    short = await clip('h264')
    site = await startInstance({ settings: ['transcode_ffmpeg.threads=1'] })
  })
  after(() => site?.stop())

  test('of the server in the middle of a transcode: the video gets published', async () => {
    const { uuid } = await site.upload(long, { name: 'Killed once', waitTranscoding: true })
    await encoding(site)
    await isHidden(site, uuid)
    const killed = site.server
    const encoders = new Set()
    const look = () => { for (const { pid, line } of ffmpegs(site.folder)) if (line.includes('libx264')) encoders.add(pid) }
    const watch = setInterval(look, 50)
    look()
    process.kill(killed, 'SIGKILL')
    await site.when('another server answers', async () => site.server && site.server !== killed && (await site.raw({ path: '/health' }).catch(() => null))?.status === 200)
    await site.published(uuid)
    await settled(site)
    clearInterval(watch)
    assert.equal(encoders.size, 1, 'the next server takes over the ffmpeg that runs, it starts no other')
    const video = await playsWhole(site, uuid, 16)
    assert.deepEqual(video.streamingPlaylists[0].files.map(file => file.resolution.id).sort((a, b) => b - a)[0], 480)
    assert.deepEqual(tmpOf(site), [])
  })

  test('of the server and its supervisor: the next start finishes it', async () => {
    const { uuid } = await site.upload(long, { name: 'Killed twice', waitTranscoding: true })
    await encoding(site)
    await killAll(site)
    await site.start()
    await isHidden(site, uuid).catch(async error => { // it may be published by now, then whole
      if ((await site.get(`/videos/${uuid}`)).json?.state?.id !== 1) throw error
    })
    await site.published(uuid)
    await settled(site)
    await playsWhole(site, uuid, 16)
    assert.deepEqual(ffmpegs(site.folder), [])
    assert.deepEqual(tmpOf(site), [])
  })

  test('of the supervisor: its server ends with it, and the next start waits for what is left', async () => {
    const { server } = site
    await killAll(site)
    await site.when('the server goes with its supervisor', () => { try { process.kill(server, 0); return false } catch { return true } })
    const lock = join(site.folder, 'run/lock')
    const left = spawn('flock', ['--shared', lock, 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] })
    await site.when('something of before holds the folder', () => spawnSync('flock', ['--nonblock', lock, 'true']).status === 1)
    const started = site.start()
    await site.when('the next one says what it waits for', () => /is still ending: waiting until .* is free/.test(site.log))
    left.stdin.end()
    await started
    const second = await shoal('serve', site.folder)
    assert.equal(second.code, 1)
    assert.match(second.stderr, new RegExp(`another server \\(process ${site.pid}\\) works on`))
  })

  test('right after the answer to an upload: the video is there', async () => {
    const { uuid } = await site.upload(short, { name: 'Just answered' })
    await killAll(site)
    await site.start()
    const mine = (await site.get('/users/me/videos', { token: true })).json
    assert.ok(mine.data.some(video => video.uuid === uuid))
    await site.published(uuid)
    await settled(site)
    await playsWhole(site, uuid, 2)
  })

  test('in the middle of an upload: no half video appears', async () => {
    const bytes = readFileSync(short)
    const head = { token: true, json: { filename: 'half.mp4', name: 'Half a video', channelId: await site.channelId(), privacy: 1 }, headers: { 'x-upload-content-length': String(bytes.length), 'x-upload-content-type': 'video/mp4' } }
    const begun = await site.post('/videos/upload-resumable', head)
    assert.equal(begun.status, 201, begun.text)
    const address = new URL(begun.headers.location, site.url)
    const half = Math.floor(bytes.length / 2)
    const part = (from, to) => site.raw({ method: 'PUT', path: address.pathname + address.search, body: bytes.subarray(from, to), headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream', 'content-length': to - from, 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` } })
    const token = await site.token()
    assert.equal((await part(0, half)).status, 308)
    await killAll(site)
    await site.start()
    const mine = (await site.get('/users/me/videos', { token: true })).json
    assert.ok(!mine.data.some(video => video.name === 'Half a video'))
    const done = await part(half, bytes.length)
    assert.equal(done.status, 200, done.text)
    await site.published(done.json.video.uuid)
  })
})
