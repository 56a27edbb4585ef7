// videos.test.mjs - videos between two sites of ours, and between one and a server by hand.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { request } from '../kit/client.mjs'
import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { Peer, Public, startFederating } from './peer.mjs'

const accept = 'application/activity+json'
const settings = ['federation_videos.views_every=1s']
let here, there, peer, owner, channel, video, seen

before(async () => {
  [here, there, peer] = await Promise.all([
    startFederating(startInstance, { plugins: ['federation_videos'], settings }),
    startFederating(startInstance, { plugins: ['federation_videos'], settings }),
    Peer.start()
  ])
  owner = peer.person('owner')
  channel = peer.channel('films', owner)
})
after(async () => {
  await peer?.stop()
  await here?.stop()
  await there?.stop()
})

const document = (site, path) => request(site.url, { path, headers: { accept } })
const sql = (site, text) => execFileSync('sqlite3', ['-cmd', '.timeout 10000', join(site.folder, 'shoal.sqlite3'), text], { encoding: 'utf8' }).trim()
const search = async (site, uuid) => {
  const answer = await site.get(`/videos/${uuid}`, { token: true })
  return answer.status === 200 ? answer.json : null
}

/** The document of a video of the peer, from the fixture of a PeerTube; served at its id. */
function peerVideo (number, fields = {}) {
  const uuid = `0a4f2f4e-6d0e-4a0c-9a6a-1f0f6b9a7${String(number).padStart(3, '0')}`
  const text = readFileSync(new URL('../../plugins/federation_videos/fixtures/video_6.json', import.meta.url), 'utf8')
    .replaceAll('0a4f2f4e-6d0e-4a0c-9a6a-1f0f6b9a7c01', uuid).replaceAll('https://six.example', peer.url)
    .replaceAll('/accounts/anna', '/accounts/owner').replaceAll('/video-channels/shores', '/video-channels/films')
  const made = { '@context': ['https://www.w3.org/ns/activitystreams'], ...JSON.parse(text), ...fields }
  peer.serve(`/videos/watch/${uuid}`, made)
  for (const [name, total] of [['likes', 4], ['dislikes', 2], ['announces', 0], ['comments', 0]]) {
    peer.serve(`/videos/watch/${uuid}/${name}`, { '@context': made['@context'], id: `${made.id}/${name}`, type: 'OrderedCollection', totalItems: total })
  }
  peer.serve(`/videos/watch/${uuid}/chapters`, { '@context': made['@context'], id: `${made.id}/chapters`, hasPart: [{ name: 'Start', startOffset: 0, endOffset: 60 }, { name: 'Rest', startOffset: 60, endOffset: 3725 }] })
  return made
}

const create = (made, fields) => ({ ...owner.say('Create', made), to: made.to, cc: made.cc, ...fields })
const silence = async () => sleep(1200)

test('one site follows another, and what was there before comes', async () => {
  video = await here.upload(await clip('h264'), { name: 'Made <i>here</i>', description: 'Of **here**', tags: ['one', 'two'], category: 1, language: 'en' })
  await here.published(video.uuid)
  await here.when('it has pictures', async () => (await here.get(`/videos/${video.uuid}`)).json.thumbnails.length > 0)
  assert.equal((await there.post('/server/following', { token: true, json: { hosts: [new URL(here.url).host] } })).status, 204)
  await there.when('the video came', () => search(there, video.uuid))
  seen = await search(there, video.uuid)
  const origin = (await here.get(`/videos/${video.uuid}`)).json
  assert.equal(seen.isLocal, false)
  assert.equal(seen.name, 'Made <i>here</i>')
  assert.equal(seen.description, 'Of **here**')
  assert.equal(seen.account.host, new URL(here.url).host)
  assert.equal(seen.url, `${here.url}/videos/watch/${video.uuid}`)
  assert.deepEqual(seen.tags, ['one', 'two'])
  assert.equal(seen.category.id, 1)
  assert.equal(seen.publishedAt, origin.publishedAt)
  assert.equal(seen.duration, origin.duration)
})

