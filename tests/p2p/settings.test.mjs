// settings.test.mjs - an administrator changes his mind while viewers are connected, without a restart.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'
import { announceHttp, bytes20, offer, ownHash, peer, settled } from './kit.mjs'

/** Changes a setting of p2p as a page for administrators would. */
const changer = `#include <string.h>
#include <shoal/plugin.h>
static int change(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    const json_t *body = shoal_request_body(request, err);
    const char *key = NULL;
    json_t *value = NULL;
    int code = body ? 0 : err->code;
    json_object_foreach((json_t *)body, key, value)
    {
        code = code ? code : shoal_setting_set(call, "p2p", key, value, err);
    }
    return code ? code : shoal_answer_status(request, 204);
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route route = {.method = "PUT", .path = "/changer", .handler = change, .auth = SHOAL_AUTH_ADMIN, .body = SHOAL_BODY_DATA};
    return shoal_route_add(self, &route, err);
}
SHOAL_PLUGIN(.name = "changer", .start = start);
`

let site, video, hash

before(async () => {
  site = await startInstance({ started: false })
  const pin = writePlugin(join(site.folder, 'plugins'), 'changer', { c: changer, manifest: { permissions: ['routes:/changer'] } })
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'p2p', 'torrents', line('changer', pin)])
  await site.start()
  video = await site.upload(await clip('h264'), { name: 'Open' })
  await site.published(video.uuid)
  await site.when('it has swarms', () => (hash = ownHash(site, video)) !== '')
})
after(() => site?.stop())

const set = async json => assert.equal((await site.put('//changer', { token: true, json })).status, 204, JSON.stringify(json))
const shown = kind => offer(`v=0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ ${kind}\r\n`)

/** Two who are connected, by socket and by HTTP, are let go when a setting changes; what they then say is answered with `why`. */
async function sentAway (change, why, whyHttp, more = {}) {
  const me = await peer(site)
  assert.ok((await me.announced(hash, more)).interval)
  await announceHttp(site, hash, { id: bytes20() })
  await set(change)
  const said = await me.hear()
  assert.match(said['failure reason'], /^not shared: /, JSON.stringify(change))
  assert.equal(said.info_hash, hash)
  // At once, and not when settings are read the next time.
  assert.match((await me.announced(hash, more))['failure reason'] ?? 'nothing', why)
  assert.match((await announceHttp(site, hash))['failure reason'] ?? 'nothing', whyHttp)
  await me.leave()
}

test('off sends away who shares, and on again lets him come back', async () => {
  await sentAway({ viewers: 'off' }, /do not share on this site/, /nothing/)
  await set({ viewers: 'opt-out' })
  const me = await peer(site)
  await site.when('he may', async () => (await me.announced(hash)).interval)
  await me.leave()
  await sleep(300) // whoever came before the change was heard of has to come again
})

test('who came while it was on for a moment does not stay', async () => {
  await set({ viewers: 'off' })
  await sleep(1200)
  await set({ viewers: 'opt-out' })
  const me = await peer(site)
  assert.ok((await me.announced(hash)).interval)
  await set({ viewers: 'off' })
  await site.when('he hears it', async () => /^not shared: /.test((await me.announced(hash))['failure reason']))
  await me.leave()
  await set({ viewers: 'opt-out' })
  await sleep(300)
})

test('the tracker switched off answers nobody from that moment', async () => {
  await sentAway({ tracker: false }, /Tracker is disabled/, /Tracker is disabled/)
  await set({ tracker: true })
  const me = await peer(site)
  await site.when('it answers again', async () => (await me.announced(hash)).interval)
  await me.leave()
  await sleep(300)
})

test('relays alone: who shows an address is refused from that moment, also where browsers share with nobody', async () => {
  await sentAway({ turn: [{ urls: 'turn:turn.example.org' }], relay_only: true }, /relays alone/, /may not be joined/, { offers: [shown('host')] })
  const me = await peer(site)
  assert.ok((await me.announced(hash, { offers: [shown('relay')] })).interval)
  await me.leave()
  await set({ relay_only: false, viewers: 'off' })
  const id = bytes20()
  await site.when('who has an address may come', async () => !('failure reason' in await announceHttp(site, hash, { id })))
  await set({ relay_only: true })
  await site.when('he has a place no more', async () => /may not be joined/.test((await announceHttp(site, hash, { id }))['failure reason']))
  await set({ relay_only: false, viewers: 'opt-out' })
  await sleep(300)
})

test('what the owner of a video said stays, whatever programs send that know nothing of it', async () => {
  const put = async json => {
    assert.equal((await site.put(`/videos/${video.uuid}`, { token: true, json })).status, 204, JSON.stringify(json))
    await settled(site)
  }
  const trackers = async () => (await site.get(`/videos/${video.uuid}`)).json.trackerUrls.length
  await put({ pluginData: { p2p: { asked: 'true' } } })
  assert.equal(await trackers(), 0)
  for (const json of [{ name: 'Renamed' }, { pluginData: {} }, { pluginData: { other: { x: 1 } } }, { pluginData: { p2p: {} } }, { pluginData: { p2p: { shared: 'true' } } }]) {
    await put(json)
    assert.equal(await trackers(), 0, JSON.stringify(json))
    assert.equal(ownHash(site, video), '', JSON.stringify(json))
  }
  await put({ pluginData: { p2p: { asked: 'true', shared: 'true' } } })
  await site.when('it is shared again', () => ownHash(site, video) === hash)
  assert.equal(await trackers(), 2)
  await sleep(3100) // for so long a hash is believed to be nobody's
})

test('limits hold without a restart', async () => {
  const peers = await Promise.all([1, 2, 3].map(() => peer(site)))
  for (const each of peers) await site.when('he is in', async () => (await each.announced(hash)).interval)
  await set({ offers: 1 })
  const heardOf = async each => {
    const heard = []
    each.say({ action: 'scrape', info_hash: hash })
    for (let said; (said = await each.hear()).action !== 'scrape';) heard.push(said.offer.sdp)
    return heard
  }
  let heard
  await site.when('the limit holds', async () => {
    await peers[0].announced(hash, { event: 'update', offers: ['a', 'b'].map(text => offer(text)) })
    heard = (await Promise.all(peers.slice(1).map(heardOf))).flat()
    return heard.length < 2
  })
  assert.deepEqual(heard, ['a'])
  await set({ offers: 10 })
  for (const each of peers) await each.leave()
})
