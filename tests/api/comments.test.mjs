// comments.test.mjs - threads, replies, tombstones, reviews, lists, and what may not be.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

const judge = `
local shoal = require "shoal"
shoal.decide("comment.create", function(event)
  local text = event.comment.text
  if text:find("refuse me", 1, true) then return shoal.refuse("no such words") end
  if text:find("hold me", 1, true) then return shoal.hold("a moderator looks at it") end
end)
shoal.tell("comment.changed", function(event)
  shoal.log("info", "comment " .. event.comment.id .. " " .. event.what .. " by " .. tostring(event.by) .. " below " .. event.video.name .. ": " .. event.comment.text)
end)
`

let site, open, quiet, reviewed, closed, owner, alice, bob, file

before(async () => {
  site = await startInstance({ started: false, settings: ['comments.per_minute=10000'] })
  const pin = writePlugin(join(site.folder, 'plugins'), 'judge', { lua: judge, manifest: { hooks: ['comment.create', 'comment.changed'] } })
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', 'comments', line('judge', pin)])
  await site.start()
  owner = await site.user('owner')
  alice = await site.user('alice')
  bob = await site.user('bob')
  file = await clip('h264')
  const add = fields => site.upload(file, { channelId: owner.channelId, ...fields }, owner.token)
  open = await add({ name: 'Low tide' })
  quiet = await add({ name: 'No words', commentsPolicy: 2 })
  reviewed = await add({ name: 'High tide', commentsPolicy: 3 })
  closed = await add({ name: 'Nobody sees this', privacy: 3 })
  for (const video of [open, quiet, reviewed, closed]) await site.published(video.uuid)
})
after(() => site?.stop())

const write = (who, video, text, parent) =>
  site.post(parent ? `/videos/${video.uuid}/comments/${parent}` : `/videos/${video.uuid}/comment-threads`, { token: who.token, json: { text } })
const wrote = async (...args) => {
  const answer = await write(...args)
  assert.equal(answer.status, 200, answer.text)
  return answer.json.comment
}
const remove = (who, video, id) => site.delete(`/videos/${video.uuid}/comments/${id}`, { token: who.token })
const approve = (who, video, id) => site.post(`/videos/${video.uuid}/comments/${id}/approve`, { token: who?.token })
const threads = async (video, who, query = '') => (await site.get(`/videos/${video.uuid}/comment-threads${query}`, who ? { token: who.token } : {})).json
const thread = (video, id, who) => site.get(`/videos/${video.uuid}/comment-threads/${id}`, who ? { token: who.token } : {})
const count = async video => (await site.get(`/videos/${video.uuid}`, { token: true })).json.comments
const texts = ({ comment, children }) => [comment.text, children.map(texts)]

test('a thread has the shape of PeerTube, and grows replies in their order', async () => {
  const root = await wrote(alice, open, '  First **tide**\r\n\r\n')
  assert.deepEqual(Object.keys(root).sort(), ['account', 'createdAt', 'deletedAt', 'heldForReview', 'id', 'inReplyToCommentId',
    'isDeleted', 'text', 'threadId', 'totalReplies', 'totalRepliesFromVideoAuthor', 'updatedAt', 'url', 'videoId'])
  assert.equal(root.text, 'First **tide**')
  assert.deepEqual([root.threadId, root.inReplyToCommentId, root.videoId, root.deletedAt, root.isDeleted, root.heldForReview], [root.id, null, open.id, null, false, false])
  assert.equal(root.account.name, 'alice')
  assert.equal(root.url, `${site.url}/videos/watch/${open.uuid}/comments/${root.id}`)
  const one = await wrote(bob, open, 'one', root.id)
  const two = await wrote(owner, open, 'two', root.id)
  const inner = await wrote(alice, open, 'inner', one.id)
  assert.deepEqual([inner.threadId, inner.inReplyToCommentId], [root.id, one.id])
  const tree = (await thread(open, root.id)).json
  assert.deepEqual(texts(tree), ['First **tide**', [['one', [['inner', []]]], ['two', []]]])
  assert.equal(tree.comment.totalReplies, 3)
  assert.equal(tree.comment.totalRepliesFromVideoAuthor, 1)
  const second = await wrote(bob, open, 'Second')
  const list = await threads(open)
  assert.deepEqual([list.total, list.totalNotDeletedComments, list.data.map(({ id }) => id)], [2, 5, [second.id, root.id]])
  assert.deepEqual([list.data[1].totalReplies, list.data[1].totalRepliesFromVideoAuthor], [3, 1])
  assert.deepEqual((await threads(open, null, '?sort=-totalReplies')).data.map(({ id }) => id), [root.id, second.id])
  assert.deepEqual((await threads(open, null, '?sort=createdAt&count=1')).data.map(({ id }) => id), [root.id])
  assert.deepEqual((await threads(open, null, '?start=1&count=5')).data.map(({ id }) => id), [root.id])
  assert.equal(await count(open), 5)
  assert.ok(two.id)
})

