// fedify.test.mjs - a server made with @fedify/fedify beside two sites of ours: it reads what we serve with its own
// vocabulary, believes what we send by its own rules, and what it says is heard.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { createFederation, generateCryptoKeyPair, MemoryKvStore } from '@fedify/fedify'
import { Accept, Activity, Announce, Block, Create, Delete, Endpoints, Flag, Follow, Group, isActor, Like, Mention, Move, Note, Person, PUBLIC_COLLECTION, Tombstone, traverseCollection, Undo, Update, Video } from '@fedify/vocab'
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { startFederating } from './peer.mjs'

let here, there, ann, channel, video

/** A server with one person, and the notes that were put into it. */
class Other {
  notes = new Map()
  /** Activities that it believed, newest last. */
  heard = []
  isGone = false
  #server = null

  static async start (name) {
    const other = new Other()
    const pairs = await Promise.all([generateCryptoKeyPair('RSASSA-PKCS1-v1_5'), generateCryptoKeyPair('Ed25519')])
    const federation = createFederation({ kv: new MemoryKvStore(), allowPrivateAddress: true })
    federation.setActorDispatcher('/users/{identifier}', async (context, identifier) => {
      if (identifier !== name) return null
      if (other.isGone) return new Tombstone({ id: context.getActorUri(name) })
      const keys = await context.getActorKeyPairs(name)
      return new Person({
        id: context.getActorUri(name),
        preferredUsername: name,
        name: `${name} of elsewhere`,
        inbox: context.getInboxUri(name),
        endpoints: new Endpoints({ sharedInbox: context.getInboxUri() }),
        publicKey: keys[0].cryptographicKey,
        assertionMethods: keys.map(key => key.multikey)
      })
    }).setKeyPairsDispatcher(() => pairs)
    federation.setObjectDispatcher(Note, '/notes/{id}', (context, { id }) => other.notes.get(id) ?? null)
    federation.setInboxListeners('/users/{identifier}/inbox', '/inbox').on(Activity, (context, activity) => { other.heard.push(activity) })
    other.#server = createServer(async (incoming, response) => {
      const chunks = []
      for await (const chunk of incoming) chunks.push(chunk)
      const body = incoming.method === 'POST' ? Buffer.concat(chunks) : undefined
      const request = new Request(`${other.url}${incoming.url}`, { method: incoming.method, headers: incoming.headers, body })
      const answer = await federation.fetch(request, { contextData: undefined })
      response.writeHead(answer.status, Object.fromEntries(answer.headers))
      response.end(Buffer.from(await answer.arrayBuffer()))
    })
    await new Promise(resolve => other.#server.listen(0, '127.0.0.1', resolve))
    other.url = `http://127.0.0.1:${other.#server.address().port}`
    other.context = federation.createContext(new URL(other.url), undefined)
    other.name = name
    other.id = other.context.getActorUri(name)
    return other
  }

  async stop () {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  /** What is served at an address, in fedify's vocabulary. */
  look (url) { return this.context.lookupObject(new URL(url)) }

  send (to, activity) { return this.context.sendActivity({ identifier: this.name }, to, activity, { preferSharedInbox: true }) }

  activity (number) { return new URL(`${this.url}/activities/${number}`) }

  /** A note with an address of its own. */
  note (id, fields) {
    const note = new Note({
      id: this.context.getObjectUri(Note, { id }), attribution: this.id, to: PUBLIC_COLLECTION, ...fields
    })
    this.notes.set(id, note)
    return note
  }

  /** Waits until an activity that fits was believed. */
  hears (what, fits) {
    return here.when(what, async () => {
      for (const activity of this.heard) if (await fits(activity)) return activity
      return undefined
    })
  }
}

const comments = async site => (await site.get(`/videos/${video.uuid}/comment-threads?count=50`)).json.data
const said = (site, words) => site.when(`"${words}" is there`, async () => (await comments(site)).find(each => each.text.includes(words)))
const likes = async () => (await here.get(`/videos/${video.uuid}`, { token: true })).json.likes

