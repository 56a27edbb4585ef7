// mastodon.test.mjs - what Mastodon, Lemmy and others like them send, in their own shapes, and what becomes of it.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { sql } from './crowd.mjs'
import { Peer, Public, startFederating } from './peer.mjs'

const toot = ['https://www.w3.org/ns/activitystreams', 'https://w3id.org/security/v1', {
  manuallyApprovesFollowers: 'as:manuallyApprovesFollowers',
  toot: 'http://joinmastodon.org/ns#',
  featured: { '@id': 'toot:featured', '@type': '@id' },
  alsoKnownAs: { '@id': 'as:alsoKnownAs', '@type': '@id' },
  schema: 'http://schema.org#',
  PropertyValue: 'schema:PropertyValue',
  value: 'schema:value',
  devices: { '@id': 'toot:devices', '@type': '@id' },
  focalPoint: { '@container': '@list', '@id': 'toot:focalPoint' },
  blurhash: 'toot:blurhash',
  sensitive: 'as:sensitive',
  Hashtag: 'as:Hashtag',
  atomUri: 'ostatus:atomUri',
  ostatus: 'http://ostatus.org#'
}]
/** In this order, with the type of the body: as Mastodon signs. */
const names = ['host', 'date', 'digest', 'content-type', '(request-target)']

let site, peer, alice, bob, video, channel, statuses = 0

before(async () => {
  [site, peer] = await Promise.all([startFederating(startInstance, { plugins: ['ratings', 'comments'], settings: ['comments.per_minute=1000', 'delivery.pause=1s'] }), Peer.start()])
  alice = account('alice')
  bob = account('bob')
  video = await site.upload(await clip('h264'), { name: 'Low tide' })
  await site.published(video.uuid)
  video.url = `${site.url}/videos/watch/${video.uuid}`
  channel = `${site.url}/video-channels/root_channel`
})
after(async () => {
  await peer?.stop()
  await site?.stop()
})

function account (name) {
  const id = `${peer.url}/users/${name}`
  return peer.actor('Person', name, `/users/${name}`, {
    '@context': toot,
    featured: `${id}/collections/featured`,
    featuredTags: `${id}/collections/tags`,
    devices: `${id}/collections/devices`,
    url: `${peer.url}/@${name}`,
    summary: '<p>Of the <a href="https://example.org/tags/sea" class="mention hashtag" rel="tag">#<span>sea</span></a></p>',
    manuallyApprovesFollowers: false,
    discoverable: true,
    indexable: false,
    memorial: false,
    published: '2022-11-04T00:00:00Z',
    tag: [{ type: 'Hashtag', href: `${peer.url}/tags/sea`, name: '#sea' }],
    attachment: [{ type: 'PropertyValue', name: 'Site', value: '<a href="https://example.org">example.org</a>' }],
    icon: { type: 'Image', mediaType: 'image/png', url: `${peer.url}/system/avatars/${name}.png` },
    image: { type: 'Image', mediaType: 'image/jpeg', url: `${peer.url}/system/headers/${name}.jpg` }
  })
}
const send = (actor, activity, options) => actor.post(site, JSON.stringify({ '@context': toot, ...activity }), { names, ...options })
const taken = async (actor, activity, options) => {
  const answer = await send(actor, activity, options)
  assert.equal(answer.status, 204, answer.text)
}
/** A status, as it is served and as it travels. */
function status (author, parent, content, fields = {}) {
  const number = 113000000000 + ++statuses
  const id = `${author.id}/statuses/${number}`
  const note = {
    id,
    type: 'Note',
    summary: null,
    inReplyTo: parent,
    published: new Date(Date.now() - 3000).toISOString().replace(/\.\d+Z/, 'Z'),
    url: `${peer.url}/@${author.name}/${number}`,
    attributedTo: author.id,
    to: [Public],
    cc: [`${author.id}/followers`, `${site.url}/accounts/root`],
    sensitive: false,
    atomUri: id,
    inReplyToAtomUri: parent,
    conversation: `tag:${peer.host},2026-11-29:objectId=${number}:objectType=Conversation`,
    content,
    contentMap: { en: content },
    attachment: [],
    tag: [{ type: 'Mention', href: `${site.url}/accounts/root`, name: `@root@${new URL(site.url).host}` }],
    replies: { id: `${id}/replies`, type: 'Collection', first: { type: 'CollectionPage', next: `${id}/replies?only_other_accounts=true&page=true`, partOf: `${id}/replies`, items: [] } },
    likes: { id: `${id}/likes`, type: 'Collection', totalItems: 0 },
    shares: { id: `${id}/shares`, type: 'Collection', totalItems: 0 },
    ...fields
  }
  peer.serve(new URL(id).pathname, { '@context': toot, ...note })
  return note
}
const about = (author, type, note) => ({
  id: `${note.id}/activity`, type, actor: author.id, published: note.published, to: note.to, cc: note.cc, object: note
})
const texts = async () => {
  const { data } = (await site.get(`/videos/${video.uuid}/comment-threads?count=100`, { token: true })).json
  return data.filter(comment => !comment.isDeleted).map(comment => comment.text)
}
const likes = async () => (await site.get(`/videos/${video.uuid}`, { token: true })).json.likes
const waiting = () => Number(sql(site, 'SELECT COUNT(*) FROM federation_inbox;'))
const idle = () => site.when('nothing waits', () => waiting() === 0)

