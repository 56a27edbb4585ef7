// resumable.test.mjs - uploads in chunks: every answer that the protocol knows.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile, unlink, utimes } from 'node:fs/promises'
import http from 'node:http'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

let site, bytes, channelId, number = 0

before(async () => {
  site = await startInstance()
  bytes = await readFile(await clip('h264', { seconds: 3 }))
  channelId = await site.channelId()
})
after(() => site?.stop())

const begin = (fields = {}, { token = true, size = bytes.length, mime = 'video/mp4', headers = {} } = {}) =>
  site.post('/videos/upload-resumable', {
    token,
    json: { filename: 'waves.mp4', name: `In pieces ${++number}`, channelId, privacy: 1, ...fields },
    headers: { 'x-upload-content-length': String(size), 'x-upload-content-type': mime, ...headers }
  })

async function started (fields, options) {
  const answer = await begin(fields, options)
  assert.equal(answer.status, 201, answer.text)
  const location = new URL(answer.headers.location)
  return location.pathname.replace('/api/v1', '') + location.search
}

const chunk = (path, from, to, { body = bytes.subarray(from, to), total = bytes.length, token = true, headers = {} } = {}) =>
  site.put(path, { token, body, headers: { 'content-type': 'application/octet-stream', 'content-range': `bytes ${from}-${to - 1}/${total}`, ...headers } })

const ask = (path, total = bytes.length, token = true) =>
  site.put(path, { token, headers: { 'content-range': `bytes */${total}`, 'content-length': '0' } })

function protocolError (answer, status) {
  assert.equal(answer.status, status, answer.text)
  assert.match(answer.headers['content-type'], /^application\/json/)
  assert.equal(typeof answer.json.error.code, 'string')
  assert.equal(typeof answer.json.error.message, 'string')
}

test('a file goes in by chunks of 100 kB', async () => {
  const answer = await begin()
  assert.equal(answer.status, 201)
  assert.equal(answer.body.length, 0)
  assert.match(answer.headers.location, new RegExp(`^${site.url}/api/v1/videos/upload-resumable\\?upload_id=[0-9a-f]+$`))
  const path = answer.headers.location.slice(`${site.url}/api/v1`.length)
  let last
  for (let at = 0; at < bytes.length; at += 100000) {
    const end = Math.min(at + 100000, bytes.length)
    last = await chunk(path, at, end)
    if (end < bytes.length) {
      assert.equal(last.status, 308)
      assert.equal(last.headers.range, `bytes=0-${end - 1}`)
      assert.equal(last.headers.location, undefined)
      assert.equal(last.body.length, 0)
    }
  }
  assert.equal(last.status, 200, last.text)
  assert.ok(last.json.video.uuid)
  const video = await site.published(last.json.video.uuid)
  assert.equal(video.files.length >= 1, true)

  const again = await chunk(path, 0, bytes.length)
  assert.equal(again.status, 200)
  assert.deepEqual(again.json, last.json)
  assert.equal((await ask(path)).json.video.uuid, last.json.video.uuid)
})

test('a question how far we are is answered with the last byte', async () => {
  const path = await started()
  const nothing = await ask(path)
  assert.equal(nothing.status, 308)
  assert.equal(nothing.headers.range, 'bytes=0--1') // PeerTube's client waits for ever without it
  await chunk(path, 0, 5000)
  const some = await ask(path)
  assert.equal(some.status, 308)
  assert.equal(some.headers.range, 'bytes=0-4999')
})

test('beginning the same upload again finds what is there', async () => {
  const fields = { name: 'The very same' }
  const path = await started(fields)
  const unused = await begin(fields)
  assert.equal(unused.status, 201) // nothing came yet: as good as new
  assert.equal(unused.headers.range, undefined)
  await chunk(path, 0, 7000)
  const again = await begin(fields)
  assert.equal(again.status, 200)
  assert.equal(again.headers.range, 'bytes=0-6999')
  assert.ok(again.headers.location.endsWith(path.slice(path.indexOf('?'))))
  const other = await begin({ name: 'Another title' })
  assert.equal(other.status, 201)
  assert.notEqual(other.headers.location, again.headers.location)
})

test('a chunk that was sent already may be sent again', async () => {
  const path = await started()
  await chunk(path, 0, 5000)
  const again = await chunk(path, 0, 5000)
  assert.equal(again.status, 308)
  assert.equal(again.headers.range, 'bytes=0-4999')
  const overlap = await chunk(path, 2000, 9000)
  assert.equal(overlap.headers.range, 'bytes=0-8999')
  const done = await chunk(path, 9000, bytes.length)
  assert.equal(done.status, 200, done.text)
})

test('a chunk beyond what was written is 409', async () => {
  const path = await started()
  await chunk(path, 0, 5000)
  protocolError(await chunk(path, 6000, 7000), 409)
  assert.equal((await ask(path)).headers.range, 'bytes=0-4999')
})

