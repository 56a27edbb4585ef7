// stop.test.mjs - SIGTERM and SIGHUP at bad moments: what fits in stop_grace ends, the rest goes on afterwards.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { multipart } from '../kit/client.mjs'
import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { encoding, ffmpegs, isHidden, playsWhole, settled, tmpOf } from './look.mjs'

/** A request whose body stands still after its first bytes: {ended: {status, text} or {error}, out: when those are, go(rest)}. */
function held (site, options, first) {
  const { hostname, port } = new URL(site.url)
  const request = http.request({ hostname, port, agent: false, ...options })
  const ended = new Promise(resolve => {
    request.on('response', answer => {
      let text = ''
      answer.on('data', data => { text += data })
      answer.on('end', () => resolve({ status: answer.statusCode, text }))
      answer.on('error', error => resolve({ error }))
    })
    request.on('error', error => resolve({ error }))
  })
  const out = new Promise(resolve => request.write(first, resolve))
  return { ended, out, go: rest => request.end(rest) }
}

/** The address of a new resumable upload. */
async function begin (site, bytes, name) {
  const begun = await site.post('/videos/upload-resumable', {
    token: true,
    json: { filename: 'held.mp4', name, channelId: await site.channelId(), privacy: 1 },
    headers: { 'x-upload-content-length': String(bytes.length), 'x-upload-content-type': 'video/mp4' }
  })
  assert.equal(begun.status, 201, begun.text)
  const { pathname, search } = new URL(begun.headers.location, site.url)
  return pathname + search
}

const chunk = (path, bytes, from, to, token) => ({
  method: 'PUT', path, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream', 'content-length': to - from, 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` }
})

const mine = async (site, name) => (await site.get('/users/me/videos', { token: true })).json.data.filter(video => video.name === name)

// Little, so that the test need not wait long; where something is to fit, what is the default fits on a busy machine.
const GRACE = 'http.stop_grace=2s'

