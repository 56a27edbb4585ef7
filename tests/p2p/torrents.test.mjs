// torrents.test.mjs - hashes, torrents and magnets follow what a video is, and bring its bytes.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { withPlugins } from '../kit/plugins.mjs'
import { bdecode } from './bencode.mjs'

const sha1 = bytes => createHash('sha1').update(bytes).digest()
const names = site => [...site.config.match(/^plugins = \{\n([\s\S]*?)^\}\n/m)[1].matchAll(/"([a-z_]+)"/g)].map(found => found[1])
const both = ['p2p', 'torrents']
const enable = (site, ...list) => { site.config = withPlugins(site.config, [...names(site).filter(name => !both.includes(name)), ...list]) }

/** An instance that runs, with both plugins. */
export async function sharing (options = {}) {
  const site = await startInstance({ ...options, started: false })
  enable(site, ...both)
  return site.start()
}

/** Rows of the plugins, read beside the server. */
const rows = (site, sql) => JSON.parse(execFileSync('sqlite3', ['-readonly', '-json', `${site.folder}/shoal.sqlite3`, sql], { encoding: 'utf8' }) || '[]').map(Object.values)
const playlistHashes = (site, video) => rows(site, `SELECT generation, hex(hash) FROM p2p_hash WHERE video_id = ${video.id} ORDER BY 1, 2`).map(([generation, hex]) => `${generation}:${hex.toLowerCase()}`)
const infohashes = (site, video) => rows(site, `SELECT hex(infohash) FROM torrents_file WHERE video_id = ${video.id} AND title <> ''`).map(([hex]) => `0:${hex.toLowerCase()}`)
/** All names that the tracker knows of a video: generation 0 are its torrents'. */
const hashesOf = (site, video) => [...playlistHashes(site, video), ...infohashes(site, video)]

const allFiles = video => [...video.files, ...video.streamingPlaylists.flatMap(list => list.files)]
const hasTorrents = video => video.files.length > 0 && video.streamingPlaylists.length > 0 && allFiles(video).every(file => file.torrentUrl)

async function fetchBytes (url, headers = {}) {
  const answer = await fetch(url, { headers })
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) }
}

async function torrentOf (file) {
  const { status, headers, bytes } = await fetchBytes(file.torrentUrl)
  assert.equal(status, 200, file.torrentUrl)
  const { root, spans } = bdecode(bytes)
  return { root, headers, bytes, btih: sha1(spans.info).toString('hex') }
}

const magnetOf = file => {
  assert.match(file.magnetUri, /^magnet:\?[!-~]+$/)
  return new URLSearchParams(file.magnetUri.slice('magnet:?'.length))
}

/** What the hashes of a video are to be, made anew from what the API says. */
function expectedHashes (video) {
  const out = []
  const [{ playlistUrl, files }] = video.streamingPlaylists
  const b64 = (kind, text, from) => createHash(kind).update(text).digest().subarray(from, from + 15).toString('base64')
  files.forEach((file, i) => {
    out.push(`1:${sha1(`2${playlistUrl}+V${i}`).toString('hex')}`)
    out.push(`2:${Buffer.from(b64('md5', `v2-${playlistUrl}-main-${i}`, 1)).toString('hex')}`)
    out.push(`3:${Buffer.from(b64('sha1', `pt-v2-${video.uuid}-main-default-${file.resolution.id}`, 0)).toString('hex')}`)
  })
  for (const file of allFiles(video)) out.push(`0:${magnetOf(file).get('xt').slice('urn:btih:'.length)}`)
  return out.sort()
}

