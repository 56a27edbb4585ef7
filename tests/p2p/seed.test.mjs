// seed.test.mjs - `shoal seed`: a second machine mirrors videos, is checked, and is dropped when it fails.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync, closeSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { request } from '../kit/client.mjs'
import { freePort, program, shoal, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

const loopback = 'fetch.private=127.0.0.1'
const running = new Set()
process.on('exit', () => running.forEach(seeder => seeder.end('SIGKILL')))

/** `shoal seed` as a process of its own group. */
class Seeder {
  log = ''
  ended = null

  constructor (port, folder) {
    this.port = port
    this.folder = folder
    this.url = `http://127.0.0.1:${port}`
  }

  start (url, token, ...more) {
    const args = ['seed', url, '--token', token, '--folder', this.folder, '--listen', `127.0.0.1:${this.port}`,
      '--every', '1s', '--set', loopback, ...more]
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    running.add(this)
    this.ended = new Promise(resolve => this.child.once('close', (code, signal) => { // when its log is whole
      running.delete(this)
      resolve({ code, signal })
    }))
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', text => { this.log += text })
    return this
  }

  /** To the whole group for SIGKILL, as when the power fails; else to the supervisor alone. */
  end (signal = 'SIGTERM') {
    try {
      process.kill(signal === 'SIGKILL' ? -this.child.pid : this.child.pid, signal)
    } catch { /* it is gone already */ }
    return this.ended
  }

  get (path, headers = {}) { return request(this.url, { path, headers }) }

  files (uuid) {
    const folder = join(this.folder, uuid)
    return existsSync(folder) ? readdirSync(folder).sort() : []
  }
}

async function until (what, is, seeder, timeout = 60000) {
  for (const end = Date.now() + timeout; ;) {
    const value = await is()
    if (value) return value
    if (Date.now() > end) assert.fail(`it did not happen: ${what}\n${seeder?.log ?? ''}`)
    await sleep(100)
  }
}

async function makeSeeder () {
  const home = mkdtempSync(join(tmpdir(), 'shoal-test-'))
  chmodSync(home, 0o755) // started as root, the mirror drops to another user
  return new Seeder(await freePort(), join(home, 'mirror'))
}

/** Removes what it kept; fails when a sanitizer complained. */
function clean (seeder) {
  rmSync(join(seeder.folder, '..'), { recursive: true, force: true })
  assert.doesNotMatch(seeder.log, /ERROR: (Address|Leak)Sanitizer|runtime error:/)
}

async function tokenOf (site, name) {
  const { code, stdout, stderr } = await shoal('seed-token', site.folder, name)
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^[0-9a-f]{64}\n$/)
  return stdout.trim()
}

const bearer = token => ({ authorization: `Bearer ${token}` })
const mirrorOf = async (site, name) =>
  (await site.get('/mirrors', { token: true })).json.data.find(mirror => mirror.name === name)
const isOffered = (site, name, videos = 1) => async () => {
  const mirror = await mirrorOf(site, name)
  return mirror.state === 'offered' && mirror.videos >= videos && mirror
}

/** Instances of which the origin's plugin is on. */
async function startOrigin (...settings) {
  const site = await startInstance({ started: false, settings })
  site.config = site.config.replace('plugins = {', 'plugins = {\n  "seed",')
  return site.start()
}

