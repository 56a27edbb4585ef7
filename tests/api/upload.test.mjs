// upload.test.mjs - files in one request: what comes in, what is refused, and what is left behind.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { badFile, clip } from '../kit/media.mjs'

let site, file

before(async () => {
  site = await startInstance()
  file = await clip('h264')
})
after(() => site?.stop())

test('a file and its fields become a video whose file can be fetched at once', async () => {
  const answer = await site.send(file, {
    name: 'Low tide',
    description: 'At **dawn**',
    tags: ['sea', 'dawn'],
    category: 15,
    licence: 2,
    language: 'en',
    privacy: 1,
    nsfw: false,
    waitTranscoding: false,
    downloadEnabled: true,
    commentsPolicy: 1,
    originallyPublishedAt: 'null',
    support: 'null'
  })
  assert.equal(answer.status, 200, answer.text)
  const { id, uuid, shortUUID } = answer.json.video
  assert.ok(Number.isInteger(id))
  assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.match(shortUUID, /^[1-9a-km-zA-HJ-NP-Z]{22}$/)
  const video = (await site.get(`/videos/${uuid}`, { token: true })).json
  assert.equal(video.name, 'Low tide')
  assert.deepEqual([...video.tags].sort(), ['dawn', 'sea'])
  assert.deepEqual(video.category, { id: 15, label: 'Science & Technology' })
  assert.equal(video.licence.id, 2)
  assert.deepEqual(video.language, { id: 'en', label: 'English' })
  assert.equal(video.support, null)
  assert.equal(video.duration, 2)
  assert.equal(video.files.length, 1)
  assert.match(video.files[0].fileUrl, /\/static\/web-videos\//)
  const published = await site.published(uuid)
  const bytes = await site.raw({ path: new URL(published.files[0].fileUrl).pathname })
  assert.equal(bytes.status, 200)
  assert.equal(bytes.body.subarray(4, 8).toString(), 'ftyp')
})

for (const [name, fields, field] of [
  ['no name', { name: '' }, 'name'],
  ['a name that is too short', { name: 'ab' }, 'name'],
  ['a name that is too long', { name: 'x'.repeat(121) }, 'name'],
  ['no channel', { channelId: undefined }, 'channelId'],
  ['a channel that is a word', { channelId: 'mine' }, 'channelId'],
  ['an unknown privacy', { privacy: 9 }, 'privacy'],
  ['an unknown category', { category: 1234 }, 'category'],
  ['an unknown licence', { licence: 1234 }, 'licence'],
  ['an unknown language', { language: 'klingon-ish' }, 'language'],
  ['six tags', { tags: ['aa', 'bb', 'cc', 'dd', 'ee', 'ff'] }, 'tags'],
  ['a tag of one letter', { tags: ['a'] }, 'tags'],
  ['a description that is too long', { description: 'x'.repeat(10001) }, 'description'],
  ['a password video without a password', { privacy: 5 }, 'videoPasswords'],
  ['a bad schedule', { scheduleUpdate: { updateAt: 'tomorrow' } }, 'scheduleUpdate']
]) {
  test(`${name} is refused and named`, async () => {
    const answer = await site.send(file, fields)
    assert.equal(answer.status, 400, answer.text)
    assert.ok(answer.json['invalid-params']?.[field], answer.text)
  })
}

test('a channel that is not there is refused in the words of PeerTube', async () => {
  const answer = await site.send(file, { channelId: 999999 })
  assert.equal(answer.status, 400)
  assert.equal(answer.json.detail, 'Unknown video "video channel" for this instance.')
  assert.equal('invalid-params' in answer.json, false)
})

test('a form without a file is 400', async () => {
  const answer = await site.post('/videos/upload', { token: true, fields: { name: 'No file', channelId: await site.channelId() } })
  assert.equal(answer.status, 400)
  assert.ok(answer.json['invalid-params'].videofile)
})

test('nobody uploads without logging in, or into the channel of another', async () => {
  const user = await site.user('visitor')
  const fields = { name: 'Not mine', channelId: await site.channelId(), videofile: { name: 'a.mp4', bytes: 'x', mime: 'video/mp4' } }
  assert.equal((await site.post('/videos/upload', { fields })).status, 401)
  const answer = await site.post('/videos/upload', { token: user.token, fields })
  assert.ok([400, 403].includes(answer.status))
})

for (const kind of ['text', 'empty', 'truncated', 'local-playlist', 'network-playlist', 'concat']) {
  test(`T40 a ${kind} file called .mp4 gets a clear error and leaves nothing behind`, async () => {
    const before = (await site.get('/users/me/videos', { token: true })).json.total
    const quota = (await site.get('/users/me/video-quota-used', { token: true })).json.videoQuotaUsed
    const answer = await site.send(await badFile(kind), { name: `Bad ${kind}` })
    assert.ok([400, 415, 422].includes(answer.status), `${answer.status} ${answer.text}`)
    assert.ok(answer.json.detail.length > 10)
    assert.doesNotMatch(answer.text, /\/tmp\/|ffprobe|root:/)
    assert.equal((await site.get('/users/me/videos', { token: true })).json.total, before)
    assert.equal((await site.get('/users/me/video-quota-used', { token: true })).json.videoQuotaUsed, quota)
  })
}

test('a type that is no video is 415', async () => {
  const answer = await site.send(file, { videofile: { name: 'page.html', bytes: '<script>alert(1)</script>', mime: 'text/html' } })
  assert.equal(answer.status, 415, answer.text)
})

test('a full quota is 413 quota_reached', async () => {
  const user = await site.user('small', { videoQuota: 1000 })
  const answer = await site.send(file, {}, user.token)
  assert.equal(answer.status, 413)
  assert.equal(answer.json.code, 'quota_reached')
  const daily = await site.user('daily', { videoQuotaDaily: 1000 })
  assert.equal((await site.send(file, {}, daily.token)).json.code, 'quota_reached')
})

test('T10 file names that are paths do no harm', async () => {
  const bytes = await readFile(file)
  for (const name of ['../../../../etc/cron.d/x.mp4', '..\\..\\x.mp4', `${'x'.repeat(300)}.mp4`, 'line\\nbreak.mp4', '%00.mp4', '\u202egnp.mp4']) {
    const answer = await site.send(file, { name: 'Odd name', videofile: { name, bytes, mime: 'video/mp4' } })
    assert.ok([200, 400].includes(answer.status), `${name}: ${answer.status} ${answer.text}`)
  }
  assert.equal((await site.raw({ path: '/health' })).status, 200)
})

test('T04 a new video takes no fields that are not for its owner to set', async () => {
  const video = await site.upload(file, { name: 'Fields of others', views: 1000000, uuid: '4da6fde3-88f7-4d16-b119-108df5630b06', state: 1, isLocal: false, url: 'https://evil.example/', id: 1, likes: 5, blacklisted: false, publishedAt: '2001-01-01T00:00:00.000Z' })
  assert.notEqual(video.uuid, '4da6fde3-88f7-4d16-b119-108df5630b06')
  const now = (await site.get(`/videos/${video.uuid}`, { token: true })).json
  assert.equal(now.views, 0)
  assert.equal(now.likes, 0)
  assert.equal(now.isLocal, true)
  assert.doesNotMatch(now.url, /evil/)
  assert.ok(new Date(now.publishedAt).getFullYear() > 2001)
})

test('pictures of the uploader become thumbnail and preview', async () => {
  const bytes = await readFile(await clip('png', { size: '640x360' }))
  const video = await site.upload(file, { thumbnailfile: { name: 't.png', bytes, mime: 'image/png' }, previewfile: { name: 'p.png', bytes, mime: 'image/png' } })
  const now = await site.published(video.uuid)
  for (const path of [now.thumbnailPath, now.previewPath]) {
    const image = await site.raw({ path })
    assert.equal(image.status, 200)
    assert.equal(image.headers['content-type'], 'image/jpeg')
  }
})
