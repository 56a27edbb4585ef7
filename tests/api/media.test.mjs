// media.test.mjs - delivery: ranges, types, tokens, downloads, and paths that lead nowhere.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

let site, alice, bob, open, closed, locked
const pathOf = url => { const { pathname, search } = new URL(url); return pathname + search }

before(async () => {
  site = await startInstance()
  alice = await site.user('alice')
  bob = await site.user('bob')
  const file = await clip('h264', { seconds: 4 })
  const add = async fields => (await site.upload(file, fields, alice.token)).uuid
  const ids = [await add({ name: 'Épée: a/b "c"', privacy: 1 }), await add({ name: 'For me', privacy: 3 }), await add({ name: 'With a word', privacy: 5, videoPasswords: ['sesame 1'] })]
  ;[open, closed, locked] = await Promise.all(ids.map(id => site.published(id, alice.token)))
})
after(() => site?.stop())

const fetchPath = (path, headers = {}, method = 'GET') => site.raw({ path, headers, method })
const media = video => pathOf(video.streamingPlaylists[0].files[0].fileUrl)
const master = video => pathOf(video.streamingPlaylists[0].playlistUrl)
const bearer = user => ({ authorization: `Bearer ${user.token}` })

test('a file comes whole, in ranges, and as HEAD', async () => {
  const path = media(open)
  const whole = await fetchPath(path)
  assert.equal(whole.status, 200)
  assert.equal(whole.headers['content-type'], 'video/mp4')
  assert.equal(whole.headers['accept-ranges'], 'bytes')
  assert.equal(Number(whole.headers['content-length']), whole.body.length)
  assert.equal(whole.body.length, open.streamingPlaylists[0].files[0].size)
  const size = whole.body.length
  for (const [range, from, to] of [['bytes=0-99', 0, 100], ['bytes=100-199', 100, 200], ['bytes=-50', size - 50, size], [`bytes=${size - 1}-`, size - 1, size], [`bytes=10-${size * 2}`, 10, size]]) {
    const part = await fetchPath(path, { range })
    assert.equal(part.status, 206, range)
    assert.equal(part.headers['content-range'], `bytes ${from}-${to - 1}/${size}`)
    assert.ok(part.body.equals(whole.body.subarray(from, to)), range)
  }
  const beyond = await fetchPath(path, { range: `bytes=${size}-` })
  assert.equal(beyond.status, 416)
  assert.equal(beyond.headers['content-range'], `bytes */${size}`)
  const head = await fetchPath(path, {}, 'HEAD')
  assert.equal(head.status, 200)
  assert.equal(Number(head.headers['content-length']), size)
  assert.equal(head.body.length, 0)
  const same = await fetchPath(path, { 'if-none-match': whole.headers.etag })
  assert.equal(same.status, 304)
  const stale = await fetchPath(path, { range: 'bytes=0-9', 'if-range': '"other"' })
  assert.equal(stale.status, 200)
})

test('public media may be kept for ever and read by every site', async () => {
  for (const path of [media(open), master(open), open.thumbnailPath, pathOf(open.files[0].fileUrl), pathOf(open.streamingPlaylists[0].segmentsSha256Url)]) {
    const answer = await fetchPath(path, { origin: 'https://other.example' })
    assert.equal(answer.status, 200, path)
    assert.match(answer.headers['cache-control'], /public.*max-age=\d{5,}/, path)
    assert.equal(answer.headers['access-control-allow-origin'], '*', path)
    assert.equal(answer.headers['x-content-type-options'], 'nosniff', path)
    assert.match(answer.headers['content-security-policy'], /sandbox/, path)
    assert.doesNotMatch(answer.headers['content-type'], /html|activity\+json|xml/, path)
  }
})

test('a PeerTube that fetched a picture is not left with a connection that may close behind its back', async () => {
  for (const [agent, connection] of [['PeerTube/6.3.0 (+https://there.example)', 'close'], ['Mozilla/5.0', 'keep-alive']]) {
    const answer = await fetchPath(open.thumbnailPath, { 'user-agent': agent, connection: 'keep-alive' })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.connection, connection, agent)
  }
})

test('the SHA-256 list fits the bytes that are served', async () => {
  const list = (await fetchPath(pathOf(open.streamingPlaylists[0].segmentsSha256Url))).json
  for (const one of open.streamingPlaylists[0].files) {
    const path = pathOf(one.fileUrl)
    const { body } = await fetchPath(path)
    const ranges = Object.entries(list[path.split('/').pop()])
    assert.ok(ranges.length > 0)
    for (const [range, hash] of ranges) {
      const [from, to] = range.split('-').map(Number)
      assert.equal(createHash('sha256').update(body.subarray(from, to + 1)).digest('hex'), hash)
    }
  }
})

