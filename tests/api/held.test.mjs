// held.test.mjs - what plugins hold back: who sees it, how it is let through or refused, and what becomes of it.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { shoal, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, writePlugin } from '../kit/plugins.mjs'

const rule = `
local shoal = require "shoal"
local function has(word, place)
  return function(event)
    if string.find(place(event), word, 1, true) then return shoal.hold("it says " .. word) end
  end
end
shoal.decide("upload.finish", has("heavy", function(event) return event.video.name end))
shoal.decide("video.publish", has("long", function(event) return event.video.name end))
shoal.decide("comment.create", has("buy", function(event) return event.comment.text end))
shoal.decide("follow.request", has("new", function(event) return event.follower.name end))
shoal.decide("user.register", has("", function() return "" end))
`
/** Registers whoever asks, and holds something that nobody knows. */
const door = `#include <shoal/plugin.h>
static int post(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    json_t *body = shoal_request_body(request, err);
    json_t *made = body ? shoal_user_create(call, body, "register", err) : NULL;
    return made ? shoal_answer_json(request, 200, made) : err->code;
}
static int hold_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    int code = shoal_held_add(tx, "door.ask", "parcel:1", NULL, err);
    return code ? code : shoal_held_add(tx, "door.bell", "u:1", NULL, err);
}
static int hold(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    int code = shoal_tx(call, hold_tx, arg, err);
    return code ? code : shoal_answer_status(request, 204);
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    struct shoal_route route = {.method = "POST", .path = "/door", .handler = post, .body = SHOAL_BODY_DATA};
    int code = shoal_route_add(self, &route, err);
    route.path = "/door/parcel";
    route.handler = hold;
    return code ? code : shoal_route_add(self, &route, err);
}
SHOAL_PLUGIN(.name = "door", .start = start);
`

