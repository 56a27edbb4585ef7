// chapters.test.mjs - chapters of a video: replaced whole, taken from its description, refused.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

let site, alice, bob, video

before(async () => {
  site = await startInstance()
  alice = await site.user('alice')
  bob = await site.user('bob')
  video = await site.upload(await clip('h264'), { channelId: alice.channelId }, alice.token)
  await site.published(video.uuid, alice.token)
})
after(() => site?.stop())

const put = (chapters, token = alice.token, id = video.uuid) => site.put(`/videos/${id}/chapters`, { token, json: { chapters } })
const get = async (id = video.uuid, options = {}) => (await site.get(`/videos/${id}/chapters`, options)).json
const update = (fields, id = video.uuid) => site.put(`/videos/${id}`, { token: alice.token, fields })

test('chapters come sorted, and are replaced whole', async () => {
  assert.deepEqual(await get(), { chapters: [] })
  const answer = await put([{ timecode: 60, title: 'The reef' }, { timecode: 0, title: 'Intro 🐟' }])
  assert.equal(answer.status, 204, answer.text)
  assert.deepEqual(await get(), { chapters: [{ timecode: 0, title: 'Intro 🐟' }, { timecode: 60, title: 'The reef' }] })
  assert.equal((await put([{ timecode: '5', title: 'Only' }])).status, 204)
  assert.deepEqual(await get(), { chapters: [{ timecode: 5, title: 'Only' }] })
  assert.equal((await put([])).status, 204)
  assert.deepEqual(await get(), { chapters: [] })
})

test('as text, a line each', async () => {
  assert.equal((await put('0:00 Intro\r\n\r\n- 1:02 – Middle\n[1:00:00] End\n')).status, 204)
  assert.deepEqual(await get(), { chapters: [{ timecode: 0, title: 'Intro' }, { timecode: 62, title: 'Middle' }, { timecode: 3600, title: 'End' }] })
  const answer = await put('0:00 Intro\nnonsense')
  assert.equal(answer.status, 400)
  assert.match(answer.json['invalid-params'].chapters.msg, /^Line 2 /)
  assert.equal((await get()).chapters.length, 3)
  assert.equal((await put('')).status, 204)
})

describe('what is refused', () => {
  const bad = {
    'no list': { 0: { timecode: 0, title: 'a' } },
    nothing: undefined,
    null: null,
    'no timecode': [{ title: 'a' }],
    'a negative one': [{ timecode: -1, title: 'a' }],
    'a broken one': [{ timecode: 1.5, title: 'a' }],
    'one that is no number': [{ timecode: 'soon', title: 'a' }],
    'one past all films': [{ timecode: 1e12, title: 'a' }],
    'no title': [{ timecode: 0 }],
    'an empty title': [{ timecode: 0, title: '' }],
    'a title that is a number': [{ timecode: 0, title: 7 }],
    'a long title': [{ timecode: 0, title: 'x'.repeat(101) }],
    'one time twice': [{ timecode: 3, title: 'a' }, { timecode: 0, title: 'b' }, { timecode: 3, title: 'c' }],
    'a list of texts': ['a'],
    'too many': Array.from({ length: 1001 }, (_, timecode) => ({ timecode, title: 'a' }))
  }
  for (const [what, chapters] of Object.entries(bad)) {
    test(what, async () => {
      const answer = await put(chapters)
      assert.equal(answer.status, 400, answer.text)
      assert.ok(answer.json['invalid-params'].chapters.msg)
      assert.deepEqual(await get(), { chapters: [] })
    })
  }

  test('strangers and others', async () => {
    assert.equal((await put([], null)).status, 401)
    assert.equal((await put([], bob.token)).status, 403)
    assert.equal((await put([], alice.token, '00000000-0000-4000-8000-000000000000')).status, 404)
    assert.equal((await site.get('/videos/nowhere/chapters')).status, 404)
  })
})

test('a hundred characters are a title, whatever bytes they need', async () => {
  const title = '🐟'.repeat(100)
  assert.equal((await put([{ timecode: 1, title }])).status, 204)
  assert.equal((await get()).chapters[0].title, title)
  await put([])
})

const description = 'A walk\n\n0:00 Shore\n00:30 Rocks\n1:02:03 Home\nThanks'
const fromIt = [{ timecode: 0, title: 'Shore' }, { timecode: 30, title: 'Rocks' }, { timecode: 3723, title: 'Home' }]

test('the description tells of them while nobody wrote other ones', async () => {
  await update({ description })
  assert.deepEqual((await get()).chapters, fromIt)
  await update({ description: '0:00 One\n0:10 Two' })
  assert.deepEqual((await get()).chapters, [{ timecode: 0, title: 'One' }, { timecode: 10, title: 'Two' }])
  await put([{ timecode: 7, title: 'By hand' }])
  await update({ description })
  assert.deepEqual((await get()).chapters, [{ timecode: 7, title: 'By hand' }])
  await put([])
  await update({ description: `${description} again` })
  assert.deepEqual((await get()).chapters, fromIt)
  await update({ description: 'No times: 0:30 in the middle of a line' })
  assert.deepEqual((await get()).chapters, [])
})

test('a new video has the chapters of its description', async () => {
  const made = await site.upload(await clip('h264'), { channelId: alice.channelId, description }, alice.token)
  assert.deepEqual((await get(made.uuid, { token: alice.token })).chapters, fromIt)
})

test('who may not see the video does not see its chapters', async () => {
  const hidden = await site.upload(await clip('h264'), { channelId: alice.channelId, privacy: 3, description }, alice.token)
  assert.equal((await site.get(`/videos/${hidden.uuid}/chapters`)).status, 401)
  assert.equal((await site.get(`/videos/${hidden.uuid}/chapters`, { token: bob.token })).status, 403)
  assert.equal((await site.get(`/videos/${hidden.uuid}/storyboards`, { token: bob.token })).status, 403)
})
