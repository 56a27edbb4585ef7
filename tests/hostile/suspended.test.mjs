// suspended.test.mjs - what a user has open when they are suspended: sockets, events, uploads, downloads.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { clip } from '../kit/media.mjs'
import { echoInstance, openSocket, sleep } from '../streams/kit.mjs'

let site, file
before(async () => {
  site = await echoInstance()
  file = readFileSync(await clip('h264', { seconds: 3 }))
})
after(() => site?.stop())

/** A raw connection: {text, ended}. */
function dial (bytes) {
  const wire = connect(site.port, '127.0.0.1')
  wire.write(bytes)
  const state = { wire, text: '', ended: false }
  wire.on('data', data => { state.text += data.toString('latin1') })
  wire.on('error', () => {})
  wire.on('close', () => { state.ended = true })
  return state
}

const events = token => dial(`GET /echo/events?topic=echo HTTP/1.1\r\nHost: x\r\n${token ? `Authorization: Bearer ${token}\r\n` : ''}\r\n`)

test('T30 the suspended hear nothing more, others do', { timeout: 90000 }, async () => {
  const user = await site.user('suspended')
  const other = await site.user('other')
  const socket = await openSocket(site, '/echo/members', { headers: { Authorization: `Bearer ${user.token}` } })
  const [theirs, others, anonymous] = [events(user.token), events(other.token), events()]
  for (const stream of [theirs, others, anonymous]) await site.when('events are open', () => /opened/.test(stream.text))
  assert.equal((await site.post(`/users/${user.id}/block`, { token: true, json: { reason: 'spam' } })).status, 204)
  assert.equal(await socket.closed(), 1008)
  await site.when('their events end', () => theirs.ended)
  await site.raw({ path: '/echo/publish?topic=echo&text=for_the_others' })
  for (const stream of [others, anonymous]) await site.when('the others hear', () => /for_the_others/.test(stream.text))
  assert.doesNotMatch(theirs.text, /for_the_others/)
  for (const stream of [others, anonymous]) stream.wire.destroy()
})

test('T30 an upload that is under way when its user is suspended makes no video', { timeout: 90000 }, async () => {
  const user = await site.user('uploader')
  const total = async () => (await site.get('/videos?privacyOneOf=1&isLocal=true', { token: true })).json.total
  const was = await total()
  const part = (name, value) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  const body = Buffer.concat([Buffer.from(`${part('channelId', user.channelId)}${part('name', 'Under way')}${part('privacy', 1)}--b\r\nContent-Disposition: form-data; name="videofile"; filename="x.mp4"\r\nContent-Type: video/mp4\r\n\r\n`), file, Buffer.from('\r\n--b--\r\n')])
  const begun = dial(`POST /api/v1/videos/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.token}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`)
  begun.wire.write(body.subarray(0, body.length / 2))
  // And one in pieces, of which one is there.
  const init = await site.post('/videos/upload-resumable', {
    token: user.token,
    headers: { 'x-upload-content-length': String(file.length), 'x-upload-content-type': 'video/mp4' },
    json: { channelId: user.channelId, name: 'In pieces', filename: 'x.mp4', privacy: 1 }
  })
  assert.equal(init.status, 201, init.text)
  const { pathname, search } = new URL(init.headers.location, site.url)
  const put = (from, to) => site.raw({ method: 'PUT', path: pathname + search, body: file.subarray(from, to), headers: { authorization: `Bearer ${user.token}`, 'content-type': 'application/octet-stream', 'content-range': `bytes ${from}-${to - 1}/${file.length}`, 'content-length': to - from } })
  const half = Math.floor(file.length / 2 / 256) * 256
  assert.equal((await put(0, half)).status, 308)
  await sleep(300)
  assert.equal((await site.post(`/users/${user.id}/block`, { token: true, json: { reason: 'spam' } })).status, 204)
  assert.equal((await put(half, file.length)).status, 401)
  begun.wire.write(body.subarray(body.length / 2))
  await site.when('the upload is answered', () => begun.ended)
  assert.match(begun.text, /^HTTP\/1\.1 40[13] /)
  assert.equal(await total(), was)
  const stored = () => readdirSync(join(site.folder, 'media'), { recursive: true, withFileTypes: true }).filter(entry => entry.isFile() && entry.name.endsWith('.mp4')).length
  await sleep(500)
  assert.equal(stored(), 0)
})
