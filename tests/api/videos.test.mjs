// videos.test.mjs - lists, details, changes, deletion, and who may see what.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

let site, alice, bob, file
const videos = {}

before(async () => {
  site = await startInstance()
  alice = await site.user('alice')
  bob = await site.user('bob')
  file = await clip('h264')
  const add = async (name, fields) => { videos[name] = await site.upload(file, { name: `Video ${name}`, ...fields }, alice.token) }
  await add('open', { privacy: 1, tags: ['sea'], category: 1, language: 'fr', description: 'x'.repeat(400) })
  await add('nsfw', { privacy: 1, nsfw: true })
  await add('unlisted', { privacy: 2 })
  await add('closed', { privacy: 3 })
  await add('internal', { privacy: 4 })
  await add('locked', { privacy: 5, videoPasswords: ['sesame 1'] })
  for (const video of Object.values(videos)) await site.published(video.uuid, alice.token)
})
after(() => site?.stop())

const names = answer => answer.json.data.map(video => video.name).sort()

test('lists show what is public, and say how much there is', async () => {
  const list = await site.get('/videos?nsfw=both')
  assert.deepEqual(names(list), ['Video nsfw', 'Video open'])
  assert.equal(list.json.total, 2)
  const one = await site.get('/videos?count=1&nsfw=both&sort=name')
  assert.equal(one.json.data.length, 1)
  assert.equal(one.json.total, 2)
  assert.equal(one.json.data[0].name, 'Video nsfw')
  assert.equal((await site.get('/videos?count=1&start=1&nsfw=both&sort=name')).json.data[0].name, 'Video open')
})

test('sensitive videos are listed only for those who want them', async () => {
  assert.deepEqual(names(await site.get('/videos?nsfw=false')), ['Video open'])
  assert.deepEqual(names(await site.get('/videos?nsfw=true')), ['Video nsfw'])
})

