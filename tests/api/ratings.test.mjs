// ratings.test.mjs - likes and dislikes: who may, how they add up, what is told, what is forgotten.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

const witness = `
local shoal = require "shoal"
shoal.tell("rating.changed", function(event)
  shoal.log("info", "rated " .. event.video.name .. " by " .. event.account.name .. ": " .. event.from .. " to " .. event.to)
end)
`

let site, open, unlisted, closed, alice, bob

before(async () => {
  site = await startInstance({ started: false })
  const pin = writePlugin(join(site.folder, 'plugins'), 'witness', { lua: witness, manifest: { hooks: ['rating.changed'] } })
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', 'ratings', line('witness', pin)])
  await site.start()
  alice = await site.user('alice')
  bob = await site.user('bob')
  const file = await clip('h264')
  open = await site.upload(file, { name: 'Low tide' })
  unlisted = await site.upload(file, { name: 'High tide', privacy: 2 })
  closed = await site.upload(file, { name: 'Nobody sees this', privacy: 3 })
  for (const video of [open, unlisted, closed]) await site.published(video.uuid)
})
after(() => site?.stop())

const rate = (video, rating, who) => site.put(`/videos/${video.uuid}/rate`, { token: who.token, json: { rating } })
const counts = async video => {
  const { likes, dislikes } = (await site.get(`/videos/${video.uuid}`, { token: true })).json
  return [likes, dislikes]
}
const mine = async (video, who) => (await site.get(`/users/me/videos/${video.uuid}/rating`, { token: who.token })).json

test('a rating is kept, counted, changed and taken back', async () => {
  assert.deepEqual(await mine(open, alice), { videoId: open.id, rating: 'none' })
  for (const [who, rating, sums] of [
    [alice, 'like', [1, 0]], [alice, 'like', [1, 0]], [bob, 'like', [2, 0]], [alice, 'dislike', [1, 1]],
    [bob, 'none', [0, 1]], [bob, 'none', [0, 1]], [bob, 'dislike', [0, 2]], [alice, 'none', [0, 1]], [alice, 'like', [1, 1]]
  ]) {
    const answer = await rate(open, rating, who)
    assert.equal(answer.status, 204, answer.text)
    assert.deepEqual(await counts(open), sums)
    assert.equal((await mine(open, who)).rating, rating)
  }
})

