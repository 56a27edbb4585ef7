// talk.test.mjs - likes and comments between servers, both ways: who may say what, and what they become.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { request } from '../kit/client.mjs'
import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'
import { Peer, Public, context, federating } from './peer.mjs'
import { plantVideo, writePlanter } from './planter.mjs'

/** Lets no spam be seen at once, and no scam in. */
const censor = `
local shoal = require "shoal"
shoal.decide("comment.create", function(event)
  if event.comment.text:find("scam", 1, true) then return shoal.refuse("no scam here") end
  if event.comment.text:find("spam", 1, true) then return shoal.hold("it looks like spam") end
end)
`

let site, peer, other, third, ann, bob, owner, channel, root, local, reviewed, closed, remote, strict, reader

before(async () => {
  peer = await Peer.start()
  other = await Peer.start({ address: '127.0.0.2' })
  third = await Peer.start({ address: '127.0.0.3' }) // follows ours
  ann = peer.person('ann')
  bob = other.person('bob')
  owner = peer.person('owner')
  channel = peer.channel('films', owner)
  site = await startInstance({ started: false, settings: [federating[0], 'comments.per_minute=80'] })
  site.settings.push(`url=${site.url}`)
  const pin = writePlanter(site)
  const censored = writePlugin(join(site.folder, 'plugins'), 'censor', { lua: censor, manifest: { hooks: ['comment.create'] } })
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', 'signatures', 'identity', 'delivery', 'federation', 'ratings', 'comments', line('planter', pin), line('censor', censored)])
  await site.start()
  root = `${site.url}/accounts/root`
  reader = await site.user('reader') // strangers see no video of a server that nobody here follows
  const file = await clip('h264')
  local = await site.upload(file, { name: 'Low tide' })
  reviewed = await site.upload(file, { name: 'High tide', commentsPolicy: 3 })
  closed = await site.upload(file, { name: 'Nobody sees this', privacy: 3 })
  for (const video of [local, reviewed, closed]) {
    await site.published(video.uuid)
    video.url = `${site.url}/videos/watch/${video.uuid}`
  }
  remote = await plant('Far shore', 1)
  strict = await plant('Far and strict', 3)
  await third.instance.post(site, third.instance.say('Follow', `${site.url}/accounts/peertube`))
  await third.came('the Accept', ({ type }) => type === 'Accept')
})
after(async () => {
  await Promise.all([peer, other, third].map(one => one?.stop()))
  await site?.stop()
})

const plant = (name, commentsPolicy) => plantVideo(site, channel, { name, commentsPolicy })
const jobs = async () => (await site.get('/jobs/all?count=100', { token: true })).json
const counts = async video => {
  const { likes, dislikes } = (await site.get(`/videos/${video.uuid}`, { token: true })).json
  return `${likes} ${dislikes}`
}
const counted = (video, sums) => site.when(`the sums of the video are ${sums}`, async () => await counts(video) === sums)
const threads = async (video, token) => {
  const answer = await site.get(`/videos/${video.uuid}/comment-threads?count=100`, token ? { token } : {})
  assert.equal(answer.status, 200, answer.text)
  return answer.json.data
}
const tree = async (video, id) => (await site.get(`/videos/${video.uuid}/comment-threads/${id}`, { token: true })).json
const found = async (video, text) => (await threads(video, true)).find(comment => comment.text === text)
const comes = (video, text) => site.when(`"${text}" is here`, () => found(video, text))
/** What is sent while nothing may change: something that is taken behind it shows that it was looked at. */
const settled = async () => {
  const mark = note(ann, local, `mark ${Math.random()}`)
  assert.equal((await ann.post(site, ann.say('Create', mark))).status, 204)
  await comes(local, mark.content)
}
let notes = 0
function note (actor, parent, content, fields = {}) {
  const path = `/notes/${++notes}`
  const document = {
    id: `${actor.peer.url}${path}`, type: 'Note', attributedTo: actor.id, inReplyTo: parent.url ?? parent.id ?? parent, content, mediaType: 'text/markdown',
    published: new Date(Date.now() - 2000).toISOString(), to: [Public], cc: [`${actor.id}/followers`], ...fields
  }
  actor.peer.serve(path, { '@context': context, ...document })
  return document
}
const ap = (path, headers = {}) => request(site.url, { path, headers: { accept: 'application/activity+json', ...headers } })
const pathOf = url => new URL(url).pathname