describe('a mirror', () => {
  let site, video, secret, channel
  const seeders = []
  const seeder = async () => {
    seeders.push(await makeSeeder())
    return seeders.at(-1)
  }
  const publish = async (seconds, fields) => {
    const made = await site.upload(await clip('h264', { seconds }), fields)
    await site.published(made.uuid)
    return made
  }
  const mediaOf = async uuid => (await site.get(`/videos/${uuid}`, { token: true })).json.streamingPlaylists[0]

  before(async () => {
    site = await startOrigin(loopback, 'seed.check_every=1s', 'seed.silent=4s')
    video = await publish(40, { privacy: 1, name: 'Fish' })
    secret = await publish(2, { privacy: 3, name: 'Secret' })
    channel = (await site.get('/users/me', { token: true })).json.videoChannels[0].name
  })
  after(async () => {
    for (const one of seeders) {
      if (one.child) await one.end('SIGKILL')
      clean(one)
    }
    await site?.stop()
  })

  test('tokens are shown once, listed, and have names', async () => {
    const token = await tokenOf(site, 'listed')
    assert.equal((await shoal('seed-token', site.folder, 'listed')).code, 1)
    const wrong = await shoal('seed-token', site.folder, 'a/b')
    assert.equal(wrong.code, 1)
    assert.match(wrong.stderr, /no name of a token/)
    assert.equal((await shoal('seed-token', site.folder, 'a', 'b')).code, 2)
    const { stdout } = await shoal('seed-token', site.folder, 'list')
    assert.match(stdout, /^listed +unused/m)
    assert.ok(!stdout.includes(token))
    const files = readdirSync(site.folder).filter(name => name.startsWith('shoal.sqlite3'))
    for (const name of files) assert.ok(!readFileSync(join(site.folder, name)).includes(token), name)
    assert.equal((await site.get('/mirrors')).status, 401)
  })

  test('nobody asks without a token, and what is asked for is named', async () => {
    const token = await tokenOf(site, 'asks')
    assert.equal((await site.get('/mirrors/videos?video=1')).status, 401)
    assert.equal((await site.get('/mirrors/videos?video=1', { headers: bearer('x') })).status, 401)
    assert.equal((await site.get('/mirrors/videos', { headers: bearer(token) })).status, 400)
    assert.equal((await site.get(`/mirrors/videos?video=${secret.uuid}`, { headers: bearer(token) })).status / 100 | 0, 4)
    const early = await site.post('/mirrors/heartbeat', { headers: bearer(token), json: { videos: [] } })
    assert.equal(early.status, 409)
    for (const baseUrl of ['mirror', 'ftp://a.example', 'http://a.example/', 'http://u@a.example/hls', 'http://a.example/../x']) {
      const refused = await site.post('/mirrors/register', { headers: bearer(token), json: { baseUrl } })
      assert.equal(refused.status, 400, baseUrl)
      assert.match(refused.text, /baseUrl/)
    }
    // An address that belongs to somebody else does not know the token.
    const stranger = await site.post('/mirrors/register', { headers: bearer(token), json: { baseUrl: site.url } })
    assert.equal(stranger.status, 400)
    assert.match(stranger.text, /is not answered by this mirror/)
  })

  test('a wrong line is said at once, by its field', async () => {
    const { folder } = await seeder()
    const token = await tokenOf(site, 'wrong')
    const lines = [
      [2, /needs --folder DIR/, `${site.url}/w/1`, '--token', token],
      [2, /no address to listen on/, `${site.url}/w/1`, '--token', token, '--folder', folder, '--listen', 'x'],
      [1, /no page of a video or a channel/, `${site.url}/about`, '--token', token, '--folder', folder, '--listen', '127.0.0.1:1'],
      [1, /token is needed/, `${site.url}/w/1`, '--folder', folder, '--listen', '127.0.0.1:1'],
      [1, /base_url is needed/, `${site.url}/w/1`, '--token', token, '--folder', folder],
      [1, /max_size/, `${site.url}/w/1`, '--token', token, '--folder', folder, '--max-size', 'much'],
      [1, /is not known here/, `${site.url}/c/${channel}`, '--token', 'x', '--folder', folder, '--listen', '127.0.0.1:1', '--set', loopback],
      [1, /another instance/, `${site.url}/w/1`, '--token', token, '--folder', site.folder, '--listen', '127.0.0.1:1'],
      [1, /status 40[14]|not found/i, `${site.url}/w/${secret.uuid}`, '--token', token, '--folder', folder, '--listen', '127.0.0.1:1', '--set', loopback]
    ]
    for (const [code, sentence, ...words] of lines) {
      const ended = await shoal('seed', ...words)
      assert.match(ended.stderr, sentence)
      assert.equal(ended.code, code, words.join(' '))
    }
    assert.match((await shoal('help')).stdout, /^ {2}seed-token \[DIR\]/m)
    assert.match((await shoal('seed', '--help')).stdout, /--max-size MAX_SIZE/)
    assert.match(readFileSync(join(folder, 'shoal.lua'), 'utf8'), /"seed"/)
    assert.equal(statSync(join(folder, 'shoal.lua')).mode & 0o077, 0, 'it holds a token')
  })

  test('mirrors a video end to end, serves it, and leaves', async () => {
    const one = await seeder()
    const token = await tokenOf(site, 'whole')
    one.start(`${site.url}/w/${video.shortUUID}`, token)
    const offered = await until('it is offered', isOffered(site, 'whole'), one)
    assert.equal(offered.baseUrl, `${one.url}/hls`)
    const told = async () => (await site.get(`/videos/${video.uuid}`)).json.streamingPlaylists[0].redundancies
    await until('strangers are told', async () => (await told()).length > 0, one)
    assert.deepEqual(await told(), [{ baseUrl: `${one.url}/hls/${video.uuid}` }])
    const playlist = await mediaOf(video.uuid)
    const names = [playlist.playlistUrl, playlist.segmentsSha256Url, ...playlist.files.flatMap(file => [file.fileUrl, file.playlistUrl])]
      .map(url => url.split('/').pop())
    assert.deepEqual(one.files(video.uuid), [...names].sort())
    for (const name of names) {
      const ours = await site.raw({ path: `/static/streaming-playlists/hls/${video.uuid}/${name}` })
      const theirs = await one.get(`/hls/${video.uuid}/${name}`, { origin: site.url })
      assert.equal(theirs.status, 200)
      assert.ok(ours.body.equals(theirs.body), name)
      assert.equal(theirs.headers['access-control-allow-origin'], '*')
      assert.equal(theirs.headers['content-type'], ours.headers['content-type'])
    }
    const media = names.find(name => name.endsWith('.mp4'))
    const part = await one.get(`/hls/${video.uuid}/${media}`, { range: 'bytes=100-199' })
    assert.equal(part.status, 206)
    assert.equal(part.body.length, 100)
    const others = ['/hls/../shoal.lua', `/hls/${video.uuid}/../shoal.lua`, `/hls/${video.uuid}/..%2fshoal.lua`, '/hls/run/lock',
      `/hls/${video.uuid}/%2e%2e%2f%2e%2e%2fetc%2fpasswd`, `/hls/${video.uuid}/${media}.part`, '/shoal.lua',
      `/hls/${secret.uuid}/${media}`, `/hls/${video.uuid}/${secret.uuid}-720.m3u8`]
    for (const path of others) assert.ok([400, 404].includes((await one.get(path)).status), path)
    // The address is its own: it says so to nobody but the origin, and only for its own token.
    const stranger = await site.post('/mirrors/register', { headers: bearer(await tokenOf(site, 'thief')), json: { baseUrl: offered.baseUrl } })
    assert.equal(stranger.status, 400)
    assert.match(stranger.text, /is not answered by this mirror/)
    const nonce = '00112233445566778899aabbccddeeff'
    const proof = createHmac('sha256', createHash('sha256').update(token).digest()).update(nonce + offered.baseUrl).digest('hex')
    assert.equal((await one.get(`/hls/proof?nonce=${nonce}`)).text, proof)
    for (const query of ['', '?nonce=', '?nonce=00', `?nonce=${nonce}0`, `?nonce=${'x'.repeat(32)}`]) {
      assert.equal((await one.get(`/hls/proof${query}`)).status, 400, query)
    }
    const { stdout } = await shoal('seed-token', site.folder, 'list')
    assert.match(stdout, /^whole +offered +1 /m)
    assert.deepEqual(await one.end(), { code: 0, signal: null })
    assert.equal((await mirrorOf(site, 'whole')).state, 'left')
    assert.equal((await mirrorOf(site, 'whole')).videos, 0)
    await until('nobody is told any more', async () => (await told()).length === 0, one)
  })

  test('a byte that was changed drops it, it is told, and mends itself', async () => {
    const one = await seeder()
    one.start(`${site.url}/w/${video.uuid}`, await tokenOf(site, 'flipped'))
    await until('it is offered', isOffered(site, 'flipped'), one)
    const name = one.files(video.uuid).find(file => file.endsWith('.mp4'))
    const path = join(one.folder, video.uuid, name)
    const right = readFileSync(path)
    // One byte of each segment, so that any sample has it.
    const list = JSON.parse(readFileSync(join(one.folder, video.uuid, one.files(video.uuid).find(file => file.endsWith('.json')))))
    const fd = openSync(path, 'r+')
    for (const range of Object.keys(list[name])) {
      const at = Number(range.split('-')[0])
      writeSync(fd, Buffer.from([right[at] ^ 1]), 0, 1, at)
    }
    closeSync(fd)
    await until('it is told', () => /sends no viewers here: .*are not ours/.test(one.log), one)
    await site.says(/mirror flipped is not offered: .*are not ours/)
    await until('it is mended', () => readFileSync(existsSync(path) ? path : `${path}.part`).equals(right) && existsSync(path), one)
    await until('it is offered again', isOffered(site, 'flipped'), one)
    await one.end()
  })

  test('follows a channel: new videos come, hidden and deleted ones go', async () => {
    const one = await seeder()
    one.start(`${site.url}/c/${channel}`, await tokenOf(site, 'channel'))
    await until('the first is here', isOffered(site, 'channel'), one)
    const second = await publish(3, { privacy: 1, name: 'Second' })
    const third = await publish(2, { privacy: 1, name: 'Third' })
    await until('the new ones are offered', isOffered(site, 'channel', 3), one)
    assert.equal(one.files(secret.uuid).length, 0)
    const name = one.files(second.uuid)[0]
    assert.equal((await site.put(`/videos/${second.uuid}`, { token: true, json: { privacy: 3 } })).status, 204)
    assert.equal((await site.delete(`/videos/${third.uuid}`, { token: true })).status, 204)
    await until('they are removed', () => one.files(second.uuid).length + one.files(third.uuid).length === 0, one)
    assert.equal((await one.get(`/hls/${second.uuid}/${name}`)).status, 404)
    assert.ok(!existsSync(join(one.folder, second.uuid)))
    await until('the origin knows', async () => (await mirrorOf(site, 'channel')).videos === 1, one)
    await one.end()
  })

  test('what does not fit is left out, the newest come first', async () => {
    const one = await seeder()
    const newest = await publish(2, { privacy: 1, name: 'Newest' })
    one.start(`${site.url}/c/${channel}`, await tokenOf(site, 'small'), '--max-size', '1800K', '--bandwidth', '1M')
    await until('it is offered', isOffered(site, 'small'), one)
    const name = one.files(newest.uuid).find(file => file.endsWith('.mp4'))
    const right = readFileSync(join(one.folder, newest.uuid, name))
    const part = await one.get(`/hls/${newest.uuid}/${name}`, { range: 'bytes=100-1099' })
    assert.equal(part.status, 206)
    assert.ok(part.body.equals(right.subarray(100, 1100)))
    assert.ok((await one.get(`/hls/${newest.uuid}/${name}`)).body.equals(right))
    assert.ok(one.files(newest.uuid).length > 0)
    assert.deepEqual(one.files(video.uuid), [])
    await one.end()
    await site.delete(`/videos/${newest.uuid}`, { token: true })
  })

  test('a killed one is silent; it goes on where it was, and never serves what is half', async () => {
    const one = await seeder()
    const token = await tokenOf(site, 'killed')
    const page = `${site.url}/w/${video.uuid}`
    const file = (await mediaOf(video.uuid)).files[0]
    const name = file.fileUrl.split('/').pop()
    const part = join(one.folder, video.uuid, `${name}.part`)
    one.start(page, token, '--bandwidth', '150K')
    await until('a part is here', () => existsSync(part) && statSync(part).size > file.size / 4, one)
    assert.equal((await one.get(`/hls/${video.uuid}/${name}`)).status, 404)
    await one.end('SIGKILL')
    assert.ok(existsSync(part), 'it was quicker than its bandwidth allows')
    await until('it is silent', async () => (await mirrorOf(site, 'killed')).state === 'silent', one)
    one.log = ''
    one.start(page, token)
    await until('it is offered', isOffered(site, 'killed'), one)
    const [, all, fetched] = one.log.match(/is here: ([\d.]+) MB, of which ([\d.]+) MB were fetched now/)
    assert.ok(Number(fetched) < Number(all), `${fetched} of ${all} MB were fetched again`)
    // Whole and valid: nothing comes again.
    await one.end('SIGKILL')
    one.log = ''
    one.start(page, token)
    await until('it is here again', () => /of which 0\.0 MB were fetched now/.test(one.log), one)
    await until('it is offered again', isOffered(site, 'killed'), one)
    await one.end()
  })

  test('a revoked token ends it', async () => {
    const one = await seeder()
    const token = await tokenOf(site, 'revoked')
    one.start(`${site.url}/w/${video.uuid}`, token)
    await until('it is offered', isOffered(site, 'revoked'), one)
    assert.equal((await shoal('seed-token', site.folder, 'revoke', 'nobody')).code, 1)
    assert.equal((await shoal('seed-token', site.folder, 'revoke', 'revoked')).code, 0)
    assert.equal(await mirrorOf(site, 'revoked'), undefined)
    assert.equal((await one.ended).signal, null)
    assert.match(one.log, /was revoked.*this mirror ends/)
    const again = await shoal('seed', `${site.url}/w/${video.uuid}`, '--token', token, '--folder', one.folder,
      '--listen', `127.0.0.1:${one.port}`, '--set', loopback)
    assert.equal(again.code, 1)
    assert.match(again.stderr, /was revoked/)
  })
})

