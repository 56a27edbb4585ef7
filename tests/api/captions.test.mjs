// captions.test.mjs - captions of a video: added, replaced, shown, removed; and what is no caption.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

let site, alice, bob, video

before(async () => {
  site = await startInstance({ settings: ['video.delete_after=1s'] })
  alice = await site.user('alice')
  bob = await site.user('bob')
  video = await site.upload(await clip('h264'), { channelId: alice.channelId }, alice.token)
  await site.published(video.uuid, alice.token)
})
after(() => site?.stop())

const vtt = 'WEBVTT\n\n00:00.000 --> 00:02.000\nFish & chips\n'
const srt = '1\r\n00:00:01,000 --> 00:00:02,500\r\nOne <i>fish</i>\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nTwo fish\r\n'
const put = (language, bytes, { id = video.uuid, name = 'c.vtt', token = alice.token, mime = 'text/vtt' } = {}) =>
  site.put(`/videos/${id}/captions/${language}`, { token, fields: { captionfile: { name, bytes, mime } } })
const list = async (options, id = video.uuid) => (await site.get(`/videos/${id}/captions`, options)).json
const file = path => site.raw({ path })

test('a caption is added, listed as PeerTube lists it, and served as text of its own', async () => {
  assert.deepEqual(await list(), { total: 0, data: [] })
  const answer = await put('en', vtt)
  assert.equal(answer.status, 204, answer.text)
  const { total, data: [caption] } = await list()
  assert.equal(total, 1)
  assert.deepEqual(Object.keys(caption), ['language', 'automaticallyGenerated', 'captionPath', 'fileUrl', 'm3u8Url', 'updatedAt'])
  assert.deepEqual(caption.language, { id: 'en', label: 'English' })
  assert.equal(caption.automaticallyGenerated, false)
  assert.match(caption.captionPath, /^\/lazy-static\/video-captions\/[0-9a-f-]{36}-en\.vtt$/)
  assert.equal(caption.fileUrl, `${site.url}${caption.captionPath}`)
  assert.equal(caption.m3u8Url, null)
  assert.ok(Math.abs(Date.parse(caption.updatedAt) - Date.now()) < 60000)
  const sent = await file(caption.captionPath)
  assert.equal(sent.status, 200)
  assert.equal(sent.text, vtt)
  assert.equal(sent.headers['content-type'], 'text/vtt; charset=utf-8')
  assert.equal(sent.headers['x-content-type-options'], 'nosniff')
  assert.match(sent.headers['content-security-policy'], /sandbox/)
  assert.match(sent.headers['cache-control'], /immutable/)
})

test('SubRip becomes WebVTT, in languages with long names too', async () => {
  assert.equal((await put('zh-Hans', srt, { name: 'Film.SRT', mime: 'application/x-subrip' })).status, 204)
  const { data } = await list()
  assert.deepEqual(data.map(each => each.language.id), ['en', 'zh-Hans'])
  assert.equal((await file(data[1].captionPath)).text,
    'WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nOne <i>fish</i>\n\n00:00:03.000 --> 00:00:04.000\nTwo fish\n')
})

test('another file takes the place of the one before, under a new name', async () => {
  const [before] = (await list()).data
  assert.equal((await put('en', '\ufeffWEBVTT - Kelp\r\n\r\n00:01.000 --> 00:02.000\r\nB\r\n')).status, 204)
  const { total, data: [now] } = await list()
  assert.equal(total, 2)
  assert.notEqual(now.captionPath, before.captionPath)
  assert.equal((await file(now.captionPath)).text, 'WEBVTT - Kelp\n\n00:01.000 --> 00:02.000\nB\n')
  assert.equal((await file(before.captionPath)).status, 404)
})

test('it is removed, once', async () => {
  const { data: [, chinese] } = await list()
  assert.equal((await site.delete(`/videos/${video.uuid}/captions/zh-Hans`, { token: bob.token })).status, 403)
  assert.equal((await site.delete(`/videos/${video.uuid}/captions/zh-Hans`)).status, 401)
  assert.equal((await site.delete(`/videos/${video.uuid}/captions/zh-Hans`, { token: alice.token })).status, 204)
  assert.equal((await site.delete(`/videos/${video.uuid}/captions/zh-Hans`, { token: alice.token })).status, 404)
  assert.equal((await list()).total, 1)
  assert.equal((await file(chinese.captionPath)).status, 404)
})