describe('a stop', () => {
  let site, long, bytes, token
  const again = async settings => {
    await site.kill()
    site.settings = settings
    await site.start()
  }

  before(async () => {
    long = await clip('h264', { seconds: 16, size: '854x480' })
    bytes = readFileSync(await clip('h264'))
    site = await startInstance({ settings: [GRACE, 'transcode_ffmpeg.threads=1'] })
    token = await site.token()
  })
  after(() => site?.stop())

  test('a resumable upload that does not fit in stop_grace goes on after the next start', async () => {
    const path = await begin(site, bytes, 'Held by a stop')
    const half = Math.floor(bytes.length / 2)
    const sent = held(site, chunk(path, bytes, 0, bytes.length, token), bytes.subarray(0, half))
    await Promise.all([sent.out, site.underWay(path)])
    process.kill(site.pid, 'SIGTERM')
    assert.ok((await sent.ended).error, 'an upload that stood still was answered')
    assert.deepEqual(await site.ended, { code: 0, signal: null })
    await site.start()
    assert.deepEqual(await mine(site, 'Held by a stop'), [])
    const asked = await site.raw({ method: 'PUT', path, headers: { authorization: `Bearer ${token}`, 'content-length': 0, 'content-range': `bytes */${bytes.length}` } })
    assert.equal(asked.status, 308, asked.text)
    const have = Number(asked.headers.range.match(/^bytes=0-(\d+)$/)[1]) + 1
    assert.equal(have, half, 'what had come is kept')
    const done = await site.raw({ ...chunk(path, bytes, have, bytes.length, token), body: bytes.subarray(have) })
    assert.equal(done.status, 200, done.text)
    await site.published(done.json.video.uuid)
    await settled(site)
    await playsWhole(site, done.json.video.uuid, 2)
  })

  test('one that fits is answered, and its video is there after the next start', async () => {
    await again(['transcode_ffmpeg.threads=1'])
    const path = await begin(site, bytes, 'Ended in time')
    const half = Math.floor(bytes.length / 2)
    const sent = held(site, chunk(path, bytes, 0, bytes.length, token), bytes.subarray(0, half))
    await site.underWay(path)
    process.kill(site.pid, 'SIGTERM')
    await sleep(300) // a little later, when it stops
    sent.go(bytes.subarray(half))
    const { status, text } = await sent.ended
    assert.equal(status, 200, text)
    assert.deepEqual(await site.ended, { code: 0, signal: null })
    await site.start()
    await site.published(JSON.parse(text).video.uuid)
    await again([GRACE, 'transcode_ffmpeg.threads=1'])
  })

  test('an upload in one request that does not fit leaves nothing behind', async () => {
    await settled(site)
    const { body, type } = multipart({ channelId: await site.channelId(), name: 'Cut off by a stop', privacy: 1, videofile: { name: 'cut.mp4', bytes, mime: 'video/mp4' } })
    const half = Math.floor(body.length / 2)
    const sent = held(site, { method: 'POST', path: '/api/v1/videos/upload', headers: { authorization: `Bearer ${token}`, 'content-type': type, 'content-length': body.length } }, body.subarray(0, half))
    await site.when('its file grows', () => tmpOf(site).length > 0)
    process.kill(site.pid, 'SIGTERM')
    assert.ok((await sent.ended).error)
    assert.deepEqual(await site.ended, { code: 0, signal: null })
    await site.start()
    assert.deepEqual(await mine(site, 'Cut off by a stop'), [])
    assert.deepEqual(tmpOf(site), [])
  })

  test('a transcode is ended with the server, and done after the next start', async () => {
    const { uuid } = await site.upload(long, { name: 'Ended in its transcode', waitTranscoding: true })
    await encoding(site)
    process.kill(site.pid, 'SIGTERM')
    assert.deepEqual(await site.ended, { code: 0, signal: null })
    assert.deepEqual(ffmpegs(site.folder), [])
    await site.start()
    await site.published(uuid)
    await settled(site)
    await playsWhole(site, uuid, 16)
    assert.deepEqual(tmpOf(site), [])
  })

  test('asked twice it does not wait', async () => {
    const path = await begin(site, bytes, 'Nobody waits')
    await again(['http.stop_grace=300s'])
    const sent = held(site, chunk(path, bytes, 0, bytes.length, token), bytes.subarray(0, 100))
    await site.underWay(path)
    process.kill(site.pid, 'SIGTERM')
    await site.when('it is stopping', () => site.raw({ path: '/health', timeout: 1000 }).then(() => false, () => true))
    process.kill(site.pid, 'SIGTERM')
    await sent.ended
    await site.ended
    await site.start()
    const asked = await site.raw({ method: 'PUT', path, headers: { authorization: `Bearer ${token}`, 'content-length': 0, 'content-range': `bytes */${bytes.length}` } })
    assert.equal(asked.status, 308, asked.text)
  })
})

describe('a reload', () => {
  let site

  before(async () => { site = await startInstance({ settings: [GRACE, 'transcode_ffmpeg.threads=1'] }) })
  after(() => site?.stop())

  test('the ffmpeg that works goes on, and its video is published by the next server', async () => {
    const { uuid } = await site.upload(await clip('h264', { seconds: 16, size: '854x480' }), { name: 'Over a reload', waitTranscoding: true })
    await encoding(site)
    await isHidden(site, uuid)
    const before = site.server
    const encoders = new Set()
    const look = () => { for (const { pid, line } of ffmpegs(site.folder)) if (line.includes('libx264')) encoders.add(pid) }
    const watch = setInterval(look, 50)
    look()
    process.kill(site.pid, 'SIGHUP')
    await site.when('another server serves', () => site.server !== undefined && site.server !== before)
    await site.when('the older one is gone', () => { try { process.kill(before, 0); return false } catch { return true } })
    await site.published(uuid)
    await settled(site)
    clearInterval(watch)
    assert.equal(encoders.size, 1, 'no other ffmpeg was started')
    await playsWhole(site, uuid, 16)
    assert.deepEqual(tmpOf(site), [])
  })
})