test('it plays from its origin, with the swarms that the origin names', async () => {
  const origin = (await here.get(`/videos/${video.uuid}`)).json
  await there.when('the playlist came', async () => {
    seen = await search(there, video.uuid)
    return seen.streamingPlaylists[0]?.playlistUrl === origin.streamingPlaylists[0].playlistUrl &&
      seen.streamingPlaylists[0].p2pMediaLoaderInfohashes?.length > 0
  })
  assert.deepEqual(seen.trackerUrls, origin.trackerUrls)
  assert.equal(seen.streamingPlaylists[0].segmentsSha256Url, origin.streamingPlaylists[0].segmentsSha256Url)
  const file = seen.streamingPlaylists[0].files[0]
  assert.ok(file.fileUrl.startsWith(here.url))
  assert.equal(file.playlistUrl, origin.streamingPlaylists[0].files[0].playlistUrl)
  assert.equal(file.storage, null)
  const media = await request(here.url, { path: new URL(file.playlistUrl).pathname })
  assert.equal(media.status, 200)
  assert.equal(media.headers['access-control-allow-origin'], '*')
})

test('its pictures are fetched once, and served here', async () => {
  for (const path of [seen.thumbnailPath, seen.previewPath]) {
    const answer = await there.raw({ path })
    assert.equal(answer.status, 200, path)
    assert.equal(answer.headers['content-type'], 'image/jpeg')
    assert.equal((await there.raw({ path })).status, 200)
  }
})

test('everybody finds it in the lists of who follows, not of who is asked for its own', async () => {
  const names = async query => (await there.get(`/videos?${query}`)).json.data.map(each => each.uuid)
  assert.ok((await names('count=10')).includes(video.uuid))
  assert.ok((await names('isLocal=false')).includes(video.uuid))
  assert.ok(!(await names('isLocal=true')).includes(video.uuid))
  assert.equal((await there.raw({ path: `/w/${video.uuid}` })).status, 200)
})

test('a change arrives', async () => {
  assert.equal((await here.put(`/videos/${video.uuid}`, { token: true, json: { name: 'Another name', tags: ['three'], nsfw: true, commentsPolicy: 2 } })).status, 204)
  await there.when('it has its new name', async () => (await search(there, video.uuid)).name === 'Another name')
  seen = await search(there, video.uuid)
  assert.deepEqual(seen.tags, ['three'])
  assert.equal(seen.nsfw, true)
  assert.equal(seen.commentsPolicy.id, 2)
})

test('views arrive as a number', async () => {
  const beat = time => here.post(`/videos/${video.uuid}/views`, { json: { currentTime: time } })
  await beat(0)
  await beat(1)
  await beat(2)
  await there.when('the views came', async () => (await search(there, video.uuid)).views > 0, 90000)
})

test('one made private goes, and comes back when it is public again', async () => {
  await here.put(`/videos/${video.uuid}`, { token: true, json: { privacy: 3 } })
  await there.when('it is gone', async () => !(await search(there, video.uuid)))
  assert.equal((await document(here, `/videos/watch/${video.uuid}`)).status, 404)
  await here.put(`/videos/${video.uuid}`, { token: true, json: { privacy: 1 } })
  await there.when('it is back', async () => search(there, video.uuid))
})

test('another channel is announced, and the account follows', async () => {
  const made = await here.post('/video-channels', { token: true, json: { name: 'second', displayName: 'Second' } })
  assert.equal((await here.put(`/videos/${video.uuid}`, { token: true, json: { channelId: made.json.videoChannel.id } })).status, 204)
  await there.when('it moved', async () => (await search(there, video.uuid))?.channel.name === 'second')
  await here.put('/video-channels/second', { token: true, json: { displayName: 'Called otherwise' } })
  await there.when('the channel has its new name', async () =>
    (await there.get(`/video-channels/second@${new URL(here.url).host}`, { token: true })).json.displayName === 'Called otherwise')
})

