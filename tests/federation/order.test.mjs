// order.test.mjs - what one actor says of one thing is applied in its order, also where some of it is tried again later.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, writePlugin } from '../kit/plugins.mjs'
import { sql } from './crowd.mjs'
import { federating, Peer, sampleVideo, withFederation } from './peer.mjs'

/** Holds what says so twice: when it comes, and when the job looks at it first. */
const rule = `
local shoal = require "shoal"
local seen = {}
shoal.decide("federation.inbound", function(event)
  local id = event.activity.id
  if event.activity.summary ~= "hold" then return end
  seen[id] = (seen[id] or 0) + 1
  if seen[id] < 3 then return shoal.hold("not yet") end
  shoal.log("info", "let through " .. id)
end)
`
let site, peer, owner, channel

before(async () => {
  peer = await Peer.start()
  owner = peer.person('owner')
  channel = peer.channel('films', owner)
  site = await startInstance({ started: false, settings: federating })
  withFederation(site, [], [line('rule', writePlugin(join(site.folder, 'plugins'), 'rule', { lua: rule, manifest: { hooks: ['federation.inbound'], after: ['federation'] } }))])
  await site.start()
})
after(async () => {
  await peer?.stop()
  await site?.stop()
})

/** A video of the peer. Gives its document, and what lets it be read; before that its server is busy. */
function peerVideo (number, isThere = true) {
  const { uuid, made, path } = sampleVideo(peer, number, 'owner', 'films')
  const open = () => peer.serve(path, made)
  if (isThere) open()
  else peer.serve(path, { error: 'busy' }, { status: 503 })
  return { uuid, made, open, path }
}

const tell = async (actor, activity) => {
  const answer = await actor.post(site, activity)
  assert.equal(answer.status, 204, answer.text)
  return activity
}
const rows = where => JSON.parse(sql(site, `.mode json\nSELECT activity_id, attempts, next, subject FROM federation_inbox WHERE ${where} ORDER BY id;`) || '[]')
const of = ({ id }) => rows(`activity_id = '${id}'`)
const putOff = activity => site.when('it is put off', () => of(activity)[0]?.attempts === 1)
const isThere = async ({ uuid }) => (await site.get(`/videos/${uuid}`, { token: true })).status === 200
/** What was put off is due a moment after what came since; something else has the server look. */
async function due (...activities) {
  for (const { id } of activities) sql(site, `UPDATE federation_inbox SET next = (SELECT MAX(next) + 1 FROM federation_inbox WHERE attempts = 0) WHERE activity_id = '${id}';`)
  await tell(owner, owner.say('Follow', `${site.url}/accounts/peertube`))
  await site.when('all was applied', () => rows('TRUE').length === 0)
}

test('what changes a video waits behind what makes it and is tried again later; other videos do not wait', async () => {
  const [slow, good] = [peerVideo(1, false), peerVideo(2)]
  const create = await tell(owner, owner.say('Create', slow.made))
  await putOff(create)
  const update = await tell(owner, owner.say('Update', { ...slow.made, name: 'Changed' }))
  await tell(owner, owner.say('Create', good.made))
  await site.when('the other one is here', () => isThere(good))
  await site.when('two are left', () => rows('TRUE').length === 2)
  assert.deepEqual(rows('TRUE').map(({ activity_id: id, attempts }) => [id, attempts]), [[create.id, 1], [update.id, 0]])
  const next = String(of(create)[0].next)
  await site.when('nobody looks before it is due', () => sql(site, `SELECT run_at_ms FROM job WHERE kind = 'federation.inbox' AND unique_key = '${peer.host}' AND state = 'waiting';`) === next)
  slow.open()
  await due(create)
  assert.equal((await site.get(`/videos/${slow.uuid}`, { token: true })).json.name, 'Changed')
})

test('what is put off again holds back what was due behind it', async () => {
  const slow = peerVideo(3, false)
  const create = await tell(owner, owner.say('Create', slow.made))
  await putOff(create)
  const update = await tell(owner, owner.say('Update', slow.made))
  sql(site, `UPDATE federation_inbox SET next = 1 WHERE activity_id = '${create.id}';`) // both are due, in their order
  await tell(owner, owner.say('Follow', `${site.url}/accounts/peertube`))
  await site.when('it is put off again', () => of(create)[0].attempts === 2)
  await site.when('the rest was done', () => rows('TRUE').length === 2)
  assert.equal(of(update)[0].attempts, 0)
  slow.open()
  await due(create)
  assert.equal(await isThere(slow), true)
})

test('a deletion waits for nothing, and what it makes moot is forgotten', async () => {
  const slow = peerVideo(5, false)
  const create = await tell(owner, owner.say('Create', slow.made))
  await putOff(create)
  await tell(channel, channel.say('Delete', slow.made.id)) // of another one, who says nothing of what the owner said
  await tell(owner, owner.say('Delete', slow.made.id, { actor: channel.id }))
  assert.equal(of(create).length, 1)
  await tell(owner, owner.say('Update', slow.made))
  slow.open()
  await tell(owner, owner.say('Delete', slow.made.id))
  await site.when('nothing waits', () => rows('TRUE').length === 0)
  assert.equal(await isThere(slow), false)
})

