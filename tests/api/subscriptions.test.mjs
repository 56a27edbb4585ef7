// subscriptions.test.mjs - subscriptions, followers, and what lists show of other servers.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

let site, alice, bob, host, video
const mine = (method, path = '', options = {}) => site.api(method, `/users/me/subscriptions${path}`, { token: alice.token, ...options })
const add = (uri, options = {}) => mine('POST', '', { json: { uri }, ...options })

before(async () => {
  site = await startInstance()
  alice = await site.user('alice')
  bob = await site.user('bob')
  ;({ host } = (await site.get('/video-channels/bob_channel')).json)
  video = await site.upload(await clip('h264', { seconds: 2 }), { name: 'What bob made', tags: ['kelp'] }, bob.token)
  await site.published(video.uuid)
})
after(() => site?.stop())

test('a channel is subscribed to, shown, and left', async () => {
  assert.deepEqual((await mine('GET')).json, { total: 0, data: [] })
  assert.equal((await add(`bob_channel@${host}`)).status, 204)
  assert.equal((await add('bob_channel')).status, 204, 'a second time')
  const list = (await mine('GET')).json
  assert.equal(list.total, 1)
  const [channel] = list.data
  for (const key of ['id', 'url', 'name', 'displayName', 'host', 'isLocal', 'description', 'support', 'followersCount', 'followingCount', 'avatars', 'banners', 'createdAt', 'updatedAt', 'ownerAccount']) assert.ok(key in channel, key)
  assert.equal(channel.name, 'bob_channel')
  assert.equal(channel.followersCount, 1)
  assert.equal(channel.subscription.state, 'accepted')
  assert.equal((await site.get('/accounts/alice')).json.followingCount, 1)

  assert.equal((await mine('GET', `/bob_channel@${host}`)).json.name, 'bob_channel')
  const uris = `uris=bob_channel@${host}&uris=alice_channel&uris[]=nobody@far.example`
  assert.deepEqual((await mine('GET', `/exist?${uris}`)).json, { [`bob_channel@${host}`]: true, alice_channel: false, 'nobody@far.example': false })

  assert.equal((await mine('GET', '?search=main bob'.replace(' ', '%20'))).json.total, 1)
  assert.equal((await mine('GET', '?search=elsewhere')).json.total, 0)
  assert.equal((await mine('GET', '?start=1')).json.data.length, 0)

  assert.equal((await mine('DELETE', `/bob_channel@${host}`)).status, 204)
  assert.equal((await mine('DELETE', `/bob_channel@${host}`)).status, 404)
  assert.equal((await mine('GET', '/bob_channel')).status, 404)
  assert.equal((await site.get('/video-channels/bob_channel', { token: bob.token })).json.followersCount, 0)
})

test('the feed has the filters of every list of videos', async () => {
  assert.equal((await mine('GET', '/videos')).json.total, 0)
  await add('bob_channel')
  const feed = await mine('GET', '/videos')
  assert.equal(feed.json.total, 1)
  assert.equal(feed.json.data[0].uuid, video.uuid)
  for (const [query, total] of [['tagsOneOf=kelp', 1], ['tagsOneOf=sand', 0], ['search=bob%20made', 1], ['isLocal=true', 1], ['isLocal=false', 0],
    ['nsfw=true', 0], ['isLive=true', 0], ['subscribed=false', 1], ['sort=-views&count=1', 1]]) {
    assert.equal((await mine('GET', `/videos?${query}`)).json.total, total, query)
  }
  assert.equal((await mine('GET', '/videos?skipCount=true')).json.total, undefined)
  const wrong = await mine('GET', '/videos?sort=password')
  assert.equal(wrong.status, 400)
  assert.match(wrong.headers['content-type'], /^application\/problem\+json/)
  assert.ok(wrong.json['invalid-params'].sort)
  assert.equal((await site.get('/users/me/subscriptions/videos', { token: bob.token })).json.total, 0)
  assert.equal((await site.get('/videos?subscribed=true')).status, 401)
  await mine('DELETE', '/bob_channel')
})

test('an account is all its channels', async () => {
  assert.equal((await add('bob')).status, 204)
  assert.equal((await mine('GET')).json.total, 0)
  assert.equal((await mine('GET', '?accounts=true')).json.data[0].name, 'bob')
  assert.equal((await mine('GET', '/videos')).json.total, 1)
  assert.equal((await mine('DELETE', '/bob')).status, 204)
})

