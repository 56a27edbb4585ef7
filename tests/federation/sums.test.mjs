// sums.test.mjs - what people of a hidden server wrote is in no sum and no collection, at once and both ways.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { request } from '../kit/client.mjs'
import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { Peer, Public, startFederating } from './peer.mjs'

let site, one, other, ann, bob, video, id
const texts = []

before(async () => {
  [site, one, other] = await Promise.all([
    startFederating(startInstance, { plugins: ['comments'], settings: ['comments.per_minute=80'] }),
    Peer.start(), Peer.start({ address: '127.0.0.2' })
  ])
  ann = one.person('ann')
  bob = other.person('bob')
  video = await site.upload(await clip('h264'), { name: 'talked about' })
  await site.published(video.uuid)
  id = `${site.url}/videos/watch/${video.uuid}`
})
after(async () => {
  await one?.stop()
  await other?.stop()
  await site?.stop()
})

/** Somebody elsewhere comments; the id of the Note. */
async function say (actor, text, inReplyTo = id) {
  const note = { id: `${actor.id}/notes/${texts.push(text)}`, type: 'Note', attributedTo: actor.id, inReplyTo, content: `<p>${text}</p>`, published: new Date().toISOString(), to: [Public], cc: [] }
  actor.peer.serve(new URL(note.id).pathname, { '@context': ['https://www.w3.org/ns/activitystreams'], ...note })
  assert.equal((await actor.post(site, actor.say('Create', note))).status, 204)
  await site.when(`"${text}" came`, async () => (await listed({ token: true })).text.includes(text))
  return note.id
}

const listed = options => site.get(`/videos/${video.uuid}/comment-trees`, options)
const sum = async token => (await site.get(`/videos/${video.uuid}`, { token })).json.comments
const collection = async query => (await request(site.url, { path: `/videos/watch/${video.uuid}/comments${query}`, headers: { accept: 'application/activity+json' } })).json
const block = host => site.post('/server/blocklist/servers', { token: true, json: { host } })
const unblock = host => site.delete(`/server/blocklist/servers/${host}`, { token: true })

/**
 * The sum of the video, of its threads and of the collection, and what the collection names. Answers to strangers are
 * shared for half a minute, but when a server is hidden or shown again.
 */
let asked = 0
async function shows (total, ids, { strangers = true } = {}) {
  const query = strangers ? '' : `&asked=${++asked}`
  await site.when(`${total} are counted`, async () => await sum(!strangers) === total)
  assert.equal((await site.get(`/videos/${video.uuid}/comment-threads`, { token: !strangers })).json.totalNotDeletedComments, total)
  assert.equal((await collection(`?${query}`)).totalItems, total)
  const page = await collection(`?page=1${query}`)
  assert.equal(page.totalItems, total)
  assert.deepEqual(page.orderedItems.filter(item => !item.startsWith(site.url)), ids)
}

let first, second, third

test('what everybody sees is counted', async () => {
  assert.equal((await site.post(`/videos/${video.uuid}/comment-threads`, { token: true, json: { text: 'of here' } })).status, 200)
  first = await say(ann, 'of ann')
  second = await say(bob, 'of bob')
  third = await say(bob, 'bob to ann', first)
  await shows(4, [first, second, third], { strangers: false })
})

test('what a hidden server wrote is not, and is again when it is shown again', async () => {
  for (let i = 0; i < 2; i++) {
    assert.equal((await block(other.host)).status, 204)
    await shows(2, [first])
    assert.ok(!(await listed()).text.includes('bob'))
    assert.equal((await unblock(other.host)).status, 204)
    await shows(4, [first, second, third])
  }
})

test('sums go on while it is hidden', async () => {
  assert.equal((await block(other.host)).status, 204)
  await shows(2, [first])
  const own = (await site.post(`/videos/${video.uuid}/comment-threads`, { token: true, json: { text: 'meanwhile' } })).json.comment
  await shows(3, [first], { strangers: false })
  assert.equal((await site.delete(`/videos/${video.uuid}/comments/${own.id}`, { token: true })).status, 204)
  await shows(2, [first], { strangers: false })
  // A moderator deletes one that is not counted: nothing is taken off.
  const managed = (await site.get('/videos/comments?count=50', { token: true })).json.data
  const hidden = managed.find(comment => comment.url === third)
  assert.ok(hidden, managed.map(comment => comment.url).join())
  assert.equal((await site.delete(`/videos/${video.uuid}/comments/${hidden.id}`, { token: true })).status, 204)
  await shows(2, [first], { strangers: false })
  assert.equal((await unblock(other.host)).status, 204)
  await shows(3, [first, second])
})

test('whoever of it is gone takes nothing off that was not counted', async () => {
  assert.equal((await block(other.host)).status, 204)
  await shows(2, [first])
  assert.equal((await block(one.host)).status, 204)
  await shows(1, [])
  assert.equal((await unblock(one.host)).status, 204)
  await shows(2, [first])
  assert.equal((await unblock(other.host)).status, 204)
  await shows(3, [first, second])
  other.gone(new URL(bob.id).pathname)
  assert.equal((await bob.post(site, bob.say('Delete', bob.id))).status, 204)
  await shows(2, [first], { strangers: false })
})

test('a hidden name hides what lies below it, and nobody else', async () => {
  assert.equal((await block('0.0.1')).status, 204)
  await shows(1, [])
  assert.equal((await unblock('0.0.1')).status, 204)
  await shows(2, [first])
})