test('no more mirrors than asked for hold a video; a dead one takes no place', async () => {
  const site = await startOrigin(loopback, 'seed.check_every=1s', 'seed.silent=3s', 'seed.mirrors_per_video=1')
  const allow = async count => {
    await site.kill()
    site.settings = [...site.settings.slice(0, -1), `seed.mirrors_per_video=${count}`]
    await site.start()
  }
  const first = await makeSeeder()
  const second = await makeSeeder()
  try {
    const { uuid } = await site.upload(await clip('h264', { seconds: 2 }), { privacy: 1, name: 'Fish' })
    await site.published(uuid)
    const channel = `${site.url}/c/${(await site.get('/users/me', { token: true })).json.videoChannels[0].name}`
    const token = await tokenOf(site, 'first')
    first.start(channel, token)
    await until('the first has it', isOffered(site, 'first'), first)
    second.start(channel, await tokenOf(site, 'second'))
    await until('the second waits', async () => (await mirrorOf(site, 'second')).heardAt !== null, second)
    assert.deepEqual(second.files(uuid), [])
    await first.end('SIGKILL')
    await until('the second has it', isOffered(site, 'second'), second)
    // It comes back, and a second place is made for it. Then there is one less, not none.
    await allow(2)
    first.start(channel, token)
    await until('both have it', async () => await isOffered(site, 'first')() && await isOffered(site, 'second')(), first)
    await allow(1)
    await until('the second has it no more', () => second.files(uuid).length === 0, second)
    await sleep(3000)
    assert.ok(first.files(uuid).length > 0)
    assert.equal((await mirrorOf(site, 'first')).videos, 1)
    assert.equal((await mirrorOf(site, 'second')).videos, 0)
  } finally {
    for (const one of [first, second]) {
      if (one.child) await one.end('SIGKILL')
      clean(one)
    }
    await site.stop()
  }
})

