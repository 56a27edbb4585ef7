// tls.test.mjs - two of us over https: one behind a proxy that speaks HTTP/2, one that does TLS itself.
//
// Both trust an authority of these tests (SSL_CERT_FILE) and have names with ports; nothing is asked in the clear.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { createSecureServer } from 'node:http2'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { freePort, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { federating, withFederation } from './peer.mjs'

const activityType = 'application/activity+json'
let folder, proxy, behind, alone, stranger, maker, viewer
const seen = []

const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' })
const file = name => join(folder, name)

/** A certificate for an address, by the authority of the tests or by nobody. */
function certify (name, address, { isKnown = true } = {}) {
  const alternative = `subjectAltName=IP:${address}`
  if (!isKnown) {
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=nobody', '-addext', alternative, '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`))
  } else {
    writeFileSync(file('extensions'), alternative)
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout', file(`${name}.key`), '-out', file(`${name}.csr`))
    openssl('x509', '-req', '-in', file(`${name}.csr`), '-CA', file('authority.pem'), '-CAkey', file('authority.key'), '-CAcreateserial', '-days', '2', '-extfile', file('extensions'), '-out', file(`${name}.pem`))
  }
  chmodSync(file(`${name}.key`), 0o644)
}

/** As nginx stands before a site: HTTP/2 outside, HTTP/1.1 inside; what it was asked lies in `seen`. */
async function proxyFor (port, name) {
  const server = createSecureServer({ allowHTTP1: true, key: readFileSync(file(`${name}.key`)), cert: readFileSync(file(`${name}.pem`)) }, (asked, answer) => {
    const headers = Object.fromEntries(Object.entries(asked.headers).filter(([key]) => key[0] !== ':'))
    headers.host = asked.headers[':authority'] ?? headers.host
    seen.push({ version: asked.httpVersion, method: asked.method, url: asked.url, host: headers.host })
    Object.assign(headers, { 'x-forwarded-proto': 'https', 'x-forwarded-for': asked.socket.remoteAddress })
    const inner = http.request({ port, host: '127.0.0.1', method: asked.method, path: asked.url, headers }, got => {
      const { connection, 'transfer-encoding': coding, 'keep-alive': keep, ...rest } = got.headers
      answer.writeHead(got.statusCode, rest)
      got.pipe(answer)
    })
    inner.on('error', () => answer.destroy?.())
    asked.pipe(inner)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}

/** A GET as a stranger makes it, with the authority of the tests. */
function get (url, accept = activityType) {
  return new Promise((resolve, reject) => {
    https.get(url, { ca: readFileSync(file('authority.pem')), headers: { accept } }, answer => {
      const parts = []
      answer.on('data', part => parts.push(part))
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(parts) }))
    }).on('error', reject)
  })
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-tls-'))
  chmodSync(folder, 0o755)
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=authority of a test', '-addext', 'basicConstraints=critical,CA:TRUE', '-keyout', file('authority.key'), '-out', file('authority.pem'))
  certify('behind', '127.0.0.1')
  certify('alone', '127.0.0.2')
  certify('stranger', '127.0.0.1', { isKnown: false })
  behind = await startInstance({ started: false, settings: [...federating] })
  alone = await startInstance({ started: false, settings: [...federating, `tls.certificate=${file('alone.pem')}`, `tls.key=${file('alone.key')}`] })
  proxy = await proxyFor(behind.port, 'behind')
  behind.outside = `https://127.0.0.1:${proxy.address().port}`
  const port = await freePort()
  alone.outside = `https://127.0.0.2:${port}`
  alone.config = alone.config.replace(/^listen = \{ /m, found => `${found}"127.0.0.2:${port} tls", `)
  for (const site of [behind, alone]) {
    site.environment.SSL_CERT_FILE = file('authority.pem')
    withFederation(site, ['comments', 'ratings', 'subscriptions', 'discovery'])
    site.settings[site.settings.indexOf(`url=${site.url}`)] = `url=${site.outside}`
    site.host = new URL(site.outside).host
    await site.start()
  }
  maker = await behind.user('maker')
  viewer = await alone.user('viewer')
})
after(async () => {
  for (const site of [behind, alone]) await site?.stop()
  for (const server of [proxy, stranger]) server?.close()
  rmSync(folder, { recursive: true, force: true })
})

const following = async (site, host) => (await site.get('/server/following?count=50', { token: true })).json.data.find(row => row.following.host === host)
async function follow (from, to) {
  assert.equal((await from.post('/server/following', { token: true, json: { hosts: [to.host] } })).status, 204)
  await from.when(`${to.host} accepts`, async () => (await following(from, to.host))?.state === 'accepted')
}

test('a server that is named by its host is asked over https, and both follow each other', async () => {
  await follow(alone, behind)
  await follow(behind, alone)
  assert.ok(seen.some(asked => asked.version === '2.0' && asked.url === '/.well-known/nodeinfo'), 'the proxy was asked in HTTP/2')
  assert.ok(seen.every(asked => asked.host === behind.host), 'by the name that it has')
})

let video
test('a video of the one is at the other, with addresses of https alone', async () => {
  video = await behind.upload(await clip('h264'), { name: 'Through TLS', privacy: 1 }, maker.token)
  await behind.published(video.uuid)
  const there = await alone.when('it is there', async () => { const answer = await alone.get(`/videos/${video.uuid}`); return answer.status === 200 && answer.json })
  assert.equal(there.url, `${behind.outside}/videos/watch/${video.uuid}`)
  const [playlist] = there.streamingPlaylists
  assert.ok(playlist.playlistUrl.startsWith(`${behind.outside}/`), playlist.playlistUrl)
  assert.equal((await get(playlist.playlistUrl, '*/*')).status, 200)
  assert.ok(there.trackerUrls.length > 0)
  for (const url of there.trackerUrls) assert.match(url, new RegExp(`^(https|wss)://${behind.host}/`))
  const document = (await get(there.url)).bytes.toString()
  assert.doesNotMatch(document, /http:\/\/127|ws:\/\//)
  const picture = await alone.when('its picture', async () => { const answer = await alone.raw({ path: there.previewPath }); return answer.status === 200 && answer })
  assert.equal(picture.body.readUInt16BE(0), 0xffd8)
})

test('somebody is found by name, comments and likes travel, signed for a host with its port', async () => {
  const found = await alone.get(`/search/video-channels?search=${maker.channel}@${behind.host}`, { token: viewer.token })
  assert.equal(found.json.data[0]?.name, maker.channel)
  const written = await alone.post(`/videos/${video.uuid}/comment-threads`, { token: viewer.token, json: { text: 'Heard through two walls' } })
  assert.equal(written.status, 200, written.text)
  const comment = await behind.when('the comment', async () => (await behind.get(`/videos/${video.uuid}/comment-threads`)).json.data[0])
  assert.equal(comment.account.host, alone.host)
  assert.ok(comment.url.startsWith(`${alone.outside}/`))
  const answered = await behind.post(`/videos/${video.uuid}/comments/${comment.id}`, { token: maker.token, json: { text: 'So it is' } })
  assert.equal(answered.status, 200, answered.text)
  await alone.when('the answer', async () => (await alone.get(`/videos/${video.uuid}/comment-threads`)).json.data[0]?.totalReplies === 1)
  assert.equal((await alone.put(`/videos/${video.uuid}/rate`, { token: viewer.token, json: { rating: 'like' } })).status, 204)
  await behind.when('the like', async () => (await behind.get(`/videos/${video.uuid}`)).json.likes === 1)
})

test('a video that is deleted is gone there', async () => {
  assert.equal((await behind.delete(`/videos/${video.uuid}`, { token: maker.token })).status, 204)
  await alone.when('it is gone', async () => (await alone.get(`/videos/${video.uuid}`)).status === 404)
})

test('a server whose certificate nobody vouches for is not believed', async () => {
  stranger = await proxyFor(behind.port, 'stranger')
  const host = `127.0.0.1:${stranger.address().port}`
  const before = seen.length
  const answer = await alone.post('/federation/following', { token: true, json: { name: host } })
  assert.ok(answer.status >= 400, `${answer.status}`)
  assert.equal(seen.length, before, 'nothing was said to it')
  assert.equal(await following(alone, host), undefined)
})