test('playlists have their type and name only files that are there', async () => {
  const answer = await fetchPath(master(open))
  assert.match(answer.headers['content-type'], /^application\/(vnd\.apple\.mpegurl|x-mpegurl)/i)
  const names = answer.text.split('\n').filter(line => line && !line.startsWith('#'))
  assert.ok(names.length >= 1)
  for (const name of names) {
    const child = await fetchPath(master(open).replace(/[^/]+$/, name))
    assert.equal(child.status, 200)
    assert.match(child.text, /#EXT-X-MAP:URI="[^"]+-fragmented\.mp4"/)
  }
})

test('T13 private files need somebody who may watch them', async () => {
  for (const path of [media(closed), master(closed), pathOf(closed.files[0].fileUrl)]) {
    assert.match(path, /\/private\//)
    assert.ok([401, 403].includes((await fetchPath(path)).status), path)
    assert.equal((await fetchPath(path, bearer(bob))).status, 403, path)
    assert.ok([401, 403].includes((await fetchPath(`${path}?videoFileToken=4da6fde3-88f7-4d16-b119-108df5630b06`)).status), path)
    const mine = await fetchPath(path, bearer(alice))
    assert.equal(mine.status, 200, path)
    assert.match(mine.headers['cache-control'], /private|no-store/)
    assert.equal((await fetchPath(path.replace('/private/', '/'), bearer(alice))).status, 404, path)
  }
})

test('a token opens the files of its video, and of no other', async () => {
  assert.equal((await site.post(`/videos/${closed.uuid}/token`)).status, 401)
  assert.equal((await site.post(`/videos/${closed.uuid}/token`, { token: bob.token })).status, 403)
  const answer = await site.post(`/videos/${closed.uuid}/token`, { token: alice.token })
  assert.equal(answer.status, 200)
  const { token, expires } = answer.json.files
  const left = new Date(expires) - Date.now()
  assert.ok(left > 3600e3 && left < 24 * 3600e3)
  const part = await fetchPath(`${media(closed)}?videoFileToken=${token}`, { range: 'bytes=0-9' })
  assert.equal(part.status, 206)
  assert.ok([401, 403].includes((await fetchPath(`${media(locked)}?videoFileToken=${token}`)).status))
  const changed = token.slice(0, -1) + (token.endsWith('x') ? 'y' : 'x')
  assert.ok([401, 403].includes((await fetchPath(`${media(closed)}?videoFileToken=${changed}`)).status))
})

test('reinjectVideoFileToken carries the token through the playlists', async () => {
  const { token } = (await site.post(`/videos/${closed.uuid}/token`, { token: alice.token })).json.files
  const base = master(closed).replace(/[^/]+$/, '')
  const first = await fetchPath(`${master(closed)}?videoFileToken=${encodeURIComponent(token)}&reinjectVideoFileToken=true`)
  assert.equal(first.status, 200)
  const children = first.text.split('\n').filter(line => line && !line.startsWith('#'))
  assert.ok(children.length > 0)
  for (const child of children) {
    assert.match(child, /\.m3u8\?videoFileToken=.+&reinjectVideoFileToken=true$/)
    const second = await fetchPath(base + child)
    assert.equal(second.status, 200)
    const map = second.text.match(/URI="([^"]+)"/)[1]
    assert.match(map, /-fragmented\.mp4\?videoFileToken=/)
    assert.equal((await fetchPath(base + map, { range: 'bytes=0-9' })).status, 206)
    assert.ok(second.text.split('\n').filter(line => line && !line.startsWith('#')).every(line => line.includes('videoFileToken=')))
  }
  const plain = await fetchPath(master(closed), bearer(alice))
  assert.doesNotMatch(plain.text, /videoFileToken/)
})

test('a password opens files as well', async () => {
  const path = media(locked)
  const ask = password => fetchPath(path, { 'x-peertube-video-password': password, range: 'bytes=0-9' })
  assert.ok([401, 403].includes((await fetchPath(path)).status))
  assert.equal((await ask('guess')).status, 403)
  assert.equal((await ask('sesame 1')).status, 206)
  const answer = await site.post(`/videos/${locked.uuid}/token`, { headers: { 'x-peertube-video-password': 'sesame 1' } })
  assert.equal(answer.status, 200, answer.text)
  assert.equal((await fetchPath(`${path}?videoFileToken=${answer.json.files.token}`, { range: 'bytes=0-9' })).status, 206)
})

test('T30 a user who is blocked gets no more bytes', async () => {
  const user = await site.user('blocked')
  const video = await site.published((await site.upload(await clip('h264'), { name: 'Mine', privacy: 3 }, user.token)).uuid, user.token)
  assert.equal((await fetchPath(media(video), bearer(user))).status, 200)
  await site.post(`/users/${user.id}/block`, { token: true, json: {} })
  assert.equal((await fetchPath(media(video), bearer(user))).status, 401)
})

test('downloads are attachments with a name that any file system takes', async () => {
  for (const one of [open.files[0], open.streamingPlaylists[0].files[0]]) {
    const answer = await fetchPath(pathOf(one.fileDownloadUrl))
    assert.equal(answer.status, 200, one.fileDownloadUrl)
    const disposition = answer.headers['content-disposition']
    assert.match(disposition, /^attachment; filename="[^"\\/:]*\.mp4"; filename\*=UTF-8''[\w.%~!-]+$/)
    const name = decodeURIComponent(disposition.split("UTF-8''")[1])
    assert.ok(name.startsWith('Épée'))
    assert.doesNotMatch(name, /[/\\:"<>|?*]/)
  }
})

test('downloads that are switched off are 403', async () => {
  await site.put(`/videos/${open.uuid}`, { token: alice.token, json: { downloadEnabled: false } })
  assert.equal((await fetchPath(pathOf(open.files[0].fileDownloadUrl))).status, 403)
  assert.equal((await fetchPath(media(open), { range: 'bytes=0-9' })).status, 206)
  await site.put(`/videos/${open.uuid}`, { token: alice.token, json: { downloadEnabled: true } })
  assert.equal((await fetchPath(pathOf(open.files[0].fileDownloadUrl))).status, 200)
})

test('downloads of private videos need a token', async () => {
  const path = pathOf(closed.files[0].fileDownloadUrl)
  assert.ok([401, 403].includes((await fetchPath(path)).status))
  const { token } = (await site.post(`/videos/${closed.uuid}/token`, { token: alice.token })).json.files
  assert.equal((await fetchPath(`${path}?videoFileToken=${token}`)).status, 200)
})

test('T12 and T41: no path leads out of the media', async () => {
  const name = media(open).split('/').pop()
  const dir = `/static/streaming-playlists/hls/${open.uuid}`
  for (const path of [
    '/static/web-videos/../../shoal.lua', '/static/web-videos/..%2f..%2fshoal.lua', '/static/web-videos/..%5c..%5cshoal.lua', '/static/web-videos/%2e%2e/%2e%2e/shoal.lua',
    '/static/web-videos/....//....//shoal.lua', '/static/web-videos/%252e%252e%252fshoal.lua', '/static/web-videos/shoal.sqlite3', '/static/web-videos/%00', `/static/web-videos/${name}%00.txt`,
    '/lazy-static/thumbnails/../../../etc/passwd', '/lazy-static/thumbnails/..%2F..%2F..%2Fetc%2Fpasswd', '/lazy-static/video-captions/..%2f..%2fshoal.lua.vtt',
    `${dir}/../${closed.uuid}/${media(closed).split('/').pop()}`, `${dir}/..%2f${closed.uuid}%2f${media(closed).split('/').pop()}`, `${dir}/${media(closed).split('/').pop()}`,
    `/static/streaming-playlists/hls/${closed.uuid}/${master(closed).split('/').pop()}`, `/static/streaming-playlists/hls/..%2f..%2f/${name}`, `${dir}/`, '/static/', '/static/web-videos/',
    '/download/web-videos/..%2f..%2fshoal.lua', '/download/streaming-playlists/hls/videos/%2e%2e%2fshoal.sqlite3', '//etc/passwd', '/static//etc/passwd'
  ]) {
    const answer = await fetchPath(path)
    assert.ok([400, 401, 403, 404].includes(answer.status), `${path}: ${answer.status}`)
    assert.doesNotMatch(answer.text, /root:|plugins\s*=|SQLite format/, path)
  }
})

test('files of a video that was deleted are gone', async () => {
  const video = await site.published((await site.upload(await clip('h264'), { name: 'Soon gone' }, alice.token)).uuid, alice.token)
  assert.equal((await fetchPath(media(video), { range: 'bytes=0-9' })).status, 206)
  await site.delete(`/videos/${video.uuid}`, { token: alice.token })
  assert.equal((await fetchPath(media(video), { range: 'bytes=0-9' })).status, 404)
  assert.equal((await fetchPath(video.thumbnailPath)).status, 404)
})

test('the files of a video that became private are no longer found where they were', async () => {
  const video = await site.published((await site.upload(await clip('h264'), { name: 'Hidden later' }, alice.token)).uuid, alice.token)
  const path = media(video)
  assert.equal((await site.put(`/videos/${video.uuid}`, { token: alice.token, json: { privacy: 3 } })).status, 204)
  assert.equal((await fetchPath(path)).status, 404)
  const now = (await site.get(`/videos/${video.uuid}`, { token: alice.token })).json
  assert.match(media(now), /\/private\//)
  assert.equal((await fetchPath(media(now), bearer(alice))).status, 200)
})

test('nothing that is served says where a video was filmed', async () => {
  const file = await clip('gps')
  assert.ok((await readFile(file)).includes('48.8584'), 'the clip has no GPS tag')
  const { uuid } = await site.upload(file, { name: 'From home' }, alice.token)
  const clean = (bytes, what) => assert.ok(!/48\.8584|filmed at home/.test(bytes.toString('latin1')), what)
  const video = await site.published(uuid, alice.token)
  for (const one of [...video.files, ...video.streamingPlaylists[0].files]) {
    for (const url of [one.fileUrl, one.fileDownloadUrl, one.metadataUrl]) clean((await fetchPath(pathOf(url))).body, url)
  }
  for (const path of [video.thumbnailPath, video.previewPath, master(video)]) clean((await fetchPath(path)).body, path)
  clean(Buffer.from(JSON.stringify(video)), 'details')
})