describe('a mirror whose program is not ours', () => {
  let site, server, token, baseUrl, wait, lie
  const videos = []
  const say = (path, json) => site.post(`/mirrors/${path}`, { headers: bearer(token), json })
  const beat = async () => assert.equal((await say('heartbeat', { videos: videos.map(({ uuid, list }) => ({ uuid, list })) })).status, 200)

  before(async () => {
    site = await startOrigin(loopback, 'seed.check_every=1s', 'seed.check_time=2s')
    token = await tokenOf(site, 'strange')
    const key = createHash('sha256').update(token).digest()
    server = createServer(async (asked, answer) => {
      const url = new URL(asked.url, 'http://x')
      if (url.pathname === '/hls/proof') {
        return answer.end(createHmac('sha256', key).update(url.searchParams.get('nonce') + baseUrl).digest('hex'))
      }
      await sleep(wait)
      const range = asked.headers.range ? { range: asked.headers.range } : {}
      const file = await site.raw({ path: `/static/streaming-playlists${url.pathname}`, headers: range })
      const said = { status: file.status, headers: { ...file.headers, 'access-control-allow-origin': '*' }, body: file.body }
      if (lie && url.pathname.includes(videos[0].uuid)) lie(said, url.pathname)
      answer.writeHead(said.status, said.headers).end(said.body)
    })
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
    baseUrl = `http://127.0.0.1:${server.address().port}/hls`
    for (const name of ['Fish', 'Bird']) {
      const { uuid } = await site.upload(await clip('h264', { seconds: 2 }), { privacy: 1, name })
      await site.published(uuid)
      const [{ segmentsSha256Url }] = (await site.get(`/videos/${uuid}`)).json.streamingPlaylists
      videos.push({ uuid, list: segmentsSha256Url.split('/').pop() })
    }
  })
  after(async () => {
    server?.close()
    server?.closeAllConnections()
    await site?.stop()
  })

  const failed = why => until(`it is dropped: ${why}`, async () => {
    const mirror = await mirrorOf(site, 'strange')
    return mirror.state === 'failed' && why.test(mirror.why) && mirror
  })

  test('is not offered while it answers too slowly', async () => {
    // No answer alone is too late; all of them are.
    wait = 900
    assert.equal((await say('register', { baseUrl })).status, 204)
    await beat()
    await failed(/it is too slow: .* 2 s/)
    wait = 0
    await beat()
    await until('it is offered', isOffered(site, 'strange', 2))
  })

  const lies = {
    bytes: [/are not ours/, (said, path) => { if (path.endsWith('.mp4')) said.body = said.body.map(byte => byte ^ 1) }],
    playlist: [/is not ours/, (said, path) => { if (path.endsWith('.m3u8')) said.body = Buffer.from(said.body.toString().replace(/EXTINF:\d/, 'EXTINF:9')) }],
    range: [/status 200 instead of 206|another range/, (said, path) => { if (path.endsWith('.mp4')) said.status = 200 }],
    'another address': [/status 302/, said => Object.assign(said, { status: 302, headers: { location: 'http://127.0.0.1:9/' }, body: '' })],
    'no page of elsewhere': [/Access-Control-Allow-Origin/, said => { delete said.headers['access-control-allow-origin'] }]
  }
  for (const [what, [why, how]] of Object.entries(lies)) {
    test(`is dropped when it lies later, and believed of no other video: ${what}`, async () => {
      lie = how
      const { videos: believed } = await failed(why)
      assert.equal(believed, 0)
      for (const { uuid } of videos) assert.deepEqual((await site.get(`/videos/${uuid}`)).json.streamingPlaylists[0].redundancies, [])
      lie = undefined
      await until('it is offered again, with all', isOffered(site, 'strange', 2))
    })
  }
})

