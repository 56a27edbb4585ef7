// bounds.test.mjs - what a user may send, and what ends with a user's rights.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

let site, file
before(async () => {
  site = await startInstance()
  file = await clip('h264')
})
after(() => site?.stop())

/** Sends an upload without a length until the server cuts it off, whatever it answers: {status, sent}. */
async function pour (token, most) {
  const socket = connect({ port: site.port, host: '127.0.0.1', allowHalfOpen: true })
  let answer = ''
  let isOver = false
  let wake = () => {}
  socket.on('data', data => { answer += data })
  socket.on('drain', () => wake())
  for (const event of ['close', 'error']) socket.on(event, () => { isOver = true; wake() })
  await once(socket, 'connect')
  socket.write(`POST /api/v1/videos/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n`)
  const chunk = bytes => socket.write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]))
  chunk(Buffer.from('--b\r\nContent-Disposition: form-data; name="videofile"; filename="x.mp4"\r\nContent-Type: video/mp4\r\n\r\n'))
  let sent = 0
  const bytes = Buffer.alloc(1 << 20)
  while (sent < most && !isOver) {
    if (!chunk(bytes)) await new Promise(resolve => { wake = resolve })
    await turn() // the answer is there before the end is: who never looks would miss it
    sent += bytes.length
  }
  socket.destroy()
  return { status: Number(answer.split(' ')[1]), sent }
}

test('a body without a length ends where the quota does', async () => {
  const poor = await site.user('poor', { videoQuota: 1 << 20 })
  const { status, sent } = await pour(poor.token, 200 << 20)
  assert.equal(status, 413)
  assert.ok(sent < 100 << 20, `${sent} bytes were taken`)
})

test('a quota holds for one request and for many', async () => {
  const small = await site.user('small', { videoQuota: 1000 })
  const sent = await site.send(file, {}, small.token)
  assert.equal(sent.status, 413, sent.text)
  assert.equal(sent.json.code, 'quota_reached')
  assert.equal((await site.get('/users/me/videos', { token: small.token })).json.total, 0)
})

test('T30: media tokens end with their user', async () => {
  const video = await site.published((await site.upload(file, { privacy: 4 })).uuid)
  const path = new URL(video.files[0].fileUrl).pathname
  const watch = async who => {
    const { token } = (await site.post(`/videos/${video.uuid}/token`, { token: who.token })).json.files
    const address = `${path}?videoFileToken=${token}`
    assert.equal((await site.raw({ path: address })).status, 200)
    return address
  }
  const blocked = await site.user('blocked')
  const deleted = await site.user('deleted')
  const addresses = [await watch(blocked), await watch(deleted)]
  assert.equal((await site.post(`/users/${blocked.id}/block`, { token: true, json: { reason: 'test' } })).status, 204)
  assert.equal((await site.delete(`/users/${deleted.id}`, { token: true })).status, 204)
  for (const path of addresses) assert.equal((await site.raw({ path })).status, 403)
  for (const who of [blocked, deleted]) assert.equal((await site.get('/users/me', { token: who.token })).status, 401)
})

test('the metadata of a file are for those who may see its video', async () => {
  const owner = await site.user('owner')
  const other = await site.user('other')
  const closed = await site.published((await site.upload(file, { privacy: 3 }, owner.token)).uuid, owner.token)
  const locked = await site.published((await site.upload(file, { privacy: 5, videoPasswords: ['sesame 1'] }, owner.token)).uuid, owner.token)
  const path = video => new URL(video.files[0].metadataUrl).pathname.replace('/api/v1', '')
  assert.equal((await site.get(path(closed))).status, 401)
  assert.equal((await site.get(path(closed), { token: other.token })).status, 403)
  assert.equal((await site.get(path(closed), { token: owner.token })).status, 200)
  assert.equal((await site.get(path(locked))).status, 401)
  assert.equal((await site.get(path(locked), { headers: { 'x-peertube-video-password': 'guess' } })).status, 403)
  assert.equal((await site.get(path(locked), { headers: { 'x-peertube-video-password': 'sesame 1' } })).status, 200)
  // A file of one video is not found below another.
  const mine = await site.published((await site.upload(file, { privacy: 1 }, other.token)).uuid, other.token)
  const id = path(closed).split('/').pop()
  assert.equal((await site.get(`/videos/${mine.uuid}/metadata/${id}`, { token: other.token })).status, 404)
})

test('where it was filmed is in no file, no metadata and no database', async () => {
  const { readFileSync, readdirSync } = await import('node:fs')
  const { join } = await import('node:path')
  const video = await site.published((await site.upload(await clip('gps'), { waitTranscoding: 'true' })).uuid)
  for (const one of [...video.files, ...video.streamingPlaylists[0].files]) {
    const metadata = await site.get(new URL(one.metadataUrl).pathname.replace('/api/v1', ''))
    assert.equal(metadata.status, 200)
    assert.ok(metadata.json.streams.length > 0)
    assert.ok(!/48\.8584|filmed at home|"tags"|filename/.test(metadata.text))
  }
  for (const name of readdirSync(site.folder).filter(name => name.startsWith('shoal.sqlite3'))) {
    assert.ok(!readFileSync(join(site.folder, name)).includes('48.8584'), name)
  }
})

