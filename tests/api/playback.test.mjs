// playback.test.mjs - what players report adds up, is bounded, outlives crash and reload, and is shown.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { shoal, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

const witness = `
local shoal = require "shoal"
shoal.tell("swarm.counted", function(event)
  shoal.log("info", "counted video " .. event.video_id .. ": " .. event.peers .. " peers, " .. event.bytes_peers .. " + " .. event.bytes_server)
end)
`

/** A tracker that knows one thing: forty viewers, and as many as the number of the video. */
const tracker = `#include <shoal/plugin.h>
#include <shoal/svc/tracker.h>
static int64_t viewers(struct shoal_call *call, void *arg, int64_t video_id)
{
    (void)call; (void)arg;
    return video_id + 40;
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_svc_tracker table = {.size = sizeof table, .viewers = viewers};
    return shoal_provide(self, "tracker", &table, NULL, err);
}
SHOAL_PLUGIN(.name = "swarm", .start = start);
`

let site, open, other, closed, plugins
const MiB = 1 << 20
const WRITE_MS = 1000

const report = (video, changes = {}) => ({
  resolution: 180, fps: 25, playerMode: 'p2p-media-loader', resolutionChanges: 0, errors: 0, p2pPeers: 2, p2pEnabled: true,
  downloadedBytesP2P: 0, downloadedBytesHTTP: 0, uploadedBytesP2P: 0, videoId: video.uuid, ...changes
})
const send = (json, headers) => site.post('/metrics/playback', { json, headers })
const worth = async (query = '') => (await site.get(`/playback/worth${query}`, { token: true })).json
const of = (answer, video) => {
  const found = answer.videos.find(({ id }) => id === video.id)
  return found ? [found.peerBytes, found.serverBytes] : [0, 0]
}
const today = () => new Date().toISOString().slice(0, 10)
/** Until the sums in memory are in the database. */
const written = (video, sums) => site.when(`${sums} of video ${video.id} are written`, async () => String(of(await worth(), video)) === String(sums))
const sql = text => execFileSync('sqlite3', ['-bail', '-cmd', '.timeout 5000', join(site.folder, 'shoal.sqlite3'), text], { encoding: 'utf8' }).trim()
const metric = async name => Number((await site.get('//metrics')).text.split('\n').find(row => row.startsWith(`${name} `))?.split(' ')[1])

before(async () => {
  site = await startInstance({ started: false, settings: ['playback.report_budget=64M', 'playback.write_every=1s', 'playback.count_every=1s'] })
  const pin = writePlugin(join(site.folder, 'plugins'), 'witness', { lua: witness, manifest: { hooks: ['swarm.counted'] } })
  plugins = ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', 'playback', line('witness', pin)]
  site.config = withPlugins(site.config, plugins)
  await site.start()
  const file = await clip('h264')
  open = await site.upload(file, { name: 'Low tide <b>' })
  other = await site.upload(file, { name: 'High tide', privacy: 2 })
  closed = await site.upload(file, { name: 'Nobody sees this', privacy: 3 })
  for (const video of [open, other, closed]) await site.published(video.uuid)
})
after(() => site?.stop())

test('players are told that somebody listens', async () => {
  const { metrics } = (await site.get('/config')).json.openTelemetry
  assert.deepEqual(metrics, { enabled: true, playbackStatsInterval: 15000 })
})

