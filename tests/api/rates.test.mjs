// rates.test.mjs - attempts to log in are counted; what costs nothing is not.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'

let site

before(async () => { site = await startInstance({ settings: ['http.rate.login=5/5m', 'http.rate.api=50/10s', 'http.rate.search=10/1m'] }) })
after(() => site?.stop())

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

test('cached answers are not counted', async () => {
  for (let i = 0; i < 120; i++) {
    assert.equal((await site.get('/videos/categories')).status, 200)
  }
})

test('searches are counted for themselves', async () => {
  let last
  for (let i = 0; i < 20; i++) {
    last = await site.get(`/videos?count=3&search=word${i}`)
    if (last.status === 429) break
  }
  assert.equal(last.status, 429)
  assert.ok(Number(last.headers['retry-after']) > 0)
  assert.equal((await site.get('/videos?count=4')).status, 200)
})

test('answers that are made anew are counted', async () => {
  let last
  for (let i = 0; i < 80; i++) {
    last = await site.get(`/videos?start=${i}`)
    if (last.status === 429) break
  }
  assert.equal(last.status, 429)
  assert.ok(last.headers['retry-after'])
})
