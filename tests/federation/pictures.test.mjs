// pictures.test.mjs - pictures of other servers: slow ones hold nobody up, and one fetch serves all who wait.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import http, { createServer } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins } from '../kit/plugins.mjs'
import { Faults } from '../faults/kit.mjs'
import { Peer, federating } from './peer.mjs'
import { plantVideo, writePlanter } from './planter.mjs'

const slowHosts = 60
let site, peer, channel, picture, faults
const servers = []

/** A host with an answer for every path: {url, asked}; it has no other life than answer(request, response). */
async function host (address, answer) {
  const asked = []
  const server = createServer((request, response) => {
    asked.push(request.url)
    answer(request, response)
  })
  servers.push(server)
  await new Promise(resolve => server.listen(0, address, resolve))
  return { url: `http://${address}:${server.address().port}`, asked }
}

const give = response => {
  response.writeHead(200, { 'content-type': 'image/jpeg' })
  response.end(picture)
}

/** The thumbnail's path here of a new video whose picture lies at a URL. */
async function pictured (url) {
  const video = await plantVideo(site, channel, { name: 'with a picture', thumbnails: [{ url, width: 280, height: 157 }] })
  return (await site.get(`/videos/${video.uuid}`, { token: true })).json.thumbnailPath
}

before(async () => {
  [site, peer] = await Promise.all([startInstance({ started: false, settings: federating }), Peer.start()])
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'annotations', 'media', 'web', 'signatures', 'identity', 'delivery', 'federation', line('planter', writePlanter(site))])
  site.settings.push(`url=${site.url}`)
  faults = new Faults(join(site.home, 'faults'))
  // What comes meanwhile has time, however busy the machine; what could not be kept here comes soon again.
  site.environment = { ...faults.environment, SHOAL_DRILL_FETCH: '12000', SHOAL_DRILL_FULL: '200' }
  await site.start()
  channel = peer.channel('films', peer.person('owner'))
  picture = await readFile(await clip('jpeg', { size: '320x180' }))
})
after(async () => {
  await site?.stop()
  await peer?.stop()
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
})

test('sixty hosts that send a byte now and then hold up nobody', async () => {
  const drip = (request, response) => {
    response.writeHead(200, { 'content-type': 'image/jpeg' })
    response.write(picture.subarray(0, 600))
    const timer = setInterval(() => response.write(' '.repeat(200)), 500)
    response.on('close', () => clearInterval(timer))
  }
  const slow = await Promise.all(Array.from({ length: slowHosts }, (_, i) => host(`127.0.7.${i + 1}`, drip)))
  const well = await host('127.0.8.1', (request, response) => give(response))
  const paths = []
  for (const { url } of slow) paths.push(await pictured(`${url}/slow.jpg`))
  const wells = [await pictured(`${well.url}/1.jpg`), await pictured(`${well.url}/2.jpg`)]
  let ended = 0
  const waiting = paths.map(async path => {
    const answer = await site.raw({ path })
    ended++
    return answer
  })
  await site.when('all of them are being fetched', () => slow.every(({ asked }) => asked.length === 1))
  for (let i = 0; i < 20; i++) assert.equal((await site.get(`/videos?count=${i + 1}`)).status, 200)
  for (const path of wells) {
    const answer = await site.raw({ path })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['content-type'], 'image/jpeg')
  }
  assert.equal(ended, 0, 'all that came while the slow ones were waited for')
  for (const answer of await Promise.all(waiting)) {
    assert.equal(answer.status, 404)
    assert.match(answer.headers['content-type'], /svg/)
    assert.equal(answer.headers['cache-control'], 'no-store')
  }
  // And is not asked for again at once.
  assert.equal((await site.raw({ path: paths[0] })).status, 404)
  assert.equal(slow[0].asked.length, 1)
})

