// forget.test.mjs - actors of other servers that nobody needs go with what they had here; each kind of need keeps one.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins } from '../kit/plugins.mjs'
import { Peer, Public, federating } from './peer.mjs'
import { plantVideo, writePlanter } from './planter.mjs'

let site, peer, id, like
const needs = ['follower', 'followed', 'sharer', 'writer', 'rater', 'owner', 'films']

before(async () => {
  [site, peer] = await Promise.all([startInstance({ started: false, settings: federating }), Peer.start()])
  site.environment = { SHOAL_DRILL_SWEEP: '1500', SHOAL_DRILL_BACKOFF: '800' }
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', 'signatures', 'identity', 'delivery', 'federation', 'federation_videos', 'subscriptions', 'discovery', 'ratings', 'comments', line('planter', writePlanter(site))])
  site.settings.push(`url=${site.url}`, 'video.delete_after=1s')
  await site.start()
  const video = await site.upload(await clip('h264'), { name: 'seen elsewhere' })
  await site.published(video.uuid)
  id = `${site.url}/videos/watch/${video.uuid}`
})
after(async () => {
  await peer?.stop()
  await site?.stop()
})

const sql = text => execFileSync('sqlite3', ['-cmd', '.timeout 10000', join(site.folder, 'shoal.sqlite3'), text], { encoding: 'utf8' }).trim()
const known = () => sql("SELECT name FROM catalog_actor WHERE host <> '' ORDER BY name").split('\n').filter(Boolean)
const age = () => sql("UPDATE catalog_actor SET needed = 1 WHERE host <> ''")
const looked = (...names) => site.when('they were looked at', () => sql(`SELECT COUNT(*) FROM catalog_actor WHERE name IN ('${names.join("', '")}') AND needed = 1`) === '0')
const post = async (actor, activity) => assert.equal((await actor.post(site, activity)).status, 204)

/** Somebody elsewhere who follows and does so no more: known here, and for nothing. */
async function passerBy (name, fields) {
  const actor = peer.person(name, fields)
  const follow = actor.say('Follow', `${site.url}/accounts/root`)
  await post(actor, follow)
  await site.when(`${name} is known`, () => known().includes(name))
  await post(actor, actor.say('Undo', follow))
  await site.when(`${name} follows no more`, () => sql(`SELECT COUNT(*) FROM catalog_follow f JOIN catalog_actor x ON x.id = f.follower_id WHERE x.name = '${name}'`) === '0')
  return actor
}

