// channels.test.mjs - accounts and channels: made, read, changed, deleted.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'

let site, alice, bob

before(async () => {
  site = await startInstance()
  alice = await site.user('alice')
  bob = await site.user('bob')
})
after(() => site?.stop())

const create = (json, token = alice.token) => site.post('/video-channels', { token, json })

test('a channel is made, found, changed and deleted', async () => {
  const made = await create({ name: 'sea', displayName: 'The sea', description: 'Waves', support: 'Send shells' })
  assert.equal(made.status, 200)
  assert.ok(Number.isInteger(made.json.videoChannel.id))
  const sea = (await site.get('/video-channels/sea')).json
  assert.equal(sea.displayName, 'The sea')
  assert.equal(sea.support, 'Send shells')
  assert.equal(sea.isLocal, true)
  assert.equal(sea.ownerAccount.name, 'alice')
  assert.equal(sea.name, 'sea')
  for (const key of ['id', 'url', 'host', 'followingCount', 'followersCount', 'createdAt', 'updatedAt', 'avatars', 'banners', 'description']) assert.ok(key in sea, key)

  const changed = await site.put('/video-channels/sea', { token: alice.token, json: { displayName: 'Sea', description: null, name: 'other' } })
  assert.equal(changed.status, 204)
  const now = (await site.get('/video-channels/sea')).json
  assert.equal(now.displayName, 'Sea')
  assert.equal(now.description, null)
  assert.equal((await site.get('/video-channels/other')).status, 404)

  assert.equal((await site.delete('/video-channels/sea', { token: alice.token })).status, 204)
  assert.equal((await site.get('/video-channels/sea')).status, 404)
})

test('a handle with our own host is the same channel', async () => {
  const { host } = (await site.get('/video-channels/alice_channel')).json
  assert.equal((await site.get(`/video-channels/alice_channel@${host}`)).json.name, 'alice_channel')
  assert.equal((await site.get('/video-channels/alice_channel@other.example')).status, 404)
})

test('names are checked and unique among accounts and channels', async () => {
  for (const name of ['', 'Sea', 'a b', '-x', 'x'.repeat(51), '../x', 'a/b']) {
    assert.equal((await create({ name, displayName: 'x' })).status, 400, name)
  }
  for (const name of ['bob', 'alice', 'alice_channel', 'bob_channel']) {
    assert.equal((await create({ name, displayName: 'x' })).status, 409, name)
  }
  assert.equal((await create({ name: 'fine', displayName: '' })).status, 400)
  assert.equal((await create({ name: 'fine', displayName: 'x'.repeat(121) })).status, 400)
  assert.equal((await create({ name: 'fine' })).status, 400)
})

test('only its owner and the staff change a channel', async () => {
  assert.equal((await site.put('/video-channels/alice_channel', { token: bob.token, json: { displayName: 'Bob was here' } })).status, 403)
  assert.equal((await site.delete('/video-channels/alice_channel', { token: bob.token })).status, 403)
  assert.equal((await site.put('/video-channels/alice_channel', { json: { displayName: 'x' } })).status, 401)
  assert.equal((await site.put('/video-channels/alice_channel', { token: true, json: { displayName: 'By the staff' } })).status, 204)
})

test('T04 a channel cannot be put under another account', async () => {
  const made = await create({ name: 'trojan', displayName: 'x', accountId: 1, ownerAccount: { name: 'root' }, isLocal: false, url: 'https://evil.example' })
  assert.equal(made.status, 200)
  const channel = (await site.get('/video-channels/trojan')).json
  assert.equal(channel.ownerAccount.name, 'alice')
  assert.equal(channel.isLocal, true)
  assert.doesNotMatch(channel.url, /evil/)
})

test('accounts are listed and read, their channels and videos too', async () => {
  const list = await site.get('/accounts?sort=createdAt')
  assert.ok(list.json.data.some(account => account.name === 'alice'))
  assert.equal((await site.get('/accounts/alice')).json.name, 'alice')
  const channels = await site.get('/accounts/alice/video-channels')
  assert.ok(channels.json.data.some(channel => channel.name === 'alice_channel'))
  assert.ok(channels.json.data.every(channel => channel.ownerAccount?.name === 'alice'))
  assert.equal((await site.get('/accounts/alice/videos')).json.total, 0)
  for (const path of ['/accounts/nobody', '/accounts/nobody/videos', '/accounts/nobody/video-channels', '/video-channels/nobody/videos', '/video-channels/nobody']) {
    assert.equal((await site.get(path)).status, 404, path)
  }
})

test('channels of everybody are listed', async () => {
  const list = await site.get('/video-channels?count=100&sort=createdAt')
  assert.ok(list.json.total >= 3)
  assert.equal(list.json.data.length, Math.min(100, list.json.total))
  const named = async path => (await site.get(path)).json.data.map(channel => channel.displayName.toLowerCase())
  const names = await named('/video-channels?count=100&sort=displayName')
  assert.deepEqual(names, [...names].sort())
  assert.deepEqual(await named('/search/video-channels?search=&count=100&sort=-displayName'), names.reverse())
})