test('an address of a private network is refused where the guard is on', async () => {
  const site = await startOrigin()
  try {
    const token = await tokenOf(site, 'inside')
    for (const host of ['127.0.0.1:9', '10.0.0.1', '169.254.169.254', '[::1]:9', '[::ffff:127.0.0.1]:9', '0.0.0.0:9']) {
      const refused = await site.post('/mirrors/register', { headers: bearer(token), json: { baseUrl: `http://${host}/hls` } })
      assert.equal(refused.status, 400, host)
      assert.match(refused.text, /baseUrl/)
      assert.match(refused.text, /cannot be reached from here/)
    }
    assert.equal((await mirrorOf(site, 'inside')).state, 'unused')
  } finally {
    await site.stop()
  }
})

test('an address that is not https is refused where the site is', async () => {
  const site = await startOrigin(loopback, 'url=https://videos.example.org')
  try {
    const token = await tokenOf(site, 'plain')
    const refused = await site.post('/mirrors/register', { headers: bearer(token), json: { baseUrl: 'http://127.0.0.1:9/hls' } })
    assert.equal(refused.status, 400)
    assert.match(refused.text, /must be https/)
  } finally {
    await site.stop()
  }
})

describe('a hostile origin', () => {
  const uuid = '0d2c1a3e-5b6f-4c7d-8e9f-0a1b2c3d4e5f'
  const media = `${uuid}-720-fragmented.mp4`
  const names = { master: `${uuid}-master.m3u8`, list: `${uuid}-segments-sha256.json`, playlist: `${uuid}-720.m3u8` }
  const good = { uuid, name: 'Hostile', views: 1, publishedAt: '2026-01-01T00:00:00.000Z', files: [{ name: names.master }, { name: names.list }, { name: names.playlist }, { name: media, size: 1000 }] }
  let server, other, heard, videos, texts, one, instead

  before(async () => {
    heard = []
    other = createServer((asked, answer) => {
      heard.push(asked.headers.authorization ?? 'nothing')
      answer.end('{}')
    })
    await new Promise(resolve => other.listen(0, '127.0.0.1', resolve))
    server = createServer((asked, answer) => {
      const path = asked.url.split('?')[0]
      if (asked.url.includes('video=away')) {
        answer.writeHead(302, { location: `http://127.0.0.1:${other.address().port}/api/v1/mirrors/videos` }).end()
      } else if (path === '/api/v1/mirrors/videos' && instead) {
        const { status, text } = instead.answers[Math.min(instead.asked++, instead.answers.length - 1)]
        answer.writeHead(status, { 'content-type': 'application/problem+json' }).end(text)
      } else if (path === '/api/v1/mirrors/videos') {
        answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ total: videos.length, data: videos }))
      } else if (path.startsWith('/static/')) {
        const text = texts[path.split('/').pop()]
        if (asked.headers.authorization) heard.push(asked.headers.authorization)
        if (typeof text === 'function') text(asked, answer)
        else answer.writeHead(text === undefined ? 404 : 200).end(text)
      } else {
        answer.writeHead(200, { 'content-type': 'application/json' }).end('{"state":"waiting","why":""}')
      }
    })
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  })
  after(async () => {
    if (one?.child) await one.end('SIGKILL')
    if (one) clean(one)
    server?.close()
    other?.close()
  })
  const start = async (which, list, served) => {
    if (one?.child) await one.end('SIGKILL')
    if (one) clean(one)
    videos = list
    texts = served
    instead = null
    one = await makeSeeder()
    return one.start(`http://127.0.0.1:${server.address().port}/w/${which}`, 'SECRETTOKEN')
  }
  const master = `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n${names.playlist}\n`
  const list = JSON.stringify({ [media]: { '0-999': '0'.repeat(64) } })

  test('does not get the token sent elsewhere', async () => {
    await start('away', [], {})
    const { code } = await one.ended
    assert.equal(code, 1)
    assert.match(one.log, /the token goes nowhere else/)
    assert.deepEqual(heard, [])
  })

  test('names no file outside of the folder', async () => {
    const evil = ['../../evil.mp4', '..%2fevil.mp4', '/etc/passwd', 'a\u0001b', 'shoal.lua', `../${media}`]
    const bad = evil.map((name, i) => ({ ...good, uuid: uuid.replace(/^./, String(i)), files: [...good.files.slice(0, 3), { name, size: 10 }] }))
    await start('x', [...bad, { ...good, uuid: '../..' }], {})
    await until('they are refused', () => (one.log.match(/is refused/g) ?? []).length >= 2 * (bad.length + 1), one) // before it serves, and then
    const inside = readdirSync(one.folder)
    assert.deepEqual(inside.filter(name => /^[0-9a-f]{8}-|evil|passwd/.test(name)), [])
    assert.ok(!existsSync(join(one.folder, '../evil.mp4')))
  })

  test('leads nobody away with a playlist', async () => {
    await start('x', [good], { [names.master]: `#EXTM3U\n../../../${names.playlist}\n`, [names.list]: list })
    await until('the playlist is refused', () => /a playlist leads to "\.\.\/\.\.\/\.\.\//.test(one.log), one)
    assert.deepEqual(one.files(uuid).filter(name => name.endsWith('.m3u8')), [])
    assert.equal((await one.get(`/hls/${uuid}/${names.master}`)).status, 404)
  })

  test('gives no bytes that its own list does not know, and no more than asked for', async () => {
    const answers = [
      (asked, answer) => answer.writeHead(206, { 'content-range': 'bytes 0-999/1000' }).end(Buffer.alloc(1000)),
      (asked, answer) => answer.writeHead(206, { 'content-range': 'bytes 0-999/1000' }).end(Buffer.alloc(5000000)),
      (asked, answer) => answer.writeHead(200).end(Buffer.alloc(1000)),
      (asked, answer) => answer.writeHead(302, { location: `http://127.0.0.1:${other.address().port}/x` }).end()
    ]
    const playlist = `#EXTM3U\n#EXT-X-MAP:URI="${media}",BYTERANGE="10@0"\n#EXTINF:4,\n${media}\n#EXT-X-ENDLIST\n`
    for (const answer of answers) {
      await start('x', [good], { [names.master]: master, [names.list]: list, [names.playlist]: playlist, [media]: answer })
      await until('it is refused', () => /is not whole yet: /.test(one.log), one)
      assert.ok(!one.files(uuid).includes(media))
      assert.equal((await one.get(`/hls/${uuid}/${media}`)).status, 404)
    }
    assert.deepEqual(heard, [])
  })

  const bytes = Buffer.alloc(1000, 7)
  const head = { 'content-range': 'bytes 0-999/1000', 'content-length': 1000 }
  /** Starts with a video that is as it should be. */
  const startWhole = give => start('x', [good], {
    [names.master]: master,
    [names.list]: JSON.stringify({ [media]: { '0-999': createHash('sha256').update(bytes).digest('hex') } }),
    [names.playlist]: `#EXTM3U\n#EXT-X-MAP:URI="${media}",BYTERANGE="10@0"\n#EXTINF:4,\n${media}\n#EXT-X-ENDLIST\n`,
    [media]: give
  })

  test('what is fetched goes to the disk, not into memory', async () => {
    let pending
    await startWhole((asked, answer) => {
      pending = answer
      answer.writeHead(206, head).write(bytes.subarray(0, 600))
    })
    const range = () => join(one.folder, uuid, `${media}.range`)
    await until('the first bytes are on the disk', () => existsSync(range()) && statSync(range()).size === 600, one)
    assert.equal((await one.get(`/hls/${uuid}/${media}.range`)).status, 404)
    pending.end(bytes.subarray(600))
    await until('it is here', () => /is here: /.test(one.log), one)
    assert.deepEqual(one.files(uuid), [...Object.values(names), media].sort())
    assert.ok(readFileSync(join(one.folder, uuid, media)).equals(bytes))
  })

  test('takes videos away only where the plugin there says that there are none', async () => {
    await startWhole((asked, answer) => answer.writeHead(206, head).end(bytes))
    await until('it is here', () => /is here: /.test(one.log), one)
    const problem = (status, code) => ({ status, text: JSON.stringify({ type: 'about:blank', status, detail: 'no', code }) })
    const others = [{ status: 404, text: '<html>not found</html>' }, problem(404), problem(404, 'other'), problem(409), problem(401),
      { status: 200, text: '{}' }, { status: 200, text: '{"total":0}' }, { status: 200, text: '{"total":"0","data":[]}' },
      { status: 200, text: '[]' }, { status: 200, text: '' }, { status: 500, text: 'x' }]
    instead = { answers: others, asked: 0 }
    for (const [index, answer] of others.entries()) {
      await until('it has heard that, and asks again', () => instead.asked >= index + 2, one)
      assert.equal((await one.get(`/hls/${uuid}/${media}`)).status, 200, JSON.stringify(answer))
      assert.ok(one.files(uuid).includes(media), JSON.stringify(answer))
    }
    instead = { answers: [problem(404, 'nothing_to_mirror')], asked: 0 }
    await until('it is removed', () => one.files(uuid).length === 0, one)
    assert.equal((await one.get(`/hls/${uuid}/${media}`)).status, 404)
  })
})