test('a deleted comment leaves a tombstone, and the thread stays whole', async () => {
  const root = await wrote(alice, open, 'to be gone')
  const reply = await wrote(bob, open, 'stays', root.id)
  const before = await count(open)
  assert.equal((await remove(bob, open, root.id)).status, 403)
  assert.equal((await site.delete(`/videos/${open.uuid}/comments/${root.id}`)).status, 401)
  assert.equal((await remove(alice, open, root.id)).status, 204)
  assert.equal((await remove(alice, open, root.id)).status, 409)
  const tree = (await thread(open, root.id)).json
  assert.deepEqual([tree.comment.text, tree.comment.account, tree.comment.isDeleted], ['', null, true])
  assert.ok(Date.parse(tree.comment.deletedAt) > 0)
  assert.deepEqual(texts(tree), ['', [['stays', []]]])
  assert.equal(await count(open), before - 1)
  assert.equal((await write(bob, open, 'too late', root.id)).status, 409)
  assert.equal((await remove(owner, open, reply.id)).status, 204, 'the owner of the video may')
  const moderated = await wrote(bob, open, 'for the staff')
  assert.equal((await site.delete(`/videos/${open.uuid}/comments/${moderated.id}`, { token: true })).status, 204)
})

test('bad input names its field, and what is not there is not found', async () => {
  for (const text of [undefined, null, '', ' \n ', 7, ['x'], 'x'.repeat(10001), '\u0001']) {
    const answer = await site.post(`/videos/${open.uuid}/comment-threads`, { token: alice.token, json: { text } })
    assert.equal(answer.status, 400, String(text).slice(0, 20))
    assert.ok(answer.json['invalid-params'].text)
  }
  assert.equal((await wrote(alice, open, '🐟'.repeat(10000))).text.length, 20000)
  assert.equal((await wrote(alice, open, 'a\u0007b')).text, 'ab')
  assert.equal((await site.post(`/videos/${open.uuid}/comment-threads`, { json: { text: 'x' } })).status, 401)
  assert.equal((await write(alice, open, 'x', 999999)).status, 404)
  assert.equal((await thread(open, 999999)).status, 404)
  assert.equal((await thread(open, 'x')).status, 400)
  assert.equal((await threads(open, null, '?sort=likes')).status, 400)
  assert.equal((await threads(open, null, '?count=101'))['invalid-params'].count !== undefined, true)
  const elsewhere = await wrote(alice, reviewed, 'elsewhere')
  const wrong = await write(alice, open, 'x', elsewhere.id)
  assert.deepEqual([wrong.status, wrong.json.code], [400, 'comment_not_associated_to_video'])
  const root = await wrote(alice, open, 'root')
  const reply = await wrote(alice, open, 'reply', root.id)
  assert.equal((await thread(open, reply.id)).status, 400)
  assert.equal((await write(alice, closed, 'x')).status, 403)
  assert.equal((await site.get(`/videos/${closed.uuid}/comment-threads`)).status, 401)
  assert.equal((await site.get('/videos/00000000-0000-4000-8000-000000000000/comment-threads')).status, 404)
})

test('a thread is not endlessly deep', async () => {
  let parent = (await wrote(bob, open, 'depth 0')).id
  const root = parent
  for (let depth = 1; depth <= 100; depth++) parent = (await wrote(bob, open, `depth ${depth}`, parent)).id
  assert.equal((await write(bob, open, 'too deep', parent)).status, 409)
  const page = await site.get(`//w/${open.shortUUID}?sort=-totalReplies`)
  assert.equal(page.status, 200)
  assert.match(page.text, /depth 100/)
  assert.equal((await thread(open, root)).json.comment.totalReplies, 100)
})

