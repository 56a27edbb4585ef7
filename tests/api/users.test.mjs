// users.test.mjs - oneself, and the others for those who look after them.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'

let site, user

before(async () => {
  site = await startInstance()
  user = await site.user('alice')
})
after(() => site?.stop())

const me = token => site.get('/users/me', { token }).then(answer => answer.json)

test('users/me has everything that clients read', async () => {
  const alice = await me(user.token)
  for (const key of ['id', 'username', 'email', 'pendingEmail', 'emailVerified', 'nsfwPolicy', 'adminFlags', 'autoPlayVideo', 'autoPlayNextVideo', 'p2pEnabled',
    'videosHistoryEnabled', 'videoLanguages', 'role', 'videoQuota', 'videoQuotaDaily', 'theme', 'account', 'notificationSettings', 'videoChannels', 'blocked',
    'blockedReason', 'noInstanceConfigWarningModal', 'noWelcomeModal', 'createdAt', 'pluginAuth', 'lastLoginDate', 'twoFactorEnabled', 'specialPlaylists']) {
    assert.ok(key in alice, key)
  }
  assert.deepEqual(alice.role, { id: 2, label: 'User' })
  assert.equal(alice.account.name, 'alice')
  assert.equal(alice.videoChannels[0].name, 'alice_channel')
  assert.equal(alice.videoQuota, -1)
  assert.equal('password' in alice, false)
})

test('users change what is theirs', async () => {
  const answer = await site.put('/users/me', { token: user.token, json: { displayName: 'Alice A.', description: 'Hello', autoPlayVideo: false, nsfwPolicy: 'blur', videoLanguages: ['fr'] } })
  assert.equal(answer.status, 204)
  const alice = await me(user.token)
  assert.equal(alice.account.displayName, 'Alice A.')
  assert.equal(alice.account.description, 'Hello')
  assert.equal(alice.autoPlayVideo, false)
  assert.equal(alice.nsfwPolicy, 'blur')
  assert.deepEqual(alice.videoLanguages, ['fr'])
})

test('an unknown NSFW policy and a boolean that is none are 400', async () => {
  for (const json of [{ nsfwPolicy: 'whatever' }, { autoPlayVideo: 'perhaps' }, { displayName: '' }, { displayName: 'x'.repeat(121) }, { displayName: 7 }]) {
    const answer = await site.put('/users/me', { token: user.token, json })
    assert.equal(answer.status, 400, JSON.stringify(json))
    assert.ok(answer.json['invalid-params'][Object.keys(json)[0]])
  }
})

test('T04 users cannot give themselves what is not theirs', async () => {
  const before = await me(user.token)
  const answer = await site.put('/users/me', {
    token: user.token,
    json: { role: 0, videoQuota: 1e15, emailVerified: true, isPendingEmail: true, blocked: false, adminFlags: 1, id: 1, username: 'root', account: { id: 1 }, pluginAuth: 'x', displayName: 'Alice B.' }
  })
  assert.equal(answer.status, 204)
  const now = await me(user.token)
  for (const key of ['id', 'username', 'role', 'videoQuota', 'emailVerified', 'adminFlags', 'blocked', 'pluginAuth', 'email']) {
    assert.deepEqual(now[key], before[key], key)
  }
  assert.equal(now.account.displayName, 'Alice B.')
})

test('the quota that is used is a number of bytes', async () => {
  const answer = await site.get('/users/me/video-quota-used', { token: user.token })
  assert.deepEqual(answer.json, { videoQuotaUsed: 0, videoQuotaUsedDaily: 0 })
})

test('the e-mail address and the password need the password that was', async () => {
  for (const json of [{ email: 'new@example.org' }, { password: 'new password' }]) {
    const answer = await site.put('/users/me', { token: user.token, json })
    assert.ok([400, 401, 403].includes(answer.status))
  }
  assert.equal((await me(user.token)).email, 'alice@example.org')
})

