// errors.test.mjs - what clients hear when they ask for the wrong thing, or in the wrong way.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'

let site

before(async () => { site = await startInstance() })
after(() => site?.stop())

test('an error is problem+json with the keys of old and new clients', async () => {
  const answer = await site.get('/videos/4da6fde3-88f7-4d16-b119-108df5630b06')
  assert.equal(answer.status, 404)
  assert.match(answer.headers['content-type'], /^application\/problem\+json/)
  assert.equal(answer.json.status, 404)
  assert.equal(answer.json.title, 'Not Found')
  assert.equal(answer.json.type, 'about:blank')
  assert.equal(typeof answer.json.detail, 'string')
  assert.equal(answer.json.error, answer.json.detail)
  assert.equal('code' in answer.json, false)
})

test('a code stands in code and in type', async () => {
  const answer = await site.get('/users/me', { token: '0'.repeat(40) })
  assert.equal(answer.json.code, 'invalid_token')
  assert.match(answer.json.type, /#section\/Errors\/invalid_token$/)
})

for (const [name, path, field] of [
  ['a count beyond 100', '/videos?count=101', 'count'],
  ['a negative start', '/videos?start=-1', 'start'],
  ['a start that is no number', '/videos?start=abc', 'start'],
  ['an unknown sort', '/videos?sort=password', 'sort'],
  ['a sort that is SQL', '/videos?sort=name;DROP%20TABLE%20users', 'sort'],
  ['a boolean that is none', '/videos?isLocal=perhaps', 'isLocal'],
  ['both where only yes and no make sense', '/videos?isLive=both', 'isLive'],
  ['a category that is a word', '/videos?categoryOneOf=music', 'categoryOneOf'],
  ['one bad category of two', '/videos?categoryOneOf=1&categoryOneOf=x', 'categoryOneOf'],
  ['the filter of long ago', '/videos?filter=local', 'filter'],
  ['a count for accounts', '/accounts?count=1000', 'count'],
  ['a sort for channels', '/video-channels?sort=views', 'sort']
]) {
  test(`${name} is 400 and named in invalid-params`, async () => {
    const answer = await site.get(path)
    assert.equal(answer.status, 400)
    assert.ok(answer.json['invalid-params'][field], JSON.stringify(answer.json))
    const { msg, location, value } = answer.json['invalid-params'][field]
    assert.equal(typeof msg, 'string')
    assert.equal(location, 'query')
    assert.equal(value, new URL(path, site.url).searchParams.get(field))
    assert.ok(msg.length > 10, msg)
    assert.equal(answer.json.detail, `Incorrect request parameters: ${field}`)
    assert.equal(answer.json.error, answer.json.detail)
  })
}

for (const path of ['/videos?count=0', '/videos?count=100', '/videos?nsfw=both', '/videos?isLocal=1',
  '/videos?tagsOneOf=a&tagsOneOf=b', '/videos?languageOneOf=_unknown', '/videos?sort=-views',
  '/videos?sort=hot', '/videos?sort=best', '/videos?sort=-trending', '/videos?sort=localVideoFilesSize', '/videos?unknownParameter=1', '/videos?skipCount=true',
  '/videos?include=8', '/videos?hasHLSFiles=true&hasWebVideoFiles=false']) {
  test(`${path} is fine`, async () => {
    const answer = await site.get(path)
    assert.equal(answer.status, 200, answer.text)
    assert.ok(Array.isArray(answer.json.data))
  })
}

test('what only staff may ask for is 401 for others', async () => {
  const user = await site.user('curious')
  for (const query of ['include=1', 'privacyOneOf=3', 'stateOneOf=2', 'autoTagOneOf=x', 'include=2']) {
    assert.equal((await site.get(`/videos?${query}`)).status, 401, query)
    assert.equal((await site.get(`/videos?${query}`, { token: user.token })).status, 401, query)
    assert.equal((await site.get(`/videos?${query}`, { token: true })).status, 200, query)
  }
})

test('JSON that is none is 400, too much of it 413', async () => {
  const token = await site.token()
  const headers = { 'content-type': 'application/json' }
  const broken = await site.put('/users/me', { token, headers, body: '{"displayName":' })
  assert.equal(broken.status, 400)
  const deep = await site.put('/users/me', { token, headers, body: '['.repeat(5000) + ']'.repeat(5000) })
  assert.equal(deep.status, 400)
  const large = await site.put('/users/me', { token, headers, body: JSON.stringify({ description: 'x'.repeat(600000) }) })
  assert.equal(large.status, 413)
})

test('another method says which ones there are', async () => {
  const answer = await site.api('PATCH', '/videos', { token: true, json: {} })
  assert.ok([404, 405].includes(answer.status))
  if (answer.status === 405) assert.match(answer.headers.allow, /GET/)
})

test('features whose plugin is missing answer as anything unknown', async () => {
  const unknown = await site.get('/no-such-thing')
  const missing = await site.get('/users/me/notifications', { token: true })
  assert.equal(missing.status, unknown.status)
  assert.ok(missing.status >= 400)
})

test('HEAD answers like GET without the body', async () => {
  const answer = await site.api('HEAD', '/videos')
  assert.equal(answer.status, 200)
  assert.equal(answer.body.length, 0)
})

test('pages of other sites may read the API', async () => {
  const answer = await site.get('/videos', { headers: { origin: 'https://other.example' } })
  assert.equal(answer.headers['access-control-allow-origin'], '*')
  const asked = await site.raw({
    method: 'OPTIONS',
    path: '/api/v1/videos/upload-resumable',
    headers: { origin: 'https://other.example', 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization,content-range' }
  })
  assert.ok([200, 204].includes(asked.status))
  assert.match(asked.headers['access-control-allow-methods'], /PUT/)
})