test('a person follows a channel, is accepted at their own inbox, and leaves', async () => {
  const follow = { id: `${peer.url}/0b6b3c1a-5f5d-4a3e-9d4a-6f0c8a1d2e3f`, type: 'Follow', actor: alice.id, object: channel }
  await taken(alice, follow)
  const accept = await peer.came('the Accept', body => body.type === 'Accept' && body.object?.actor === alice.id)
  assert.equal(accept.path, '/users/alice/inbox')
  assert.equal(accept.body.actor, channel)
  assert.deepEqual([accept.body.object.id, accept.body.object.object], [follow.id, channel])
  assert.equal(accept.actor, channel, String(accept.actor))
  assert.equal((await site.get('/video-channels/root_channel', { token: true })).json.followersCount, 1)
  const known = (await site.get(`/accounts/alice@${peer.host}`)).json
  assert.equal(known.displayName, 'alice of the tests')
  await taken(alice, { id: `${alice.id}#follows/7/undo`, type: 'Undo', actor: alice.id, object: follow })
  await site.when('nobody follows any more', async () => (await site.get('/video-channels/root_channel', { token: true })).json.followersCount === 0)
})

test('a person is followed, accepts, and ends it later', async () => {
  assert.equal((await site.post('/server/following', { token: true, json: { handles: [`alice@${peer.host}`] } })).status, 204)
  const { body: follow } = await peer.came('the Follow', body => body.type === 'Follow' && body.object === alice.id)
  const state = async () => (await site.get('/server/following')).json.data.find(row => row.following.name === 'alice')?.state
  const object = { id: follow.id, type: 'Follow', actor: follow.actor, object: alice.id }
  await taken(alice, { id: `${alice.id}#accepts/follows/41`, type: 'Accept', actor: alice.id, object }, { path: '/accounts/peertube/inbox' })
  await site.when('it is accepted', async () => await state() === 'accepted')
  await taken(alice, { id: `${alice.id}#rejects/follows/41`, type: 'Reject', actor: alice.id, object })
  await site.when('it is ended', async () => await state() === 'rejected')
})