test('administrators list, read, change, block and delete users', async () => {
  const bob = await site.user('bob', { videoQuota: 1000 })
  const list = await site.get('/users?sort=-createdAt&count=5', { token: true })
  assert.ok(list.json.total >= 3)
  assert.ok(list.json.data.some(one => one.username === 'bob'))
  assert.equal((await site.get('/users?search=bob', { token: true })).json.total, 1)
  assert.equal((await site.get('/users?sort=password', { token: true })).status, 400)

  assert.equal((await site.get(`/users/${bob.id}`, { token: true })).json.videoQuota, 1000)
  assert.equal((await site.put(`/users/${bob.id}`, { token: true, json: { videoQuota: 2000, role: 1 } })).status, 204)
  const changed = (await site.get(`/users/${bob.id}`, { token: true })).json
  assert.equal(changed.videoQuota, 2000)
  assert.equal(changed.role.id, 1)
  assert.equal((await site.put(`/users/${bob.id}`, { token: true, json: { role: 2 } })).status, 204)

  assert.equal((await site.post(`/users/${bob.id}/block`, { token: true, json: { reason: 'spam' } })).status, 204)
  assert.equal((await site.get('/users/me', { token: bob.token })).status, 401)
  const refused = await site.logIn('bob', bob.password)
  assert.equal(refused.status, 400)
  assert.equal(refused.json.code, 'account_blocked')
  assert.equal((await site.get(`/users/${bob.id}`, { token: true })).json.blockedReason, 'spam')
  assert.equal((await site.post(`/users/${bob.id}/unblock`, { token: true })).status, 204)
  assert.equal((await site.logIn('bob', bob.password)).status, 200)

  assert.equal((await site.delete(`/users/${bob.id}`, { token: true })).status, 204)
  assert.equal((await site.get(`/users/${bob.id}`, { token: true })).status, 404)
  assert.equal((await site.get('/accounts/bob')).status, 404)
  assert.equal((await site.logIn('bob', bob.password)).status, 400)
})

test('names are checked, unique, and some are taken', async () => {
  for (const username of ['', 'UPPER', 'with space', '.dot', 'dot.', 'a/b', 'x'.repeat(51), '../x', 'é', 'peertube', 'alice', 'alice_channel', 'root']) {
    const answer = await site.post('/users', { token: true, json: { username, password: 'pass word 9', email: `n${Math.random()}@example.org`, role: 2 } })
    assert.ok([400, 409].includes(answer.status), `${username}: ${answer.status}`)
  }
  const twice = await site.post('/users', { token: true, json: { username: 'alice2', password: 'pass word 9', email: 'alice@example.org', role: 2 } })
  assert.equal(twice.status, 409)
  const short = await site.post('/users', { token: true, json: { username: 'alice3', password: 'x', email: 'alice3@example.org', role: 2 } })
  assert.equal(short.status, 400)
})

test('users look after nobody but themselves', async () => {
  for (const [method, path] of [['GET', '/users'], ['POST', '/users'], ['GET', '/users/1'], ['PUT', '/users/1'], ['DELETE', '/users/1'], ['POST', '/users/1/block'], ['POST', '/users/1/unblock']]) {
    const options = ['POST', 'PUT'].includes(method) ? { json: {} } : {}
    assert.equal((await site.api(method, path, { ...options, token: user.token })).status, 403, `${method} ${path}`)
    assert.equal((await site.api(method, path, options)).status, 401, `${method} ${path}`)
  }
})

test('moderators look after users, not after administrators or each other', async () => {
  const moderator = await site.user('mod', { role: 1 })
  const other = await site.user('mod2', { role: 1 })
  const victim = await site.user('victim')
  const root = (await me(true)).id
  const token = moderator.token
  assert.equal((await site.post(`/users/${victim.id}/block`, { token, json: {} })).status, 204)
  for (const id of [root, other.id]) {
    assert.equal((await site.post(`/users/${id}/block`, { token, json: {} })).status, 403)
    assert.equal((await site.put(`/users/${id}`, { token, json: { password: 'taken over 1' } })).status, 403)
    assert.equal((await site.delete(`/users/${id}`, { token })).status, 403)
  }
  assert.equal((await site.put(`/users/${victim.id}`, { token, json: { role: 0 } })).status, 403)
  assert.equal((await site.post('/users', { token, json: { username: 'newadmin', password: 'pass word 9', email: 'na@example.org', role: 0 } })).status, 403)
})

test('administrators cannot lock themselves out', async () => {
  const root = (await me(true)).id
  assert.equal((await site.post(`/users/${root}/block`, { token: true, json: {} })).status, 400)
  assert.equal((await site.delete(`/users/${root}`, { token: true })).status, 400)
})