test('bad input names its field', async () => {
  for (const uri of ['', 'a b', 'bob_channel@', '@', 'x/y', 'x'.repeat(121), 7, null, undefined]) {
    const answer = await add(uri)
    assert.equal(answer.status, 400, String(uri))
    assert.ok(answer.json['invalid-params'].uri, String(uri))
  }
  for (const uri of ['nobody', 'nobody@far.example', 'peertube']) assert.equal((await add(uri)).status, 404, uri)
  assert.equal((await add('alice')).status, 400, 'oneself')
  for (const path of ['/exist', '/exist?uris=a%20b', `/exist?${'uris=a&'.repeat(101)}`]) {
    const answer = await mine('GET', path)
    assert.equal(answer.status, 400)
    assert.ok(answer.json['invalid-params'].uris)
  }
  for (const query of ['count=101', 'start=-1', 'count=x', 'sort=name']) assert.equal((await mine('GET', `?${query}`)).status, 400, query)
  for (const [method, path] of [['GET', ''], ['POST', ''], ['GET', '/exist?uris=x'], ['GET', '/videos'], ['GET', '/bob_channel'], ['DELETE', '/bob_channel']]) {
    assert.equal((await site.api(method, `/users/me/subscriptions${path}`, method === 'POST' ? { json: { uri: 'bob_channel' } } : {})).status, 401, `${method} ${path}`)
  }
})

test('followers are for the owner of a channel and the staff', async () => {
  await add('bob_channel')
  const list = (await site.get('/video-channels/bob_channel/followers', { token: bob.token })).json
  assert.equal(list.total, 1)
  const [follow] = list.data
  assert.equal(follow.state, 'accepted')
  assert.equal(follow.score, 10000)
  assert.equal(follow.follower.name, 'alice')
  assert.equal(follow.following.name, 'bob_channel')
  for (const key of ['id', 'url', 'name', 'host', 'hostRedundancyAllowed', 'followingCount', 'followersCount', 'createdAt', 'avatars']) {
    assert.ok(key in follow.follower && key in follow.following, key)
  }
  assert.ok(follow.createdAt && follow.updatedAt)
  assert.equal((await site.get('/accounts/bob/followers', { token: bob.token })).json.total, 1)
  assert.equal((await site.get('/accounts/bob/followers?search=nobody', { token: bob.token })).json.total, 0)
  for (const path of ['/video-channels/bob_channel/followers', '/accounts/bob/followers']) {
    assert.equal((await site.get(path, { token: true })).json.total, 1)
    assert.equal((await site.get(path, { token: alice.token })).status, 403)
    assert.equal((await site.get(path)).status, 401)
    assert.equal((await site.get(`${path}?sort=name`, { token: bob.token })).status, 400)
  }
  assert.equal((await site.get('/video-channels/nobody/followers', { token: true })).status, 404)
  await mine('DELETE', '/bob_channel')
})

test('what an address names is found, and where somebody goes who has an account elsewhere', async () => {
  const target = uri => site.get(`/subscriptions/target?uri=${encodeURIComponent(uri)}`, { token: alice.token })
  for (const uri of ['bob_channel', '@bob_channel', `bob_channel@${host}`, `acct:bob_channel@${host}`, `${site.url}/c/bob_channel`, `${site.url}/video-channels/bob_channel/videos`]) {
    const found = await target(uri)
    assert.equal(found.status, 200, uri)
    assert.equal(found.json.kind, 'channel', uri)
    assert.equal(found.json.path, '/c/bob_channel')
    assert.equal(found.json.isSubscribed, false)
  }
  assert.equal((await target(`${site.url}/accounts/bob`)).json.kind, 'account')
  assert.deepEqual((await target(`${site.url}/w/${video.shortUUID}`)).json, { kind: 'video', path: `/w/${video.shortUUID}` })
  for (const uri of ['nobody', `${site.url}/c/nobody`, 'https://far.example/c/x', 'x@far.example']) assert.equal((await target(uri)).status, 404, uri)
  for (const uri of ['', 'a b', '/etc/passwd', 'javascript:alert(1)', 'x'.repeat(2001)]) assert.equal((await target(uri)).status, 400, uri)

  const remote = to => site.get(`/subscriptions/remote?uri=bob_channel@${host}&to=${encodeURIComponent(to)}`)
  for (const to of ['you@far.example', '@you@far.example', 'far.example', 'https://far.example/@you', 'https://far.example']) {
    const { json } = await remote(to)
    assert.equal(json.host, 'far.example', to)
    assert.equal(json.url, `https://far.example/remote-interaction?uri=${encodeURIComponent(`bob_channel@${host}`)}`)
    assert.match(json.mastodonUrl, /^https:\/\/far\.example\/authorize_interaction\?uri=/)
  }
  for (const to of ['', 'far', 'javascript:alert(1)', 'far.example@', 'you@far example', 'x'.repeat(600)]) assert.equal((await remote(to)).status, 400, to)
})

test('a user who goes follows nobody any more', async () => {
  const carol = await site.user('carol')
  assert.equal((await add('bob_channel', { token: carol.token })).status, 204)
  assert.equal((await site.get('/video-channels/bob_channel', { token: true })).json.followersCount, 1)
  assert.equal((await site.delete(`/users/${carol.id}`, { token: true })).status, 204)
  assert.equal((await site.get('/video-channels/bob_channel', { token: true })).json.followersCount, 0)
})