test('who takes back what is put off is heard after it, by its id alone too; a Like of something else is applied at once', async () => {
  const [one, two, three] = await Promise.all([1, 2, 3].map(async number => {
    const video = await site.upload(await clip('h264'), { name: `Video ${number}` })
    await site.published(video.uuid)
    return `${site.url}/videos/watch/${video.uuid}`
  }))
  const rates = () => sql(site, 'SELECT url FROM ratings_rate ORDER BY created;').split('\n').filter(Boolean)
  const [first, second] = [owner.say('Like', one, { summary: 'hold' }), owner.say('Like', two, { summary: 'hold' })]
  for (const like of [first, second]) await tell(owner, like)
  for (const like of [first, second]) await putOff(like)
  const undos = [owner.say('Undo', first.id), owner.say('Undo', second, { to: [] })]
  for (const undo of undos) await tell(owner, undo)
  assert.deepEqual(undos.map(undo => of(undo)[0].subject), [first, second].map(like => of(like)[0].subject))
  const last = await tell(owner, owner.say('Like', three))
  assert.deepEqual([of(last).length, rates()], [0, [last.id]])
  await due(first, second)
  for (const like of [first, second]) await site.says(`let through ${like.id}`)
  assert.deepEqual(rates(), [last.id])
})

test('who likes again under the id that was put off and taken back does like it; what is only said twice waits once', async () => {
  const video = await site.upload(await clip('h264'), { name: 'Liked again' })
  await site.published(video.uuid)
  const object = `${site.url}/videos/watch/${video.uuid}`
  const said = (type, path) => ({ id: `${owner.id}/${path}`, type, actor: owner.id, object, to: [], cc: [] }) // always the same, as PeerTube says it
  const undo = what => ({ id: `${what.id}/undo`, type: 'Undo', actor: owner.id, object: what, to: [], cc: [] })
  const rates = () => sql(site, `SELECT url FROM ratings_rate WHERE video_id = ${video.id};`)
  const rounds = [
    like => [like, undo(like), like],
    like => [like, undo(like), like, undo(like)],
    (like, dislike) => [like, undo(like), dislike, undo(dislike), like],
    (like, dislike) => [like, dislike, like, dislike]
  ]
  for (const [number, round] of rounds.entries()) {
    const [like, dislike] = [said('Like', `likes/${number}`), said('Dislike', `dislikes/${number}`)]
    const all = round(like, dislike)
    await tell(owner, { ...like, summary: 'hold' })
    await putOff(like)
    for (const what of all) for (let i = 0; i < 2; i++) await tell(owner, what)
    assert.deepEqual(rows('TRUE').map(({ activity_id: id }) => id), all.map(({ id }) => id))
    sql(site, 'UPDATE federation_inbox SET next = (SELECT MAX(next) + 1 FROM federation_inbox WHERE attempts = 0) WHERE attempts = 1;')
    await tell(owner, owner.say('Follow', `${site.url}/accounts/peertube`)) // has the server look
    await site.when('all was applied', () => rows('TRUE').length === 0)
    const last = all.at(-1)
    assert.equal(rates(), last.type === 'Undo' ? '' : last.id)
    sql(site, `DELETE FROM ratings_rate WHERE video_id = ${video.id};`)
  }
})

test('who shares a video that is not here yet, and takes it back, shares nothing; also by its id alone', async () => {
  for (const [number, isWhole] of [[4, true], [6, false]]) {
    const slow = peerVideo(number, false)
    const share = await tell(channel, channel.say('Announce', slow.made.id))
    await putOff(share)
    const undo = await tell(channel, channel.say('Undo', isWhole ? share : share.id))
    assert.equal(of(undo).length, 1)
    slow.open()
    await due(share)
    assert.equal(await isThere(slow), true)
    assert.equal(sql(site, `SELECT COUNT(*) FROM catalog_share WHERE url = '${share.id}';`), '0')
  }
})

test('what is to go out behind something earlier keeps its priority while it waits', async () => {
  const [first, second] = [1, 2].map(() => Number(sql(site, `INSERT INTO delivery_out (actor_id, activity, body, plan, priority, subject, created) VALUES (1, '', '{}', '{}', 7, 424242, 1) RETURNING id;`)))
  sql(site, `INSERT INTO job (kind, payload, state, priority, run_at_ms, unique_key, attempt, attempts, backoff_ms, lease_ms, fence, is_later, is_cancel_asked, is_told, tells, progress, created_ms)
    VALUES ('delivery.spread', '{"out": ${second}}', 'waiting', 7, 1, '${second}', 0, 12, 1000, 60000, 0, FALSE, FALSE, TRUE, 0, 0, 1);`)
  await site.when('both are out', () => sql(site, `SELECT COUNT(*) FROM delivery_out WHERE id IN (${first}, ${second});`) === '0')
  assert.deepEqual(sql(site, `SELECT priority FROM job WHERE kind = 'delivery.spread' AND unique_key = '${second}' ORDER BY id;`).split('\n'), ['7', '7'])
})