test('a like of another server counts, once, until it is taken back', async () => {
  const like = ann.say('Like', local.url)
  for (let i = 0; i < 2; i++) assert.equal((await ann.post(site, like)).status, 204)
  await counted(local, '1 0')
  await bob.post(site, bob.say('Dislike', local.url))
  await counted(local, '1 1')
  const dislike = ann.say('Dislike', local.url)
  await ann.post(site, dislike)
  await counted(local, '0 2')
  await ann.post(site, ann.say('Undo', like)) // she has said something else since
  await settled()
  assert.equal(await counts(local), '0 2')
  await bob.post(site, bob.say('Undo', { ...dislike, actor: ann.id }))
  await bob.post(site, { ...ann.say('Undo', dislike), actor: ann.id })
  await settled()
  assert.equal(await counts(local), '0 2', 'nobody takes back what another said')
  await ann.post(site, ann.say('Undo', dislike))
  await counted(local, '0 1')
  const again = ann.say('Like', local.url)
  await ann.post(site, again)
  await counted(local, '1 1')
  await ann.post(site, ann.say('Undo', again.id))
  await counted(local, '0 1')
  const other = ann.say('Dislike', local.url)
  await ann.post(site, other)
  await counted(local, '0 2')
  await ann.post(site, ann.say('Undo', other.id))
  await counted(local, '0 1')
})

test('what nobody elsewhere knows cannot be liked, and channels like nothing', async () => {
  await ann.post(site, ann.say('Like', closed.url))
  await ann.post(site, ann.say('Like', remote.url))
  await ann.post(site, ann.say('Like', `${site.url}/videos/watch/00000000-0000-4000-8000-000000000000`))
  await channel.post(site, channel.say('Like', local.url))
  await settled()
  assert.equal(await counts(closed), '0 0')
  assert.equal(await counts(remote), '0 0')
  assert.equal(await counts(local), '0 1')
})

test('the likes of a video are a collection, and each of ours a document', async () => {
  await site.put(`/videos/${local.uuid}/rate`, { token: true, json: { rating: 'like' } })
  await counted(local, '1 1')
  const path = `/videos/watch/${local.uuid}/likes`
  const base = (await ap(path)).json
  assert.deepEqual([base.id, base.type, base.totalItems], [`${site.url}${path}`, 'OrderedCollection', 1])
  const page = (await ap(`${path}?page=1`)).json
  assert.deepEqual(page.orderedItems, [`${root}/likes/${local.id}`])
  assert.equal((await ap(`/videos/watch/${local.uuid}/dislikes?page=1`)).json.orderedItems.length, 1)
  const like = (await ap(`/accounts/root/likes/${local.id}`)).json
  assert.deepEqual([like.id, like.type, like.actor, like.object, like.to], [`${root}/likes/${local.id}`, 'Like', root, local.url, [root]])
  assert.equal((await ap(`/accounts/root/dislikes/${local.id}`)).status, 404)
  assert.equal((await ap(`/accounts/nobody/likes/${local.id}`)).status, 404)
  assert.equal((await ap(`/videos/watch/${closed.uuid}/likes`)).status, 404)
  assert.equal((await ap(`/videos/watch/${remote.uuid}/likes`)).headers.location, `${remote.url}/likes`)
  await site.put(`/videos/${local.uuid}/rate`, { token: true, json: { rating: 'none' } })
})

test('what somebody here thinks of a remote video is told to its origin, in the right order', async () => {
  const rate = rating => site.put(`/videos/${remote.uuid}/rate`, { token: true, json: { rating } })
  const said = () => peer.inbox.filter(({ body }) => ['Like', 'Dislike', 'Undo'].includes(body.type)).map(({ body }) => body.type === 'Undo' ? `Undo ${body.object.type}` : body.type)
  const until = list => site.when(`the origin hears ${list}`, () => String(said()) === String(list))
  assert.equal((await rate('like')).status, 204)
  await until(['Like'])
  const { body, actor, path } = peer.inbox.find(({ body }) => body.type === 'Like')
  assert.deepEqual([body.id, body.actor, body.object, body.to, body.cc], [`${root}/likes/${remote.id}`, root, remote.url, [owner.id], []])
  assert.equal(actor, root, 'signed by who says it')
  assert.equal(path, '/inbox')
  assert.equal((await ap(pathOf(body.id))).json.object, remote.url)
  assert.equal(await counts(remote), '1 0')
  await rate('dislike')
  await until(['Like', 'Undo Like', 'Dislike'])
  await rate('dislike')
  await rate('none')
  await until(['Like', 'Undo Like', 'Dislike', 'Undo Dislike'])
  assert.equal(await counts(remote), '0 0')
  assert.equal((await ap(`${pathOf(body.id)}?x=1`)).status, 404)
  assert.deepEqual(said().length, 4)
})