test('each change is told once, and no change is not', async () => {
  await site.when('the last change is told', () => /rated Low tide by alice: none to like/.test(site.log.slice(site.log.lastIndexOf('dislike to none'))))
  assert.deepEqual([...site.log.matchAll(/rated Low tide by (.*)/g)].map(([, said]) => said.replace(/ \[.*/, '')).sort(), [
    'alice: dislike to none', 'alice: like to dislike', 'alice: none to like', 'alice: none to like',
    'bob: like to none', 'bob: none to dislike', 'bob: none to like'
  ])
})

test('the number and the short UUID name the same video', async () => {
  assert.equal((await site.put(`/videos/${open.id}/rate`, { token: alice.token, json: { rating: 'like' } })).status, 204)
  assert.equal((await site.get(`/users/me/videos/${open.shortUUID}/rating`, { token: alice.token })).json.rating, 'like')
  assert.equal((await site.get(`/users/me/videos/${open.id}/rating`, { token: alice.token })).json.rating, 'like')
})

test('bad input is named, and strangers and hidden videos are refused', async () => {
  for (const json of [{}, { rating: 'love' }, { rating: 1 }, { rating: null }, { rating: ['like'] }]) {
    const answer = await site.put(`/videos/${open.uuid}/rate`, { token: alice.token, json })
    assert.equal(answer.status, 400, JSON.stringify(json))
    assert.ok(answer.json['invalid-params'].rating)
  }
  assert.equal((await site.put(`/videos/${open.uuid}/rate`, { json: { rating: 'like' } })).status, 401)
  assert.equal((await site.get(`/users/me/videos/${open.uuid}/rating`)).status, 401)
  assert.equal((await rate({ uuid: '00000000-0000-4000-8000-000000000000' }, 'like', alice)).status, 404)
  assert.equal((await rate(closed, 'like', alice)).status, 403)
  assert.equal((await site.get(`/users/me/videos/${closed.uuid}/rating`, { token: alice.token })).status, 403)
  assert.deepEqual(await counts(closed), [0, 0])
})

test('what somebody rated is a list of their own', async () => {
  await rate(unlisted, 'dislike', alice)
  const list = async query => (await site.get(`/accounts/alice/ratings${query}`, { token: alice.token })).json
  const both = await list('')
  assert.equal(both.total, 2)
  assert.deepEqual(both.data.map(({ rating, video }) => [rating, video.uuid]), [['dislike', unlisted.uuid], ['like', open.uuid]])
  assert.equal(both.data[0].video.account.name, 'root')
  assert.equal(both.data[0].video.files, undefined)
  assert.deepEqual((await list('?sort=createdAt')).data.map(({ video }) => video.uuid), [open.uuid, unlisted.uuid])
  assert.deepEqual((await list('?rating=like')).data.map(({ rating }) => rating), ['like'])
  assert.deepEqual((await list('?rating=dislike&count=1')).data.map(({ rating }) => rating), ['dislike'])
  assert.deepEqual((await list('?start=1&count=1')).data.map(({ rating }) => rating), ['like'])
  assert.deepEqual((await list('?count=0')).data, [])
  for (const bad of ['rating=none', 'rating=x', 'sort=name', 'count=101', 'start=-1']) {
    const answer = await site.get(`/accounts/alice/ratings?${bad}`, { token: alice.token })
    assert.equal(answer.status, 400, bad)
    assert.ok(answer.json['invalid-params'][bad.split('=')[0]], bad)
  }
  assert.equal((await site.get('/accounts/alice/ratings', { token: bob.token })).status, 403)
  assert.equal((await site.get('/accounts/nobody/ratings', { token: bob.token })).status, 404)
  assert.equal((await site.get('/accounts/alice/ratings')).status, 401)
})

test('a hundred people at once are a hundred likes', async () => {
  const people = await Promise.all(Array.from({ length: 12 }, (_, i) => site.user(`viewer${i}`)))
  const before = await counts(unlisted)
  await Promise.all(people.flatMap(who => Array.from({ length: 8 }, (_, i) => rate(unlisted, i % 2 ? 'dislike' : 'like', who))))
  await Promise.all(people.map(who => rate(unlisted, 'like', who)))
  assert.deepEqual(await counts(unlisted), [before[0] + people.length, before[1]])
})

test('buttons on the watch page work without JavaScript', async () => {
  const { json: { access_token: token } } = await site.logIn('bob', bob.password)
  const page = await site.get(`//w/${open.shortUUID}`, { token })
  assert.match(page.text, new RegExp(`<form method="post" action="/w/${open.shortUUID}/rate"`))
  assert.match(page.text, /name="rating" value="none" data-rate="dislike" aria-pressed="true"/)
  assert.match(page.text, /style\/ratings\.css/)
  const sent = await site.api('POST', `//w/${open.shortUUID}/rate`, { token, form: { rating: 'like' } })
  assert.equal(sent.status, 303)
  assert.equal(sent.headers.location, `/w/${open.shortUUID}#ratings`)
  assert.deepEqual(await counts(open), [2, 0])
  const stranger = await site.get(`//w/${open.shortUUID}`)
  assert.match(stranger.text, new RegExp(`href="/login\\?next=/w/${open.shortUUID}"`))
  assert.doesNotMatch(stranger.text, /data-rate="like" aria-pressed/)
  const liked = await site.get('//my/likes', { token })
  assert.match(liked.text, /Low tide/)
})

test('who goes takes their ratings along, and a video its own', async () => {
  const gone = await site.get('/users?search=viewer0', { token: true })
  const { id } = gone.json.data.find(({ username }) => username === 'viewer0')
  const before = await counts(unlisted)
  assert.equal((await site.delete(`/users/${id}`, { token: true })).status, 204)
  await site.when('the like is forgotten', async () => (await counts(unlisted))[0] === before[0] - 1)
  assert.equal((await site.delete(`/videos/${unlisted.uuid}`, { token: true })).status, 204)
  await site.when('the list is shorter', async () => (await site.get('/accounts/alice/ratings', { token: alice.token })).json.total === 1)
})