test('a video in a list has the shape that clients know', async () => {
  const video = (await site.get('/videos?nsfw=false')).json.data[0]
  for (const key of ['id', 'uuid', 'shortUUID', 'url', 'name', 'category', 'licence', 'language', 'privacy', 'nsfw', 'truncatedDescription', 'description', 'isLocal', 'duration',
    'aspectRatio', 'views', 'viewers', 'likes', 'dislikes', 'comments', 'thumbnailPath', 'previewPath', 'embedPath', 'createdAt', 'updatedAt', 'publishedAt', 'originallyPublishedAt',
    'isLive', 'account', 'channel']) assert.ok(key in video, key)
  assert.deepEqual(video.licence, { id: null, label: 'Unknown' })
  assert.ok(video.description.length <= 250)
  assert.match(video.url, /\/videos\/watch\/[0-9a-f-]{36}$/)
  assert.match(video.thumbnailPath, /^\/lazy-static\/thumbnails\/[\w-]+\.jpg$/)
  assert.equal(video.aspectRatio, 1.7778)
  assert.equal(video.thumbnails[0].width, 280)
  assert.match(video.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal(video.channel.name, 'alice_channel')
})

test('filters narrow the list', async () => {
  for (const [query, total] of [['tagsOneOf=sea', 1], ['tagsOneOf=land', 0], ['tagsAllOf=sea', 1], ['categoryOneOf=1', 1], ['categoryOneOf=2', 0], ['languageOneOf=fr', 1],
    ['languageOneOf=_unknown', 1], ['isLive=true', 0], ['isLocal=true', 2], ['isLocal=false', 0], ['search=open', 1], ['hasHLSFiles=true', 2]]) {
    assert.equal((await site.get(`/videos?nsfw=both&${query}`)).json.total, total, query)
  }
})

test('details are found by number, UUID and short UUID', async () => {
  const { id, uuid, shortUUID } = videos.open
  for (const name of [id, uuid, shortUUID]) {
    const answer = await site.get(`/videos/${name}`)
    assert.equal(answer.status, 200)
    assert.equal(answer.json.uuid, uuid)
  }
  const video = (await site.get(`/videos/${uuid}`)).json
  for (const key of ['support', 'tags', 'commentsPolicy', 'commentsEnabled', 'downloadEnabled', 'waitTranscoding', 'state', 'trackerUrls', 'files', 'streamingPlaylists', 'descriptionPath']) assert.ok(key in video, key)
  assert.equal(video.description.length, 400)
  assert.equal((await site.get(`/videos/${uuid}/description`)).json.description.length, 400)
  for (const bad of ['0', '-1', '999999', 'x', '../users', encodeURIComponent("1' OR '1'='1")]) {
    assert.ok([400, 404].includes((await site.get(`/videos/${bad}`)).status), bad)
  }
})

test('streaming playlists and files have the shape that players know', async () => {
  const video = (await site.get(`/videos/${videos.open.uuid}`)).json
  const [playlist] = video.streamingPlaylists
  assert.equal(playlist.type, 1)
  assert.match(playlist.playlistUrl, /-master\.m3u8$/)
  assert.match(playlist.segmentsSha256Url, /-segments-sha256\.json$/)
  assert.deepEqual(playlist.redundancies, [])
  for (const one of playlist.files) {
    assert.match(one.fileUrl, new RegExp(`/static/streaming-playlists/hls/${video.uuid}/[0-9a-f-]{36}-${one.resolution.id}-fragmented\\.mp4$`))
    assert.match(one.metadataUrl, /\/metadata\/\d+$/)
    assert.ok(one.size > 0)
    const metadata = await site.get(new URL(one.metadataUrl).pathname.replace('/api/v1', ''))
    assert.ok(metadata.json.streams.length >= 1)
    assert.ok(metadata.json.format)
  }
})

test('strangers see no private video, its owner does', async () => {
  const { uuid } = videos.closed
  assert.equal((await site.get(`/videos/${uuid}`)).status, 401)
  assert.equal((await site.get(`/videos/${uuid}`, { token: bob.token })).status, 403)
  assert.equal((await site.get(`/videos/${uuid}`, { token: alice.token })).status, 200)
  assert.equal((await site.get(`/videos/${uuid}`, { token: true })).status, 200)
})

test('internal videos are for everybody who is logged in', async () => {
  const { uuid } = videos.internal
  assert.equal((await site.get(`/videos/${uuid}`)).status, 401)
  assert.equal((await site.get(`/videos/${uuid}`, { token: bob.token })).status, 200)
  assert.ok(names(await site.get('/videos', { token: bob.token })).includes('Video internal'))
  assert.ok(!names(await site.get('/videos')).includes('Video internal'))
})

test('unlisted videos open by their UUID alone', async () => {
  const { id, uuid, shortUUID } = videos.unlisted
  assert.equal((await site.get(`/videos/${uuid}`)).status, 200)
  assert.equal((await site.get(`/videos/${shortUUID}`)).status, 200)
  assert.ok([401, 403, 404].includes((await site.get(`/videos/${id}`)).status))
})

test('a password opens its video', async () => {
  const path = `/videos/${videos.locked.uuid}`
  const without = await site.get(path)
  assert.equal(without.status, 401)
  assert.equal(without.json.code, 'video_requires_password')
  const user = await site.get(path, { token: bob.token })
  assert.equal(user.status, 403)
  assert.equal(user.json.code, 'video_requires_password')
  const wrong = await site.get(path, { headers: { 'x-peertube-video-password': 'guess' } })
  assert.equal(wrong.status, 403)
  assert.equal(wrong.json.code, 'incorrect_video_password')
  const right = await site.get(path, { headers: { 'x-peertube-video-password': 'sesame 1' } })
  assert.equal(right.status, 200)
  assert.equal((await site.get(path)).status, 401, 'the answer with the password went into the cache')
})

test('own videos are listed with their states', async () => {
  const list = await site.get('/users/me/videos?count=100', { token: alice.token })
  assert.equal(list.json.total, 6)
  assert.ok(list.json.data.every(video => video.state.id === 1 && 'waitTranscoding' in video))
  assert.equal((await site.get('/users/me/videos', { token: bob.token })).json.total, 0)
  assert.equal((await site.get('/users/me/videos')).status, 401)
})

test('accounts and channels list their public videos', async () => {
  for (const path of ['/accounts/alice/videos', '/video-channels/alice_channel/videos']) {
    assert.deepEqual(names(await site.get(`${path}?nsfw=both`)), ['Video nsfw', 'Video open'])
  }
  assert.equal((await site.get('/video-channels/bob_channel/videos')).json.total, 0)
})

test('fields change, null clears, and the list knows at once', async () => {
  const video = await site.upload(file, { name: 'Before', category: 1, tags: ['old1'] }, alice.token)
  await site.published(video.uuid, alice.token)
  const path = `/videos/${video.uuid}`
  await site.get(path)
  const changed = await site.put(path, { token: alice.token, json: { name: 'After', category: null, tags: ['new1', 'new2'], description: 'Changed', downloadEnabled: false } })
  assert.equal(changed.status, 204, changed.text)
  const now = (await site.get(path)).json
  assert.equal(now.name, 'After')
  assert.deepEqual(now.category, { id: null, label: 'Unknown' })
  assert.deepEqual([...now.tags].sort(), ['new1', 'new2'])
  assert.equal(now.downloadEnabled, false)
  assert.ok(names(await site.get('/videos')).includes('After'))
  const form = await site.put(path, { token: alice.token, fields: { description: 'null', tags: ['form'], nsfw: 'false' } })
  assert.equal(form.status, 204, form.text)
  assert.equal((await site.get(path)).json.description, null)

  assert.equal((await site.put(path, { token: alice.token, json: { privacy: 3 } })).status, 204)
  assert.equal((await site.get(path)).status, 401)
  assert.ok(!names(await site.get('/videos')).includes('After'))
  assert.equal((await site.put(path, { token: alice.token, json: { privacy: 5 } })).status, 400)

  assert.equal((await site.delete(path, { token: bob.token })).status, 403)
  assert.equal((await site.delete(path)).status, 401)
  assert.equal((await site.delete(path, { token: alice.token })).status, 204)
  assert.equal((await site.get(path, { token: alice.token })).status, 404)
  assert.equal((await site.delete(path, { token: alice.token })).status, 404)
})

test('T04 and T09: others change nothing, owners not everything', async () => {
  const path = `/videos/${videos.open.uuid}`
  const before = (await site.get(path)).json
  assert.equal((await site.put(path, { token: bob.token, json: { name: 'Bob was here' } })).status, 403)
  assert.equal((await site.put(path, { json: { name: 'Nobody was here' } })).status, 401)
  const odd = await site.put(path, { token: alice.token, json: { views: 1e6, likes: 1e6, uuid: videos.nsfw.uuid, id: 1, state: 7, isLocal: false, account: { id: 1 }, url: 'https://evil.example' } })
  assert.equal(odd.status, 204)
  const now = (await site.get(path)).json
  for (const key of ['id', 'uuid', 'name', 'views', 'likes', 'isLocal', 'url']) assert.deepEqual(now[key], before[key], key)
  assert.equal(now.state.id, 1)
  const stolen = await site.put(path, { token: alice.token, json: { channelId: bob.channelId } })
  assert.ok([400, 403].includes(stolen.status))
  for (const json of [{ name: 7 }, { name: 'x' }, { tags: 'x'.repeat(31) }, { privacy: 9 }, { category: 'x' }, { nsfw: 'x' }]) {
    assert.equal((await site.put(path, { token: alice.token, json })).status, 400, JSON.stringify(json))
  }
})

test('constants are objects of labels', async () => {
  const categories = (await site.get('/videos/categories')).json
  assert.equal(categories[1], 'Music')
  assert.equal(categories[18], 'Food')
  assert.equal(Object.keys((await site.get('/videos/licences')).json).length, 9)
  const languages = (await site.get('/videos/languages')).json
  assert.equal(languages.fr, 'French')
  assert.ok('zxx' in languages && 'ase' in languages && 'zh-Hans' in languages)
  assert.deepEqual((await site.get('/videos/privacies')).json, { 1: 'Public', 2: 'Unlisted', 3: 'Private', 4: 'Internal', 5: 'Password protected' })
})

test('watching is counted after ten seconds, once', async () => {
  const path = `/videos/${videos.open.uuid}/views`
  for (const json of [{ currentTime: 1.5 }, { currentTime: '1' }, { currentTime: -1 }, { currentTime: 99 }, {}, { currentTime: 1, viewEvent: 'dance' }]) {
    assert.equal((await site.post(path, { json })).status, 400, JSON.stringify(json))
  }
  for (const [method, name] of [['POST', 'views'], ['PUT', 'views'], ['POST', 'watching'], ['PUT', 'watching']]) {
    assert.equal((await site.api(method, `/videos/${videos.open.uuid}/${name}`, { json: { currentTime: 0 } })).status, 204)
  }
  await site.post(path, { json: { currentTime: 2 } })
  await site.post(path, { json: { currentTime: 2 } })
  const seen = await site.until(videos.open.uuid, video => video.views > 0, alice.token)
  assert.equal(seen.views, 1)
  assert.equal((await site.post('/videos/4da6fde3-88f7-4d16-b119-108df5630b06/views', { json: { currentTime: 0 } })).status, 404)
})