test('a comment of another server is here: Markdown of PeerTube, HTML of Mastodon', async () => {
  await ann.post(site, ann.say('Create', note(ann, local, 'From **PeerTube**')))
  const markdown = await comes(local, 'From **PeerTube**')
  assert.equal(markdown.account.host, peer.host)
  assert.equal(markdown.account.name, 'ann')
  assert.match(markdown.url, new RegExp(`^${peer.url}/notes/`))
  const html = `<p><span class="h-card"><a href="${root}" class="u-url mention">@<span>root</span></a></span> nice &amp; <b>bold</b><script>x</script></p><p>two</p>`
  const toot = note(bob, local, html, { mediaType: undefined, tag: [{ type: 'Mention', href: root, name: '@root' }] })
  await bob.post(site, bob.say('Create', toot))
  const comment = await comes(local, `@root@${new URL(site.url).host} nice & bold\n\ntwo`)
  const answer = note(ann, toot, 'an answer')
  await ann.post(site, ann.say('Create', answer))
  await site.when('the answer stands below it', async () => (await tree(local, comment.id)).children[0]?.comment.text === 'an answer')
  const ours = (await site.post(`/videos/${local.uuid}/comments/${comment.id}`, { token: true, json: { text: 'thank you' } })).json.comment
  const below = note(bob, ours.url, '<p>you are welcome</p>', { mediaType: 'text/html' })
  await bob.post(site, bob.say('Create', below))
  await site.when('it stands below ours', async () => (await tree(local, comment.id)).children.find(child => child.comment.id === ours.id)?.children[0]?.comment.text === 'you are welcome')
  const heard = await other.came('the answer', ({ type, object }) => type === 'Create' && object.content === 'thank you')
  assert.deepEqual([heard.object?.inReplyTo ?? heard.body.object.inReplyTo, heard.body.object.attributedTo], [toot.id, root])
  assert.ok(heard.body.cc.includes(bob.id))
  assert.deepEqual(heard.body.object.tag.map(({ type, href, name }) => [type, href, name]), [['Mention', bob.id, `@bob@${other.host}`]])
  assert.equal(heard.body.signature?.type, 'RsaSignature2017')
})

test('Notes between that are not known are fetched, and those that lead nowhere are not kept', async () => {
  const top = note(bob, local, 'the top')
  const middle = note(ann, top, 'the middle')
  const bottom = note(bob, middle, 'the bottom')
  await bob.post(site, bob.say('Create', bottom))
  const first = await comes(local, 'the top')
  const second = await site.when('the bottom is here', async () => {
    const { children: [middle] } = await tree(local, first.id)
    return middle?.children.length > 0 && middle
  })
  assert.deepEqual([second.comment.text, second.comment.account.name, second.children[0].comment.text], ['the middle', 'ann', 'the bottom'])
  const dead = note(ann, top, 'x')
  peer.serve(pathOf(dead.id), { '@context': context, type: 'Tombstone', id: dead.id, formerType: 'Note', inReplyTo: top.id, deleted: new Date().toISOString() })
  await bob.post(site, bob.say('Create', note(bob, dead, 'below the dead')))
  await site.when('the place of what is gone is kept', async () => (await tree(local, first.id)).children[1]?.children[0]?.comment.text === 'below the dead')
  assert.equal((await tree(local, first.id)).children[1].comment.isDeleted, true)
  const nowhere = note(bob, note(ann, `${peer.url}/nothing`, 'up there'), 'leads nowhere')
  await bob.post(site, bob.say('Create', nowhere))
  const circle = note(bob, 'x', 'goes round')
  other.serve(pathOf(circle.id), { '@context': context, ...circle, inReplyTo: circle.id })
  await bob.post(site, bob.say('Create', { ...circle, inReplyTo: circle.id }))
  const forged = note(bob, top, 'forged', { attributedTo: ann.id })
  await bob.post(site, bob.say('Create', note(bob, forged, 'below a forged one')))
  await settled()
  const all = JSON.stringify((await site.get('/videos/comments?count=100', { token: true })).json)
  for (const text of ['leads nowhere', 'up there', 'goes round', 'forged']) assert.ok(!all.includes(text), text)
})