test('no upload_id, and one of another user, are 403', async () => {
  const path = await started()
  const user = await site.user('thief')
  protocolError(await chunk(path, 0, 10, { token: user.token }), 403)
  protocolError(await chunk('/videos/upload-resumable', 0, 10), 403)
  protocolError(await chunk('/videos/upload-resumable?upload_id=', 0, 10), 403)
  protocolError(await chunk('/videos/upload-resumable?upload_id=../../../etc/passwd', 0, 10), 403)
  protocolError(await site.delete(path, { token: user.token }), 403)
  assert.equal((await chunk(path, 0, 10, { token: null })).status, 401)
})

test('an upload that is not known is 404', async () => {
  const path = await started()
  const flipped = path.slice(0, -1) + (path.endsWith('0') ? '1' : '0')
  protocolError(await chunk(flipped, 0, 10), 404)
})

test('a bad Content-Range is 400', async () => {
  const path = await started()
  const size = bytes.length
  for (const range of ['bytes 5-1/100', 'bytes a-b/c', `bytes 0-9/${size + 1}`, `bytes 0-${size}/${size}`, 'items 0-9/10', `bytes 0-9/${size},20-29/${size}`]) {
    const answer = await site.put(path, { token: true, body: Buffer.alloc(10), headers: { 'content-type': 'application/octet-stream', 'content-range': range } })
    protocolError(answer, 400)
  }
  protocolError(await site.put(path, { token: true, body: Buffer.alloc(11), headers: { 'content-range': `bytes 0-9/${size}` } }), 400)
  protocolError(await site.put(path, { token: true, body: Buffer.alloc(10), headers: {} }), 400)
  assert.equal((await ask(path)).headers.range, 'bytes=0--1')
})

test('a wrong checksum is 460 and the bytes are taken back', async () => {
  const path = await started()
  await chunk(path, 0, 5000)
  const piece = bytes.subarray(5000, 9000)
  const sha = createHash('sha256').update(piece).digest('base64')
  const md5 = createHash('md5').update(piece).digest('base64')
  protocolError(await chunk(path, 5000, 9000, { headers: { digest: `sha-256=${createHash('sha256').update('x').digest('base64')}` } }), 460)
  assert.equal((await ask(path)).headers.range, 'bytes=0-4999')
  protocolError(await chunk(path, 5000, 9000, { headers: { 'content-md5': createHash('md5').update('x').digest('base64') } }), 460)
  const right = await chunk(path, 5000, 9000, { headers: { digest: `sha-256=${sha}`, 'content-md5': md5 } })
  assert.equal(right.status, 308)
  assert.equal(right.headers.range, 'bytes=0-8999')
})

test('two writers at once: the second hears 423', async () => {
  const path = await started()
  const slow = http.request({
    host: '127.0.0.1',
    port: site.port,
    method: 'PUT',
    path: `/api/v1${path}`,
    headers: { authorization: `Bearer ${await site.token()}`, 'content-type': 'application/octet-stream', 'content-range': `bytes 0-9999/${bytes.length}`, 'content-length': 10000 }
  })
  slow.on('error', () => {})
  slow.write(bytes.subarray(0, 5000))
  await site.underWay(path)
  protocolError(await chunk(path, 0, 100), 423)
  const heard = new Promise(resolve => slow.on('response', resolve))
  slow.end(bytes.subarray(5000, 10000))
  const answer = await heard
  answer.resume()
  assert.equal(answer.statusCode, 308)
  assert.equal(answer.headers.range, 'bytes=0-9999')
  assert.equal((await chunk(path, 10000, bytes.length)).status, 200)
})

test('what arrived before a connection broke is kept', async () => {
  const path = await started()
  const token = await site.token()
  await new Promise(resolve => {
    const broken = http.request({
      host: '127.0.0.1',
      port: site.port,
      method: 'PUT',
      path: `/api/v1${path}`,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream', 'content-range': `bytes 0-19999/${bytes.length}`, 'content-length': 20000 }
    })
    broken.on('error', () => {})
    broken.on('close', resolve)
    const out = new Promise(resolve => broken.write(bytes.subarray(0, 12000), resolve))
    Promise.all([out, site.underWay(path)]).finally(() => broken.destroy())
  })
  await site.letGo(path)
  const range = await site.when('it is there', async () => (await ask(path)).headers.range)
  const next = Number(/^bytes=0-(-?\d+)$/.exec(range)[1]) + 1
  assert.ok(next <= 12000)
  const done = await chunk(path, next, bytes.length)
  assert.equal(done.status, 200, done.text)
})

test('an upload that nobody wants is deleted', async () => {
  const path = await started()
  await chunk(path, 0, 5000)
  const answer = await site.delete(path, { token: true, headers: { 'content-length': '0' } })
  assert.equal(answer.status, 204)
  protocolError(await ask(path), 404)
  protocolError(await site.delete(path, { token: true }), 404)
})

