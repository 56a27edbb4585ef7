// images.test.mjs - pictures that users send for their videos: made ours, or refused by name.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

let site, file
const folder = mkdtempSync(join(tmpdir(), 'shoal-pictures-'))

before(async () => {
  site = await startInstance()
  file = await clip('h264')
})
after(async () => {
  rmSync(folder, { recursive: true, force: true })
  await site?.stop()
})

const ffmpeg = (...args) => execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args])

/** One colour as a picture of a kind. */
function picture (ending, color, size = '1600x900') {
  const path = join(folder, `${color}-${size}.${ending}`)
  ffmpeg('-f', 'lavfi', '-i', `color=c=${color}:size=${size}:duration=1:rate=1`, '-frames:v', '1', path)
  return readFileSync(path)
}

/** {width, height, rgb} of a picture that the site serves. */
async function seen (path) {
  const answer = await site.raw({ path })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['content-type'], 'image/jpeg')
  const name = join(folder, 'seen.jpg')
  writeFileSync(name, answer.body)
  const sizes = execFileSync('ffprobe', ['-v', 'error', '-of', 'csv=p=0', '-show_entries', 'stream=width,height', name], { encoding: 'utf8' })
  const [width, height] = sizes.trim().split(',').map(Number)
  const rgb = [...execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', name, '-vf', 'scale=1:1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'])]
  return { width, height, rgb, bytes: answer.body }
}

const near = (rgb, wanted) => assert.ok(rgb.every((value, i) => Math.abs(value - wanted[i]) < 40), `${rgb} is not ${wanted}`)
const RED = [255, 0, 0]
const BLUE = [0, 0, 255]

test('a picture that comes with the upload becomes the thumbnail, another the preview', async () => {
  const video = await site.upload(file, {
    thumbnailfile: { name: 'mine.jpg', bytes: picture('jpg', 'red'), mime: 'image/jpeg' },
    previewfile: { name: 'mine.png', bytes: picture('png', 'blue', '1600x1600'), mime: 'image/png' }
  })
  const { thumbnailPath, previewPath } = await site.until(video.uuid, video => video.state.id === 1 && video.thumbnailPath && video.previewPath)
  const thumbnail = await seen(thumbnailPath)
  assert.deepEqual([thumbnail.width, thumbnail.height], [280, 158])
  near(thumbnail.rgb, RED)
  const preview = await seen(previewPath)
  assert.deepEqual([preview.width, preview.height], [480, 480])
  near(preview.rgb, BLUE)
})

test('an update brings another one, of each format', async () => {
  const video = await site.upload(file)
  const path = `/videos/${video.uuid}`
  let { thumbnailPath: last } = await site.until(video.uuid, video => video.state.id === 1 && video.thumbnailPath)
  for (const [ending, mime, color, rgb] of [['jpg', 'image/jpeg', 'red', RED], ['png', 'image/png', 'blue', BLUE], ['webp', 'image/webp', 'red', RED]]) {
    const bytes = picture(ending, color)
    const changed = await site.put(path, { token: true, fields: { thumbnailfile: { name: `x.${ending}`, bytes, mime } } })
    assert.equal(changed.status, 204, `${ending}: ${changed.text}`)
    const { thumbnailPath } = (await site.get(path)).json
    assert.notEqual(thumbnailPath, last)
    near((await seen(thumbnailPath)).rgb, rgb)
    last = thumbnailPath
  }
})

test('small pictures are not blown up, and what a camera wrote stays behind', async () => {
  const video = await site.upload(file)
  await site.published(video.uuid)
  const small = join(folder, 'small.jpg')
  writeFileSync(small, picture('jpg', 'blue', '100x60'))
  const bytes = readFileSync(small)
  const comment = Buffer.from('taken at home')
  const marked = Buffer.concat([bytes.subarray(0, 2), Buffer.from([0xff, 0xfe, 0, comment.length + 2]), comment, bytes.subarray(2)])
  const changed = await site.put(`/videos/${video.uuid}`, { token: true, fields: { previewfile: { name: 'x.jpg', bytes: marked, mime: 'image/jpeg' } } })
  assert.equal(changed.status, 204, changed.text)
  const now = await seen((await site.get(`/videos/${video.uuid}`)).json.previewPath)
  assert.deepEqual([now.width, now.height], [100, 60])
  assert.ok(!now.bytes.includes('taken at home'))
})