test('T20 what is believed of a comment is what its own server says', async () => {
  const said = note(ann, local, 'as it is at home')
  await ann.post(site, ann.say('Create', { ...said, content: 'as it was sent' }))
  await comes(local, 'as it is at home')
  const stolen = note(ann, local, 'of ann')
  await bob.post(site, bob.say('Create', { ...stolen, attributedTo: bob.id }))
  const direct = note(ann, local, 'for you alone', { to: [root], cc: [] })
  await ann.post(site, ann.say('Create', direct))
  await ann.post(site, ann.say('Create', note(ann, closed, 'below what is hidden')))
  await channel.post(site, channel.say('Create', note(channel, local, 'channels do not talk')))
  await settled()
  const all = JSON.stringify((await site.get('/videos/comments?count=100', { token: true })).json)
  for (const text of ['as it was sent', 'of ann', 'for you alone', 'below what is hidden', 'channels do not talk']) assert.ok(!all.includes(text), text)
})

test('T31 hostile markup of another server is text here', async () => {
  const evil = note(bob, local, '<p>hello <img src=x onerror=alert(1)><a href="javascript:alert(2)">there</a>&lt;script&gt;alert(3)&lt;/script&gt;</p><b a='.concat('<b>'.repeat(2000)), { mediaType: 'text/html', name: '<script>', summary: '{{csrf}}' })
  await bob.post(site, bob.say('Create', evil))
  await comes(local, '{{csrf}}\n\nhello there<script>alert(3)</script>')
  const page = (await site.get(`//w/${local.uuid}`)).text
  assert.match(page, /hello there&lt;script&gt;alert\(3\)&lt;\/script&gt;/)
  assert.doesNotMatch(page, /<script>alert|<img src="?x|href="javascript:/)
})

test('a comment is edited and deleted by its author, and deleted by the owner of the video', async () => {
  const said = note(ann, local, 'first words')
  await ann.post(site, ann.say('Create', said))
  const comment = await comes(local, 'first words')
  peer.serve(pathOf(said.id), { '@context': context, ...said, content: 'better words', updated: new Date().toISOString() })
  await bob.post(site, bob.say('Update', { ...said, content: 'worse words' }))
  await ann.post(site, ann.say('Update', { ...said, content: 'better words' }))
  await comes(local, 'better words')
  await bob.post(site, bob.say('Delete', said.id))
  await settled()
  assert.equal((await tree(local, comment.id)).comment.isDeleted, false)
  await ann.post(site, ann.say('Delete', { type: 'Tombstone', id: said.id }))
  await site.when('it is deleted', async () => (await tree(local, comment.id)).comment.isDeleted)
  await ann.post(site, ann.say('Create', said))
  await settled()
  assert.equal((await tree(local, comment.id)).comment.isDeleted, true, 'it does not come back')

  const rude = note(bob, local, 'rude words')
  await bob.post(site, bob.say('Create', rude))
  const { id } = await comes(local, 'rude words')
  assert.equal((await site.delete(`/videos/${local.uuid}/comments/${id}`, { token: true })).status, 204)
  const heard = await other.came('that it is deleted', ({ type, object }) => type === 'Delete' && object === rude.id)
  assert.equal(heard.body.actor, root)
})