test('a reply with mention, language, hashtag and pictures is a comment; it is edited, and deleted', async () => {
  const note = status(bob, video.url, '<p><span class="h-card"><a href="https://example.org/@root" class="u-url mention">@<span>root</span></a></span> What a tide!</p><p>&amp; so far out</p>', {
    attachment: [{ type: 'Document', mediaType: 'image/webp', url: `${peer.url}/media/1.webp`, name: 'Mud', blurhash: 'UBL_:rOpGG-oBUNG,qRj2so|=eE1w^n4S5NH', focalPoint: [0, 0], width: 1200, height: 900 }],
    tag: [{ type: 'Mention', href: `${site.url}/accounts/root`, name: '@root' }, { type: 'Hashtag', href: `${peer.url}/tags/mud`, name: '#mud' }, { type: 'Emoji', id: `${peer.url}/emojis/1`, name: ':crab:', updated: '2023-01-01T00:00:00Z', icon: { type: 'Image', mediaType: 'image/png', url: `${peer.url}/crab.png` } }],
    interactionPolicy: { canQuote: { automaticApproval: [Public] } }
  })
  await taken(bob, about(bob, 'Create', note))
  const [comment] = await site.when('the comment is here', async () => {
    const list = await texts()
    return list.length > 0 && list
  })
  assert.match(comment, /What a tide!/)
  assert.match(comment, /& so far out/)
  assert.doesNotMatch(comment, /<p>|<span/)

  Object.assign(note, { content: '<p>What a tide, twice a day</p>', contentMap: { en: '<p>What a tide, twice a day</p>' }, updated: new Date().toISOString() })
  peer.serve(new URL(note.id).pathname, { '@context': toot, ...note })
  await taken(bob, { id: `${note.id}#updates/1764420000`, type: 'Update', actor: bob.id, published: note.updated, to: note.to, cc: note.cc, object: note })
  await site.when('it is edited', async () => (await texts())[0]?.includes('twice a day'))

  peer.gone(new URL(note.id).pathname)
  await taken(bob, { id: `${note.id}#delete`, type: 'Delete', actor: bob.id, to: [Public], object: { id: note.id, type: 'Tombstone', atomUri: note.id } })
  await site.when('it is gone', async () => (await texts()).length === 0)
})

test('T02 nobody deletes what a neighbour wrote by saying that it is their own', async () => {
  const note = status(bob, video.url, '<p>mine</p>')
  await taken(bob, about(bob, 'Create', note))
  await site.when('it is here', async () => (await texts()).includes('mine'))
  const forged = { ...note, attributedTo: alice.id, actor: alice.id }
  await taken(alice, { id: `${note.id}#delete`, type: 'Delete', actor: alice.id, object: forged })
  await taken(alice, { id: `${note.id}#delete2`, type: 'Delete', actor: alice.id, object: note.id })
  await taken(alice, { id: `${note.id}#delete3`, type: 'Delete', actor: alice.id, object: { id: note.id, type: 'Tombstone', attributedTo: alice.id } })
  await idle()
  assert.ok((await texts()).includes('mine'))
  await taken(bob, { id: `${note.id}#delete`, type: 'Delete', actor: bob.id, object: note })
  await site.when('it is gone', async () => !(await texts()).includes('mine'))
})

test('what is written under something else, or for few, is nothing here', async () => {
  const before = (await texts()).length
  const elsewhere = status(bob, `${peer.url}/users/alice/statuses/1`, '<p>elsewhere</p>')
  const alone = status(bob, null, '<p>to the world</p>')
  const direct = status(bob, video.url, '<p>for you</p>', { to: [`${site.url}/accounts/root`], cc: [] })
  const few = status(bob, video.url, '<p>for my followers</p>', { to: [`${bob.id}/followers`], cc: [] })
  for (const note of [elsewhere, alone, direct, few]) await taken(bob, about(bob, 'Create', note))
  await idle()
  assert.equal((await texts()).length, before)
})

test('a favourite counts until it is taken back, by the whole of it or by its id', async () => {
  const like = number => ({ id: `${alice.id}#likes/${number}`, type: 'Like', actor: alice.id, object: video.url })
  await taken(alice, like(1))
  await site.when('it counts', async () => await likes() === 1)
  await taken(alice, { id: `${alice.id}#likes/1/undo`, type: 'Undo', actor: alice.id, object: like(1) })
  await site.when('it does not any more', async () => await likes() === 0)
  await taken(alice, like(2))
  await site.when('it counts', async () => await likes() === 1)
  await taken(alice, { id: `${alice.id}#likes/2/undo`, type: 'Undo', actor: alice.id, object: like(2).id })
  await site.when('it does not any more', async () => await likes() === 0)
})