before(async () => {
  const plugins = { plugins: ['comments', 'ratings'], settings: ['comments.per_minute=1000'] }
  ;[here, there, ann] = await Promise.all([startFederating(startInstance, plugins), startFederating(startInstance, plugins), Other.start('ann')])
  video = await here.upload(await clip('h264'), { name: 'Low tide', description: 'Of a **beach**', tags: ['sea'], commentsPolicy: 1 })
  await here.published(video.uuid)
  video.url = `${here.url}/videos/watch/${video.uuid}`
})
after(async () => {
  await ann?.stop()
  await here?.stop()
  await there?.stop()
})

test('it reads our actors, and each of their collections', async () => {
  for (const [path, kind] of [['/accounts/peertube', 'Application'], ['/accounts/root', 'Person'], ['/video-channels/root_channel', 'Group']]) {
    const actor = await ann.look(here.url + path)
    assert.ok(isActor(actor), path)
    assert.equal(actor.constructor.name, kind)
    assert.equal(actor.id.href, here.url + path)
    assert.equal(actor.preferredUsername, path.split('/').pop())
    assert.equal((await actor.getPublicKey()).ownerId.href, actor.id.href)
    assert.equal((await actor.getPublicKey()).publicKey.algorithm.name, 'RSASSA-PKCS1-v1_5')
    const methods = []
    for await (const key of actor.getAssertionMethods()) methods.push(key.publicKey.algorithm.name)
    assert.ok(methods.includes('Ed25519'), path)
    assert.equal(actor.endpoints.sharedInbox.href, `${here.url}/inbox`)
    for (const collection of await Promise.all([actor.getOutbox(), actor.getFollowers(), actor.getFollowing()])) {
      assert.ok(collection.totalItems >= 0)
    }
  }
  channel = await ann.look(`${here.url}/video-channels/root_channel`)
  assert.ok(channel instanceof Group)
  const shared = []
  for await (const item of traverseCollection(await channel.getOutbox())) shared.push(item)
  assert.ok(shared[0] instanceof Announce)
  assert.equal(shared[0].objectId.href, video.url)
})

test('it reads a video', async () => {
  const read = await ann.look(video.url)
  assert.ok(read instanceof Video)
  assert.equal(read.name.toString(), 'Low tide')
  assert.equal(read.id.href, video.url)
  assert.deepEqual(read.attributionIds.map(id => id.pathname).sort(), ['/accounts/root', '/video-channels/root_channel'])
  assert.ok(read.toIds.some(id => id.href === PUBLIC_COLLECTION.href))
  assert.ok(read.urls.some(link => link.mediaType === 'application/x-mpegURL'))
  const icons = []
  for await (const icon of read.getIcons()) icons.push(icon)
  assert.ok(icons.length > 0 && icons.every(icon => icon.mediaType === 'image/jpeg' && icon.width > 0))
  assert.equal(read.duration.total('seconds') > 0, true)
  assert.equal((await read.getLikes()).totalItems, 0)
  assert.equal((await read.getShares()).totalItems > 0, true)
})

test('it follows a channel, is accepted, and hears of a new video', async () => {
  await ann.send(channel, new Follow({ id: ann.activity(1), actor: ann.id, object: channel.id }))
  const accept = await ann.hears('the Accept', activity => activity instanceof Accept)
  assert.equal(accept.actorId.href, channel.id.href)
  assert.equal(accept.objectId.href, ann.activity(1).href)
  assert.deepEqual((await here.get('/video-channels/root_channel')).json.followersCount, 1)
  const made = await here.upload(await clip('h264'), { name: 'High tide' })
  const id = `${here.url}/videos/watch/${made.uuid}`
  const announce = await ann.hears('the Announce', activity => activity instanceof Announce && activity.objectId.href === id)
  assert.equal(announce.actorId.href, channel.id.href)
  const told = await announce.getObject({ documentLoader: ann.context.documentLoader, contextLoader: ann.context.contextLoader })
  assert.equal(told.name.toString(), 'High tide')
  await here.delete(`/videos/${made.uuid}`, { token: true })
  await ann.hears('the Delete', activity => activity instanceof Delete && activity.objectId.href === id)
})

