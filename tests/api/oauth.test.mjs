// oauth.test.mjs - logging in, staying in, and being out after logging out.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'

let site, client

before(async () => {
  site = await startInstance()
  client = await site.client()
})
after(() => site?.stop())

const grant = (fields = {}) => site.post('/users/token', {
  form: { ...client, grant_type: 'password', username: site.admin, password: site.password, ...fields }
})

test('the client of the instance is 32 characters twice', () => {
  assert.match(client.client_id, /^[a-z0-9]{32}$/)
  assert.match(client.client_secret, /^[A-Za-z0-9]{32}$/)
})

test('client tokens are refused for a foreign Host', async () => {
  const answer = await site.raw({ path: '/api/v1/oauth-clients/local', headers: { host: 'evil.example' } })
  assert.ok([400, 403, 421].includes(answer.status), `${answer.status}`)
  assert.equal(answer.json?.client_secret, undefined)
})

test('a password gives a pair of tokens that nobody may store', async () => {
  const answer = await grant()
  assert.equal(answer.status, 200)
  assert.equal(answer.json.token_type, 'Bearer')
  assert.match(answer.json.access_token, /^[0-9a-f]{40}$/)
  assert.match(answer.json.refresh_token, /^[0-9a-f]{40}$/)
  assert.ok(answer.json.expires_in > 86000 && answer.json.expires_in <= 86400)
  assert.ok(answer.json.refresh_token_expires_in >= 1209000)
  assert.match(answer.headers['cache-control'], /no-store/)
  assert.equal(answer.headers.pragma, 'no-cache')
})

test('scope and response_type of older clients do no harm', async () => {
  assert.equal((await grant({ response_type: 'code', scope: 'upload' })).status, 200)
})

test('the e-mail address logs in as well', async () => {
  const user = await site.user('mailer')
  const answer = await site.logIn('mailer@example.org', user.password)
  assert.equal(answer.status, 200)
})

test('only a form is accepted', async () => {
  const fields = { ...client, grant_type: 'password', username: site.admin, password: site.password }
  const json = await site.post('/users/token', { json: fields })
  assert.equal(json.status, 400)
  assert.equal(json.json.code, 'invalid_request')
  const multipart = await site.post('/users/token', { fields })
  assert.equal(multipart.status, 400)
  assert.equal(multipart.json.code, 'invalid_request')
})

test('wrong credentials are invalid_grant, whoever is asked for', async () => {
  for (const fields of [{ password: 'wrong' }, { username: 'nobody_there' }]) {
    const answer = await grant(fields)
    assert.equal(answer.status, 400)
    assert.equal(answer.json.code, 'invalid_grant')
    assert.match(answer.headers['content-type'], /^application\/problem\+json/)
  }
})

test('a wrong client is invalid_client', async () => {
  for (const fields of [{ client_secret: 'x'.repeat(32) }, { client_id: '' }]) {
    const answer = await grant(fields)
    assert.equal(answer.status, 400)
    assert.equal(answer.json.code, 'invalid_client')
  }
})

test('missing and unknown parameters are 400', async () => {
  assert.equal((await grant({ password: '' })).status, 400)
  assert.equal((await grant({ grant_type: '' })).status, 400)
  assert.equal((await grant({ grant_type: 'client_credentials' })).status, 400)
  assert.equal((await site.post('/users/token', { form: {} })).status, 400)
})

test('refreshing gives a new pair and ends the old one', async () => {
  const first = (await grant()).json
  const refresh = token => site.post('/users/token', { form: { ...client, grant_type: 'refresh_token', refresh_token: token } })
  const second = await refresh(first.refresh_token)
  assert.equal(second.status, 200)
  assert.notEqual(second.json.access_token, first.access_token)
  assert.notEqual(second.json.refresh_token, first.refresh_token)
  assert.equal((await site.get('/users/me', { token: second.json.access_token })).status, 200)
  assert.equal((await site.get('/users/me', { token: first.access_token })).status, 401)
  const again = await refresh(first.refresh_token)
  assert.equal(again.status, 400)
  assert.equal(again.json.code, 'invalid_grant')
})

test('T33 a token is dead after log out, and so is its refresh token', async () => {
  const pair = (await grant()).json
  const revoked = await site.post('/users/revoke-token', { token: pair.access_token })
  assert.equal(revoked.status, 200)
  assert.equal(revoked.json.success, true)
  assert.equal((await site.get('/users/me', { token: pair.access_token })).status, 401)
  const refresh = await site.post('/users/token', { form: { ...client, grant_type: 'refresh_token', refresh_token: pair.refresh_token } })
  assert.equal(refresh.status, 400)
})

test('a bad token is 401 invalid_token even where none is needed', async () => {
  for (const path of ['/users/me', '/videos', '/accounts']) {
    const answer = await site.get(path, { token: 'f'.repeat(40) })
    assert.equal(answer.status, 401, path)
    assert.equal(answer.json.code, 'invalid_token', path)
  }
  assert.equal((await site.get('/videos')).status, 200)
})

test('no token where one is needed is 401', async () => {
  assert.equal((await site.get('/users/me')).status, 401)
  assert.equal((await site.post('/users/revoke-token')).status, 401)
})

test('the network gets no session that outlives a token', async () => {
  const answer = await grant({ session: 'true' })
  assert.equal(answer.status, 200)
  assert.ok(answer.json.expires_in <= 86400)
})

test('changing the password ends the other tokens', async () => {
  const user = await site.user('changer')
  const other = (await site.logIn('changer', user.password)).json.access_token
  const wrong = await site.put('/users/me', { token: user.token, json: { password: 'another one 1', currentPassword: 'guessed' } })
  assert.equal(wrong.status, 401)
  assert.equal(wrong.json.code, 'current_password_is_invalid')
  assert.equal((await site.get('/users/me', { token: other })).status, 200)
  const right = await site.put('/users/me', { token: user.token, json: { password: 'another one 1', currentPassword: user.password } })
  assert.equal(right.status, 204)
  assert.equal((await site.get('/users/me', { token: other })).status, 401)
  assert.equal((await site.logIn('changer', user.password)).status, 400)
  assert.equal((await site.logIn('changer', 'another one 1')).status, 200)
})
