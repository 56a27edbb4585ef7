// farewell.test.mjs - when an account or a channel of ours goes, everybody who knows it hears so.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { request } from '../kit/client.mjs'
import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins } from '../kit/plugins.mjs'
import { Peer, federating } from './peer.mjs'
import { plantVideo, writePlanter } from './planter.mjs'

const names = ['instance', 'account', 'channel', 'commented', 'liked', 'followed', 'neighbour', 'stranger']
const peers = {}
let site, alice, bob, video, carol

before(async () => {
  await Promise.all(names.map(async (name, i) => { peers[name] = await Peer.start({ address: `127.0.0.${i + 2}` }) }))
  site = await startInstance({ started: false, settings: [...federating] })
  site.settings.push(`url=${site.url}`)
  const pin = writePlanter(site)
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', 'signatures', 'identity', 'delivery', 'federation', 'federation_videos', 'subscriptions', 'ratings', 'comments', line('planter', pin)])
  await site.start()
  ;[alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(name => site.user(name)))
  video = await site.upload(await clip('h264'), { name: 'Low tide', channelId: carol.channelId }, carol.token)
  await site.published(video.uuid)
})
after(async () => {
  await Promise.all(Object.values(peers).map(peer => peer.stop()))
  await site?.stop()
})

const url = name => `${site.url}/accounts/${name}`
const ap = path => request(site.url, { path, headers: { accept: 'application/activity+json' } })
const isDelete = id => ({ type, object }) => type === 'Delete' && object === id
const channelOf = (peer, name = 'films') => peer.channel(name, peer.person(`owner of ${name}`.replaceAll(' ', '_')))
/** Somebody of a peer follows an actor of ours, and is let in. */
async function follows (actor, target) {
  assert.equal((await actor.post(site, actor.say('Follow', target))).status, 204)
  await actor.peer.came(`the Accept of ${target}`, body => body.type === 'Accept' && body.actor === target)
}
async function comment (user, uuid, text) {
  const answer = await site.post(`/videos/${uuid}/comment-threads`, { token: user.token, json: { text } })
  assert.equal(answer.status, 200, answer.text)
  return answer.json.comment
}

test('an account that goes is told to its followers, its channels\', the instance\'s, and where it spoke', async () => {
  await follows(peers.instance.instance, `${site.url}/accounts/peertube`)
  await follows(peers.account.person('fan'), url('alice'))
  await follows(peers.channel.person('fan'), `${site.url}/video-channels/alice_channel`)
  await follows(peers.neighbour.person('fan'), `${site.url}/video-channels/carol_channel`)
  await follows(peers.stranger.person('fan'), url('bob'))
  const [there, liked] = await Promise.all([peers.commented, peers.liked].map(peer => plantVideo(site, channelOf(peer), { name: 'Far shore' })))
  const said = await comment(alice, there.uuid, 'hello over there')
  await peers.commented.came('the comment', ({ type, object }) => type === 'Create' && object.id === said.url)
  await comment(alice, video.uuid, 'hello neighbour')
  await peers.neighbour.came('the comment', ({ type, object }) => type === 'Create' && object.content === 'hello neighbour')
  assert.equal((await site.put(`/videos/${liked.uuid}/rate`, { token: alice.token, json: { rating: 'like' } })).status, 204)
  await peers.liked.came('the like', ({ type }) => type === 'Like')
  const films = channelOf(peers.followed)
  assert.equal((await site.post('/users/me/subscriptions', { token: alice.token, json: { uri: `films@${peers.followed.host}` } })).status, 204)
  await peers.followed.came('the Follow', ({ type, object }) => type === 'Follow' && object === films.id)
  for (const peer of [peers.instance, peers.channel, peers.neighbour]) await peer.meet(url('alice'))
  await peers.channel.meet(`${site.url}/video-channels/alice_channel`)

  assert.equal((await site.delete(`/users/${alice.id}`, { token: true })).status, 204)
  await site.when('its address says so', async () => (await ap(`/accounts/alice?${Math.random()}`)).status === 410)
  await site.kill() // nothing of it is forgotten
  await site.start()
  for (const name of names.filter(name => name !== 'stranger')) {
    const { actor, path } = await peers[name].came(`the farewell, ${name}`, isDelete(url('alice')))
    assert.equal(actor, url('alice'), `${name}: ${actor}`)
    assert.equal(path, '/inbox', name)
  }
  const channel = `${site.url}/video-channels/alice_channel`
  assert.equal((await peers.channel.came('that of the channel', isDelete(channel))).actor, channel)
  const order = [said.url, url('alice')].map(id => peers.commented.inbox.findIndex(({ body }) => isDelete(id)(body)))
  assert.ok(order[0] >= 0 && order[0] < order[1], 'what she wrote is taken back before she goes')
  assert.equal(peers.stranger.inbox.find(({ body }) => String(body.object).includes('alice')), undefined)
  for (const peer of Object.values(peers)) {
    assert.ok(peer.inbox.filter(({ body }) => isDelete(url('alice'))(body)).length <= 1, 'once')
  }
})