test('what it says below a video is there, and at who follows the site; it is changed, answered and taken back', async () => {
  assert.equal((await there.post('/server/following', { token: true, json: { hosts: [new URL(here.url).host] } })).status, 204)
  await there.when('the video came', async () => (await there.get(`/videos/${video.uuid}`)).status === 200)
  const root = await ann.look(`${here.url}/accounts/root`)
  const note = ann.note('1', { content: '<p>From <strong>ann</strong></p>', replyTarget: new URL(video.url) })
  await ann.send(root, new Create({ id: ann.activity(2), actor: ann.id, object: note, to: PUBLIC_COLLECTION }))
  const comment = await said(here, 'ann')
  assert.deepEqual([comment.account.name, comment.account.displayName, comment.url], ['ann', 'ann of elsewhere', note.id.href])
  await said(there, 'ann')
  // Answered here: the answer names whom it is for.
  await here.post(`/videos/${video.uuid}/comments/${comment.id}`, { token: true, json: { text: 'Thank you' } })
  const answer = await ann.hears('the answer', async activity => activity instanceof Create && (await activity.getObject()).replyTargetId?.href === note.id.href)
  const read = await ann.look(answer.objectId)
  assert.ok(read instanceof Note)
  assert.match(read.content.toString(), /Thank you/)
  const tags = []
  for await (const tag of read.getTags()) tags.push(tag)
  assert.ok(tags.some(tag => tag instanceof Mention && tag.href.href === ann.id.href))
  // Changed, and gone.
  const changed = ann.note('1', { content: '<p>Said otherwise</p>', replyTarget: new URL(video.url) })
  await ann.send(root, new Update({ id: ann.activity(3), actor: ann.id, object: changed, to: PUBLIC_COLLECTION }))
  await said(here, 'otherwise')
  await said(there, 'otherwise')
  ann.notes.delete('1')
  await ann.send(root, new Delete({ id: ann.activity(4), actor: ann.id, object: new Tombstone({ id: note.id }), to: PUBLIC_COLLECTION }))
  for (const site of [here, there]) {
    await site.when('it is gone', async () => (await comments(site)).every(each => !each.text.includes('otherwise')))
  }
})

test('its Like counts, and does not any more when it is undone', async () => {
  const root = await ann.look(`${here.url}/accounts/root`)
  const like = new Like({ id: ann.activity(5), actor: ann.id, object: new URL(video.url) })
  await ann.send(root, like)
  await here.when('it is liked', async () => await likes() === 1)
  await ann.send(root, new Undo({ id: ann.activity(6), actor: ann.id, object: like }))
  await here.when('it is not', async () => await likes() === 0)
})

test('what has no meaning here is taken politely, and does nothing', async () => {
  const root = await ann.look(`${here.url}/accounts/root`)
  const before = (await here.get(`/videos/${video.uuid}`)).json
  for (const [index, [Type, fields]] of [
    [Block, { object: root.id }], [Flag, { object: new URL(video.url), content: 'I do not like it' }],
    [Move, { object: ann.id, target: new URL('http://127.0.0.1:9/users/ann') }]
  ].entries()) {
    await ann.send(root, new Type({ id: ann.activity(10 + index), actor: ann.id, ...fields })) // refused, it would throw
  }
  await ann.send(root, new Like({ id: ann.activity(20), actor: ann.id, object: new URL(video.url) }))
  await here.when('what came behind them is heard', async () => await likes() === 1)
  const now = (await here.get(`/videos/${video.uuid}`)).json
  assert.deepEqual([now.name, now.comments, now.channel.followersCount], [before.name, before.comments, before.channel.followersCount])
})

test('when its account is gone, what it said and liked goes too', async () => {
  const root = await ann.look(`${here.url}/accounts/root`)
  const note = ann.note('2', { content: '<p>Farewell</p>', replyTarget: new URL(video.url) })
  await ann.send(root, new Create({ id: ann.activity(30), actor: ann.id, object: note, to: PUBLIC_COLLECTION }))
  await said(here, 'Farewell')
  const leave = new Delete({ id: ann.activity(31), actor: ann.id, object: ann.id, to: PUBLIC_COLLECTION })
  await ann.send(root, leave)
  ann.isGone = true
  await here.when('it is gone', async () => (await comments(here)).every(each => !each.text.includes('Farewell')))
  await here.when('nobody likes it', async () => await likes() === 0)
  assert.equal((await here.get(`/accounts/ann@${new URL(ann.url).host}`)).status, 404)
  assert.equal((await here.get('/video-channels/root_channel')).json.followersCount, 0)
})