test('unlisted ones are not told of, but there for who asks', async () => {
  const quiet = await here.upload(await clip('h264'), { name: 'Unlisted', privacy: 2 })
  await here.published(quiet.uuid)
  await silence()
  assert.equal(await search(there, quiet.uuid), null)
  const answer = await document(here, `/videos/watch/${quiet.uuid}`)
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.json.to, [])
})

test('unlisted ones are told of where a setting says so', async () => {
  const again = async settings => {
    await here.kill()
    here.settings = settings
    await here.start()
  }
  const before = here.settings
  await again([...before, 'federation.federate_unlisted=true'])
  try {
    const quiet = await here.upload(await clip('h264'), { name: 'Told quietly', privacy: 2 })
    await here.published(quiet.uuid)
    await there.when('it came', () => search(there, quiet.uuid))
  } finally {
    await again(before)
  }
})

test('who follows and is followed is a collection of each actor', async () => {
  const main = (await here.get('/users/me', { token: true })).json.videoChannels[0].name
  for (const actor of ['accounts/peertube', 'accounts/root', `video-channels/${main}`]) {
    for (const name of ['followers', 'following', 'outbox']) {
      const answer = await document(here, `/${actor}/${name}`)
      assert.equal(answer.status, 200, `${actor}/${name}: ${answer.text}`)
      assert.equal(answer.json.type, 'OrderedCollection')
    }
  }
  const followers = (await document(here, '/accounts/peertube/followers?page=1')).json
  assert.deepEqual(followers.orderedItems, [`${there.url}/accounts/peertube`])
})

test('its document is there for who asks for it, its page for everybody else', async () => {
  const id = `${here.url}/videos/watch/${video.uuid}`
  const short = (await here.get(`/videos/${video.uuid}`)).json.shortUUID
  for (const path of [`/videos/watch/${video.uuid}`, `/w/${short}`, `/w/${video.uuid};threadId=1`]) {
    const answer = await document(here, path)
    assert.equal(answer.status, 200, path)
    assert.match(answer.headers['content-type'], /^application\/activity\+json/)
    assert.equal(answer.json.id, id)
    assert.match(answer.headers.vary ?? '', /accept/i)
  }
  assert.match((await request(here.url, { path: `/w/${short}`, headers: { accept: 'text/html' } })).headers['content-type'], /html/)
  assert.match((await request(here.url, { path: `/w/${short}` })).headers['content-type'], /html/)
  const activity = (await document(here, `/videos/watch/${video.uuid}/activity`)).json
  assert.equal(activity.type, 'Create')
  assert.equal(activity.object.id, id)
  const shares = (await document(here, `/videos/watch/${video.uuid}/announces?page=1`)).json
  assert.equal(shares.orderedItems.length, 2)
  const share = (await document(here, new URL(shares.orderedItems[0]).pathname)).json
  assert.equal(share.type, 'Announce')
  assert.equal(share.object, id)
  assert.equal((await document(here, `/videos/watch/${video.uuid}/announces/999999`)).status, 404)
  assert.deepEqual((await document(here, `/videos/watch/${video.uuid}/chapters`)).json.hasPart, [])
  // Of another server: go there.
  const far = await document(there, `/videos/watch/${video.uuid}`)
  assert.equal(far.status, 302)
  assert.equal(far.headers.location, id)
  assert.equal((await document(here, '/videos/watch/0a4f2f4e-6d0e-4a0c-9a6a-1f0f6b9a7fff')).status, 404)
})