describe('what is no caption', () => {
  const bad = [
    ['no WebVTT', 'c.vtt', '1\n00:00:01,000 --> 00:00:02,000\nA\n', /WEBVTT/],
    ['WEBVTT with something at it', 'c.vtt', 'WEBVTTX\n', /WEBVTT/],
    ['nothing', 'c.vtt', '', /caption file/],
    ['a picture', 'c.vtt', Buffer.from('89504e470d0a1a0a', 'hex'), /Line 1 /],
    ['another encoding', 'c.vtt', Buffer.concat([Buffer.from('WEBVTT\n\n00:00.000 --> 00:01.000\n'), Buffer.from('Caf\xe9', 'latin1')]), /Line 4 is not UTF-8/],
    ['UTF-16', 'c.srt', Buffer.from('\ufeff' + srt, 'utf16le'), /Line 1 is not UTF-8/],
    ['a NUL', 'c.vtt', 'WEBVTT\n\nA\0B\n', /Line 3 has control/],
    ['a line without end', 'c.vtt', `WEBVTT\n\n${'a'.repeat(100000)}`, /Line 3 is too long/],
    ['SubRip without a time', 'c.srt', 'only\nwords\n', /SubRip/],
    ['a page', 'c.html', '<script>alert(1)</script>', /\.vtt/],
    ['a name without an ending', 'vtt', vtt, /\.vtt/]
  ]
  for (const [what, name, bytes, words] of bad) {
    test(what, async () => {
      const answer = await put('de', bytes, { name })
      assert.equal(answer.status, 400, answer.text)
      assert.match(answer.json['invalid-params'].captionfile.msg, words)
    })
  }

  test('a language that there is not', async () => {
    for (const language of ['xx', 'english', '..', '%2e%2e%2fen', 'en%00', "en';--"]) {
      const answer = await put(language, vtt)
      assert.ok([400, 404].includes(answer.status), `${language}: ${answer.status} ${answer.text}`)
    }
    assert.ok('captionLanguage' in (await put('xx', vtt)).json['invalid-params'])
  })

  test('more than 20 MB, whether the client says so or not', async () => {
    const big = Buffer.alloc(21 * 1024 * 1024, 'a\n')
    const answer = await put('de', big)
    assert.equal(answer.status, 413, answer.text)
    assert.equal((await list()).total, 1)
  })

  test('a million cues are read in bounded memory', async () => {
    const cue = '00:00:01,000 --> 00:00:02,000\na\n\n'
    const answer = await put('de', cue.repeat(Math.floor(19.9 * 1024 * 1024 / cue.length)), { name: 'c.srt' })
    assert.equal(answer.status, 204, answer.text)
    await site.delete(`/videos/${video.uuid}/captions/de`, { token: alice.token })
  })
})

test('tags that are none and arrows in the text stay text', async () => {
  const hostile = '1\n00:00:01,000 --> 00:00:02,000\n<script>alert(1)</script>\n<font color="red">Red</font> {\\an8}top\n00:00 --> never\n1 < 2\n7\n\n'
  assert.equal((await put('fr', hostile, { name: 'x.srt' })).status, 204)
  const { data } = await list()
  const { captionPath } = data.find(each => each.language.id === 'fr')
  assert.equal((await file(captionPath)).text, 'WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n' +
    '&lt;script&gt;alert(1)&lt;/script&gt;\nRed top\n00:00 --&gt; never\n1 &lt; 2\n7\n')
})

test('strangers, others and the wrong video', async () => {
  assert.equal((await put('en', vtt, { token: bob.token })).status, 403)
  assert.equal((await put('en', vtt, { token: null })).status, 401)
  assert.equal((await put('en', vtt, { id: '00000000-0000-4000-8000-000000000000' })).status, 404)
  assert.equal((await site.get('/videos/00000000-0000-4000-8000-000000000000/captions')).status, 404)
  assert.equal((await put('en', vtt, { token: await site.token() })).status, 204) // staff may
})

test('names lead nowhere else', async () => {
  for (const name of ['..%2f..%2fshoal.lua', '%2e%2e/%2e%2e/shoal.lua', '.hidden', 'a%00.vtt', 'x.vtt', `${'a'.repeat(300)}.vtt`]) {
    const answer = await file(`/lazy-static/video-captions/${name}`)
    assert.ok([400, 404].includes(answer.status), `${name}: ${answer.status}`)
    assert.doesNotMatch(answer.text, /instance/)
  }
})

test('who may not see the video does not see its captions', async () => {
  const hidden = await site.upload(await clip('h264'), { channelId: alice.channelId, privacy: 3 }, alice.token)
  assert.equal((await put('en', vtt, { id: hidden.uuid })).status, 204)
  assert.equal((await site.get(`/videos/${hidden.uuid}/captions`)).status, 401)
  assert.equal((await site.get(`/videos/${hidden.uuid}/captions`, { token: bob.token })).status, 403)
  assert.equal((await list({ token: alice.token }, hidden.uuid)).total, 1)
})

test('with the password of the video', async () => {
  const locked = await site.upload(await clip('h264'), { channelId: alice.channelId, privacy: 5, videoPasswords: ['sesame'] }, alice.token)
  await site.published(locked.uuid, alice.token)
  assert.equal((await put('en', vtt, { id: locked.uuid })).status, 204)
  assert.equal((await site.get(`/videos/${locked.uuid}/captions`)).status, 401)
  assert.equal((await site.get(`/videos/${locked.uuid}/captions`, { headers: { 'x-peertube-video-password': 'wrong' } })).status, 403)
  assert.equal((await list({ headers: { 'x-peertube-video-password': 'sesame' } }, locked.uuid)).total, 1)
})

test('when fewer may see the video, the names that were known lead nowhere', async () => {
  const open = await site.upload(await clip('h264'), { channelId: alice.channelId }, alice.token)
  await site.published(open.uuid, alice.token)
  await put('en', vtt, { id: open.uuid })
  const { data: [before] } = await list({}, open.uuid)
  assert.equal((await file(before.captionPath)).status, 200)
  assert.equal((await site.put(`/videos/${open.uuid}`, { token: alice.token, fields: { privacy: 3 } })).status, 204)
  assert.equal((await file(before.captionPath)).status, 404)
  const { data: [now] } = await list({ token: alice.token }, open.uuid)
  assert.equal((await file(now.captionPath)).text, vtt)
})

test('with the video its captions go, from the disk too', async () => {
  const gone = await site.upload(await clip('h264'), { channelId: alice.channelId }, alice.token)
  await put('en', vtt, { id: gone.uuid })
  const { data: [caption] } = await list({ token: alice.token }, gone.uuid)
  const stored = () => readdirSync(join(site.folder, 'media'), { recursive: true }).filter(name => /video-captions.*\.vtt$/.test(name)).length
  const before = stored()
  assert.equal((await site.delete(`/videos/${gone.uuid}`, { token: alice.token })).status, 204)
  assert.equal((await file(caption.captionPath)).status, 404)
  await site.when('the file is gone', () => stored() === before - 1)
})