test('an upload that got no byte for a week is 410, and can begin anew', async () => {
  const fields = { name: 'Slept for a week' }
  const path = await started(fields)
  await chunk(path, 0, 5000)
  const then = new Date(Date.now() - 8 * 24 * 3600 * 1000)
  await utimes(site.partOf(path), then, then)
  protocolError(await ask(path), 410)
  protocolError(await chunk(path, 5000, bytes.length), 410)
  assert.equal((await begin(fields)).status, 201)
  const done = await chunk(path, 0, bytes.length)
  assert.equal(done.status, 200, done.text)
})

test('an upload whose bytes were lost is 410, and can begin anew', async () => {
  const fields = { name: 'Lost on the disk' }
  const path = await started(fields)
  await chunk(path, 0, 5000)
  await unlink(site.partOf(path))
  protocolError(await chunk(path, 5000, bytes.length), 410)
  protocolError(await ask(path), 410)
  assert.equal((await begin(fields)).status, 201)
  assert.equal((await chunk(path, 0, bytes.length)).status, 200)
})

test('the beginning is checked before a byte comes', async () => {
  assert.equal((await begin({}, { token: null })).status, 401)
  assert.equal((await begin({ name: 'x' })).status, 400)
  assert.equal((await begin({ channelId: 99999 })).status, 400)
  assert.equal((await begin({ filename: '' })).status, 400)
  assert.equal((await begin({}, { size: 0 })).status, 400)
  assert.equal((await begin({}, { size: 'many' })).status, 400)
  assert.equal((await begin({}, { mime: '' })).status, 400)
  const page = await begin({ filename: 'x.html' }, { mime: 'text/html' })
  assert.equal(page.status, 415)
  const huge = await begin({}, { size: 90 * 2 ** 40 })
  assert.equal(huge.status, 413)
  assert.equal(huge.json.code, 'max_file_size_reached')
})

test('unfinished uploads count against the quota', async () => {
  const user = await site.user('hoarder', { videoQuota: bytes.length * 2 })
  const mine = { token: user.token }
  assert.equal((await begin({ channelId: user.channelId }, mine)).status, 201)
  assert.equal((await begin({ channelId: user.channelId }, mine)).status, 201)
  const third = await begin({ channelId: user.channelId }, mine)
  assert.equal(third.status, 413)
  assert.equal(third.json.code, 'quota_reached')
})

test('an unfinished upload whose bytes were lost counts against nothing', async () => {
  const user = await site.user('loser', { videoQuota: bytes.length * 2 })
  const mine = [{ channelId: user.channelId }, { token: user.token }]
  const lost = await started(...mine)
  await started(...mine)
  assert.equal((await begin(...mine)).status, 413)
  await unlink(site.partOf(lost))
  assert.equal((await begin(...mine)).status, 201)
})

test('fields and pictures may come as multipart', async () => {
  const picture = await readFile(await clip('png', { size: '640x360' }))
  const answer = await site.post('/videos/upload-resumable', {
    token: true,
    fields: { filename: 'w.mp4', name: 'By multipart', channelId, tags: ['one1', 'two2'], privacy: 2, licence: 'null', thumbnailfile: { name: 't.png', bytes: picture, mime: 'image/png' } },
    headers: { 'x-upload-content-length': String(bytes.length), 'x-upload-content-type': 'video/mp4' }
  })
  assert.equal(answer.status, 201, answer.text)
  const path = answer.headers.location.slice(`${site.url}/api/v1`.length)
  const done = await chunk(path, 0, bytes.length)
  assert.equal(done.status, 200, done.text)
  const video = (await site.get(`/videos/${done.json.video.uuid}`, { token: true })).json
  assert.deepEqual([...video.tags].sort(), ['one1', 'two2'])
  assert.equal(video.privacy.id, 2)
})

test('a file that is no video is refused at its end and forgotten', async () => {
  const body = Buffer.alloc(5000, 'no video ')
  const path = await started({}, { size: body.length })
  const answer = await chunk(path, 0, body.length, { body, total: body.length })
  assert.ok([415, 422].includes(answer.status), `${answer.status} ${answer.text}`)
  assert.match(answer.headers['content-type'], /problem\+json/)
  protocolError(await ask(path, body.length), 404)
})

test('the whole file may come at once, without Content-Range', async () => {
  const path = await started()
  const answer = await site.put(path, { token: true, body: bytes, headers: { 'content-type': 'application/octet-stream' } })
  assert.equal(answer.status, 200, answer.text)
})

test('uploads go on after the server was killed', async () => {
  const path = await started()
  await chunk(path, 0, 50000)
  await site.kill('SIGKILL')
  await site.start()
  assert.equal((await ask(path)).headers.range, 'bytes=0-49999')
  const done = await chunk(path, 50000, bytes.length)
  assert.equal(done.status, 200, done.text)
  await site.published(done.json.video.uuid)
})