test('followers of the instance, the channel and the account hear of a new one', async () => {
  const fan = peer.person('fan')
  const me = (await here.get('/users/me', { token: true })).json
  const main = me.videoChannels.find(each => each.name !== 'second')
  for (const path of ['/accounts/peertube', `/video-channels/${main.name}`, '/accounts/root']) {
    await fan.post(here, fan.say('Follow', `${here.url}${path}`))
    await peer.came(`the Accept of ${path}`, body => body.type === 'Accept' && body.actor === `${here.url}${path}`)
  }
  const made = await here.upload(await clip('h264'), { name: 'For followers', channelId: main.id })
  const id = `${here.url}/videos/watch/${made.uuid}`
  for (const actor of ['/accounts/peertube', `/video-channels/${main.name}`]) {
    const told = await peer.came(`Announce by ${actor}`, body => body.type === 'Announce' && body.object === id && body.actor === `${here.url}${actor}`, 90000)
    assert.equal(told.actor, `${here.url}${actor}`, String(told.actor))
  }
  const said = await peer.came('Create', body => body.type === 'Create' && body.object.id === id)
  assert.equal(said.body.actor, `${here.url}/accounts/root`)
  assert.ok(said.body.to.includes(Public))
  assert.ok(said.body.object.icon.every(icon => icon.mediaType === 'image/jpeg' && icon.width > 0 && icon.height > 0))
  assert.ok(said.bytes.length < 100000)
  await here.delete(`/videos/${made.uuid}`, { token: true })
  const gone = await peer.came('Delete', body => body.type === 'Delete' && body.object === id)
  assert.equal(gone.body.actor, `${here.url}/accounts/root`)
})

test('a video of another server comes with what belongs to it', async () => {
  const made = peerVideo(1)
  assert.equal((await owner.post(here, create(made))).status, 204)
  await here.when('it came', () => search(here, made.uuid))
  await here.when('its details came', async () => (await search(here, made.uuid)).likes === 4)
  const shown = await search(here, made.uuid)
  assert.equal(shown.dislikes, 2)
  assert.equal(shown.views, 41)
  assert.equal(shown.files.length, 1)
  assert.equal(shown.streamingPlaylists[0].files.length, 2)
  const chapters = (await here.get(`/videos/${made.uuid}/chapters`, { token: true })).json.chapters
  assert.deepEqual(chapters, [{ timecode: 0, title: 'Start' }, { timecode: 60, title: 'Rest' }])
  const captions = (await here.get(`/videos/${made.uuid}/captions`, { token: true })).json.data
  assert.equal(captions[0].language.id, 'en')
  // Nobody serves its picture: something stands there, and nobody keeps it.
  const picture = await here.raw({ path: shown.thumbnailPath })
  assert.equal(picture.status, 404)
  assert.match(picture.headers['content-type'], /svg/)
  assert.equal(picture.headers['cache-control'], 'no-store')
})

test('T02 a video is changed by who made it alone', async () => {
  const made = peerVideo(1)
  const rogue = await Peer.start({ address: '127.0.0.3' })
  try {
    const thief = rogue.person('thief')
    const stolen = { ...made, name: 'Stolen' }
    await thief.post(here, { ...thief.say('Update', stolen), to: made.to })
    await thief.post(here, { ...thief.say('Update', { ...stolen, attributedTo: [{ type: 'Person', id: thief.id }] }), to: made.to })
    await thief.post(here, thief.say('Delete', made.id))
    const neighbour = peer.person('neighbour')
    await neighbour.post(here, { ...neighbour.say('Update', stolen), to: made.to })
    await neighbour.post(here, neighbour.say('Delete', made.id))
    // Our own video, said by another.
    const ours = (await document(here, `/videos/watch/${video.uuid}`)).json
    await owner.post(here, { ...owner.say('Update', { ...ours, name: 'Stolen' }), to: [Public] })
    await owner.post(here, owner.say('Delete', ours.id))
    await silence()
    assert.equal((await search(here, made.uuid)).name, made.name)
    assert.equal((await search(here, video.uuid)).name, 'Another name')
  } finally {
    await rogue.stop()
  }
})