test('a boost is taken, and taken back', async () => {
  const boost = { id: `${alice.id}/statuses/113999/activity`, type: 'Announce', actor: alice.id, published: new Date().toISOString(), to: [Public], cc: [alice.id, `${alice.id}/followers`], object: video.url }
  await taken(alice, boost)
  await taken(alice, { ...boost, id: `${alice.id}/statuses/113998/activity`, object: `${peer.url}/users/bob/statuses/1` })
  await taken(alice, { id: `${boost.id}#announces/113999/undo`, type: 'Undo', actor: alice.id, to: [Public], object: boost })
  await idle()
})

test('a profile that was edited is known by its new name', async () => {
  alice.document.name = 'Alice :crab:'
  alice.document.summary = '<p>Of the shore</p>'
  await taken(alice, { id: `${alice.id}#updates/1764420001`, type: 'Update', actor: alice.id, to: [Public], object: alice.document })
  await site.when('it is known', async () => (await site.get(`/accounts/alice@${peer.host}`)).json.displayName === 'Alice :crab:')
})

test('what nobody here keeps is taken, leaves nothing behind, and fills no log', async () => {
  const lines = site.log.length
  const most = Number(sql(site, "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'federation_inbox';"))
  const note = status(alice, null, '<p>pinned</p>')
  for (const [type, object, fields] of [
    ['Move', alice.id, { target: `${peer.url}/users/alice2` }], ['Block', `${site.url}/accounts/root`], ['Undo', { id: `${alice.id}#blocks/1`, type: 'Block', actor: alice.id, object: `${site.url}/accounts/root` }],
    ['Flag', [`${site.url}/accounts/root`, video.url], { content: 'spam' }], ['Add', note.id, { target: `${alice.id}/collections/featured` }], ['Remove', note.id, { target: `${alice.id}/collections/featured` }],
    ['EmojiReact', video.url, { content: '🦀' }], ['QuoteRequest', video.url, { instrument: note }], ['Create', { type: 'Question', id: `${note.id}1`, attributedTo: alice.id, oneOf: [] }], ['Create', `${note.id}2`],
    ['Delete', { id: `${note.id}3`, type: 'Tombstone' }], ['Delete', `${note.id}4`], ['Undo', `${note.id}5`], ['Arrive', undefined], ['Read', [{ id: note.id }]]
  ]) await taken(alice, { id: `${alice.id}#${type}/${++statuses}`, type, actor: alice.id, object, ...fields })
  assert.equal(Number(sql(site, "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'federation_inbox';")), most, 'none of it was put aside')
  assert.equal(site.log.slice(lines), '')
})

test('Lemmy: a community that passes on what others said is heard, and nothing comes of it', async () => {
  const page = { type: 'Page', id: `${peer.url}/post/1`, attributedTo: bob.id, name: 'A post' }
  const create = { id: `${peer.url}/activities/create/1`, type: 'Create', actor: bob.id, to: [Public], object: page }
  peer.serve('/activities/create/1', { '@context': toot, ...create })
  const community = peer.channel('sea', alice, { attributedTo: [{ type: 'Person', id: alice.id }], featured: `${peer.url}/c/sea/featured`, moderators: `${peer.url}/c/sea/moderators`, postingRestrictedToMods: false })
  await taken(community, { id: `${peer.url}/activities/announce/1`, type: 'Announce', actor: community.id, to: [Public], cc: [`${community.id}/followers`], object: create })
  await idle()
})