test('reports add up by video and day; nobody but administrators reads them', async () => {
  for (const [video, peers, server] of [[open, 3000, 1000], [open, 5000, 500], [other, 10, 20]]) {
    const answer = await send(report(video, { downloadedBytesP2P: peers, downloadedBytesHTTP: server, uploadedBytesP2P: 7 }))
    assert.equal(answer.status, 204)
    assert.equal(answer.text, '')
    assert.equal(answer.headers['set-cookie'], undefined)
  }
  // By its number and its short name, as a form, and without the numbers that may be left out.
  const { fps, p2pPeers, ...short } = report(open, { videoId: open.id, downloadedBytesHTTP: 1 })
  assert.equal((await send(short)).status, 204)
  assert.equal((await site.post('/metrics/playback', { form: report(open, { videoId: open.shortUUID, downloadedBytesHTTP: 1 }) })).status, 204)
  await written(open, [8000, 1502])
  const answer = await worth()
  assert.equal(answer.days.length, 30)
  assert.deepEqual(answer.days.at(-1), { day: today(), peerBytes: 8010, serverBytes: 1522, peerPercent: 84 })
  assert.deepEqual(answer.days[0].peerPercent, null)
  assert.deepEqual(answer.total, { peerBytes: 8010, serverBytes: 1522, peerPercent: 84 })
  assert.deepEqual(answer.videos.map(video => video.id), [open.id, other.id])
  assert.deepEqual(answer.videos[0], { id: open.id, uuid: open.uuid, shortUUID: open.shortUUID, name: 'Low tide <b>', peerBytes: 8000, serverBytes: 1502, peerPercent: 84 })
  assert.equal((await worth('?days=1')).days.length, 1)
  assert.equal((await worth('?count=1')).videos.length, 1)
  for (const query of ['?days=0', '?days=367', '?days=x', '?count=0', '?count=101']) assert.equal((await site.get(`/playback/worth${query}`, { token: true })).status, 400, query)
  const alice = await site.user('alice')
  assert.equal((await site.get('/playback/worth')).status, 401)
  assert.equal((await site.get('/playback/worth', { token: alice.token })).status, 403)
})

test('what a stranger may not see is not there, and nothing says which it is', async () => {
  const texts = new Set()
  for (const videoId of [closed.uuid, closed.shortUUID, closed.id, '11111111-2222-4333-8444-555555555555', 999999]) {
    const answer = await send(report(open, { videoId, downloadedBytesHTTP: 5 }))
    assert.equal(answer.status, 404, String(videoId))
    texts.add(answer.json.detail)
  }
  assert.equal(texts.size, 1)
  // Not even for its owner: a report is nobody's.
  assert.equal((await site.post('/metrics/playback', { token: true, json: report(closed) })).status, 404)
})

test('a wrong field is named', async () => {
  for (const [field, value] of [['videoId', 'x'], ['resolution', -1], ['downloadedBytesHTTP', 'many'], ['uploadedBytesP2P', undefined], ['p2pEnabled', 3], ['playerMode', 'flash']]) {
    const answer = await send(report(open, { [field]: value }))
    assert.equal(answer.status, 400, field)
    assert.match(answer.headers['content-type'], /problem\+json/)
    assert.deepEqual(Object.keys(answer.json['invalid-params']), [field])
  }
  assert.equal((await site.post('/metrics/playback', { body: '{"videoId":', headers: { 'content-type': 'application/json' } })).status, 400)
  assert.equal((await send(report(open, { more: 'x'.repeat(5000) }))).status, 413)
})

test('a liar is believed no more than a video and a line allow', async () => {
  const { files, streamingPlaylists } = (await site.get(`/videos/${open.uuid}`)).json
  const size = [...files, ...streamingPlaylists.flatMap(playlist => playlist.files)].reduce((sum, file) => sum + file.size, 0)
  const most = size + MiB
  for (const field of ['downloadedBytesHTTP', 'downloadedBytesP2P']) {
    const answer = await send(report(open, { [field]: most + 1 }), { 'x-forwarded-for': '192.0.2.1' })
    assert.equal(answer.status, 400)
    assert.deepEqual(Object.keys(answer.json['invalid-params']), [field])
  }
  assert.equal((await send(report(open, { p2pEnabled: false, downloadedBytesP2P: 1 }))).status, 400)
  // 64 MiB in a minute of one address (or of one /64), and then no more; another address is not hindered.
  const before = of(await worth(), other)
  const most_of = address => send(report(other, { downloadedBytesHTTP: MiB }), { 'x-forwarded-for': address })
  for (const addresses of [['192.0.2.7'], ['2001:db8::1', '2001:db8::2:3']]) {
    let taken = 0
    const refused = await site.when('the budget is spent', async () => {
      const answer = await most_of(addresses[taken % addresses.length])
      if (answer.status === 204) taken++
      return answer.status === 204 ? null : answer
    })
    assert.equal(refused.status, 429)
    assert.ok(taken >= 63 && taken <= 128, `${taken} reports`) // a minute may end on the way, and a look costs as much as a report
    before[1] += taken * MiB
    assert.equal((await most_of('192.0.2.99')).status, 204)
    before[1] += MiB
  }
  await written(other, before)
})

