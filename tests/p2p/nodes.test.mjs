// nodes.test.mjs - two servers of one site behind a proxy: each video's viewers meet at one of them.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { shoal } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { withPlugins } from '../kit/plugins.mjs'
import { announceHttp, bencoded, bytes20, offer, ownHash, peer, Peer, scrapeHttp } from './kit.mjs'
import { asNode, startNodes, videoOfEach } from './node_kit.mjs'

const names = ['a', 'b']
let front // where the proxy listens
let sites // by the node's name
let videos // one of each node

const others = ['transcode_ffmpeg', 'api', 'media', 'torrents', 'playback', 'signatures', 'identity', 'delivery', 'federation', 'federation_videos']
const plugins = (name, list = names) => [...others, ...asNode(sites.a.folder, name, list)]

before(async () => {
  front = await startNodes(names, others)
  sites = front.sites
  videos = await videoOfEach(front, () => clip('h264'))
})
after(() => front?.stop())

const hashOf = name => ownHash(sites.a, videos[name])
const at = name => ({ path: `/tracker/${name}/socket` })
const wanted = name => [`http://127.0.0.1:${front.port}/tracker/${name}/announce`, `ws://127.0.0.1:${front.port}/tracker/${name}/socket`]

test('the API, torrents and other sites are told the node, whoever answers', async () => {
  for (const [name, video] of Object.entries(videos)) {
    for (const site of Object.values(sites)) {
      const { trackerUrls, files, streamingPlaylists } = (await site.get(`/videos/${video.uuid}`)).json
      assert.deepEqual(trackerUrls, wanted(name))
      const file = files[0] ?? streamingPlaylists[0].files[0]
      for (const url of wanted(name)) assert.ok(file.magnetUri.includes(`tr=${encodeURIComponent(url)}`), file.magnetUri)
      const torrent = (await site.raw({ path: new URL(file.torrentUrl).pathname })).body.toString('latin1')
      for (const url of wanted(name)) assert.ok(torrent.includes(`${url.length}:${url}`), torrent)
      const document = (await site.raw({ path: `/videos/watch/${video.uuid}`, headers: { accept: 'application/activity+json' } })).json
      const links = document.url.filter(link => [link.rel].flat().includes('tracker')).map(link => link.href)
      assert.deepEqual(links.sort(), wanted(name).sort())
    }
  }
})

test('viewers of one video meet at its node, by sockets and by HTTP', async () => {
  for (const name of names) {
    const hash = hashOf(name)
    const first = await peer(front, at(name))
    assert.equal((await first.announced(hash)).incomplete, 1)
    const second = await peer(front, at(name))
    second.announce(hash, { offers: [offer('v=0 hello')] })
    assert.equal((await first.hear()).offer.sdp, 'v=0 hello')
    assert.equal((await second.hear()).incomplete, 2)
    const path = `/tracker/${name}/announce`
    const [one, other] = [bytes20(), bytes20()]
    assert.equal((await announceHttp(sites[name], hash, { path, id: one })).peers, '')
    assert.equal((await announceHttp(sites[name], hash, { path, id: other, port: 6882 })).peers, '\x7f\0\0\x01\x1a\xe1')
    for (const each of [first, second]) each.wire.destroy()
  }
})

test('a node serves no path of another: 421, and by HTTP a reason', async () => {
  const lost = new Peer(sites.a, at('b'))
  assert.equal(await lost.head, 421)
  assert.match(lost.headers['content-type'], /^application\/problem\+json/)
  lost.wire.destroy()
  assert.match((await bencoded(sites.a, '/tracker/b/announce?info_hash=x'))['failure reason'], /^elsewhere: /)
  assert.match((await bencoded(sites.a, '/tracker/b/scrape?info_hash=x'))['failure reason'], /^elsewhere: /)
  for (const path of ['/tracker/a/socket/', '/tracker/a/socket?x=1', '/tracker/%61/socket']) {
    const near = new Peer(sites.a, { path })
    assert.equal(await near.head, 404, path)
    near.wire.destroy()
  }
})

test('who comes to the wrong node for a video is told where it is, as often as he asks', async () => {
  for (const path of ['/tracker/a/socket', '/tracker/socket']) {
    const lost = await peer(sites.a, { path })
    for (let i = 0; i < 20; i++) {
      const heard = await lost.announced(hashOf('b'))
      assert.match(heard['failure reason'], /^elsewhere: .*\/tracker\/b$/)
      assert.equal(heard.info_hash, hashOf('b'))
    }
    // What belongs here is served on the same socket, whichever path it came by.
    assert.equal((await lost.announced(hashOf('a'))).interval, 120)
    lost.wire.destroy()
  }
  assert.match((await announceHttp(sites.a, hashOf('b')))['failure reason'], /^elsewhere: .*\/tracker\/b$/)
  assert.match((await announceHttp(sites.a, bytes20()))['failure reason'], /no video of this server/)
  assert.equal((await announceHttp(sites.b, hashOf('b'))).interval, 600)
})

/** A viewer of the video of b, at b. */
async function viewer () {
  const made = await peer(front, at('b'))
  const heard = await made.announced(hashOf('b'))
  assert.equal(heard['failure reason'], undefined, JSON.stringify(heard))
  return made
}

/** Until b lets viewers in again. */
const isBack = () => sites.b.when('viewers may join again', async () => {
  const one = await peer(sites.b, at('b'))
  const heard = await one.announced(hashOf('b') || bytes20())
  one.wire.destroy()
  return heard.interval === 120
})