test('where comments are off nobody writes and nobody reads', async () => {
  assert.deepEqual(await threads(quiet, owner), { total: 0, totalNotDeletedComments: 0, data: [] })
  assert.equal((await write(alice, quiet, 'hello')).status, 409)
  assert.equal((await write(owner, quiet, 'hello')).status, 409)
  const made = await wrote(alice, open, 'before it was off')
  assert.equal((await site.put(`/videos/${open.uuid}`, { token: owner.token, json: { commentsEnabled: false } })).status, 204)
  assert.equal((await threads(open)).total, 0)
  assert.equal((await thread(open, made.id)).status, 404)
  assert.equal((await site.put(`/videos/${open.uuid}`, { token: owner.token, json: { commentsPolicy: 1 } })).status, 204)
  assert.equal((await thread(open, made.id)).status, 200)
})

test('where the owner reviews, a comment waits until it is approved', async () => {
  const before = await count(reviewed)
  const waiting = await wrote(alice, reviewed, 'please let me in')
  assert.equal(waiting.heldForReview, true)
  assert.equal(await count(reviewed), before)
  const ids = async who => (await threads(reviewed, who)).data.map(({ id }) => id)
  assert.ok(!(await ids(null)).includes(waiting.id))
  assert.ok(!(await ids(bob)).includes(waiting.id))
  assert.ok((await ids(alice)).includes(waiting.id), 'who wrote it sees it')
  assert.ok((await ids(owner)).includes(waiting.id))
  assert.equal((await thread(reviewed, waiting.id)).status, 404)
  assert.equal((await write(bob, reviewed, 'x', waiting.id)).status, 404)
  assert.equal((await approve(null, reviewed, waiting.id)).status, 401)
  assert.equal((await approve(alice, reviewed, waiting.id)).status, 403)
  assert.equal((await approve(owner, reviewed, waiting.id)).status, 204)
  assert.equal((await approve(owner, reviewed, waiting.id)).status, 400)
  assert.ok((await ids(null)).includes(waiting.id))
  assert.equal(await count(reviewed), before + 1)
  assert.equal((await wrote(owner, reviewed, 'mine need no review')).heldForReview, false)
  const bad = await wrote(bob, reviewed, 'not this one')
  assert.equal((await remove(owner, reviewed, bad.id)).status, 204)
  assert.equal((await approve(owner, reviewed, bad.id)).status, 409)
  assert.equal(await count(reviewed), before + 2)
})

test('plugins refuse and hold; what they held is released or refused', async () => {
  const refused = await write(alice, open, 'refuse me')
  assert.deepEqual([refused.status, refused.json.detail], [403, 'no such words'])
  const held = await wrote(alice, open, 'hold me')
  assert.equal(held.heldForReview, true)
  assert.ok(!(await threads(open)).data.some(({ id }) => id === held.id))
  assert.equal((await approve(owner, open, held.id)).status, 204)
  assert.ok((await threads(open)).data.some(({ id }) => id === held.id))
})

test('each change is told', async () => {
  const root = await wrote(alice, open, 'to be told')
  await remove(alice, open, root.id)
  await site.when('both are told', () => site.log.includes(`comment ${root.id} created by alice below Low tide: to be told`) &&
    site.log.includes(`comment ${root.id} deleted by alice below Low tide: to be told`))
  await site.when('the approval too', () => /comment \d+ approved by owner below High tide: please let me in/.test(site.log))
})