test('T02 what another says about whose it is is not believed', async () => {
  // A neighbour that puts itself among the authors: the origin is asked, and says otherwise.
  const made = peerVideo(1)
  const neighbour = peer.person('neighbour2')
  const lie = { ...made, name: 'Mine now', attributedTo: [{ type: 'Person', id: neighbour.id }, { type: 'Group', id: channel.id }] }
  await neighbour.post(here, { ...neighbour.say('Update', lie), to: made.to })
  await silence()
  assert.equal((await search(here, made.uuid)).name, made.name)
})

test('a UUID that is taken is not given twice', async () => {
  const made = peerVideo(2, { uuid: video.uuid })
  await owner.post(here, create(made))
  const other = peerVideo(3, { uuid: peerVideo(1).uuid })
  await owner.post(here, create(other))
  await silence()
  assert.equal((await search(here, video.uuid)).isLocal, true)
  assert.equal((await here.get('/videos?isLocal=false&include=1&count=50', { token: true })).json.data.filter(each => each.url === made.id || each.url === other.id).length, 0)
})

test('an Update changes it as a whole, a Delete takes it', async () => {
  const made = { ...peerVideo(1), name: 'Changed there', content: null, views: 99, updated: '2026-03-05T10:00:00.000Z' }
  await owner.post(here, { ...owner.say('Update', made), to: made.to, cc: made.cc })
  await here.when('it changed', async () => (await search(here, made.uuid)).name === 'Changed there')
  assert.equal((await search(here, made.uuid)).description, null)
  assert.equal((await search(here, made.uuid)).views, 99)
  await owner.post(here, owner.say('Delete', made.id))
  await here.when('it is gone', async () => !(await search(here, made.uuid)))
})

test('an Update that was overtaken by a newer one changes nothing for long', async () => {
  const first = peerVideo(21)
  await owner.post(here, create(first))
  await here.when('it came', () => search(here, first.uuid))
  const newest = peerVideo(21, { name: 'The newest name', updated: '2026-03-05T10:00:00.000Z' })
  const older = { ...newest, name: 'An older name', updated: '2026-03-05T09:59:59.000Z' }
  for (const said of [newest, older]) await owner.post(here, { ...owner.say('Update', said), to: said.to, cc: said.cc })
  const name = async () => (await search(here, first.uuid)).name
  await here.when('the older one came last', async () => await name() === 'An older name')
  await here.when('what its origin says counts', async () => await name() === 'The newest name')
  // What a cache still has is older than what is known.
  peer.serve(new URL(first.id).pathname, first)
  peer.asked.length = 0
  await owner.post(here, { ...owner.say('Update', newest), to: newest.to, cc: newest.cc })
  await here.when('it was read', () => peer.asked.some(({ path }) => path.endsWith('/chapters')))
  await silence()
  assert.equal(await name(), 'The newest name')
})

test('channels announce, people do not', async () => {
  const made = peerVideo(4)
  const fan = peer.person('booster')
  await fan.post(here, fan.say('Announce', made.id))
  await silence()
  assert.equal(await search(here, made.uuid), null)
  const announce = channel.say('Announce', made.id)
  await channel.post(here, announce)
  await here.when('it came', () => search(here, made.uuid))
  await channel.post(here, channel.say('Undo', announce))
  await silence()
  assert.ok(await search(here, made.uuid))
})