test('who makes up names of videos has them looked up only so often', async () => {
  let looked = 0
  const refused = await site.when('the budget is spent', async () => {
    const answer = await send(report({ uuid: randomUUID() }), { 'x-forwarded-for': '192.0.2.55' })
    looked += Number(answer.status === 404)
    return answer.status === 404 ? null : answer
  })
  assert.equal(refused.status, 429)
  assert.ok(looked >= 64 && looked <= 128, `${looked} names`)
  assert.equal((await send(report(open), { 'x-forwarded-for': '192.0.2.56' })).status, 204)
})

test('nobody who reports is written down', async () => {
  assert.equal((await send(report(open), { 'x-forwarded-for': '198.51.100.77' })).status, 204)
  await sleep(WRITE_MS + 500)
  assert.doesNotMatch(execFileSync('sqlite3', [join(site.folder, 'shoal.sqlite3'), '.dump'], { encoding: 'utf8', maxBuffer: 1 << 26 }), /198\.51\.100\.77/)
  assert.deepEqual(sql("SELECT name FROM pragma_table_info('playback_day') ORDER BY name").split('\n'), ['day', 'peer_bytes', 'server_bytes', 'video_id'])
})

test('/metrics has them as counters, beside what the server itself sent', async () => {
  const before = await metric('shoal_playback_reported_bytes_total{source="peers"}')
  const refused = await metric('shoal_playback_reports_total{result="refused"}')
  assert.equal((await send(report(open, { downloadedBytesP2P: 100, downloadedBytesHTTP: 10, uploadedBytesP2P: 50 }))).status, 204)
  assert.equal((await send(report(open, { errors: -1 }))).status, 400)
  assert.equal(await metric('shoal_playback_reported_bytes_total{source="peers"}'), before + 100)
  assert.equal(await metric('shoal_playback_reports_total{result="refused"}'), refused + 1)
  for (const name of ['playback_reported_bytes_total{source="server"}', 'playback_reported_uploaded_bytes_total', 'playback_reports_total{result="taken"}']) assert.ok(await metric(`shoal_${name}`) >= 10, name)
  assert.ok(await metric('shoal_playback_watched_peers') >= 0)
  const sent = await metric('shoal_http_sent_bytes_total{of="files"}')
  const { files } = (await site.get(`/videos/${open.uuid}`)).json
  const path = new URL((files[0] ?? (await site.get(`/videos/${open.uuid}`)).json.streamingPlaylists[0].files[0]).fileUrl).pathname
  const { length } = (await site.raw({ path })).body
  assert.ok(length > 10000)
  await site.when('the file is counted', async () => await metric('shoal_http_sent_bytes_total{of="files"}') >= sent + length)
})

test('swarm.counted is told of the videos that are watched', async () => {
  assert.equal((await send(report(open, { downloadedBytesP2P: 40, downloadedBytesHTTP: 2 }))).status, 204)
  const sum = () => [...site.log.matchAll(new RegExp(`counted video ${open.id}: 0 peers, (\\d+) \\+ \\d+`, 'g'))].reduce((sum, [, peers]) => sum + Number(peers), 0)
  await site.when('all counts are told', () => sum() >= 8140)
  assert.equal(sum(), 8140)
})

test('who is connected comes from the tracker, where there is one', async () => {
  const pin = writePlugin(join(site.folder, 'plugins'), 'swarm', { c: tracker, manifest: { provides: ['tracker'] } })
  await site.kill()
  site.config = withPlugins(site.config, [...plugins, line('swarm', pin)])
  await site.start()
  assert.equal((await send(report(open, { downloadedBytesHTTP: 1 }))).status, 204)
  await site.when('the tracker is asked', () => site.log.includes(`counted video ${open.id}: ${open.id + 40} peers, 0 + 1`))
  await site.when('the gauge says it', async () => await metric('shoal_playback_watched_peers') === open.id + 40)
})

test('a reload loses nothing', async () => {
  const [peers, server] = of(await worth(), open)
  const old = site.server
  let count = 0, isOver = false
  const players = Array.from({ length: 3 }, async () => {
    while (!isOver) {
      if ((await send(report(open, { downloadedBytesHTTP: 1 }))).status === 204) count++
      await sleep(5)
    }
  })
  assert.equal((await shoal('reload', site.folder)).code, 0)
  await site.when('another child answers', () => site.server && site.server !== old && site.status.children.length === 1)
  isOver = true
  await Promise.all(players)
  assert.ok(count > 20, `${count} reports`)
  await written(open, [peers, server + count])
})