test('owners and moderators have lists that can be searched', async () => {
  const mine = async query => (await site.get(`/users/me/videos/comments${query}`, { token: owner.token })).json
  const held = await wrote(bob, reviewed, 'Waits 100%_sure')
  const waiting = await mine('?isHeldForReview=true')
  assert.ok(waiting.data.every(({ heldForReview }) => heldForReview))
  assert.deepEqual(Object.keys(waiting.data[0]).sort(), ['account', 'automaticTags', 'createdAt', 'heldForReview', 'id', 'inReplyToCommentId',
    'text', 'threadId', 'updatedAt', 'url', 'video', 'videoId'])
  assert.equal(waiting.data[0].id, held.id)
  assert.deepEqual([waiting.data[0].video.uuid, waiting.data[0].video.name, waiting.data[0].automaticTags], [reviewed.uuid, 'High tide', []])
  assert.deepEqual((await mine('?search=100%25_SURE')).data.map(({ id }) => id), [held.id])
  assert.equal((await mine('?search=100x_sure')).total, 0, '% is a letter')
  assert.ok((await mine('?searchAccount=ALICE')).data.every(({ account }) => account.name === 'alice'))
  assert.ok((await mine('?searchVideo=high')).data.every(({ video }) => video.uuid === reviewed.uuid))
  assert.equal((await mine(`?videoId=${quiet.uuid}`)).total, 0)
  assert.ok((await mine(`?videoId=${reviewed.uuid}&count=1`)).data.length === 1)
  assert.ok((await mine(`?videoChannelId=${owner.channelId}`)).total > 5)
  assert.equal((await mine('?autoTagOneOf=x')).total, 0)
  assert.equal((await site.get('/users/me/videos/comments', { token: alice.token })).json.total, 0)
  assert.equal((await site.get('/users/me/videos/comments')).status, 401)
  const all = await site.get('/videos/comments?isLocal=true&onLocalVideo=true&sort=createdAt', { token: true })
  assert.ok(all.json.total > 10)
  assert.equal((await site.get('/videos/comments?isLocal=false', { token: true })).json.total, 0)
  assert.equal((await site.get('/videos/comments', { token: owner.token })).status, 403)
  for (const bad of ['isLocal=x', 'sort=text', 'count=1000', 'videoChannelId=x']) {
    const answer = await site.get(`/videos/comments?${bad}`, { token: true })
    assert.equal(answer.status, 400, bad)
  }
})