test('an Announce of what is known is applied before the answer; taken back at once it comes behind what waits', async () => {
  const id = `${here.url}/videos/watch/${video.uuid}`
  const shares = async () => (await document(here, `/videos/watch/${video.uuid}/announces?page=1&x=${Math.random()}`)).json.orderedItems
  const known = channel.say('Announce', id)
  assert.equal((await channel.post(here, known)).status, 204)
  assert.ok((await shares()).includes(known.id))
  assert.equal((await channel.post(here, channel.say('Undo', known))).status, 204)
  assert.ok(!(await shares()).includes(known.id))
  // By its id alone, which some servers say: it is what that actor shared under it.
  const other = channel.say('Announce', id)
  for (const [by, what] of [[channel, other], [owner, owner.say('Undo', other.id)], [channel, channel.say('Undo', known.id)]]) {
    assert.equal((await by.post(here, what)).status, 204)
    assert.ok((await shares()).includes(other.id))
  }
  assert.equal((await channel.post(here, channel.say('Undo', other.id))).status, 204)
  assert.ok(!(await shares()).includes(other.id))
  // Its document takes a while: the Undo must not overtake the Announce.
  const made = peerVideo(9)
  peer.serve(new URL(made.id).pathname, async (request, response) => {
    await new Promise(resolve => setTimeout(resolve, 700))
    response.setHeader('content-type', 'application/activity+json')
    response.end(JSON.stringify(made))
  })
  const late = channel.say('Announce', made.id)
  await channel.post(here, late)
  await channel.post(here, channel.say('Undo', late))
  await here.when('it came', () => search(here, made.uuid))
  await silence()
  const left = execFileSync('sqlite3', ['-readonly', join(here.folder, 'shoal.sqlite3'), `SELECT COUNT(*) FROM catalog_share WHERE url = '${late.id}'`], { encoding: 'utf8' })
  assert.equal(Number(left), 0, 'nobody shares it')
})

test('views: each counts once, viewers for as long as they say', async () => {
  const id = `${here.url}/videos/watch/${video.uuid}`
  const count = async () => (await search(here, video.uuid)).views
  const before = await count()
  const view = peer.instance.say('View', id)
  await peer.instance.post(here, view)
  await peer.instance.post(here, view)
  await here.when('it is counted', async () => await count() === before + 1)
  const watching = fields => peer.instance.say('View', id, { expires: new Date(Date.now() + 60000).toISOString(), ...fields })
  const watched = (await search(here, video.uuid)).viewers
  await peer.instance.post(here, watching())
  await peer.instance.post(here, watching({ result: { type: 'InteractionCounter', interactionType: 'WatchAction', userInteractionCount: 500 } }))
  await here.when('they watch', async () => (await search(here, video.uuid)).viewers >= watched + 2)
  assert.ok((await search(here, video.uuid)).viewers < 100)
  assert.equal(await count(), before + 1)
  // Many in one.
  const many = { '@context': ['https://www.w3.org/ns/activitystreams'], type: 'Collection', totalItems: 2, items: [peer.instance.say('View', id), peer.instance.say('View', id)] }
  assert.equal((await peer.instance.post(here, many)).status, 204)
  await here.when('both are counted', async () => await count() === before + 3)
  // Where they were said they count when their number comes.
  await peer.came('the number', body => body.type === 'Update' && body.object.id === id && body.object.views === before + 3)
})

test('views of a video of another server go there, packed and signed', async () => {
  const made = peerVideo(4)
  const beat = time => here.post(`/videos/${made.uuid}/views`, { json: { currentTime: time }, token: true })
  await beat(0)
  await beat(10)
  await beat(20)
  const one = await peer.came('the view', body => body.type === 'View' && body.object === made.id, 60000)
  assert.equal(one.body.actor, `${here.url}/accounts/peertube`)
  assert.equal(one.body.signature.type, 'RsaSignature2017')
  // Of several there is a Collection, whose number is text.
  for (const session of ['a', 'b', 'c']) {
    for (const time of [0, 10, 20]) await here.post(`/videos/${made.uuid}/views`, { json: { currentTime: time, sessionId: session }, token: true })
  }
  const pack = await peer.came('the views', body => body.type === 'Collection' && body.items?.[0]?.type === 'View', 60000)
  assert.equal(pack.body.totalItems, String(pack.body.items.length))
  assert.equal(pack.body.items[0].object, made.id)
  assert.equal(pack.body.items[0].signature.type, 'RsaSignature2017')
  assert.ok(pack.bytes.length <= 50000)
})

