// storage_far.test.mjs - media that lie on a slow storage without paths, where one call in fifty fails.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

let site, video
const pathOf = url => new URL(url).pathname

before(async () => {
  site = await startInstance({ started: false, settings: ['storage=storage_far'] })
  const file = join(site.folder, 'shoal.lua')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('"storage_fs",', '"storage_fs",\n  "storage_far",'))
  await site.start()
  video = await site.published((await site.upload(await clip('h264', { seconds: 4 }))).uuid)
})
after(() => site?.stop())

test('the media lie there and nowhere else', async () => {
  const near = await readdir(join(site.folder, 'media'), { recursive: true }).catch(() => [])
  assert.deepEqual(near.filter(name => /\.(mp4|m3u8|jpg)$/.test(name)), [])
})

test('whole files come whole, or not at all', async () => {
  for (const one of [...video.files, ...video.streamingPlaylists[0].files]) {
    for (let i = 0; i < 10; i++) {
      const answer = await site.raw({ path: pathOf(one.fileUrl) }).catch(error => ({ status: 0, error }))
      assert.ok([0, 200, 502, 503].includes(answer.status), `${answer.status}`)
      if (answer.status === 200) assert.equal(answer.body.length, one.size)
      if (answer.status >= 500) assert.ok(answer.json.detail.length > 10 && answer.headers['retry-after'])
    }
  }
})

test('tries again, so that failures are not seen', async () => {
  const [one] = video.streamingPlaylists[0].files
  let good = 0
  for (let i = 0; i < 40; i++) {
    const answer = await site.raw({ path: pathOf(one.fileUrl), headers: { range: 'bytes=0-999' } }).catch(() => null)
    if (answer?.status === 206 && answer.body.length === 1000) good++
  }
  assert.equal(good, 40)
})

test('ranges are the bytes of the whole', async () => {
  const [one] = video.streamingPlaylists[0].files
  const whole = await site.raw({ path: pathOf(one.fileUrl) })
  const total = whole.body.length
  for (const [from, to] of [[0, 10], [1, 70000], [65530, 65545], [total - 5, total]]) {
    const part = await site.raw({ path: pathOf(one.fileUrl), headers: { range: `bytes=${from}-${to - 1}` } })
    assert.equal(part.status, 206)
    assert.equal(part.headers['content-range'], `bytes ${from}-${to - 1}/${total}`)
    assert.ok(part.body.equals(whole.body.subarray(from, to)))
  }
})

test('downloads have their name from there too', async () => {
  const answer = await site.raw({ path: pathOf(video.files[0].fileDownloadUrl) })
  assert.equal(answer.status, 200)
  assert.match(answer.headers['content-disposition'], /^attachment; filename="A video of the tests/)
  assert.equal(answer.headers['content-type'], 'video/mp4')
})

test('private playlists get their tokens from there too', async () => {
  await site.put(`/videos/${video.uuid}`, { token: true, json: { privacy: 3 } })
  const now = (await site.get(`/videos/${video.uuid}`, { token: true })).json
  const { token } = (await site.post(`/videos/${video.uuid}/token`, { token: true })).json.files
  const answer = await site.raw({ path: `${pathOf(now.streamingPlaylists[0].playlistUrl)}?videoFileToken=${token}&reinjectVideoFileToken=true` })
  assert.equal(answer.status, 200)
  assert.match(answer.text, /videoFileToken=/)
})

test('pictures of people lie there too', async () => {
  const bytes = await readFile(await clip('png', { size: '640x360' }))
  for (let i = 0; i < 10; i++) {
    const answer = await site.post('/users/me/avatar/pick', { token: true, fields: { avatarfile: { name: 'a.png', bytes, mime: 'image/png' } } })
    assert.equal(answer.status, 200, answer.text)
    const [one] = answer.json.avatars
    assert.equal((await site.raw({ path: one.path })).headers['content-type'], 'image/jpeg')
  }
})

// A file of more parts than calls go well in a row: each part that is lost is sent again.
test('a large file gets there in spite of the calls that fail', async () => {
  const noise = await clip('noise', { seconds: 6, size: '640x360' })
  const large = await site.published((await site.upload(noise)).uuid)
  const { size, fileUrl } = large.files[0]
  assert.ok(size > 50 * 256 * 1024, `${size} bytes are too few for this test`)
  const answer = await site.raw({ path: pathOf(fileUrl), headers: { range: `bytes=${size - 10}-` } })
  assert.equal(answer.headers['content-range'], `bytes ${size - 10}-${size - 1}/${size}`)
})
