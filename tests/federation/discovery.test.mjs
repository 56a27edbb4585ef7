// discovery.test.mjs - an address or a handle that somebody types brings in what another server has.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { context, Peer, Public, startFederating } from './peer.mjs'

let site, peer, owner, alice

before(async () => {
  [site, peer] = await Promise.all([startFederating(startInstance, { plugins: ['discovery'] }), Peer.start()])
  owner = peer.person('owner')
  alice = await site.user('alice')
})
after(async () => {
  await peer?.stop()
  await site?.stop()
})

/** A video of a channel of the peer, from the fixture of a PeerTube, at its id and at its page. */
function peerVideo (number, channel, name, by = owner) {
  const uuid = `0a4f2f4e-6d0e-4a0c-9a6a-1f0f6b9a8${String(number).padStart(3, '0')}`
  const text = readFileSync(new URL('../../plugins/federation_videos/fixtures/video_6.json', import.meta.url), 'utf8')
    .replaceAll('0a4f2f4e-6d0e-4a0c-9a6a-1f0f6b9a7c01', uuid).replaceAll('https://six.example', peer.url)
    .replaceAll('/accounts/anna', `/accounts/${by.name}`).replaceAll('/video-channels/shores', `/video-channels/${channel.name}`)
  const made = { '@context': context, ...JSON.parse(text), name }
  peer.serve(`/videos/watch/${uuid}`, made)
  peer.serve(`/w/short${number}`, made)
  return made
}

function outbox (actor, items) {
  const id = `${actor.id}/outbox`
  peer.serve(new URL(id).pathname, { '@context': context, id, type: 'OrderedCollection', totalItems: items.length, first: `${id}?page=1` })
  peer.serve(`${new URL(id).pathname}?page=1`, { '@context': context, id: `${id}?page=1`, type: 'OrderedCollectionPage', totalItems: items.length, partOf: id, orderedItems: items })
}
const announces = (channel, videos) => outbox(channel, videos.map(video => ({ id: `${channel.id}/shares/${video.uuid}`, type: 'Announce', actor: channel.id, object: video.id, to: [Public], cc: [] })))

const search = async (what, text, options = { token: alice.token }) => {
  const answer = await site.get(`/search/${what}?search=${encodeURIComponent(text)}`, options)
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.json.total, answer.json.data.length)
  return answer.json.data.map(one => one.name)
}
const asked = part => peer.asked.filter(({ path }) => path.includes(part)).length
const page = async (text, headers = {}) => (await site.raw({ path: `/search?search=${encodeURIComponent(text)}`, headers: { accept: 'text/html', ...headers } })).text
async function logIn () {
  const body = `username=${site.admin}&password=${encodeURIComponent(site.password)}`
  const login = await site.raw({ method: 'POST', path: '/login', headers: { 'content-type': 'application/x-www-form-urlencoded', origin: site.url }, body })
  return String(login.headers['set-cookie']).split(';')[0]
}

test('a video is brought in by its page or its id, by users alone; then it is there for all who may see it', async () => {
  const video = peerVideo(1, peer.channel('films', owner), 'From far away')
  assert.equal((await site.get('/config')).json.search.remoteUri.users, true)
  assert.deepEqual(await search('videos', video.id, {}), [], 'a stranger')
  assert.equal(asked('/videos/watch/'), 0, 'nobody was asked for a stranger')
  const before = await page(video.id)
  assert.match(before, /log in first/)
  assert.deepEqual(await search('videos', `${peer.url}/w/short1`), ['From far away'])
  assert.deepEqual(await search('videos', video.id), ['From far away'])
  assert.deepEqual(await search('video-channels', video.id), [])
  assert.equal(asked('/w/short1'), 1)
})

test('a channel comes by its handle, with its newest videos, once', async () => {
  const channel = peer.channel('shore', owner)
  const videos = Array.from({ length: 12 }, (_, number) => peerVideo(100 + number, channel, `Shore ${number}`))
  announces(channel, videos)
  const handle = `shore@${peer.host}`
  assert.deepEqual(await search('video-channels', `@${handle}`, {}), [], 'a stranger')
  assert.deepEqual(await search('video-channels', `@${handle}`), ['shore'])
  const theirs = async () => (await site.get(`/video-channels/${handle}/videos?count=50`, { token: alice.token })).json
  await site.when('its videos come', async () => (await theirs()).total === 10)
  assert.deepEqual((await theirs()).data.map(video => video.name).sort(), Array.from({ length: 10 }, (_, number) => `Shore ${number}`))
  assert.deepEqual(await search('video-channels', handle), ['shore'])
  assert.deepEqual(await search('video-channels', channel.id), ['shore'])
  assert.deepEqual(await search('video-channels', channel.id, {}), ['shore'], 'it is known now')
  assert.equal(asked('/video-channels/shore/outbox?page=1'), 1)
  const everybodys = (await site.get('/videos?count=100')).json.data.map(video => video.name)
  assert.ok(!everybodys.some(name => name.startsWith('Shore')), 'nobody follows it')
})