let site, ann, mod, host
before(async () => {
  site = await startInstance({ started: false })
  const folder = join(site.folder, 'plugins')
  const pins = [
    ['rule', writePlugin(folder, 'rule', { lua: rule, manifest: { hooks: ['upload.finish', 'video.publish', 'comment.create', 'follow.request', 'user.register'] } })],
    ['door', writePlugin(folder, 'door', { c: door, manifest: { permissions: ['routes:/door', 'write:users'] } })]
  ]
  site.config = site.config.replace(/^plugins = \{\n/m, match => match + pins.map(([name, pin]) => `  ${line(name, pin)},\n`).join(''))
  await site.start()
  ann = await site.user('ann')
  mod = await site.user('mod', { role: 1 })
  host = new URL(site.url).host
})
after(() => site?.stop())

const list = async (query = '') => {
  const answer = await site.get(`/held${query}`, { token: mod.token })
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}
const holds = async hook => (await site.when(`${hook} holds one`, async () => {
  const { data } = await list(`?hook=${hook}`)
  return data.length === 1 && data
}))[0]
const answer = (id, verb, json = {}, token = mod.token) => site.post(`/held/${id}/${verb}`, { token, json })
const comments = async (video, token) => (await site.get(`/videos/${video.uuid}/comment-threads`, { token })).json.data
const write = async (video, text) => {
  const made = await site.post(`/videos/${video.uuid}/comment-threads`, { token: ann.token, json: { text } })
  assert.equal(made.status, 200, made.text)
  return made.json.comment
}

test('moderators and administrators see it, nobody else does', async () => {
  for (const token of [mod.token, true]) {
    const { status, json } = await site.get('/held', { token })
    assert.deepEqual([status, json], [200, { total: 0, data: [] }])
  }
  for (const [token, status] of [[undefined, 401], [ann.token, 403]]) {
    for (const refused of [await site.get('/held', { token }), await site.post('/held/1/release', { token, json: {} }), await site.post('/held/1/refuse', { token, json: {} })]) {
      assert.equal(refused.status, status)
      assert.match(refused.headers['content-type'], /problem\+json/)
    }
  }
})

test('a video that is let through is there for everybody', async () => {
  const video = await site.upload(await clip('h264'), { name: 'A long one', description: 'All of it' }, ann.token)
  const held = await holds('video.publish')
  assert.equal((await site.get(`/videos/${video.uuid}`)).status, 401)
  assert.deepEqual({ ...held, id: 0, at: '', what: 0 }, { id: 0, hook: 'video.publish', subject: `video:${video.uuid}`, plugin: 'rule', sentence: 'it says long', at: '', canRelease: true, what: 0 })
  const { what } = held
  assert.deepEqual([what.kind, what.title, what.text, what.path, what.privacy.id, what.duration], ['video', 'A long one', 'All of it', `/w/${video.shortUUID}`, 1, 2])
  assert.deepEqual([what.account.name, what.account.host, what.account.displayName, what.account.isLocal], ['ann', host, 'ann', true])
  assert.ok(Date.now() - Date.parse(held.at) < 60000)
  assert.equal((await answer(held.id, 'release')).status, 204)
  await site.published(video.uuid)
  assert.equal((await site.get(`/videos/${video.uuid}`)).status, 200)
  assert.equal((await list()).total, 0)
})

test('a video that is refused stays hidden, and its owner reads why', async () => {
  const video = await site.upload(await clip('h264'), { name: 'Too long' }, ann.token)
  const held = await holds('video.publish')
  assert.equal((await answer(held.id, 'refuse', { reason: 'Please make it shorter' })).status, 204)
  assert.equal((await site.get(`/videos/${video.uuid}`)).status, 401)
  const seen = (await site.get(`/videos/${video.uuid}`, { token: ann.token })).json
  assert.deepEqual([seen.blacklisted, seen.blacklistedReason], [true, 'Please make it shorter'])
  assert.equal((await list()).total, 0)
})

test('an upload that is refused is gone', async () => {
  const video = await site.upload(await clip('h264'), { name: 'A heavy one' }, ann.token)
  const held = await holds('upload.finish')
  assert.equal(held.what.title, 'A heavy one')
  assert.equal((await answer(held.id, 'refuse')).status, 204)
  assert.equal((await site.get(`/videos/${video.uuid}`, { token: true })).status, 404)
})

test('comments are let through and refused; what they say is shown as text', async () => {
  const video = await site.upload(await clip('h264'), { name: 'Talk' }, ann.token)
  await site.published(video.uuid)
  const comment = await write(video, 'buy <b>this</b>')
  assert.deepEqual(await comments(video), [])
  const held = await holds('comment.create')
  assert.deepEqual({ ...held.what, account: held.what.account.name },
    { kind: 'comment', title: 'Talk', text: 'buy \\<b>this\\</b>', path: `/w/${video.shortUUID}#comment-${comment.id}`, account: 'ann' })
  assert.equal((await answer(held.id, 'release')).status, 204)
  assert.deepEqual((await comments(video)).map(({ id }) => id), [comment.id])
  await write(video, 'buy more')
  assert.equal((await answer((await holds('comment.create')).id, 'refuse')).status, 204)
  for (const token of [undefined, ann.token, true]) assert.equal((await comments(video, token)).length, 1, 'nobody sees that it was there')
  assert.equal((await list()).total, 0)
})

test('what answers a comment that is refused keeps its place', async () => {
  const video = await site.upload(await clip('h264'), { name: 'Answered' }, ann.token)
  await site.published(video.uuid)
  const { id } = await write(video, 'buy this')
  const reply = await site.post(`/videos/${video.uuid}/comments/${id}`, { token: ann.token, json: { text: 'or not' } })
  assert.equal(reply.status, 200, reply.text)
  assert.equal((await answer((await holds('comment.create')).id, 'refuse')).status, 204)
  assert.deepEqual((await comments(video)).map(({ id, isDeleted, text }) => [id, isDeleted, text]), [[id, true, '']])
  const tree = (await site.get(`/videos/${video.uuid}/comment-threads/${id}`)).json
  assert.deepEqual(tree.children.map(({ comment }) => comment.text), ['or not'])
})

test('who wants to follow, and who wants to register', async () => {
  const fan = await site.user('newfan')
  const ask = async () => assert.equal((await site.post('/users/me/subscriptions', { token: fan.token, json: { uri: 'ann_channel' } })).status, 204)
  const state = async () => (await site.get('/users/me/subscriptions/ann_channel', { token: fan.token })).json.subscription?.state
  await ask()
  const follow = await holds('follow.request')
  assert.deepEqual([follow.what.kind, follow.what.account.name, follow.what.target.name, follow.what.target.type], ['follow', 'newfan', 'ann_channel', 'Group'])
  assert.equal((await answer(follow.id, 'release')).status, 204)
  assert.equal(await state(), 'accepted')

  for (const [username, verb, status] of [['berta', 'release', 200], ['carl', 'refuse', 400]]) {
    const made = await site.post('//door', { json: { username, password: 'pass word 99', email: `${username}@example.org` } })
    assert.equal(made.status, 200, made.text)
    assert.equal((await site.logIn(username, 'pass word 99')).status, 400)
    const held = await holds('user.register')
    assert.deepEqual([held.what.kind, held.what.title, held.what.email, held.what.account.name], ['user', username, `${username}@example.org`, username])
    assert.equal((await answer(held.id, verb)).status, 204)
    assert.equal((await site.logIn(username, 'pass word 99')).status, status)
  }
})

test('the oldest comes first, in pages; each is answered once, by who saw what it is now', async () => {
  const video = await site.upload(await clip('h264'), { name: 'More talk' }, ann.token)
  await site.published(video.uuid)
  for (const text of ['buy one', 'buy two', 'buy three']) await write(video, text)
  const { total, data } = await list('?start=1&count=1')
  assert.deepEqual([total, data.map(({ what }) => what.text)], [3, ['buy two']])
  assert.equal((await list('?hook=video.publish')).total, 0)
  for (const [query, field] of [['start=-1', 'start'], ['count=101', 'count'], ['count=x', 'count']]) {
    const bad = await site.get(`/held?${query}`, { token: mod.token })
    assert.equal(bad.status, 400)
    assert.ok(field in bad.json['invalid-params'], query)
  }
  const [two] = data
  assert.equal((await answer(two.id, 'release', { at: '2020-01-01T00:00:00.000Z' })).status, 409)
  for (const [json, field] of [[{ reason: 7 }, 'reason'], [{ reason: 'é'.repeat(251) }, 'reason'], [{ at: {} }, 'at']]) {
    const bad = await answer(two.id, 'refuse', json)
    assert.equal(bad.status, 400)
    assert.ok(field in bad.json['invalid-params'], field)
  }
  assert.equal((await list()).total, 3)
  assert.equal((await answer(two.id, 'release', { at: two.at, reason: '魚'.repeat(250) })).status, 204)
  assert.equal((await answer(two.id, 'refuse', { at: two.at })).status, 404)
  assert.equal((await answer('x', 'refuse')).status, 400)
})

test('what nobody can show is there all the same, and waits for who goes on with it', async () => {
  assert.equal((await site.post('//door/parcel', { json: {} })).status, 204)
  const held = await holds('door.ask')
  assert.deepEqual([held.subject, held.plugin, held.sentence, held.what], ['parcel:1', '', '', null])
  assert.equal(held.canRelease, false)
  const refused = await answer(held.id, 'release')
  assert.deepEqual([refused.status, /not enabled/.test(refused.json.detail)], [503, true])
  assert.equal((await list('?hook=door.ask')).total, 1)
  assert.equal((await holds('door.bell')).what, null, 'half the name of a noun is not that noun')
})

test('the command line lists, lets through and refuses', async () => {
  const run = (verb, ...rest) => shoal('held', verb, site.folder, ...rest)
  const shown = await run('list')
  assert.equal(shown.code, 0, shown.stderr)
  assert.match(shown.stdout, new RegExp(`^\\d+ +[\\d:T-]+ +comment\\.create +More talk \\(ann@${host}\\)\n +rule: it says buy\n`, 'm'))
  assert.match(shown.stdout, /parcel:1\n.*\n +the plugin that goes on with it is not enabled/)
  const { data: [one, three] } = await list('?hook=comment.create')
  assert.equal((await run('release', String(one.id))).code, 0)
  assert.equal((await run('refuse', String(three.id), 'no')).code, 0)
  const again = await run('release', String(one.id))
  assert.equal(again.code, 1)
  assert.match(again.stderr, /^shoal: nothing waits under this number: it was answered already\n/)
  for (const rest of [[], ['x'], ['0'], ['1', '2', '3']]) assert.equal((await run('release', ...rest)).code, 2, rest.join())
  assert.equal((await run('list', 'comment.create')).stdout, 'Nothing waits.\n')
})

test('what nobody goes on with any more is taken off the list by refusing it', async () => {
  const { data } = await list()
  assert.deepEqual(data.map(({ hook }) => hook), ['door.ask', 'door.bell'])
  for (const { id } of data) assert.equal((await answer(id, 'refuse')).status, 204)
  assert.equal((await list()).total, 0)
})
