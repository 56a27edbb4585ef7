// subscriptions.test.mjs - users of one instance subscribe to channels of another: two Shoals, both ways.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { startFederating } from './peer.mjs'

let here, there, alice, bob, far, old

before(async () => {
  const plugins = ['federation_videos']
  ;[here, there] = await Promise.all([startFederating(startInstance, { plugins }), startFederating(startInstance, { plugins })])
  alice = await here.user('alice')
  bob = await there.user('bob')
  far = `bob_channel@${new URL(there.url).host}`
  old = await publish('From before')
})
after(() => Promise.all([here?.stop(), there?.stop()]))

const mine = (method, path = '', options = {}) => here.api(method, `/users/me/subscriptions${path}`, { token: alice.token, ...options })
const listed = async (path, options) => (await here.get(path, options)).json.data.map(video => video.name).sort()
const channels = async query => (await here.get(`/video-channels?${query}`)).json.data.map(channel => channel.name).sort()
async function publish (name) {
  const video = await there.upload(await clip('h264', { seconds: 2 }), { name }, bob.token)
  await there.published(video.uuid)
  return video
}
const state = async handle => (await mine('GET', `/${handle}`)).json.subscription?.state
const followers = async () => (await there.get('/video-channels/bob_channel/followers', { token: bob.token })).json

test('a channel that nobody here has heard of is found, asked, and accepts', async () => {
  assert.equal((await here.get(`/video-channels/${far}`)).status, 404)
  const answer = await mine('POST', '', { json: { uri: far } })
  assert.equal(answer.status, 204, answer.text)
  await here.when('it accepts', async () => await state(far) === 'accepted')
  const list = (await mine('GET')).json
  assert.equal(list.total, 1)
  assert.equal(list.data[0].host, new URL(there.url).host)
  assert.equal(list.data[0].isLocal, false)
  assert.deepEqual((await mine('GET', `/exist?uris=${far}`)).json, { [far]: true })

  const { total, data } = await followers()
  assert.equal(total, 1)
  assert.equal(data[0].follower.name, 'alice')
  assert.equal(data[0].follower.host, new URL(here.url).host)
  assert.equal(data[0].state, 'accepted')
  assert.equal((await there.get('/video-channels/bob_channel', { token: true })).json.followersCount, 1)
})

test('what was there and what comes is in the feed and in the lists, and not among ours', async () => {
  await here.when('the older video comes', async () => (await mine('GET', '/videos')).json.total === 1, 60000)
  const fresh = await publish('Just now')
  await here.when('the newer video comes', async () => (await mine('GET', '/videos')).json.total === 2, 60000)
  assert.deepEqual(await listed('/users/me/subscriptions/videos', { token: alice.token }), ['From before', 'Just now'])
  const all = () => listed(`/videos?count=100&host=${new URL(there.url).host}`)
  await here.when('lists show them', async () => (await all()).length === 2)
  assert.deepEqual(await listed('/videos?isLocal=true&count=99'), [])
  assert.deepEqual(await listed('/users/me/subscriptions/videos?isLocal=true', { token: alice.token }), [])
  assert.deepEqual(await listed('/users/me/subscriptions/videos?search=just', { token: alice.token }), ['Just now'])
  assert.equal((await here.get(`/videos/${fresh.uuid}`)).json.isLocal, false)
  assert.deepEqual(await channels('count=8'), ['alice_channel', 'bob_channel', 'root_channel'])
})

test('an account is followed as well, and an address is as good as a handle', async () => {
  const target = await here.get(`/subscriptions/target?uri=${encodeURIComponent(`${there.url}/accounts/bob`)}`, { token: alice.token })
  assert.equal(target.status, 200, target.text)
  assert.equal(target.json.kind, 'account')
  assert.equal(target.json.isSubscribed, false)
  assert.equal((await mine('POST', '', { json: { uri: target.json.handle } })).status, 204)
  await here.when('it accepts', async () => await state(target.json.handle) === 'accepted')
  assert.equal((await mine('GET', '?accounts=true')).json.total, 1)
  assert.equal((await there.get('/accounts/bob/followers', { token: bob.token })).json.total, 2, 'of the account and of its channel')
  assert.equal((await mine('DELETE', `/${target.json.handle}`)).status, 204)
  await there.when('it hears of the end', async () => (await there.get('/accounts/bob/followers', { token: bob.token })).json.total === 1)
})

test('leaving is told, its videos are in no list of ours, and coming back is fine', async () => {
  assert.equal((await mine('DELETE', `/${far}`)).status, 204)
  assert.equal((await mine('GET', '/videos')).json.total, 0)
  assert.deepEqual(await listed('/videos?count=98'), [])
  assert.deepEqual(await channels('count=7'), ['alice_channel', 'root_channel'])
  const strange = await here.get(`/videos/${old.uuid}`)
  assert.equal(strange.status, 403)
  assert.equal(strange.json.code, 'does_not_respect_follow_constraints')
  assert.equal((await here.get(`/videos/${old.uuid}`, { token: alice.token })).status, 200)
  await there.when('it hears of the end', async () => (await followers()).total === 0)
  assert.equal((await there.get('/video-channels/bob_channel', { token: true })).json.followersCount, 0)
  assert.equal((await mine('POST', '', { json: { uri: far } })).status, 204)
  await here.when('it accepts again', async () => await state(far) === 'accepted')
  assert.equal((await followers()).total, 1)
  assert.deepEqual(await listed('/videos?count=97'), ['From before', 'Just now'])
  assert.equal((await here.get(`/videos/${old.uuid}`)).status, 200)
})

test('who is nowhere is not found', async () => {
  const host = new URL(there.url).host
  assert.equal((await mine('POST', '', { json: { uri: `nobody@${host}` } })).status, 404)
  const dead = await mine('POST', '', { json: { uri: 'somebody@127.0.0.1:1' } })
  assert.ok([404, 502, 504].includes(dead.status), String(dead.status))
  assert.equal((await mine('GET')).json.total, 1)
})

test('both sites show who follows whom', async () => {
  const hosts = [here, there].map(site => new URL(site.url).host)
  const page = async site => (await site.raw({ path: `/about/follows?now=${Date.now()}`, headers: { accept: 'text/html' } })).text
  assert.equal((await here.post('/server/following', { token: true, json: { hosts: [hosts[1]] } })).status, 204)
  await here.when('it accepts', async () => (await here.get('/server/following?state=accepted')).json.total === 1)
  const [, followed] = (await page(here)).match(/id="following"[\s\S]*?<ul class="sites">([\s\S]*?)<\/ul>/)
  assert.match(followed, new RegExp(`<a href="${there.url}/accounts/peertube" rel="noopener">${hosts[1]}</a>`))
  const [, following] = (await page(there)).match(/id="followers"[\s\S]*?<ul class="sites">([\s\S]*?)<\/ul>/)
  assert.match(following, new RegExp(hosts[0]))
  assert.equal((await there.get('/server/stats')).json.totalInstanceFollowers, 1)
})