test('one that is gone where it came from goes when it is read anew', async () => {
  const made = peerVideo(4)
  peer.gone(new URL(made.id).pathname)
  await owner.post(here, { ...owner.say('Update', made.id), to: made.to })
  await owner.post(here, owner.say('Delete', made.id))
  await here.when('it is gone', async () => !(await search(here, made.uuid)))
})

test('what is liked here while the origin is asked for its sums stays', async () => {
  let answer
  const made = peerVideo(7)
  const path = new URL(made.id).pathname
  peer.serve(`${path}/dislikes`, (request, response) => { answer = response })
  await owner.post(here, create(made))
  await here.when('the sums are being read', () => answer)
  assert.equal((await here.put(`/videos/${made.uuid}/rate`, { token: true, json: { rating: 'like' } })).status, 204)
  assert.equal((await search(here, made.uuid)).likes, 1)
  answer.writeHead(200, { 'content-type': accept })
  answer.end(JSON.stringify({ '@context': made['@context'], id: `${made.id}/dislikes`, type: 'OrderedCollection', totalItems: 2 }))
  await here.when('they were read', async () => (await here.get(`/videos/${made.uuid}/chapters`, { token: true })).json.chapters.length > 0)
  assert.equal((await search(here, made.uuid)).likes, 1)
  // They are read again when the like has had time to arrive.
  assert.equal(sql(here, `SELECT COUNT(*) FROM job WHERE state = 'waiting' AND unique_key = '${made.id}#changed'`), '1')
})

test('a live waits, is on the air, and waits again: its playlist comes and goes', async () => {
  const live = { isLiveBroadcast: true, permanentLive: true, liveSaveReplay: false, latencyMode: 3, duration: 'PT0S', state: 4 }
  const made = peerVideo(8, live)
  const playing = made.url
  const waiting = playing.filter(link => link.mediaType === 'text/html' || link.rel)
  peer.serve(new URL(made.id).pathname, { ...made, url: waiting })
  await owner.post(here, create({ ...made, url: waiting }))
  await here.when('it came', () => search(here, made.uuid))
  const shown = await search(here, made.uuid)
  assert.deepEqual([shown.isLive, shown.state.id, shown.permanentLive, shown.latencyMode, shown.streamingPlaylists], [true, 4, true, 3, []])
  assert.deepEqual((await here.get(`/videos/live/${made.uuid}`, { token: true })).json, { saveReplay: false, permanentLive: true, latencyMode: 3, dvrWindow: 0, schedules: [] })
  for (const [state, url, count] of [[1, playing, 1], [4, waiting, 0]]) {
    await owner.post(here, { ...owner.say('Update', { ...made, state, url, updated: new Date().toISOString() }), to: made.to, cc: made.cc })
    await here.when(`it is in state ${state}`, async () => (await search(here, made.uuid)).state.id === state)
    assert.equal((await search(here, made.uuid)).streamingPlaylists.length, count)
  }
  assert.equal((await here.get(`/videos/live/${video.uuid}`)).status, 404)
  assert.equal((await here.get('/videos/live/0a4f2f4e-6d0e-4a0c-9a6a-1f0f6b9a7fff')).status, 404)
})

test('a picture that its server does not have keeps no other one away', async () => {
  const picture = await readFile(await clip('jpeg', { size: '320x180' }))
  const icon = name => [{ type: 'Image', url: `${peer.url}/pictures/${name}`, mediaType: 'image/jpeg', width: 320, height: 180 }]
  peer.serve('/pictures/there.jpg', picture, { type: 'image/jpeg' })
  const videos = [peerVideo(9, { icon: icon('gone.jpg') }), peerVideo(10, { icon: icon('there.jpg') })]
  for (const [i, made] of videos.entries()) {
    await owner.post(here, create(made))
    await here.when('it came', () => search(here, made.uuid))
    const { thumbnailPath } = await search(here, made.uuid)
    assert.equal((await here.raw({ path: thumbnailPath })).status, [404, 200][i])
  }
})