test('ours are documents: Note, its Create, and a Tombstone once they are gone', async () => {
  const { comment } = (await site.post(`/videos/${local.uuid}/comment-threads`, { token: true, json: { text: 'A *note*' } })).json
  const path = pathOf(comment.url)
  const document = (await ap(path)).json
  assert.deepEqual([document.id, document.type, document.content, document.mediaType, document.inReplyTo, document.attributedTo, document.to],
    [comment.url, 'Note', 'A *note*', 'text/markdown', local.url, root, [Public]])
  assert.equal((await ap(path, { accept: 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"' })).json.id, comment.url)
  const create = (await ap(`${path}/activity`)).json
  assert.deepEqual([create.id, create.type, create.actor, create.object.id], [`${comment.url}/activity`, 'Create', root, comment.url])
  const page = await request(site.url, { path, headers: { accept: 'text/html' } })
  assert.match(page.headers.location, new RegExp(`^/w/\\w+#comment-${comment.id}$`))
  const list = (await ap(`/videos/watch/${local.uuid}/comments?page=1`)).json
  assert.ok(list.totalItems > 5 && list.orderedItems.length === 10)
  assert.ok((await ap(`/videos/watch/${local.uuid}/comments`)).json.first)
  assert.equal((await ap(path.replace(local.uuid, reviewed.uuid))).status, 404)
  assert.equal((await site.delete(`/videos/${local.uuid}/comments/${comment.id}`, { token: true })).status, 204)
  await site.when('it is a tombstone', async () => (await ap(`${path}?x=${Math.random()}`)).json.type === 'Tombstone')
})

test('what we write below a remote video goes to its origin, and its deletion too', async () => {
  const { comment } = (await site.post(`/videos/${remote.uuid}/comment-threads`, { token: true, json: { text: 'hello over there' } })).json
  assert.equal(comment.heldForReview, false)
  assert.equal(comment.url, `${site.url}/videos/watch/${remote.uuid}/comments/${comment.id}`)
  const { body, actor } = await peer.came('the comment', ({ type, object }) => type === 'Create' && object.content === 'hello over there')
  assert.deepEqual([actor, body.object.inReplyTo, body.object.id, body.object.url], [root, remote.url, comment.url, comment.url])
  assert.ok(body.cc.includes(owner.id) && body.cc.includes(`${root}/followers`) && body.to.includes(Public))
  assert.equal(body.signature.creator, root)
  assert.equal((await ap(pathOf(comment.url))).json.content, 'hello over there')
  const answer = note(owner, comment.url, 'hello to you')
  await owner.post(site, owner.say('Create', answer))
  await site.when('the answer is here', async () => (await tree(remote, comment.id)).children[0]?.comment.text === 'hello to you')
  assert.equal((await site.delete(`/videos/${remote.uuid}/comments/${comment.id}`, { token: true })).status, 204)
  const gone = await peer.came('the deletion', ({ type, object }) => type === 'Delete' && object === comment.url)
  assert.deepEqual([gone.body.actor, gone.body.id], [root, `${comment.url}/delete`])
})

test('the owner of a remote video deletes what we wrote below it; nobody else there does', async () => {
  const { comment } = (await site.post(`/videos/${remote.uuid}/comment-threads`, { token: true, json: { text: 'not wanted' } })).json
  await ann.post(site, ann.say('Delete', comment.url))
  await settled()
  assert.equal((await tree(remote, comment.id)).comment.isDeleted, false)
  await owner.post(site, owner.say('Delete', comment.url))
  await site.when('it is deleted', async () => (await tree(remote, comment.id)).comment.isDeleted)
})

test('who leaves the network takes their words and likes along', async () => {
  const carl = peer.person('carl')
  const said = note(carl, local, 'I will be gone')
  await carl.post(site, carl.say('Create', said))
  const { id } = await comes(local, 'I will be gone')
  const before = await counts(local)
  await carl.post(site, carl.say('Like', local.url))
  await counted(local, before.replace(/^\d+/, likes => Number(likes) + 1))
  peer.gone('/accounts/carl')
  await carl.post(site, carl.say('Delete', carl.id))
  await site.when('it is a tombstone', async () => {
    const { comment } = await tree(local, id)
    return comment.isDeleted && comment.account === null && comment.text === ''
  })
  const { body } = await third.came('that it is deleted', ({ type, object }) => type === 'Delete' && object === said.id)
  assert.equal(body.actor, root, 'who knows it from here hears it from here')
})

test('where we review, a comment waits here, and its server hears of the approval', async () => {
  const said = note(ann, reviewed, 'please')
  await ann.post(site, ann.say('Create', said))
  const waiting = await comes(reviewed, 'please')
  assert.equal(waiting.heldForReview, true)
  assert.deepEqual(await threads(reviewed), [])
  assert.equal((await ap(`/videos/watch/${reviewed.uuid}/comments`)).json.totalItems, 0)
  assert.equal((await ap(`/videos/watch/${reviewed.uuid}/comments/${waiting.id}/approve-reply`)).status, 404)
  assert.equal((await site.post(`/videos/${reviewed.uuid}/comments/${waiting.id}/approve`, { token: true })).status, 204)
  const { body, path } = await peer.came('the approval', ({ type }) => type === 'ApproveReply')
  assert.deepEqual([body.actor, body.object, body.inReplyTo], [root, said.id, reviewed.url])
  assert.equal(path, pathOf(`${ann.id}/inbox`))
  const approval = (await ap(pathOf(body.id))).json
  assert.deepEqual([approval.type, approval.object], ['ApproveReply', said.id])
  assert.equal((await threads(reviewed)).length, 1)
})

test('where another server reviews, ours waits until its owner says so', async () => {
  const { comment } = (await site.post(`/videos/${strict.uuid}/comment-threads`, { token: true, json: { text: 'may I?' } })).json
  assert.equal(comment.heldForReview, true)
  const first = await peer.came('the comment', ({ type, object }) => type === 'Create' && object.content === 'may I?')
  assert.equal(first.body.object.replyApproval, undefined)
  assert.equal((await ap(pathOf(comment.url))).json.content, 'may I?', 'the origin can read it')
  assert.deepEqual(await threads(strict, reader.token), [])
  const approval = { id: `${strict.url}/comments/9/approve-reply`, type: 'ApproveReply', inReplyTo: strict.url, object: comment.url }
  await bob.post(site, { ...approval, id: `${other.url}/approve/1`, actor: bob.id })
  await ann.post(site, { ...approval, actor: ann.id })
  await settled()
  assert.equal((await tree(strict, comment.id)).comment.heldForReview, true)
  await owner.post(site, { ...approval, actor: owner.id }, { path: '/accounts/root/inbox' })
  await site.when('it is shown', async () => (await threads(strict, reader.token)).some(({ id }) => id === comment.id))
  await site.when('it is sent again with the approval', () => peer.inbox.some(({ body }) => body.type === 'Create' && body.object.replyApproval === approval.id))
  const early = (await site.post(`/videos/${remote.uuid}/comment-threads`, { token: true, json: { text: 'shown at once' } })).json.comment
  const late = { ...approval, id: `${remote.url}/comments/11/approve-reply`, inReplyTo: remote.url, object: early.url }
  for (let i = 0; i < 2; i++) await owner.post(site, { ...late, actor: owner.id }, { path: '/accounts/root/inbox' })
  await site.when('what was shown already is sent again with the approval', () => peer.inbox.some(({ body }) => body.type === 'Create' && body.object.replyApproval === late.id))
  const theirs = note(ann, strict, 'approved over there', { replyApproval: `${strict.url}/comments/10/approve-reply` })
  peer.serve(pathOf(theirs.replyApproval), { '@context': context, ...approval, id: theirs.replyApproval, actor: owner.id, object: theirs.id })
  await ann.post(site, ann.say('Create', theirs))
  assert.equal((await comes(strict, 'approved over there')).heldForReview, false)
  const liar = note(bob, strict, 'approved by myself', { replyApproval: `${other.url}/approve/2` })
  await bob.post(site, bob.say('Create', liar))
  assert.equal((await comes(strict, 'approved by myself')).heldForReview, true)
  const thief = note(bob, strict, 'approved as somebody else', { replyApproval: theirs.replyApproval })
  await bob.post(site, bob.say('Create', thief))
  assert.equal((await comes(strict, 'approved as somebody else')).heldForReview, true)
})

test('T02 nobody deletes what a neighbour on the same server wrote, whatever they say it is', async () => {
  const mallory = peer.person('mallory')
  const said = note(ann, local, 'of ann alone')
  await ann.post(site, ann.say('Create', said))
  const { id } = await comes(local, 'of ann alone')
  await mallory.post(site, mallory.say('Delete', { ...said, attributedTo: mallory.id }))
  await mallory.post(site, mallory.say('Delete', { type: 'Tombstone', id: said.id, attributedTo: mallory.id }))
  await settled()
  assert.equal((await tree(local, id)).comment.isDeleted, false)
})

test('a Note has a warning, languages and pictures, and all of that is said', async () => {
  await bob.post(site, bob.say('Create', note(bob, local, undefined, {
    mediaType: undefined,
    contentMap: { de: '<p>Am Ende ist Ebbe.</p>' },
    summary: 'how it ends',
    sensitive: true,
    attachment: [{ type: 'Document', mediaType: 'image/png', url: 'https://m.example/ebbe.png', name: 'Das Watt' }, { type: 'Image', url: 'javascript:alert(1)' }],
    tag: [{ type: 'Hashtag', name: '#ebbe', href: 'https://m.example/tags/ebbe' }]
  })))
  await comes(local, 'how it ends\n\nAm Ende ist Ebbe.\n\n[Das Watt](https://m.example/ebbe.png)')
  for (const audience of [{ to: [`${bob.id}/followers`], cc: [root] }, { to: root, cc: undefined }, { to: [], cc: [] }, { to: undefined, cc: undefined }]) {
    await bob.post(site, bob.say('Create', note(bob, local, `not for all: ${JSON.stringify(audience)}`, audience)))
  }
  await bob.post(site, bob.say('Create', note(bob, local, 'listed nowhere, yet public', { to: `${bob.id}/followers`, cc: 'as:Public' })))
  await comes(local, 'listed nowhere, yet public')
  assert.doesNotMatch(JSON.stringify(await threads(local, true)), /not for all/)
})

test('a comment that is longer than may be is here as far as it may, and leads to the whole', async () => {
  const page = `${peer.url}/@ann/long`
  const long = note(ann, local, `<p>${'the sea comes in and goes out '.repeat(800)}</p>`, { mediaType: 'text/html', url: page })
  assert.equal((await ann.post(site, ann.say('Create', long))).status, 204)
  const kept = await site.when('it is here', async () => (await threads(local, true)).find(({ url }) => url === long.id))
  assert.match(kept.text, /^the sea comes in and goes out the sea/)
  assert.ok([...kept.text].length > 9900 && [...kept.text].length <= 10000, `${[...kept.text].length}`)
  assert.ok(kept.text.endsWith(` …\n\n<${page}>`), kept.text.slice(-100))
  const shorter = { ...long, content: '<p>the sea</p>', updated: new Date().toISOString() }
  peer.serve(pathOf(long.id), { '@context': context, ...shorter })
  assert.equal((await ann.post(site, ann.say('Update', shorter))).status, 204)
  await comes(local, 'the sea')
})

test('what is sent again and again is passed on once', async () => {
  const said = note(ann, local, 'told once')
  const passed = type => third.inbox.filter(({ body }) => body.type === type && (body.object.id ?? body.object) === said.id).length
  for (let i = 0; i < 4; i++) await ann.post(site, ann.say('Create', said))
  const { id } = await comes(local, 'told once')
  await third.came('the comment', ({ type, object }) => type === 'Create' && object.id === said.id)
  const better = { ...said, content: 'told better', updated: new Date().toISOString() }
  peer.serve(pathOf(said.id), { '@context': context, ...better })
  for (let i = 0; i < 4; i++) await ann.post(site, ann.say('Update', better))
  await comes(local, 'told better')
  await third.came('the change', ({ type, object }) => type === 'Update' && object.id === said.id)
  peer.serve(pathOf(said.id), { '@context': context, ...better, content: 'told too often' })
  await ann.post(site, ann.say('Update', { ...better, content: 'told too often' }))
  for (let i = 0; i < 4; i++) await ann.post(site, ann.say('Delete', said.id))
  await site.when('it is deleted', async () => (await tree(local, id)).comment.isDeleted)
  await third.came('the deletion', ({ type, object }) => type === 'Delete' && object === said.id)
  await settled()
  assert.deepEqual(['Create', 'Update', 'Delete'].map(passed), [1, 1, 1])
})

test('an approval is of the text that was read', async () => {
  const said = note(ann, reviewed, 'nice film')
  await ann.post(site, ann.say('Create', said))
  const { id } = await comes(reviewed, 'nice film')
  assert.equal((await site.post(`/videos/${reviewed.uuid}/comments/${id}/approve`, { token: true })).status, 204)
  const total = async () => (await site.get(`/videos/${reviewed.uuid}`, { token: true })).json.comments
  await site.when('it counts', async () => await total() === 2)
  peer.serve(pathOf(said.id), { '@context': context, ...said, content: 'buy my pills', updated: new Date().toISOString() })
  await ann.post(site, ann.say('Update', { ...said, content: 'buy my pills' }))
  assert.equal((await comes(reviewed, 'buy my pills')).heldForReview, true)
  assert.ok(!(await threads(reviewed)).some(comment => comment.id === id))
  await site.when('it counts no more', async () => await total() === 1)
  assert.equal((await ap(`/videos/watch/${reviewed.uuid}/comments/${id}/approve-reply`)).status, 404)
  assert.equal((await site.post(`/videos/${reviewed.uuid}/comments/${id}/approve`, { token: true })).status, 204)
  assert.ok((await threads(reviewed)).some(({ text }) => text === 'buy my pills'))
  assert.ok(!third.inbox.some(({ body }) => body.type === 'Update' && body.object.id === said.id))
})

test('plugins that look at comments look at changed ones too', async () => {
  const said = note(ann, local, 'harmless')
  await ann.post(site, ann.say('Create', said))
  const { id } = await comes(local, 'harmless')
  const change = async content => {
    peer.serve(pathOf(said.id), { '@context': context, ...said, content, updated: new Date().toISOString() })
    await ann.post(site, ann.say('Update', { ...said, content }))
  }
  await change('a scam')
  await settled()
  assert.equal((await tree(local, id)).comment.text, 'harmless')
  await change('some spam')
  await site.when('it is held', async () => (await tree(local, id)).comment.heldForReview)
  assert.ok(!(await threads(local)).some(comment => comment.id === id))
})

test('who writes fast waits, whatever dates their server gives', async () => {
  const dave = other.person('dave')
  const items = Array.from({ length: 95 }, (_, i) => dave.say('Create', note(dave, remote, `flood ${i}`, { published: '2026-01-02T03:04:05.000Z' })))
  const body = { type: 'Collection', totalItems: items.length, items }
  assert.equal((await dave.post(site, body)).status, 204)
  const count = async () => (await site.get('/videos/comments?count=1&search=flood', { token: true })).json.total
  await site.when('as many are here as one may write', async () => await count() === 80)
  await settled()
  assert.equal(await count(), 80)
})

test('names of accounts do not change what an address means', async () => {
  const odd = await site.user('dislikes')
  assert.equal((await site.put(`/videos/${local.uuid}/rate`, { token: odd.token, json: { rating: 'like' } })).status, 204)
  assert.equal((await ap(`/accounts/dislikes/likes/${local.id}`)).json?.type, 'Like')
  assert.equal((await ap(`/accounts/dislikes/dislikes/${local.id}`)).status, 404)
})

test('where comments are off none come in', async () => {
  assert.equal((await site.put(`/videos/${local.uuid}`, { token: true, json: { commentsPolicy: 2 } })).status, 204)
  await ann.post(site, ann.say('Create', note(ann, local, 'too late')))
  await sleep(1500)
  assert.equal((await site.put(`/videos/${local.uuid}`, { token: true, json: { commentsPolicy: 1 } })).status, 204)
  await settled()
  assert.equal(await found(local, 'too late'), undefined)
})

test('what people of a blocked server say is not shown until they may again', async () => {
  const said = note(bob, local, 'from a blocked place')
  await bob.post(site, bob.say('Create', said))
  const { id } = await comes(local, 'from a blocked place')
  await ann.post(site, ann.say('Create', note(ann, said, 'below it')))
  await site.when('the answer is here', async () => (await tree(local, id)).children.length === 1)
  const root = await found(local, 'from a blocked place')
  assert.equal(root.totalReplies, 1)
  const own = note(ann, local, 'of a free place')
  await ann.post(site, ann.say('Create', own))
  const free = await comes(local, 'of a free place')
  await bob.post(site, bob.say('Create', note(bob, own, 'blocked below it')))
  await site.when('that answer is here', async () => (await tree(local, free.id)).children.length === 1)
  const total = async token => (await site.get(`/videos/${local.uuid}/comment-threads`, token ? { token } : {})).json.total
  const before = await total(reader.token)
  assert.equal((await site.post('/server/blocklist/servers', { token: true, json: { host: other.host } })).status, 204)
  for (const token of [undefined, reader.token, true]) {
    assert.ok(!(await threads(local, token)).some(comment => comment.id === id))
  }
  assert.ok(await total(reader.token) < before)
  assert.equal((await site.get(`/videos/${local.uuid}/comment-threads/${id}`, { token: reader.token })).status, 404)
  assert.deepEqual((await tree(local, free.id)).children, [])
  assert.equal((await found(local, 'of a free place')).totalReplies, 0)
  assert.equal((await site.delete(`/server/blocklist/servers/${other.host}`, { token: true })).status, 204)
  assert.equal((await tree(local, id)).children.length, 1)
  assert.equal((await tree(local, free.id)).children.length, 1)
  assert.equal(await total(reader.token), before)
})

test('nothing is left that waits or failed', async () => {
  await site.when('all is done', async () => !(await jobs())?.data?.some(job => /^(comments|ratings)\./.test(job.type ?? job.kind ?? '')))
  assert.doesNotMatch(site.log, /parked|sanitizer/i)
})
