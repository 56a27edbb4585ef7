// documents.test.mjs - documents that lie in the cache: what changes is in them at once, and who may not have them has
// none from then on.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { startFederating } from './peer.mjs'

const headers = { accept: 'application/activity+json' }
let site, video, paths

before(async () => {
  site = await startFederating(startInstance)
  video = await site.upload(await clip('h264'), { name: 'Before' })
  await site.published(video.uuid)
  paths = [`/videos/watch/${video.uuid}`, '/accounts/root', '/video-channels/root_channel']
})
after(() => site?.stop())

const cached = async () => Number((await site.raw({ path: '/metrics' })).text.match(/^shoal_http_cached\S* (\d+)$/m)[1])

/** A document, which lies in the cache then. What works in the background makes it new once or twice. */
async function doc (path) {
  const first = await site.raw({ path, headers })
  assert.equal(first.status, 200, `${path} ${first.text}`)
  await site.when(`${path} comes from the cache`, async () => {
    const before = await cached()
    await site.raw({ path, headers })
    return await cached() > before
  })
  return first.json
}

async function changes (path, what, change) {
  const was = what(await doc(path))
  await change()
  const is = what(await doc(path))
  assert.notDeepEqual(is, was)
  return is
}

const put = (path, json) => async () => {
  const answer = await site.put(path, { token: true, json })
  assert.equal(answer.status, 204, answer.text)
}

test('they are written as compact JSON, the context first', async () => {
  for (const path of [...paths, '/accounts/peertube']) {
    const { text, json } = await site.raw({ path, headers })
    assert.equal(text, JSON.stringify(json))
    assert.equal(Object.keys(json)[0], '@context')
  }
})

test('a video: its name, a caption, its channel', async () => {
  assert.equal(await changes(paths[0], each => each.name, put(`/videos/${video.uuid}`, { name: 'Käfer "1"\\' })), 'Käfer "1"\\')
  const captions = await changes(paths[0], each => each.subtitleLanguage, () =>
    site.put(`/videos/${video.uuid}/captions/en`, { token: true, fields: { captionfile: { name: 'a.vtt', bytes: 'WEBVTT\n' } } }))
  assert.deepEqual(captions.map(each => each.identifier), ['en'])
  const made = await site.post('/video-channels', { token: true, json: { name: 'second', displayName: 'Second' } })
  const authors = await changes(paths[0], each => each.attributedTo, put(`/videos/${video.uuid}`, { channelId: made.json.videoChannel.id }))
  assert.deepEqual(authors, [{ type: 'Person', id: `${site.url}/accounts/root` }, { type: 'Group', id: `${site.url}/video-channels/second` }])
})

test('its ratings, within seconds', async () => {
  const likes = `${paths[0]}/likes`
  assert.equal((await doc(likes)).totalItems, 0)
  await put(`/videos/${video.uuid}/rate`, { rating: 'like' })()
  await site.when('the like is counted', async () => (await doc(likes)).totalItems === 1)
})

test('an account and a channel: their words and pictures', async () => {
  const words = 'Über "uns"\n\tund \\ mehr\u0001'
  assert.equal(await changes(paths[1], each => each.summary, put('/users/me', { description: words })), words)
  assert.equal(await changes(paths[2], each => each.summary, put('/video-channels/root_channel', { description: words })), words)
  assert.equal(await changes(paths[2], each => each.support, put('/video-channels/root_channel', { support: 'Give' })), 'Give')
  const bytes = readFileSync(await clip('png', { size: '700x700' }))
  const icons = await changes(paths[1], each => each.icon ?? [], () =>
    site.post('/users/me/avatar/pick', { token: true, fields: { avatarfile: { name: 'a.png', bytes, mime: 'image/png' } } }))
  assert.deepEqual(icons.map(each => each.width), [700, 600, 120])
})

test('what is private, or gone, is not there any more', async () => {
  const path = `/videos/watch/${video.uuid}`
  await doc(path)
  for (const [privacy, status] of [[3, 404], [1, 200], [4, 404], [2, 200]]) {
    await put(`/videos/${video.uuid}`, { privacy })()
    assert.equal((await site.raw({ path, headers })).status, status, `privacy ${privacy}`)
    assert.equal((await site.raw({ path: `${path}/activity`, headers })).status, status, `privacy ${privacy}`)
  }
  assert.equal((await site.delete(`/videos/${video.uuid}`, { token: true })).status, 204)
  assert.equal((await site.raw({ path, headers })).status, 404)
  await doc('/video-channels/second')
  assert.equal((await site.delete('/video-channels/second', { token: true })).status, 204)
  assert.notEqual((await site.raw({ path: '/video-channels/second', headers })).status, 200)
})