test('one that its origin does not know stays for a day of asking, and goes then', async () => {
  const made = peerVideo(11)
  await owner.post(here, create(made))
  await here.when('it came', () => search(here, made.uuid))
  peer.serve(new URL(made.id).pathname, undefined)
  sql(here, `UPDATE catalog_video_origin SET read = 1 WHERE video_id = (SELECT id FROM catalog_video WHERE uuid = '${made.uuid}')`)
  for (const currentTime of [0, 10, 20]) await here.post(`/videos/${made.uuid}/views`, { json: { currentTime }, token: true })
  const again = `FROM job WHERE state = 'waiting' AND unique_key = 'video:${made.uuid}#missing'`
  await here.when('it will be asked for again', () => sql(here, `SELECT COUNT(*) ${again}`) === '1', 60000)
  assert.ok(await search(here, made.uuid))
  sql(here, `UPDATE catalog_video_origin SET missing = 2, missing_since = 1, missing_last = 1 WHERE video_id = (SELECT id FROM catalog_video WHERE uuid = '${made.uuid}');
    UPDATE job SET run_at_ms = 1 WHERE state = 'waiting' AND unique_key = 'video:${made.uuid}#missing'`)
  await here.when('it is gone', async () => !(await search(here, made.uuid)))
})

test('an origin that does not answer is not asked again for each view', async () => {
  const made = peerVideo(12)
  await owner.post(here, create(made))
  await here.when('it came', () => search(here, made.uuid))
  const path = new URL(made.id).pathname
  await here.when('its sums came', async () => (await search(here, made.uuid)).likes === 4)
  peer.serve(path, {}, { status: 503 })
  const asked = () => peer.asked.filter(each => each.path === path).length
  const before = asked()
  sql(here, `UPDATE catalog_video_origin SET read = 1 WHERE video_id = (SELECT id FROM catalog_video WHERE uuid = '${made.uuid}')`)
  for (const currentTime of [0, 10, 20]) await here.post(`/videos/${made.uuid}/views`, { json: { currentTime }, token: true })
  await here.when('it was asked for', () => asked() === before + 1, 60000)
  for (const currentTime of [0, 10, 20]) await here.post(`/videos/${made.uuid}/views`, { json: { currentTime, sessionId: 'b' }, token: true })
  await here.when('the second view is counted', async () => (await search(here, made.uuid)).views >= made.views + 2, 60000)
  assert.equal(sql(here, "SELECT COUNT(*) FROM job WHERE kind = 'federation_videos.refresh' AND state IN ('waiting', 'active', 'parked') AND unique_key NOT LIKE '%#missing'"), '0')
  assert.equal(asked(), before + 1)
})

test('an account that goes takes its videos along', async () => {
  const made = peerVideo(6)
  await owner.post(here, create(made))
  await here.when('it came', () => search(here, made.uuid))
  await owner.post(here, owner.say('Delete', owner.id))
  await here.when('it is gone', async () => !(await search(here, made.uuid)))
})

test('a user of ours who goes is told of', async () => {
  const user = await here.user('leaver')
  const fan = peer.person('lastfan')
  for (const name of ['peertube', 'leaver']) {
    const followed = `${here.url}/accounts/${name}`
    await fan.post(here, fan.say('Follow', followed))
    await peer.came('the Accept', body => body.type === 'Accept' && body.object?.actor === fan.id && body.actor === followed)
  }
  const made = await here.upload(await clip('h264'), { name: 'Of a leaver', channelId: user.channelId }, user.token)
  const id = `${here.url}/videos/watch/${made.uuid}`
  await peer.came('it was told of', body => body.type === 'Create' && body.object.id === id, 90000)
  await here.delete(`/users/${user.id}`, { token: true })
  const gone = await peer.came('the account is gone', body => body.type === 'Delete' && body.object === `${here.url}/accounts/leaver`, 60000)
  assert.equal(gone.actor, `${here.url}/accounts/leaver`, String(gone.actor))
})
