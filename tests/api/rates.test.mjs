// rates.test.mjs - attempts to log in are counted; what costs nothing is not.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

let site

before(async () => {
  // So slow that nothing comes back while the tests run.
  site = await startInstance({ settings: ['http.rate.login=5/5m', 'http.rate.api=300/1h', 'http.rate.page=20/1h'] })
})
after(() => site?.stop())

test('cached answers are not counted', async () => {
  for (let i = 0; i < 400; i++) {
    assert.equal((await site.get('/videos/categories')).status, 200)
  }
})

test('media and the calls of pages are not counted', async () => {
  const video = await site.published((await site.upload(await clip('h264'))).uuid)
  const path = new URL(video.files[0].fileUrl).pathname
  const left = async start => Number((await site.get(`/videos?start=${start}`)).headers['x-ratelimit-remaining'])
  const before = await left(1)
  for (let i = 0; i < 120; i++) assert.equal((await site.raw({ path, headers: { range: 'bytes=0-9' } })).status, 206)
  // Each page asks the API several times, on the worker that makes it.
  for (let i = 0; i < 15; i++) assert.equal((await site.raw({ path: `/search?search=${i}` })).status, 200)
  assert.ok(await left(2) >= before - 1) // on a slow machine one may have come back
})

test('who is logged in is counted alone, by token or cookie, not by the address', async () => {
  const form = new URLSearchParams({ username: site.admin, password: site.password }).toString()
  const origin = site.url
  const entered = await site.raw({ method: 'POST', path: '/login', body: form, headers: { origin, 'content-type': 'application/x-www-form-urlencoded', 'content-length': form.length } })
  const cookie = entered.headers['set-cookie']?.map(line => line.split(';')[0]).join('; ')
  assert.match(cookie, /shoal_session=/)
  const token = await site.token()
  const asked = [{ cookie }, { authorization: `Bearer ${token}` }]
  for (const headers of asked) assert.equal((await site.raw({ path: '/search?search=mine', headers })).status, 200)
  let answer
  for (let i = 0; i < 40; i++) answer = await site.raw({ path: `/search?search=other${i}` })
  assert.equal(answer.status, 429)
  for (const headers of asked) assert.equal((await site.raw({ path: '/search?search=mine', headers })).status, 200)
  assert.equal((await site.raw({ path: '/search?search=mine', headers: { cookie: 'shoal_session=made-up' } })).status, 429)
})

test('answers that are made anew are counted', async () => {
  let last
  for (let i = 0; i < 400; i++) {
    last = await site.get(`/videos?start=${i}`)
    if (last.status === 429) break
  }
  assert.equal(last.status, 429)
  assert.ok(last.headers['retry-after'])
})

test('guessing passwords ends with 429 and says when to come back', async () => {
  const client = await site.client()
  let answer
  for (let i = 0; i < 8; i++) {
    answer = await site.post('/users/token', { form: { ...client, grant_type: 'password', username: site.admin, password: `guess ${i}` } })
    if (answer.status === 429) break
  }
  assert.equal(answer.status, 429)
  assert.ok(Number(answer.headers['retry-after']) > 0)
})

test('searches are counted for themselves', async () => {
  const other = await startInstance({ settings: ['http.rate.api=50/10s', 'http.rate.search=10/1h'] })
  try {
    let last
    for (let i = 0; i < 20; i++) {
      last = await other.get(`/videos?count=3&search=word${i}`)
      if (last.status === 429) break
    }
    assert.equal(last.status, 429)
    assert.ok(Number(last.headers['retry-after']) > 0)
    assert.equal((await other.get('/videos?count=4')).status, 200)
  } finally { await other.stop() }
})

test('what ffmpeg has to work on is counted for itself', async () => {
  const other = await startInstance({ settings: ['http.rate.ffmpeg=3/1h'] })
  try {
    const answers = []
    for (let i = 0; i < 5; i++) answers.push(await other.post('/videos/upload-resumable', { token: true, json: { name: 'One of many' } }))
    assert.deepEqual(answers.slice(0, 3).map(answer => answer.status), [400, 400, 400]) // no channel: never mind
    assert.equal(answers[4].status, 429)
    assert.ok(Number(answers[4].headers['retry-after']) > 0)
    assert.equal((await other.get('/users/me', { token: true })).status, 200)
  } finally { await other.stop() }
})
