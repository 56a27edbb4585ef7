// storyboards.test.mjs - small pictures of a video's moments: made by themselves, in PeerTube's form.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { shoal, startInstance } from '../kit/instance.mjs'
import { clip, probe } from '../kit/media.mjs'

let site, alice, folder

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'storyboards-'))
  site = await startInstance({ settings: ['transcoding.resolutions=144', 'video.delete_after=1s'] })
  alice = await site.user('alice')
})
after(async () => {
  rmSync(folder, { recursive: true, force: true })
  await site?.stop()
})

const boards = async (uuid, options = { token: alice.token }) => (await site.get(`/videos/${uuid}/storyboards`, options)).json.storyboards
const made = uuid => site.when('there is a storyboard', async () => (await boards(uuid))[0])
const upload = async (path, fields = {}) => {
  const video = await site.upload(path, { channelId: alice.channelId, ...fields }, alice.token)
  await site.published(video.uuid, alice.token)
  return video
}

/** The mean colour of one tile, as [r, g, b]. */
function colour (jpeg, board, index) {
  const path = join(folder, 'board.jpg')
  writeFileSync(path, jpeg)
  const columns = board.totalWidth / board.spriteWidth
  const at = `crop=${board.spriteWidth}:${board.spriteHeight}:${(index % columns) * board.spriteWidth}:${Math.floor(index / columns) * board.spriteHeight}`
  return [...execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-vf', `${at},scale=1:1:flags=area`, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'])]
}

test('each tile shows its second, in a JPEG of the size that is said', async () => {
  // Four seconds red, four green, four blue.
  const path = join(folder, 'three.mp4')
  const part = name => ['-f', 'lavfi', '-i', `color=${name}:s=320x180:r=10:d=4`]
  execFileSync('ffmpeg', ['-v', 'error', ...part('red'), ...part('lime'), ...part('blue'), '-filter_complex', '[0][1][2]concat=n=3', '-pix_fmt', 'yuv420p', path])
  const { uuid } = await upload(path)
  const board = await made(uuid)
  assert.deepEqual(Object.keys(board), ['storyboardPath', 'fileUrl', 'totalHeight', 'totalWidth', 'spriteHeight', 'spriteWidth', 'spriteDuration'])
  assert.match(board.storyboardPath, /^\/lazy-static\/storyboards\/[0-9a-f-]{36}\.jpg$/)
  assert.equal(board.fileUrl, `${site.url}${board.storyboardPath}`)
  assert.deepEqual([board.spriteWidth, board.spriteHeight, board.spriteDuration], [192, 108, 1])
  assert.deepEqual([board.totalWidth, board.totalHeight], [1920, 216])
  const answer = await site.raw({ path: board.storyboardPath })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['content-type'], 'image/jpeg')
  assert.match(answer.headers['cache-control'], /immutable/)
  const shown = index => colour(answer.body, board, index).map(value => (value > 128 ? 1 : 0)).join('')
  assert.deepEqual([0, 3, 4, 7, 8, 11].map(shown), ['100', '100', '010', '010', '001', '001'])
  const told = await probe(join(folder, 'board.jpg'))
  assert.deepEqual([told.streams[0].width, told.streams[0].height], [1920, 216])
})

test('an upright video has upright tiles, and a short one has one', async () => {
  const upright = await made((await upload(await clip('h264', { size: '180x320', seconds: 3 }))).uuid)
  assert.deepEqual([upright.spriteWidth, upright.spriteHeight, upright.totalWidth, upright.totalHeight], [108, 192, 324, 192])
})

test('a long one has a hundred at most', async () => {
  const path = join(folder, 'long.mp4')
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=64x36:r=2:d=450', '-pix_fmt', 'yuv420p', path])
  const board = await made((await upload(path)).uuid)
  assert.deepEqual([board.spriteDuration, board.totalWidth, board.totalHeight], [5, 1920, 972]) // 90 tiles
})

test('sound has none, and strangers see that of a private video as little as the video', async () => {
  const sound = await upload(await clip('mp3'))
  const hidden = await upload(await clip('h264'), { privacy: 3 })
  await made(hidden.uuid)
  assert.equal((await site.get(`/videos/${hidden.uuid}/storyboards`)).status, 401)
  assert.deepEqual(await boards(sound.uuid), [])
})

test('when fewer may see the video, the name that was known leads nowhere', async () => {
  const { uuid } = await upload(await clip('h264'))
  const board = await made(uuid)
  assert.equal((await site.put(`/videos/${uuid}`, { token: alice.token, fields: { privacy: 3 } })).status, 204)
  assert.equal((await site.raw({ path: board.storyboardPath })).status, 404)
  assert.equal((await site.raw({ path: (await boards(uuid))[0].storyboardPath })).status, 200)
})

test('it goes with the video', async () => {
  const { uuid } = await upload(await clip('h264'))
  const board = await made(uuid)
  const stored = () => readdirSync(join(site.folder, 'media'), { recursive: true }).filter(name => /storyboards.*\.jpg$/.test(name)).length
  const before = stored()
  await site.delete(`/videos/${uuid}`, { token: alice.token })
  assert.equal((await site.raw({ path: board.storyboardPath })).status, 404)
  await site.when('the file is gone', () => stored() === before - 1)
})

test('the configuration says whether they are made', async () => {
  assert.equal((await site.get('/config')).json.storyboards.enabled, true)
  const other = await startInstance({ settings: ['transcoding.storyboards=false', 'transcoding.hls=false'] })
  try {
    assert.equal((await other.get('/config')).json.storyboards.enabled, false)
    const video = await other.upload(await clip('h264'))
    await other.published(video.uuid)
    await other.when('all work is done', async () => JSON.parse((await shoal('jobs', 'list', other.folder, '--json', '--state', 'active')).stdout).length === 0)
    assert.deepEqual((await other.get(`/videos/${video.uuid}/storyboards`)).json, { storyboards: [] })
  } finally {
    await other.stop()
  }
})

test('without renditions it is made of the web video', async () => {
  const other = await startInstance({ settings: ['transcoding.hls=false'] })
  try {
    const video = await other.upload(await clip('h264'))
    const board = await other.when('there is a storyboard', async () => (await other.get(`/videos/${video.uuid}/storyboards`, { token: true })).json.storyboards[0])
    assert.equal((await other.raw({ path: board.storyboardPath })).status, 200)
  } finally {
    await other.stop()
  }
})