describe('torrents of a video', () => {
  let site, video
  before(async () => {
    site = await sharing()
    const file = await clip('h264', { seconds: 4, size: '640x360' })
    const { uuid } = await site.upload(file, { name: 'Über & <Fische> 100%' })
    video = await site.until(uuid, one => one.state.id === 1 && hasTorrents(one) && one.trackerUrls.length > 0)
  })
  after(() => site?.stop())

  test('the torrent of each file parses, and says the SHA-1 of what its web seed sends', async () => {
    for (const file of allFiles(video)) {
      const isHls = !video.files.includes(file)
      assert.match(file.torrentUrl, new RegExp(`^${site.url}/lazy-static/torrents/[0-9a-f-]{36}-${file.resolution.id}${isHls ? '-hls' : ''}\\.torrent$`))
      assert.ok(!file.torrentUrl.includes(video.uuid))
      const { root, headers, btih } = await torrentOf(file)
      assert.equal(headers.get('content-type'), 'application/x-bittorrent')
      assert.equal(headers.get('access-control-allow-origin'), '*')
      assert.deepEqual(Object.keys(root), ['announce', 'announce-list', 'created by', 'encoding', 'info', 'url-list'])
      assert.deepEqual(root['announce-list'].map(tier => tier.map(String)), [[`ws://127.0.0.1:${site.port}/tracker/socket`], [`${site.url}/tracker/announce`]])
      assert.equal(String(root.info.name), `Über & <Fische> 100% ${file.resolution.id}p.mp4`)
      assert.deepEqual(root['url-list'].map(String), [file.fileUrl])
      const { bytes } = await fetchBytes(String(root['url-list'][0]))
      assert.equal(bytes.length, root.info.length)
      assert.equal(file.size, root.info.length)
      assert.equal(root.info['piece length'], 65536)
      const pieces = []
      for (let at = 0; at < bytes.length; at += 65536) pieces.push(sha1(bytes.subarray(at, at + 65536)))
      assert.deepEqual(root.info.pieces, Buffer.concat(pieces))
      const magnet = magnetOf(file)
      assert.equal(magnet.get('xt'), `urn:btih:${btih}`)
      assert.equal(magnet.get('xs'), file.torrentUrl)
      assert.equal(magnet.get('dn'), String(root.info.name))
      assert.deepEqual(magnet.getAll('tr'), video.trackerUrls)
      assert.deepEqual(magnet.getAll('ws'), [file.fileUrl])
    }
    assert.deepEqual(video.trackerUrls, [`${site.url}/tracker/announce`, `ws://127.0.0.1:${site.port}/tracker/socket`])
  })

  test('its swarms are those that players of each generation look for', async () => {
    assert.deepEqual(hashesOf(site, video).sort(), expectedHashes(video))
  })

  test('the config tells players that there is a tracker', async () => {
    const { json } = await site.get('/config')
    assert.equal(json.tracker.enabled, true)
    assert.equal(json.defaults.p2p.webapp.enabled, true)
    assert.equal(json.defaults.p2p.embed.enabled, true)
  })

  test('a torrent is not fetched twice, and downloads under its name', async () => {
    const [file] = video.files
    const { headers } = await fetchBytes(file.torrentUrl)
    assert.ok(headers.get('etag'))
    assert.equal((await fetchBytes(file.torrentUrl, { 'if-none-match': headers.get('etag') })).status, 304)
    const saved = await fetchBytes(file.torrentDownloadUrl)
    assert.equal(saved.status, 200)
    assert.match(saved.headers.get('content-disposition'), /^attachment; filename="__ber & _Fische_ 100_ \d+p\.mp4\.torrent"; filename\*=UTF-8''%C3%9Cber/)
    assert.equal(saved.headers.get('access-control-allow-origin'), '*')
    bdecode(saved.bytes)
  })

  test('names that are none are not found', async () => {
    for (const name of ['x.torrent', `${video.uuid}-360.torrent`, '..%2fx', 'a'.repeat(500), '%00', `${video.files[0].torrentUrl.split('/').pop()}x`]) {
      for (const path of ['lazy-static', 'download']) {
        const answer = await fetchBytes(`${site.url}/${path}/torrents/${name}`)
        assert.ok([400, 404].includes(answer.status), `${name}: ${answer.status}`)
      }
    }
  })

  test('the watch page offers torrent and magnet beside each download', async () => {
    const { text } = await site.raw({ path: `/w/${video.shortUUID}`, headers: { accept: 'text/html' } })
    for (const file of allFiles(video)) {
      assert.ok(text.includes(`href="${file.torrentDownloadUrl}"`))
      assert.ok(text.includes(`href="${file.magnetUri.replaceAll('&', '&amp;')}"`), text.match(/magnet:[^"]*/)?.[0])
    }
  })

  test('lists carry no torrents, and anonymous visitors see those of the details', async () => {
    const list = (await site.get('/videos')).json
    assert.equal(list.data.length, 1)
    assert.equal(JSON.stringify(list).includes('torrents/'), false)
    const seen = (await site.get(`/videos/${video.uuid}`)).json
    assert.equal(seen.files[0].torrentUrl, video.files[0].torrentUrl)
  })

  test('a small clip has its torrent soon after its file, and not when all are looked at', async () => {
    const { uuid } = await site.upload(await clip('h264', { seconds: 1 }), { name: 'Quick' })
    await site.until(uuid, one => one.files.some(file => file.isReady !== false))
    await site.until(uuid, one => one.files[0]?.torrentUrl)
  })

  test('a rename changes the infohash and the magnet, and reads nothing anew', async () => {
    const old = await torrentOf(video.files[0])
    const before = hashesOf(site, video)
    assert.equal((await site.put(`/videos/${video.uuid}`, { token: true, json: { name: 'Renamed' } })).status, 204)
    // As somebody who is not logged in: a cached answer would be found out.
    const now = await site.until(video.uuid, one => one.files[0].magnetUri.includes('dn=Renamed'), null)
    const fresh = await torrentOf(now.files[0])
    assert.equal(now.files[0].torrentUrl, video.files[0].torrentUrl)
    assert.notEqual(fresh.btih, old.btih)
    assert.equal(magnetOf(now.files[0]).get('xt'), `urn:btih:${fresh.btih}`)
    assert.deepEqual(fresh.root.info.pieces, old.root.info.pieces)
    assert.deepEqual(hashesOf(site, video).sort(), expectedHashes(now))
    assert.deepEqual(hashesOf(site, video).filter(line => line[0] !== '0'), before.filter(line => line[0] !== '0'))
    video = now
  })

  test('a private video is shared with nobody, and comes back as it was', async () => {
    const [{ torrentUrl }] = video.files
    assert.equal((await site.put(`/videos/${video.uuid}`, { token: true, json: { privacy: 3 } })).status, 204)
    await site.when('its hashes are gone', () => playlistHashes(site, video).length === 0)
    const shown = (await site.get(`/videos/${video.uuid}`, { token: true })).json
    assert.deepEqual(shown.trackerUrls, [])
    for (const file of allFiles(shown)) {
      for (const key of ['torrentUrl', 'torrentDownloadUrl', 'magnetUri']) assert.equal(file[key], '')
    }
    const token = `Bearer ${await site.token()}`
    for (const headers of [{}, { authorization: token }]) {
      assert.equal((await fetchBytes(torrentUrl, headers)).status, 404)
      assert.equal((await fetchBytes(torrentUrl.replace('lazy-static', 'download'), headers)).status, 404)
    }
    assert.equal((await site.put(`/videos/${video.uuid}`, { token: true, json: { privacy: 2 } })).status, 204)
    const again = await site.until(video.uuid, one => hasTorrents(one) && playlistHashes(site, video).length > 0, null)
    assert.equal(again.files[0].torrentUrl, torrentUrl)
    await site.when('its hashes are those of before', () => JSON.stringify(hashesOf(site, video).sort()) === JSON.stringify(expectedHashes(again)))
  })

  test('what is private from the start has no torrents', async () => {
    const { uuid } = await site.upload(await clip('silent', { seconds: 1 }), { name: 'Mine', privacy: 3 })
    const mine = await site.published(uuid)
    await site.when('its tells were heard', () => ['p2p', 'torrents'].every(name => rows(site, `SELECT 1 FROM ${name}_video WHERE uuid = '${uuid}'`).length === 1))
    assert.deepEqual(hashesOf(site, mine), [])
    assert.deepEqual(rows(site, `SELECT file_id FROM torrents_file WHERE video_id = ${mine.id}`), [])
  })

  test('where it may not be downloaded the download of its torrent is refused', async () => {
    const { uuid } = await site.upload(await clip('h264', { seconds: 1 }), { name: 'Stays here', downloadEnabled: 'false' })
    const here = await site.until(uuid, one => one.state.id === 1 && hasTorrents(one) && one.trackerUrls.length > 0)
    assert.equal((await fetchBytes(here.files[0].torrentDownloadUrl)).status, 403)
    assert.equal((await site.delete(`/videos/${uuid}`, { token: true })).status, 204)
    await site.when('its rows are gone', () => hashesOf(site, here).length === 0 &&
      rows(site, `SELECT file_id FROM torrents_file WHERE video_id = ${here.id} UNION SELECT video_id FROM p2p_video WHERE video_id = ${here.id} UNION SELECT video_id FROM torrents_video WHERE video_id = ${here.id}`).length === 0, 10000)
    assert.equal((await fetchBytes(here.files[0].torrentUrl)).status, 404)
  })

  test('the same clip twice under one name is one torrent, which stays when one of them goes', async () => {
    const path = await clip('h264', { seconds: 1, rate: 20 })
    const twins = []
    for (let i = 0; i < 2; i++) twins.push((await site.upload(path, { name: 'Twin' })).uuid)
    const [one, other] = await Promise.all(twins.map(uuid => site.until(uuid, each => each.state.id === 1 && hasTorrents(each))))
    const btih = file => magnetOf(file).get('xt').slice('urn:btih:'.length)
    await site.delete(`/videos/${one.uuid}`, { token: true })
    await site.when('the first is gone', () => hashesOf(site, one).length === 0)
    assert.ok(hashesOf(site, other).includes(`0:${btih(other.files[0])}`))
  })
})

describe('an instance that was there before', () => {
  let site, video
  before(async () => {
    site = await startInstance({ started: false })
    enable(site)
    await site.start()
    video = await site.published((await site.upload(await clip('h264'), { name: 'Old one' })).uuid)
  })
  after(() => site?.stop())

  test('without the plugins there are no torrents, and everything else is as it was', async () => {
    assert.deepEqual(video.trackerUrls, [])
    assert.equal(video.files[0].torrentUrl, '')
    assert.equal((await fetchBytes(`${site.url}/lazy-static/torrents/x.torrent`)).status, 404)
    assert.equal((await site.get('/config')).json.tracker.enabled, false)
    const { text } = await site.raw({ path: `/w/${video.shortUUID}`, headers: { accept: 'text/html' } })
    assert.ok(text.includes('/download/web-videos/') && !text.includes('magnet:') && !text.includes('torrent'))
  })

  test('the plugins take in what is there once they are enabled', async () => {
    await site.kill()
    enable(site, ...both)
    await site.start()
    const now = await site.until(video.uuid, hasTorrents, null)
    await site.when('its hashes are there', () => JSON.stringify(hashesOf(site, now).sort()) === JSON.stringify(expectedHashes(now)))
  })

  test('another URL of the site changes the hashes and what the torrents say', async () => {
    const before = hashesOf(site, video)
    await site.kill()
    site.settings.push('url=https://tube.example')
    await site.start()
    const now = await site.until(video.uuid, one => one.trackerUrls[0] === 'https://tube.example/tracker/announce', null)
    assert.deepEqual(now.trackerUrls, ['https://tube.example/tracker/announce', 'wss://tube.example:443/tracker/socket'])
    await site.when('its hashes are those of the new URL', () => JSON.stringify(hashesOf(site, now).sort()) === JSON.stringify(expectedHashes(now)))
    const kept = hashesOf(site, now).filter(line => before.includes(line))
    assert.ok(kept.length > 0 && kept.every(line => /^[03]:/.test(line)), 'generation 3 and the torrents do not know the URL')
    const { root } = await torrentOf({ torrentUrl: now.files[0].torrentUrl.replace('https://tube.example', site.url) })
    assert.deepEqual(root['announce-list'].map(String), ['wss://tube.example:443/tracker/socket', 'https://tube.example/tracker/announce'])
    assert.match(String(root['url-list'][0]), /^https:\/\/tube\.example\/static\/web-videos\//)
  })

  test('a video that went while the plugins were off leaves no rows', async () => {
    await site.kill()
    enable(site)
    await site.start()
    assert.equal((await site.delete(`/videos/${video.uuid}`, { token: true })).status, 204)
    await site.kill()
    enable(site, ...both)
    site.settings.push('url=https://again.example')
    await site.start()
    await site.when('its rows are gone', () => hashesOf(site, video).length === 0 && rows(site, 'SELECT file_id FROM torrents_file').length === 0)
  })
})

describe('an instance that shares private videos', () => {
  test('only who may watch one gets its torrent', async () => {
    const site = await sharing({ settings: ['p2p.private=true'] })
    try {
      const { uuid } = await site.upload(await clip('h264'), { name: 'For friends', privacy: 3 })
      const video = await site.until(uuid, one => one.state.id === 1 && hasTorrents(one) && one.trackerUrls.length === 2)
      const { torrentUrl, torrentDownloadUrl } = video.files[0]
      for (const url of [torrentUrl, torrentDownloadUrl]) {
        assert.equal((await fetchBytes(url)).status, 401)
        assert.equal((await fetchBytes(`${url}?videoFileToken=wrong`)).status, 401)
        assert.equal((await fetchBytes(url, { authorization: `Bearer ${(await site.user(`other${url.length}`)).token}` })).status, 403)
        const mine = await fetchBytes(url, { authorization: `Bearer ${await site.token()}` })
        assert.equal(mine.status, 200)
        assert.match(mine.headers.get('cache-control'), /private/)
      }
      const { json } = await site.post(`/videos/${uuid}/token`, { token: true })
      assert.equal((await fetchBytes(`${torrentUrl}?videoFileToken=${json.files.token}`)).status, 200)
      await site.when('its hashes are there', () => JSON.stringify(hashesOf(site, video).sort()) === JSON.stringify(expectedHashes(video)))
    } finally {
      await site.stop()
    }
  })
})

describe('a file on a slow storage', () => {
  const slow = { plugins: '"storage_fs",\n  "storage_far",', settings: ['storage=storage_far', 'storage_far.delay=0s', 'storage_far.fail_one_in=0'] }
  const jobs = site => rows(site, "SELECT state, fence FROM job WHERE kind = 'torrents.pieces'")
  let site, video
  before(async () => {
    site = await startInstance({ started: false, settings: slow.settings })
    site.config = site.config.replace('"storage_fs",', slow.plugins)
    enable(site)
    await site.start()
    video = await site.published((await site.upload(await clip('noise', { seconds: 2, size: '640x360' }), { name: 'Slow' })).uuid)
    assert.ok(video.files[0].size > 5 << 20, 'more than a few reads')
    await site.kill()
    enable(site, ...both)
  })
  after(() => site?.stop({ mayCrash: true }))

  test('is begun again when the server was killed half-way, whatever reads failed', async () => {
    site.settings[1] = 'storage_far.delay=1s'
    await site.start()
    await site.when('it reads', () => jobs(site).some(([state]) => state === 'active'))
    await site.kill('SIGKILL')
    assert.deepEqual(rows(site, 'SELECT file_id FROM torrents_file'), [], 'no half a torrent')
    site.settings[1] = 'storage_far.delay=0s'
    site.settings[2] = 'storage_far.fail_one_in=3'
    await site.start()
    video = await site.until(video.uuid, hasTorrents, true, 90000)
    await site.when('the job that was cut off is done', () => jobs(site).some(([state, fence]) => state === 'done' && fence > 1))
    await site.when('its hashes are there', () => JSON.stringify(hashesOf(site, video).sort()) === JSON.stringify(expectedHashes(video)))
    for (const file of allFiles(video)) {
      const { root } = await torrentOf(file)
      const { bytes } = await fetchBytes(file.fileUrl)
      assert.equal(bytes.length, file.size)
      const long = root.info['piece length']
      const pieces = []
      for (let at = 0; at < bytes.length; at += long) pieces.push(sha1(bytes.subarray(at, at + long)))
      assert.deepEqual(root.info.pieces, Buffer.concat(pieces))
    }
  })
})

describe('each without the other', () => {
  let site, video
  before(async () => {
    site = await startInstance({ started: false })
    enable(site, 'torrents')
    await site.start()
    video = await site.until((await site.upload(await clip('h264'), { name: 'From the server alone' })).uuid, one => one.state.id === 1 && hasTorrents(one))
  })
  after(() => site?.stop())

  test('without p2p torrents have the web seed and no tracker', async () => {
    assert.deepEqual(video.trackerUrls, [])
    for (const file of allFiles(video)) {
      const { root, btih } = await torrentOf(file)
      assert.deepEqual(Object.keys(root), ['created by', 'encoding', 'info', 'url-list'])
      assert.deepEqual(root['url-list'].map(String), [file.fileUrl])
      assert.equal(magnetOf(file).get('xt'), `urn:btih:${btih}`)
      assert.deepEqual(magnetOf(file).getAll('tr'), [])
    }
    const { uuid } = await site.upload(await clip('silent', { seconds: 1 }), { name: 'Mine alone', privacy: 3 })
    await site.published(uuid)
    await site.when('it was looked at', () => rows(site, `SELECT 1 FROM torrents_video WHERE uuid = '${uuid}'`).length === 1)
    assert.equal(rows(site, `SELECT 1 FROM torrents_file f JOIN torrents_video v ON v.video_id = f.video_id WHERE v.uuid = '${uuid}'`).length, 0)
  })

  test('without torrents the swarms of the playlist are there and no torrent is offered', async () => {
    await site.kill()
    enable(site, 'p2p')
    await site.start()
    const now = await site.until(video.uuid, one => one.trackerUrls.length === 2, null)
    for (const file of allFiles(now)) assert.deepEqual([file.torrentUrl, file.torrentDownloadUrl, file.magnetUri], ['', '', ''])
    assert.equal((await fetchBytes(video.files[0].torrentUrl)).status, 404)
    const [, socket] = now.trackerUrls
    assert.match(socket, /^ws:/)
    assert.ok(playlistHashes(site, now).length > 0)
  })

  test('what p2p made before the two were apart keeps its names and its bytes', async () => {
    const before = new Map(allFiles(video).map(file => [file.id, file]))
    await site.kill()
    execFileSync('sqlite3', ['-bail', `${site.folder}/shoal.sqlite3`, `INSERT INTO p2p_torrent (file_id, video_id, name, title, path, size_bytes, piece_bytes, pieces, infohash)
      SELECT file_id, video_id, 'before-' || name, title, path, size_bytes, piece_bytes, pieces, infohash FROM torrents_file;
      INSERT INTO p2p_torrent (file_id, video_id, name, title, path, size_bytes, piece_bytes, pieces, infohash)
      SELECT 999999, 999999, 'of-one-that-went.torrent', title, path, size_bytes, piece_bytes, pieces, X'00' FROM torrents_file LIMIT 1;
      DELETE FROM torrents_file; DELETE FROM torrents_video; DELETE FROM torrents_walk;`])
    await site.start()
    await site.when('the administrator is told', () => /torrents of before wait for the plugin torrents/.test(site.log))
    await site.kill()
    enable(site, ...both)
    await site.start()
    const now = await site.until(video.uuid, one => hasTorrents(one) && allFiles(one).every(file => file.torrentUrl.includes('/before-')), null)
    for (const file of allFiles(now)) {
      const old = before.get(file.id)
      assert.equal(file.torrentUrl, old.torrentUrl.replace('/torrents/', '/torrents/before-'))
      assert.equal(magnetOf(file).get('xt'), magnetOf(old).get('xt'))
      assert.deepEqual(magnetOf(file).getAll('tr'), now.trackerUrls)
      assert.equal((await torrentOf(file)).btih, magnetOf(old).get('xt').slice('urn:btih:'.length))
    }
    await site.when('nothing is left there', () => rows(site, 'SELECT file_id FROM p2p_torrent').length === 0)
    assert.deepEqual(rows(site, 'SELECT file_id FROM torrents_file WHERE video_id = 999999'), [])
  })
})