test('where it was is a Tombstone, until somebody has the name again', async () => {
  for (const [path, formerType] of [['/accounts/alice', 'Person'], ['/video-channels/alice_channel', 'Group'], ['/a/alice', 'Person']]) {
    const answer = await ap(path)
    assert.equal(answer.status, 410, path)
    assert.match(answer.headers['content-type'], /^application\/activity\+json/)
    const { type, formerType: former, id, deleted } = answer.json
    assert.deepEqual([type, former, id], ['Tombstone', formerType, `${site.url}${path.replace('/a/', '/accounts/')}`])
    assert.ok(Math.abs(Date.parse(deleted) - Date.now()) < 60000)
  }
  assert.equal((await ap('/accounts/nobody')).status, 404)
  assert.equal((await ap(`/.well-known/webfinger?resource=acct:alice@${new URL(site.url).host}`)).status, 404)
  const back = await site.post('/users', { token: true, json: { username: 'alice', password: 'correct horse', email: 'alice2@example.org', role: 2, videoQuota: -1, videoQuotaDaily: -1 } })
  assert.equal(back.status, 200, back.text)
  const again = (await ap('/accounts/alice?again=1')).json
  assert.equal(again.type, 'Person')
})

test('a channel goes alone; its account stays', async () => {
  const fan = peers.stranger.person('late')
  assert.equal((await site.post('/video-channels', { token: bob.token, json: { name: 'brief', displayName: 'Brief' } })).status, 200)
  const brief = `${site.url}/video-channels/brief`
  await follows(fan, brief)
  assert.equal((await site.delete('/video-channels/brief', { token: bob.token })).status, 204)
  assert.equal((await peers.stranger.came('the farewell', isDelete(brief))).actor, brief)
  assert.equal((await ap('/video-channels/brief')).status, 410)
  assert.equal((await ap('/accounts/bob')).status, 200)
})

test('an account that nobody has heard of goes silently', async () => {
  const quiet = await site.user('quiet')
  assert.equal((await site.delete(`/users/${quiet.id}`, { token: true })).status, 204)
  assert.equal((await ap('/accounts/quiet')).status, 404)
  const bob2 = await site.put('/users/me', { token: bob.token, json: { displayName: 'Bob the second' } })
  assert.equal(bob2.status, 204)
  const { body } = await peers.stranger.came('the change', ({ type, object }) => type === 'Update' && object.id === url('bob'))
  assert.equal(body.object.name, 'Bob the second')
  assert.equal(peers.instance.inbox.find(({ body }) => String(body.object).includes('quiet')), undefined)
})

test('who goes while this server does not federate is missed when it does again', async () => {
  const fan = peers.stranger.person('patient')
  const [dave, erin, finn] = await Promise.all(['dave', 'erin', 'finn'].map(name => site.user(name)))
  for (const name of ['dave', 'erin', 'finn']) await follows(fan, url(name))
  await follows(fan, `${site.url}/video-channels/dave_channel`)
  const { config, settings } = site
  const again = async (config, settings) => {
    await site.kill()
    Object.assign(site, { config, settings })
    await site.start()
  }
  await again(withPlugins(config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web']), settings.filter(line => !line.startsWith('federation.')))
  for (const { id } of [dave, erin]) assert.equal((await site.delete(`/users/${id}`, { token: true })).status, 204)
  const back = await site.post('/users', { token: true, json: { username: 'erin', password: 'correct horse', email: 'erin2@example.org', role: 2, videoQuota: -1, videoQuotaDaily: -1 } })
  assert.equal(back.status, 200, back.text)
  await again(config, [...settings, 'federation.enabled=false'])
  assert.equal((await site.delete(`/users/${finn.id}`, { token: true })).status, 204)
  await again(config, settings)
  for (const gone of [url('dave'), url('finn'), `${site.url}/video-channels/dave_channel`]) {
    assert.equal((await peers.stranger.came(`the farewell of ${gone}`, isDelete(gone))).actor, gone)
  }
  const answers = await Promise.all(['/accounts/dave', '/video-channels/dave_channel', '/accounts/erin', '/accounts/bob'].map(path => ap(`${path}?late`)))
  assert.deepEqual(answers.map(({ status, json }) => `${status} ${json.formerType ?? json.type}`), ['410 Person', '410 Group', '200 Person', '200 Person'])
  await again(config, settings)
  await new Promise(resolve => setTimeout(resolve, 7000)) // longer than a farewell waits
  for (const gone of [url('dave'), url('finn')]) assert.equal(peers.stranger.inbox.filter(({ body }) => isDelete(gone)(body)).length, 1, 'once')
  for (const { body } of peers.stranger.inbox) assert.ok(!isDelete(url('erin'))(body), 'somebody has that name again')
})