test('what was believed and may not be is answered like the rest: who counts answers does not give up on us', async () => {
  const secret = await site.upload(await clip('h264'), { name: 'Not for others', privacy: 3 })
  const url = `${site.url}/videos/watch/${secret.uuid}`
  await taken(peer.instance, peer.instance.say('View', url))
  await taken(peer.instance, peer.instance.say('View', `${site.url}/videos/watch/00000000-0000-4000-8000-000000000000`))
  await taken(peer.channel('likers', alice), { id: `${peer.url}/likes/1`, type: 'Like', actor: `${peer.url}/video-channels/likers`, object: video.url })
  await taken(alice, { id: `${alice.id}#undo/9`, type: 'Undo', actor: alice.id, object: { id: `${bob.id}#likes/1`, type: 'Like', actor: bob.id, object: video.url } })
})

test('who says much of a video has us say little to those who follow', async () => {
  const listener = await Peer.start({ address: '127.0.0.2' })
  const { instance } = listener
  await instance.post(site, instance.say('Follow', `${site.url}/accounts/peertube`))
  await listener.came('the Accept', body => body.type === 'Accept')
  listener.takes = 503
  await taken(peer.instance, peer.instance.say('View', video.url))
  await site.when('it fails', () => sql(site, `SELECT failures FROM delivery_host WHERE host = '${listener.host}';`) > 0)
  for (let i = 0; i < 12; i++) {
    await taken(peer.instance, peer.instance.say('View', video.url))
    await taken(peer.instance, peer.instance.say('Announce', video.url))
  }
  const large = status(alice, video.url, '<p>large</p>')
  await taken(alice, { ...about(alice, 'Create', large), padding: 'x'.repeat(200000) })
  await site.when('it is here', async () => (await texts()).includes('large'))
  const small = status(alice, video.url, '<p>small</p>')
  await taken(alice, about(alice, 'Create', small))
  await idle()
  const of = (type, id) => listener.inbox.filter(({ body }) => body.type === type && (id ?? body.object?.id) === body.object?.id)
  await site.when('all is queued', () => sql(site, 'SELECT COUNT(*) FROM delivery_out WHERE is_spread = FALSE;') === '0')
  listener.inbox.length = 0
  listener.takes = 202
  await listener.came('the comment', body => body.object?.id === small.id)
  await site.when('nothing waits', () => sql(site, 'SELECT COUNT(*) FROM delivery_queue;') === '0')
  assert.equal(of('View').length, 1)
  assert.equal(of('Announce').length, 1)
  assert.equal(of('Create', large.id).length, 0)
  assert.equal(listener.inbox.find(({ body }) => body.type === 'Create').body.actor, alice.id)
  await listener.stop()
})

test('the farewell of somebody unknown, whose key is gone, is taken and asks nobody', async () => {
  const asked = peer.asked.length
  const ghost = account('ghost')
  peer.gone('/users/ghost')
  for (const object of [ghost.id, { id: ghost.id, type: 'Tombstone' }]) {
    await taken(ghost, { id: `${ghost.id}#delete`, type: 'Delete', actor: ghost.id, to: [Public], object })
  }
  assert.equal(peer.asked.length, asked)
  // Who is known has to prove it.
  const forged = await bob.verdict(site, JSON.stringify({ '@context': toot, id: `${alice.id}#delete`, type: 'Delete', actor: alice.id, object: alice.id }), { names, keyId: alice.keyId })
  assert.equal(forged.status, 401)
  await sleep(500)
  assert.equal((await site.get(`/accounts/alice@${peer.host}`)).status, 200)
})

test('somebody known who says farewell is gone, with what they wrote', async () => {
  const note = status(bob, video.url, '<p>last words</p>')
  await taken(bob, about(bob, 'Create', note))
  await site.when('it is here', async () => (await texts()).some(text => text.includes('last words')))
  await taken(bob, { id: `${bob.id}#delete`, type: 'Delete', actor: bob.id, to: [Public], object: bob.id })
  await site.when('bob is gone', async () => (await site.get(`/accounts/bob@${peer.host}`)).status === 404)
})