test('who is in a swarm stays when more is shared than before, and still hears of its end', async () => {
  const one = await viewer()
  const hash = hashOf('b')
  const sql = text => execFileSync('sqlite3', ['-bail', '-cmd', '.timeout 10000', join(front.folder, 'shoal.sqlite3'), text], { encoding: 'utf8' }).trim()
  const told = isDismissed => sql(`INSERT INTO p2p_told (node, video_id, is_dismissed, made) VALUES ('b', ${videos.b.id}, ${isDismissed}, ${Date.now()})`)
  told(0)
  await sites.b.when('b has heard of it', () => sql("SELECT COUNT(*) FROM p2p_told WHERE node = 'b'") === '0')
  const other = await peer(front, at('b'))
  other.announce(hash, { offers: [offer('v=0 still there')] })
  assert.equal((await one.hear()).offer.sdp, 'v=0 still there')
  assert.equal((await other.hear()).incomplete >= 2, true)
  // Both in one breath: the second is not lost behind the first.
  told(0)
  told(1)
  for (const each of [one, other]) {
    assert.match((await each.hear())['failure reason'], /^not shared: /)
    each.wire.destroy()
  }
})

test('what is switched off, hidden or deleted at one node ends the swarms of the other', async () => {
  const { uuid } = videos.b
  const a = sites.a
  const channel = (await a.get('/users/me', { token: true })).json.videoChannels[0].name
  const ways = [
    ['its channel is switched off', shared => a.put(`/p2p/channels/${channel}`, { token: true, json: { shared } })],
    ['its form says so', shared => a.put(`/videos/${uuid}`, { token: true, json: { pluginData: { p2p: { asked: 'true', shared: String(shared) } } } })],
    ['it is made private', shared => a.put(`/videos/${uuid}`, { token: true, json: { privacy: shared ? 1 : 3 } })]
  ]
  for (const [what, set] of ways) {
    const one = await viewer()
    const hash = hashOf('b')
    assert.equal((await set(false)).status, 204, what)
    const heard = await one.hear()
    assert.match(heard['failure reason'], /^not shared: /, what)
    assert.equal(heard.info_hash, hash)
    assert.match((await one.announced(hash))['failure reason'], /^not shared: /, what)
    assert.equal((await set(true)).status, 204, what)
    await isBack()
    one.wire.destroy()
  }
  const one = await viewer()
  assert.equal((await a.delete(`/videos/${uuid}`, { token: true })).status, 204)
  assert.match((await one.hear())['failure reason'], /^not shared: /)
  one.wire.destroy()
})

test('what players report to either node is one sum', async () => {
  const { uuid } = videos.a
  for (const [site, bytes] of [[sites.a, 1000], [sites.b, 500]]) {
    const json = { playerMode: 'p2p-media-loader', resolution: 360, fps: 30, p2pEnabled: true, p2pPeers: 1, resolutionChanges: 0, errors: 0, downloadedBytesP2P: bytes, downloadedBytesHTTP: 10, uploadedBytesP2P: 0, videoId: uuid }
    assert.equal((await site.post('/metrics/playback', { json })).status, 204)
  }
  const worth = async site => (await site.get('/playback/worth?days=1', { token: true })).json.total
  for (const site of Object.values(sites)) {
    await site.when('both are in', async () => (await worth(site)).peerBytes === 1500)
    assert.equal((await worth(site)).serverBytes, 20)
  }
})

test('names that do not fit are said by check and by a reload', async () => {
  const { b } = sites
  const config = b.config
  const rows = [
    [plugins('b', ['a', 'c']), /"node" must be one of "nodes"/],
    [plugins('', names), /"node" must be one of "nodes"/],
    [plugins('b', []), /"node" must be one of "nodes"/],
    [plugins('B', ['a', 'B']), /"B" must be of the letters/]
  ]
  for (const [list, sentence] of rows) {
    b.config = withPlugins(config, list)
    const { code, stdout } = await shoal('check', b.folder)
    assert.notEqual(code, 0)
    assert.match(stdout, sentence)
  }
  const { server } = b
  assert.equal((await shoal('reload', b.folder)).code, 0)
  await b.when('another process serves, alone', () => b.server && b.server !== server && b.status.children.length === 1)
  await b.when('it says what is wrong', () => /"B" must be of the letters/.test(b.log))
  assert.equal((await b.raw({ path: '/tracker/b/scrape?info_hash=x' })).status, 404)
})

test('as one node the path is exact again', async () => {
  const { a } = sites
  const { server } = a
  a.config = a.config.replace('node = "a", nodes = { "a", "b" }, ', '')
  assert.equal((await shoal('reload', a.folder)).code, 0)
  await a.when('another process serves, alone', () => a.server && a.server !== server && a.status.children.length === 1)
  const url = `http://127.0.0.1:${front.port}`
  assert.deepEqual((await a.get(`/videos/${videos.a.uuid}`)).json.trackerUrls, [`${url}/tracker/announce`, `${url.replace('http', 'ws')}/tracker/socket`])
  const one = await peer(a)
  assert.equal((await one.announced(hashOf('a'))).interval, 120)
  one.wire.destroy()
  const lost = new Peer(a, at('a'))
  assert.equal(await lost.head, 404)
  lost.wire.destroy()
  assert.equal(Object.keys((await scrapeHttp(a, hashOf('a'))).files).length, 1)
})