test('what is no picture is refused with the name of its field', async () => {
  const jpeg = picture('jpg', 'red')
  const bad = {
    text: Buffer.from('This is not a picture.\n'.repeat(50)),
    empty: Buffer.alloc(0),
    svg: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'),
    playlist: Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'),
    cut: jpeg.subarray(0, 12),
    video: readFileSync(file),
    // 60,000 × 60,000 pixels in 57 bytes.
    bomb: Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'), Buffer.from([0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60, 8, 2, 0, 0, 0]), Buffer.alloc(28)])
  }
  const video = await site.upload(file)
  const before = await site.until(video.uuid, video => video.state.id === 1 && video.thumbnailPath)
  const total = (await site.get('/users/me/videos', { token: true })).json.total
  for (const [name, bytes] of Object.entries(bad)) {
    for (const field of ['thumbnailfile', 'previewfile']) {
      const one = { name: 'holiday.jpg', bytes, mime: 'image/jpeg' }
      const changed = await site.put(`/videos/${video.uuid}`, { token: true, fields: { name: 'Half changed', [field]: one } })
      assert.equal(changed.status, 400, `${name}: ${changed.text}`)
      assert.ok(changed.json['invalid-params'][field], `${name}: ${changed.text}`)
      const sent = await site.send(file, { [field]: one })
      assert.equal(sent.status, 400, `${name}: ${sent.text}`)
      assert.ok(sent.json['invalid-params'][field], `${name}: ${sent.text}`)
    }
  }
  const now = (await site.get(`/videos/${video.uuid}`)).json
  assert.equal(now.thumbnailPath, before.thumbnailPath)
  assert.equal(now.name, before.name)
  assert.equal((await site.get('/users/me/videos', { token: true })).json.total, total, 'a video was made all the same')
})

test('a resumable upload hears of a bad picture before its first byte', async () => {
  const begin = async thumbnailfile => site.post('/videos/upload-resumable', {
    token: true,
    headers: { 'x-upload-content-length': '1000', 'x-upload-content-type': 'video/mp4' },
    fields: { channelId: await site.channelId(), name: 'Long', filename: 'long.mp4', privacy: 1, thumbnailfile }
  })
  const refused = await begin({ name: 'x.jpg', bytes: Buffer.from('no picture'), mime: 'image/jpeg' })
  assert.equal(refused.status, 400, refused.text)
  assert.ok(refused.json['invalid-params'].thumbnailfile)
  const taken = await begin({ name: 'x.jpg', bytes: picture('jpg', 'red'), mime: 'image/jpeg' })
  assert.equal(taken.status, 201, taken.text)
})

test('a picture is no video', async () => {
  for (const ending of ['jpg', 'png', 'webp']) {
    const sent = await site.send(file, { videofile: { name: 'x.mp4', bytes: picture(ending, 'red'), mime: 'video/mp4' } })
    assert.ok([400, 415, 422].includes(sent.status), `${ending}: ${sent.status} ${sent.text}`)
  }
})

test('nobody changes the picture of another', async () => {
  const video = await site.upload(file)
  await site.published(video.uuid)
  const bob = await site.user('bob')
  const fields = { thumbnailfile: { name: 'x.jpg', bytes: picture('jpg', 'red'), mime: 'image/jpeg' } }
  assert.equal((await site.put(`/videos/${video.uuid}`, { token: bob.token, fields })).status, 403)
  assert.equal((await site.put(`/videos/${video.uuid}`, { fields })).status, 401)
})