test('whom nothing refers to goes, with its picture; whom something does stays', async () => {
  peer.serve('/pictures/face.jpg', readFileSync(await clip('jpeg', { size: '320x180' })), { type: 'image/jpeg' })
  await passerBy('pictured', { icon: { type: 'Image', url: `${peer.url}/pictures/face.jpg`, mediaType: 'image/jpeg', width: 120, height: 120 } })
  await passerBy('plain')
  const avatar = (await site.get(`/accounts/pictured@${peer.host}`)).json.avatars[0].path
  assert.equal((await site.raw({ path: avatar })).status, 200)
  const stored = sql(`SELECT storage_key FROM catalog_actor_image i JOIN catalog_actor x ON x.id = i.actor_id WHERE x.name = 'pictured'`)
  const lies = () => readdirSync(site.folder, { recursive: true }).some(path => path.endsWith(stored))
  assert.ok(lies())

  // A boost of a person is no share.
  const [follower, followed, sharer, writer, rater, owner] = needs.slice(0, 6).map(name => name === 'sharer' ? peer.actor('Application', name, `/accounts/${name}`) : peer.person(name))
  const films = peer.channel('films', owner)
  await post(follower, follower.say('Follow', `${site.url}/accounts/root`))
  await post(sharer, { ...sharer.say('Announce', id), to: [Public] })
  const note = { id: `${writer.id}/notes/1`, type: 'Note', attributedTo: writer.id, inReplyTo: id, content: '<p>seen</p>', published: new Date().toISOString(), to: [Public], cc: [] }
  peer.serve(new URL(note.id).pathname, { '@context': ['https://www.w3.org/ns/activitystreams'], ...note })
  await post(writer, writer.say('Create', note))
  like = rater.say('Like', id)
  await post(rater, like)
  await plantVideo(site, films, { name: 'of elsewhere' })
  await site.when('all are known', () => needs.filter(name => name !== 'followed').every(name => known().includes(name)))
  const subscribed = await site.post('/users/me/subscriptions', { token: true, json: { uri: `followed@${peer.host}` } })
  assert.equal(subscribed.status, 204, subscribed.text)
  await site.when('it is followed', () => sql("SELECT COUNT(*) FROM catalog_follow f JOIN catalog_actor x ON x.id = f.target_id WHERE x.name = 'followed'") === '1')
  for (const table of ['catalog_share', 'comments_comment', 'ratings_rate']) {
    const whose = table === 'catalog_share' ? "WHERE actor_id = (SELECT id FROM catalog_actor WHERE name = 'sharer')" : ''
    await site.when(`there is one in ${table}`, () => sql(`SELECT COUNT(*) FROM ${table} ${whose}`) === '1')
  }

  age()
  await site.when('those that nobody needs are gone', () => !known().includes('pictured') && !known().includes('plain'))
  await looked(...needs)
  assert.deepEqual(known().filter(name => needs.includes(name)), needs.toSorted())
  await site.when('its picture is gone', () => !lies())
  assert.equal((await site.raw({ path: avatar })).status, 404)
  assert.equal((await site.get(`/accounts/pictured@${peer.host}`)).status, 404)
})

test('one that is gone comes again when it is asked for, and stays while it is', async () => {
  assert.ok(!known().includes('plain'))
  assert.equal((await site.post('/users/me/subscriptions', { token: true, json: { uri: `plain@${peer.host}` } })).status, 204)
  await site.when('it is known again', () => known().includes('plain'))
  assert.equal((await site.delete(`/users/me/subscriptions/plain@${peer.host}`, { token: true })).status, 204)
  await site.when('it is followed no more', () => sql("SELECT COUNT(*) FROM catalog_follow f JOIN catalog_actor x ON x.id = f.target_id WHERE x.name = 'plain'") === '0')
  await passerBy('unseen')
  // Looked at by a visitor a day before it would have gone.
  const day = 24 * 3600 * 1000
  sql(`UPDATE catalog_actor SET needed = ${Date.now() - 29 * day} WHERE name = 'plain'`)
  assert.equal((await site.get(`/accounts/plain@${peer.host}`)).status, 200)
  await site.when('that is noted', () => Number(sql("SELECT needed FROM catalog_actor WHERE name = 'plain'")) > Date.now() - day)
  sql("UPDATE catalog_actor SET needed = 1 WHERE name = 'unseen'")
  await site.when('it is gone', () => !known().includes('unseen'))
})

test('what kept one goes, and it goes too', async () => {
  const writer = peer.actors.find(({ name }) => name === 'writer')
  const [comment] = (await site.get('/videos/comments', { token: true })).json.data
  assert.equal((await site.delete(`/videos/${id.split('/').pop()}/comments/${comment.id}`, { token: true })).status, 204)
  const rater = peer.actors.find(({ name }) => name === 'rater')
  await post(rater, rater.say('Undo', like))
  await site.when('neither is left', () => sql('SELECT (SELECT COUNT(*) FROM comments_comment WHERE deleted IS NULL) || (SELECT COUNT(*) FROM ratings_rate)') === '00')
  age()
  await site.when('both are gone', () => !known().includes('writer') && !known().includes('rater'))
  await looked('follower', 'followed', 'sharer', 'owner', 'films')
  assert.ok(writer && known().includes('films'))
})