test('hostile markup is text, and headings are no headings of the page', async () => {
  const video = await site.upload(file, { name: 'Markup', channelId: owner.channelId }, owner.token)
  await site.published(video.uuid)
  await wrote(alice, video, '# big\n\nunder\n---\n<script>alert(1)</script><img src=x onerror=alert(2)> <a href="javascript:alert(3)" onclick=alert(4)>x</a> [y](javascript:alert(5)) ![z](https://track.example/p.png)\n<form action=//evil.example><button>go</button></form><style>*{}</style><iframe src=//evil.example></iframe>')
  await wrote(alice, video, '{{csrf}} {{{slots}}} </article></section><h1 id=x>')
  const { json: { access_token: token } } = await site.logIn('alice', alice.password)
  const [, part] = (await site.get(`//w/${video.shortUUID}`, { token })).text.match(/<section class="comments"([\s\S]*?)<\/section>/)
  const tags = part.match(/<[^>]*>/g).join('')
  for (const never of ['<script', 'onerror', 'onclick=alert', 'javascript:', 'track.example', 'evil.example', '<style', '<iframe', '<h1', '<hr']) {
    assert.ok(!tags.includes(never), never)
  }
  assert.match(part, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/, 'what was said is shown')
  assert.equal(part.match(/<h2/g).length, 1)
  assert.match(part, /# big/)
  assert.match(part, /\{\{csrf\}\} \{\{\{slots\}\}\}/)
})

test('the watch page works without JavaScript: write, answer, delete, approve', async () => {
  const forms = async (who, password) => {
    const { json: { access_token: token } } = await site.logIn(who, password)
    return { token, see: async () => (await site.get(`//w/${reviewed.shortUUID}`, { token })).text, send: (path, form = {}) => site.api('POST', path, { token, form: { ...form, x: '1' } }) }
  }
  const visitor = await forms('alice', alice.password)
  const host = await forms('owner', owner.password)
  const sent = await visitor.send(`//w/${reviewed.shortUUID}/comments`, { text: 'from a form' })
  assert.equal(sent.status, 303)
  const [, id] = sent.headers.location.match(new RegExp(`^/w/${reviewed.shortUUID}#comment-(\\d+)$`))
  assert.match(await visitor.see(), /from a form/)
  assert.doesNotMatch((await site.get(`//w/${reviewed.shortUUID}`)).text, /from a form/)
  assert.match(await host.see(), new RegExp(`action="/w/${reviewed.shortUUID}/comments/${id}/approve"`))
  assert.match((await site.get('//my/comments', { token: host.token })).text, /from a form/)
  assert.equal((await host.send(`//my/comments/${reviewed.shortUUID}/${id}/approve`)).status, 303)
  assert.equal((await host.send(`//w/${reviewed.shortUUID}/comments/${id}`, { text: 'welcome' })).status, 303)
  const tree = (await thread(reviewed, id)).json
  assert.deepEqual(texts(tree), ['from a form', [['welcome', []]]])
  const empty = await visitor.send(`//w/${reviewed.shortUUID}/comments/${id}`, { text: ' ' })
  assert.equal(empty.status, 400)
  assert.match(empty.text, /role="alert">Should have a text/)
  assert.equal((await visitor.send(`//w/${reviewed.shortUUID}/comments/${id}/delete`)).status, 303)
  assert.equal((await thread(reviewed, id)).json.comment.isDeleted, true)
  assert.match((await site.get('//admin/comments?held=false', { token: true })).text, /welcome/)
  assert.equal((await site.get('//admin/comments', { token: visitor.token })).status, 403)
})

test('the owner chooses in the form of the video', async () => {
  const { json: { access_token: token } } = await site.logIn('owner', owner.password)
  const form = { name: 'No words', privacy: 1, channelId: owner.channelId, waitTranscoding: 'true' }
  assert.match((await site.get(`//my/videos/${quiet.shortUUID}/edit`, { token })).text, /<option value="2" selected>/)
  const sent = await site.api('POST', `//my/videos/${quiet.shortUUID}/edit`, { token, form: { ...form, commentsPolicy: 3 } })
  assert.equal(sent.status, 303, sent.text.slice(0, 300))
  assert.equal((await site.get(`/videos/${quiet.uuid}`)).json.commentsPolicy.id, 3)
  assert.equal((await site.api('POST', `//my/videos/${quiet.shortUUID}/edit`, { token, form: { ...form, commentsPolicy: 9 } })).status, 400)
  assert.equal((await site.api('POST', `//my/videos/${quiet.shortUUID}/edit`, { token, form })).status, 303)
  assert.equal((await site.get(`/videos/${quiet.uuid}`)).json.commentsPolicy.id, 3, 'a theme without the field changes nothing')
  assert.match((await site.get('//upload', { token })).text, /<select id="commentsPolicy"/)
})

test('a whole account can be silenced at once, below my videos or everywhere', async () => {
  const eve = await site.user('eve')
  const hers = await site.upload(file, { name: 'Of alice', channelId: alice.channelId }, alice.token)
  await site.published(hers.uuid)
  const below = await wrote(eve, hers, 'below alice')
  const other = await wrote(eve, open, 'below owner')
  const bulk = (who, json) => site.post('/bulk/remove-comments-of', { token: who === true ? true : who.token, json })
  assert.equal((await bulk(alice, { accountName: 'eve', scope: 'instance' })).status, 403)
  assert.equal((await bulk(alice, { accountName: 'eve', scope: 'world' })).status, 400)
  assert.equal((await bulk(alice, { accountName: 'nobody', scope: 'my-videos' })).status, 404)
  assert.equal((await bulk(alice, { accountName: 'eve', scope: 'my-videos' })).status, 204)
  assert.equal((await thread(hers, below.id)).json.comment.isDeleted, true)
  assert.equal((await thread(open, other.id)).json.comment.isDeleted, false)
  assert.equal((await bulk(true, { accountName: 'eve', scope: 'instance' })).status, 204)
  assert.equal((await thread(open, other.id)).json.comment.isDeleted, true)
})

test('who goes leaves tombstones, and a video takes its comments along', async () => {
  const zoe = await site.user('zoe')
  const root = await wrote(zoe, open, 'here for a day')
  await wrote(bob, open, 'an answer', root.id)
  const before = await count(open)
  assert.equal((await site.delete(`/users/${zoe.id}`, { token: true })).status, 204)
  await site.when('it is a tombstone', async () => (await thread(open, root.id)).json.comment.isDeleted)
  await site.when('it counts no more', async () => await count(open) === before - 1)
  const made = await wrote(bob, reviewed, 'goes along')
  assert.equal((await site.delete(`/videos/${reviewed.uuid}`, { token: owner.token })).status, 204)
  await site.when('none is listed', async () => !(await site.get('/videos/comments?count=100', { token: true })).json.data.some(({ id }) => id === made.id))
})