test('a kill loses no more than the last seconds, a stop nothing', async () => {
  const [peers, server] = of(await worth(), open)
  assert.equal((await send(report(open, { downloadedBytesHTTP: 1000 }))).status, 204)
  await written(open, [peers, server + 1000])
  assert.equal((await send(report(open, { downloadedBytesP2P: 3 }))).status, 204)
  const child = site.server
  process.kill(child, 'SIGKILL')
  await site.when('the next child answers', () => site.server && site.server !== child)
  const now = of(await worth(), open)
  assert.equal(now[1], server + 1000)
  assert.ok([peers, peers + 3].includes(now[0]))
  assert.equal((await send(report(open, { downloadedBytesHTTP: 1 }))).status, 204)
  await site.kill()
  await site.start()
  assert.deepEqual(of(await worth(), open), [now[0], server + 1001])
})

test('the page shows it to administrators: with numbers, safe, in two languages', async () => {
  const { access_token: token } = (await site.logIn()).json
  const page = (headers = {}, path = '/admin/playback') => site.raw({ path, headers: { accept: 'text/html', ...headers } })
  assert.equal((await page()).status, 302)
  const authorization = `Bearer ${token}`
  const english = await page({ authorization })
  assert.equal(english.status, 200)
  assert.match(english.text, /<h1>What viewers share<\/h1>/)
  assert.match(english.text, /Low tide &lt;b&gt;/)
  assert.doesNotMatch(english.text, /Low tide <b>/)
  assert.equal(english.text.match(/<rect class="playback-peers" x=/g).length, 30)
  assert.match(english.text, /<rect class="playback-peers" x="1.5" y="\d+" width="7" height="[1-9]\d*"/)
  assert.match(english.text, /<dt>Saved for this server<\/dt><dd>\d+%<\/dd>/)
  assert.doesNotMatch(english.text, /style="|<style/)
  assert.match(english.text, /<a href="\/admin\/playback"[^>]*>Playback<\/a>/)
  const french = await page({ authorization, 'accept-language': 'fr' })
  assert.match(french.text, /<h1>Ce que les spectateurs partagent<\/h1>/)
  assert.match(french.text, /<a href="\/admin\/playback"[^>]*>Lecture<\/a>/)
  assert.equal((await page({ authorization }, '/admin/playback?days=365')).text.match(/<rect class="playback-peers" x=/g).length, 365)
  const bob = await site.user('bob')
  const refused = await page({ authorization: `Bearer ${bob.token}` })
  assert.equal(refused.status, 403)
  assert.doesNotMatch(refused.text, /Low tide/)
  assert.doesNotMatch((await page({ authorization: `Bearer ${bob.token}` }, '/about')).text, /admin\/playback/)
})

test('old days and deleted videos leave; a switch ends it all', async () => {
  const day = Math.floor(Date.now() / 86400000)
  await site.kill()
  sql(`INSERT INTO playback_day (video_id, day, peer_bytes, server_bytes) VALUES (${open.id}, ${day - 401}, 1, 1), (${open.id}, ${day - 399}, 2, 2)`)
  await site.start()
  await site.when('the old day is gone', () => sql(`SELECT day FROM playback_day WHERE video_id = ${open.id} AND day < ${day - 300}`) === String(day - 399))
  assert.equal((await send(report(other, { downloadedBytesHTTP: 9 }))).status, 204)
  assert.equal((await site.delete(`/videos/${other.uuid}`, { token: true })).status, 204)
  await site.when('its sums are gone', () => sql(`SELECT COUNT(*) FROM playback_day WHERE video_id = ${other.id}`) === '0')
  await sleep(WRITE_MS + 1000)
  assert.equal(sql(`SELECT COUNT(*) FROM playback_day WHERE video_id = ${other.id}`), '0')
  await site.kill()
  site.settings.push('playback.reports=false')
  await site.start()
  assert.equal((await site.get('/config')).json.openTelemetry.metrics.enabled, false)
  const before = of(await worth(), open)
  assert.equal((await send(report(open, { downloadedBytesHTTP: 9 }))).status, 204)
  await sleep(WRITE_MS + 1000)
  assert.deepEqual(of(await worth(), open), before)
})