test('one fetch serves all who wait, also those who went away', async () => {
  const held = []
  const later = await host('127.0.8.2', (request, response) => held.push(response))
  const path = await pictured(`${later.url}/once.jpg`)
  const gone = new Promise(resolve => {
    const { hostname, port } = new URL(site.url)
    const request = http.get({ hostname, port, path, agent: false }, resolve)
    request.on('error', resolve)
    site.when('it is being fetched', () => held.length === 1).then(() => request.destroy())
  })
  assert.ok(await gone instanceof Error)
  const all = Array.from({ length: 40 }, () => site.raw({ path }))
  assert.equal((await site.get('/videos')).status, 200)
  give(held[0])
  const answers = await Promise.all(all)
  for (const { status, body } of answers) {
    assert.equal(status, 200)
    assert.deepEqual(body, answers[0].body)
  }
  assert.deepEqual(later.asked, ['/once.jpg'])

  // Whoever waited is gone: what came is kept all the same.
  const other = await pictured(`${later.url}/alone.jpg`)
  const alone = new Promise(resolve => {
    const { hostname, port } = new URL(site.url)
    const request = http.get({ hostname, port, path: other, agent: false }, resolve)
    request.on('error', resolve)
    site.when('it is being fetched', () => held.length === 2).then(() => request.destroy())
  })
  assert.ok(await alone instanceof Error)
  give(held[1])
  assert.equal((await site.raw({ path: other })).status, 200)
  assert.deepEqual(later.asked, ['/once.jpg', '/alone.jpg'])
})

test('what is no picture, too large, or leads into a private network is none', async () => {
  const bad = await host('127.0.8.3', (request, response) => {
    if (request.url === '/large.jpg') {
      response.writeHead(200, { 'content-type': 'image/jpeg' })
      response.end(Buffer.alloc(5 * 1024 * 1024))
    } else if (request.url === '/inner.jpg') {
      response.writeHead(302, { location: 'http://169.254.1.1/x.jpg' })
      response.end()
    } else {
      response.writeHead(200, { 'content-type': 'image/jpeg' })
      response.end('<script>alert(1)</script>')
    }
  })
  for (const name of ['page.jpg', 'large.jpg', 'inner.jpg']) {
    const answer = await site.raw({ path: await pictured(`${bad.url}/${name}`) })
    assert.equal(answer.status, 404, name)
    assert.match(answer.headers['content-type'], /svg/)
  }
  assert.deepEqual(bad.asked, ['/page.jpg', '/large.jpg', '/inner.jpg'])
})

test('what our own storage does not take is not their fault', { skip: !Faults.possible() && 'only the program of the tests has calls that can fail' }, async () => {
  const well = await host('127.0.8.4', (request, response) => {
    if (!request.url.endsWith('.vtt')) return give(response)
    response.writeHead(200, { 'content-type': 'text/vtt' })
    response.end('WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n')
  })
  const { uuid } = await plantVideo(site, channel, {
    name: 'with all of it',
    thumbnails: [{ url: `${well.url}/thumb.jpg`, width: 280, height: 157 }],
    captions: [{ language: 'en', label: 'English', url: `${well.url}/en.vtt` }],
    storyboard: { url: `${well.url}/board.jpg`, width: 320, height: 180, tileWidth: 160, tileHeight: 90, tileDuration: 30 }
  })
  const { thumbnailPath } = (await site.get(`/videos/${uuid}`, { token: true })).json
  const [{ captionPath }] = (await site.get(`/videos/${uuid}/captions`, { token: true })).json.data
  const [{ storyboardPath }] = (await site.get(`/videos/${uuid}/storyboards`, { token: true })).json.storyboards
  for (const [path, name, folder] of [[thumbnailPath, 'thumb.jpg', 'thumbnails'], [captionPath, 'en.vtt', 'video-captions'], [storyboardPath, 'board.jpg', 'storyboards']]) {
    const asked = () => well.asked.filter(url => url === `/${name}`).length
    faults.on(`rename EIO all ${folder}/`)
    for (let i = 1; i <= 3; i++) {
      await site.when(`${name} is asked for again`, async () => {
        const { status } = await site.raw({ path })
        assert.ok(status >= 400, `${name}: ${status}`)
        return asked() >= i
      })
    }
    await site.when(`${name} was not stored`, () => faults.hits.length >= 3)
    faults.off()
    await site.when(`${name} comes`, async () => (await site.raw({ path })).status === 200, 30000)
    assert.match(site.log, new RegExp(`${path.split('/').pop()} of .* cannot be kept now`))
    assert.doesNotMatch(site.log, new RegExp(`${path.split('/').pop()} of .* cannot be had`))
  }
})
