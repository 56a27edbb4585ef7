// search.test.mjs - searching by words and by addresses of this very site, as PeerTube's clients do.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { withPlugins } from '../kit/plugins.mjs'

let site, alice, kelp, sand, hidden, host

before(async () => {
  site = await startInstance()
  alice = await site.user('alice')
  const publish = async fields => {
    const video = await site.upload(await clip('h264', { seconds: 2 }), fields, alice.token)
    await site.published(video.uuid)
    return video
  }
  kelp = await publish({ name: 'Kelp at noon', tags: ['kelp'] })
  sand = await publish({ name: 'Sand at noon' })
  hidden = await publish({ name: 'Kelp of mine', privacy: 3 })
  assert.equal((await site.put(`/videos/${sand.uuid}`, { token: alice.token, json: { originallyPublishedAt: '1995-05-01T00:00:00.000Z' } })).status, 204)
  ;({ host } = (await site.get('/video-channels/alice_channel')).json)
})
after(() => site?.stop())

const search = async (what, query, options) => {
  const answer = await site.get(`/search/${what}?${new URLSearchParams(query)}`, options)
  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual(Object.keys(answer.json).sort(), ['data', 'total'])
  return answer.json
}
const videos = async (query, options) => (await search('videos', query, options)).data.map(video => video.name).sort()
const channels = async (query, options) => (await search('video-channels', query, options)).data.map(channel => channel.name).sort()

test('words find videos, with the filters of lists', async () => {
  assert.deepEqual(await videos({ search: 'noon' }), ['Kelp at noon', 'Sand at noon'])
  assert.deepEqual(await videos({ search: 'kelp' }), ['Kelp at noon'])
  assert.deepEqual(await videos({}), ['Kelp at noon', 'Sand at noon'])
  for (const [query, total] of [[{ isLocal: true }, 2], [{ isLocal: false }, 0], [{ host }, 2], [{ host: 'far.example' }, 0],
    [{ tagsOneOf: 'kelp' }, 1], [{ uuids: sand.uuid }, 1], [{ durationMin: 3600 }, 0], [{ durationMax: 3600 }, 2],
    [{ startDate: '2001-01-01T00:00:00Z' }, 2], [{ endDate: '2001-01-01T00:00:00Z' }, 0], [{ originallyPublishedStartDate: '1995-05-01T00:00:00.000Z' }, 1], [{ originallyPublishedStartDate: '1995-05-02T00:00:00Z' }, 0],
    [{ originallyPublishedEndDate: '1996-01-01T00:00:00Z' }, 1], [{ originallyPublishedStartDate: '1990-01-01T00:00:00Z', originallyPublishedEndDate: '1994-01-01T00:00:00Z' }, 0],
    [{ searchTarget: 'local' }, 2], [{ sort: '-match' }, 2]]) {
    assert.equal((await search('videos', { search: 'noon', ...query })).total, total, JSON.stringify(query))
  }
  const page = await search('videos', { search: 'noon', start: 1, count: 1, sort: 'name' })
  assert.equal(page.total, 2)
  assert.deepEqual(page.data.map(video => video.name), ['Sand at noon'])
})

test('what makes no sense is refused in the words of lists', async () => {
  for (const [query, field] of [['count=1000', 'count'], ['sort=colour', 'sort'], ['durationMin=long', 'durationMin'], ['startDate=soon', 'startDate'], ['originallyPublishedStartDate=soon', 'originallyPublishedStartDate'], [`search=${'x'.repeat(2001)}`, 'search']]) {
    const answer = await site.get(`/search/videos?${query}`)
    assert.equal(answer.status, 400, query)
    assert.match(answer.headers['content-type'], /problem\+json/)
    assert.ok(field in answer.json['invalid-params'], query)
  }
  assert.equal((await site.get('/search/video-channels?count=-1')).status, 400)
  assert.equal((await site.get(`/search/video-playlists?search=${'x'.repeat(2001)}`)).status, 400)
})

test('words and handles find channels', async () => {
  assert.deepEqual(await channels({ search: 'alice' }), ['alice_channel'])
  assert.deepEqual(await channels({ search: 'nobody' }), [])
  assert.deepEqual(await channels({ search: 'channel', host }), ['alice_channel', 'root_channel'])
  assert.deepEqual(await channels({ search: 'channel', host: 'far.example' }), [])
  assert.equal((await search('video-channels', { search: 'channel', count: 1, sort: '-match' })).data.length, 1)
  assert.deepEqual(await channels([['handles', 'alice_channel'], ['handles', `root_channel@${host}`], ['handles', 'nobody']]), ['alice_channel', 'root_channel'])
  for (const handle of [`@alice_channel@${host}`, `alice_channel@${host}`, `@alice@${host}`]) {
    assert.deepEqual(await channels({ search: handle }), ['alice_channel'], handle)
  }
  assert.deepEqual(await search('video-playlists', { search: 'kelp' }), { total: 0, data: [] })
})

test('an address of this site gives what it names, to whom it may be shown', async () => {
  for (const path of [`/w/${kelp.shortUUID}`, `/videos/watch/${kelp.uuid}`, `/videos/embed/${kelp.uuid}?start=1`]) {
    assert.deepEqual(await videos({ search: site.url + path }), ['Kelp at noon'], path)
    assert.deepEqual(await channels({ search: site.url + path }), [], path)
  }
  for (const path of ['/c/alice_channel', '/video-channels/alice_channel', '/a/alice', '/accounts/alice', '/@alice']) {
    assert.deepEqual(await channels({ search: site.url + path }), ['alice_channel'], path)
    assert.deepEqual(await videos({ search: site.url + path }), [], path)
  }
  const mine = { search: `${site.url}/w/${hidden.shortUUID}` }
  assert.deepEqual(await videos(mine), [])
  assert.deepEqual(await videos(mine, { token: alice.token }), ['Kelp of mine'])
  for (const search of [`${site.url}/about`, `${site.url}/w/none`, 'https://far.example/w/none', '@nobody@far.example']) {
    assert.deepEqual(await videos({ search }), [], search)
    assert.deepEqual(await channels({ search }), [], search)
  }
  assert.equal((await site.get('/config')).json.search.remoteUri.users, false, 'without a fixed url')
})

test('the page shows channels and videos, and searches without this plugin too', async () => {
  const page = async query => (await site.raw({ path: `/search?search=${query}`, headers: { accept: 'text/html' } })).text
  const both = await page('alice')
  assert.match(both, /<ul class="channels">\s*<li><a href="\/c\/alice_channel">/)
  assert.match(await page('noon'), new RegExp(`href="/w/${kelp.shortUUID}"[\\s\\S]*href="/w/${sand.shortUUID}"|href="/w/${sand.shortUUID}"[\\s\\S]*href="/w/${kelp.shortUUID}"`))
  assert.match(await page(encodeURIComponent(`${site.url}/w/${kelp.shortUUID}`)), new RegExp(`href="/w/${kelp.shortUUID}"`))
  await site.kill()
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web'])
  await site.start()
  assert.equal((await site.get('/search/videos?search=noon')).status, 400)
  const plain = await page('kelp')
  assert.match(plain, new RegExp(`href="/w/${kelp.shortUUID}"`))
  assert.doesNotMatch(plain, new RegExp(sand.shortUUID))
})