test('an account gives its channels, which its videos tell', async () => {
  const maker = peer.person('maker')
  const channel = peer.channel('bay', maker)
  const video = peerVideo(2, channel, 'In the bay', maker)
  outbox(maker, [
    { id: `${maker.id}/notes/1/activity`, type: 'Create', actor: maker.id, object: { type: 'Note', id: `${maker.id}/notes/1` } },
    { id: `${video.id}/activity`, type: 'Create', actor: owner.id, object: `${peer.url}/videos/watch/of-somebody-else` },
    { id: `${video.id}/activity`, type: 'Create', actor: maker.id, object: video, to: [Public], cc: [] }
  ])
  assert.deepEqual(await search('video-channels', maker.id), ['bay'])
  assert.equal(asked('of-somebody-else') + asked('/notes/1'), 0)
  assert.deepEqual(await search('video-channels', `maker@${peer.host}`), ['bay'])
})

test('what cannot be had is nothing found, and not asked for twice in a row', async () => {
  const lie = peer.serve('/videos/watch/lie', { '@context': context, type: 'Video', id: 'https://somewhere.example/videos/watch/1', name: 'x' })
  const broken = peer.serve('/videos/watch/broken', '{"type": "Vid')
  const angry = peer.serve('/videos/watch/angry', {}, { status: 500 })
  const note = peer.serve('/notes/2', { '@context': context, type: 'Article', id: `${peer.url}/notes/2`, attributedTo: owner.id })
  for (const text of [lie, broken, angry, note, `${peer.url}/videos/watch/none`, `@nobody@${peer.host}`, 'http://127.0.0.1:1/videos/watch/x', '@x@127.0.0.1:1', 'https://[/', `${peer.url}`]) {
    for (const what of ['videos', 'video-channels']) assert.deepEqual(await search(what, text), [], text)
  }
  assert.equal(asked('/videos/watch/angry'), 1)
  assert.equal((await site.post('/server/blocklist/servers', { token: true, json: { host: peer.host } })).status, 204)
  // What is here already is not shown either, by no name that it has.
  const far = `${peer.url}/videos/watch/0a4f2f4e-6d0e-4a0c-9a6a-1f0f6b9a8001`
  for (const [what, text] of [['videos', far], ['videos', `${peer.url}/w/short1`], ['videos', 'far away'], ['video-channels', `@shore@${peer.host}`], ['video-channels', `maker@${peer.host}`]]) {
    assert.deepEqual(await search(what, text), [], text)
  }
  assert.equal((await site.get(`/video-channels/shore@${peer.host}`, { token: alice.token })).status, 404)
  assert.equal((await site.get(`/accounts/maker@${peer.host}/videos`, { token: alice.token })).status, 404)
  const known = (await site.get('/videos?include=5&search=far%20away', { token: true })).json.data[0]
  assert.equal(known.blockedServer, true)
  const refused = await site.get(`/videos/${known.uuid}`, { token: alice.token })
  assert.equal(refused.status, 403)
  assert.equal(refused.json.code, 'server_is_blocked')
  assert.match((await site.raw({ path: `/w/${known.shortUUID}`, headers: { accept: 'text/html' } })).text, /administrators of this one have blocked/)
  const late = peerVideo(3, peer.channel('blocked', owner), 'Blocked')
  assert.deepEqual(await search('videos', late.id), [])
  assert.equal(asked(new URL(late.id).pathname), 0)
  assert.equal((await site.api('DELETE', `/server/blocklist/servers/${peer.host}`, { token: true })).status, 204)
  assert.deepEqual(await search('videos', far), ['From far away'])
})

test('a server that never answers keeps nobody waiting for long, on the page neither', { timeout: 60000 }, async () => {
  const slow = ['/videos/watch/slow', '/videos/watch/slower'].map(path => peer.serve(path, () => {}))
  const [list, text] = await Promise.all([search('videos', slow[0]), logIn().then(cookie => page(slow[1], { cookie }))])
  assert.deepEqual(list, [])
  assert.match(text, /Nothing was found at this address/)
})

test('a user finds it on the page; a stranger is told to log in', async () => {
  const cookie = await logIn()
  peer.channel('lagoon', owner)
  const handle = `lagoon@${peer.host}`
  assert.match(await page(`@${handle}`), /log in first/)
  const found = await page(`@${handle}`, { cookie })
  assert.match(found, new RegExp(`<a href="/c/${handle}">`))
  assert.doesNotMatch(found, /log in first/)
  const video = peerVideo(4, peer.channel('reefs', owner), 'Deep down')
  assert.match(await page(video.id, { cookie }), /Deep down/)
  assert.match(await page(`${peer.url}/videos/watch/nothing`, { cookie }), /Nothing was found at this address/)
  assert.doesNotMatch(await page('deep', {}), /log in first/)
})
