// inputs.test.mjs - what people upload: every common kind plays to its end, what is no video leaves no trace.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { launch, open } from '../browser/chromium.mjs'
import { shoal, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

const run = promisify(execFile)
const pathOf = url => new URL(url).pathname
let site, browser, work, spy, spied

/** Every kind, how it should come out: short sides of its renditions (0: sound alone), and its shape. */
const good = [
  { kind: 'h264', what: 'H.264 and AAC in MP4, index at the end', options: { size: '640x360' }, heights: [360, 240, 144], shape: 'wide' },
  { kind: 'vp9', what: 'VP9 and Opus in WebM', options: { size: '426x240' }, heights: [240, 144], shape: 'wide' },
  { kind: 'hevc10', what: 'HEVC with 10 bits in Matroska', options: {}, heights: [180, 144], shape: 'wide' },
  { kind: 'portrait', what: 'a phone held upright', options: {}, heights: [180, 144], shape: 'tall' },
  { kind: 'odd', what: 'odd width and height', options: {}, heights: [360, 240, 144], shape: 'wide' },
  { kind: 'film', what: '23.976 pictures a second', options: {}, heights: [180, 144], shape: 'wide', fps: 24 },
  { kind: 'vfr', what: 'pictures that come unevenly', options: {}, heights: [180, 144], shape: 'wide' },
  { kind: 'silent', what: 'pictures without sound', options: {}, heights: [180, 144], shape: 'wide' },
  { kind: 'mp3', what: 'MP3 with a cover', options: {}, heights: [0], shape: 'none' },
  { kind: 'flac', what: 'FLAC', options: {}, heights: [0], shape: 'none' }
]

before(async () => {
  work = mkdtempSync(join(tmpdir(), 'shoal-inputs-'))
  spied = 0
  spy = createServer(socket => { spied++; socket.destroy() })
  await new Promise(resolve => spy.listen(0, '127.0.0.1', resolve))
  site = await startInstance({ settings: ['transcoding.resolutions=144,240,360', 'video.delete_after=0s'] })
  browser = await launch()
})
after(async () => {
  await browser?.close()
  spy?.close()
  rmSync(work, { recursive: true, force: true })
  await site?.stop()
})

test('what people upload is published with the renditions it should have', async t => {
  for (const one of good) one.id = (await site.upload(await clip(one.kind, one.options), { name: one.what })).uuid
  for (const one of good) {
    await t.test(one.what, async () => {
      one.video = await site.published(one.id)
      const files = one.video.streamingPlaylists[0].files
      assert.deepEqual(files.map(file => file.resolution.id).filter(id => id > 0 || one.shape === 'none').sort((a, b) => b - a), one.heights)
      assert.ok(Math.abs(one.video.duration - 2) <= 1, `${one.video.duration} s`)
      for (const file of files) {
        if (one.shape === 'none' || file.resolution.id === 0) continue
        assert.ok(one.shape === 'tall' ? file.height > file.width : file.width > file.height, `${file.width}x${file.height}`)
        assert.ok(Math.abs(Math.min(file.width, file.height) - file.resolution.id) <= 1, `${file.width}x${file.height} as ${file.resolution.id}`)
        assert.equal(file.width % 2 + file.height % 2, 0)
        if (one.fps) assert.ok(Math.abs(file.fps - one.fps) <= 1, `${file.fps} fps`)
      }
      assert.equal((await site.raw({ path: one.video.thumbnailPath })).status, 200)
    })
  }
})

test('they play to their end in a browser', async t => {
  const page = await open(browser)
  for (const one of good) {
    await t.test(one.what, async () => {
      assert.ok(one.video, 'it was published')
      await page.goto(`${site.url}/w/${one.id}`)
      await page.waitForSelector('video')
      await page.evaluate(() => {
        const video = document.querySelector('video')
        video.muted = true
        return video.play()
      })
      await page.waitForFunction(() => document.querySelector('video').ended, null, { timeout: 120000 })
      const seen = await page.evaluate(() => {
        const video = document.querySelector('video')
        return { width: video.videoWidth, height: video.videoHeight, seconds: video.duration, error: video.error?.message ?? null }
      })
      assert.equal(seen.error, null)
      assert.ok(Math.abs(seen.seconds - 2) < 0.7, `${seen.seconds} s`)
      if (one.shape === 'tall') assert.ok(seen.height > seen.width)
      if (one.shape === 'wide') assert.ok(seen.width > seen.height)
      assert.deepEqual(page.problems, [])
    })
  }
})

/** All files of the instance that belong to media, with their sizes. */
function mediaFiles () {
  const found = []
  for (const folder of ['media', 'uploads', 'tmp']) {
    const root = join(site.folder, folder)
    if (!existsSync(root)) continue // made when it is needed
    for (const name of readdirSync(root, { recursive: true, withFileTypes: true })) {
      if (!name.isDirectory()) found.push(join(folder, name.name))
    }
  }
  return found.sort()
}

/** The same once nothing is made any more of what came before. */
async function filesAtRest () {
  await site.when('no work is left', async () => JSON.parse((await shoal('jobs', 'list', site.folder, '--json', '--state', 'active')).stdout).length === 0 &&
    JSON.parse((await shoal('jobs', 'list', site.folder, '--json', '--state', 'waiting')).stdout).every(job => job.kind === 'core.remove'))
  return mediaFiles()
}

async function filesUntil (wanted) {
  let now
  for (let i = 0; i < 40; i++) {
    now = mediaFiles()
    if (JSON.stringify(now) === JSON.stringify(wanted)) return
    await sleep(250)
  }
  assert.deepEqual(now, wanted)
}

const secret = () => join(site.folder, 'shoal.lua')
const net = () => `http://127.0.0.1:${spy.address().port}/secret.ts`
const m3u8 = target => `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\n${target}\n#EXT-X-ENDLIST\n`
const bad = {
  'nothing.mp4': () => '',
  'text.mp4': () => 'This is not a video.\n'.repeat(200),
  'page.mp4': () => '<!doctype html><script>alert(1)</script>'.repeat(20),
  'picture.mp4': async () => readFileSync(await clip('png')),
  'half.mp4': async () => readFileSync(await clip('h264', { seconds: 4 })).subarray(0, 40000),
  'header.mp4': async () => readFileSync(await clip('h264', { seconds: 4 })).subarray(0, 48),
  'noise.mp4': () => Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919 + (i >> 3) * 31) & 255)),
  'ftyp-then-noise.mp4': () => Buffer.concat([Buffer.from('\0\0\0\x18ftypisom\0\0\x02\0isomiso2', 'latin1'), Buffer.alloc(4000, 0x41)]),
  'list.m3u8': () => m3u8(`file://${secret()}`),
  'list-local.mp4': () => m3u8(`file://${secret()}`),
  'list-relative.mp4': () => m3u8('../../shoal.lua'),
  'list-network.mp4': () => m3u8(net()),
  'list-concat.mp4': () => m3u8(`concat:${net()}|file://${secret()}`),
  'list-subfile.mp4': () => m3u8(`subfile,,start,0,end,100,,:${secret()}`),
  'list-crypto.mp4': () => `#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="${net()}"\n#EXTINF:1,\n${net()}\n#EXT-X-ENDLIST\n`,
  'concat.ffconcat': () => `ffconcat version 1.0\nfile '${secret()}'\n`,
  'concat.mp4': () => `ffconcat version 1.0\nfile '${secret()}'\nfile '${net()}'\n`,
  'session.mp4': () => `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video ${spy.address().port} RTP/AVP 96\na=rtpmap:96 H264/90000\n`,
  'subtitles.mp4': () => '[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Text\nDialogue: 0,0:00:00.00,0:00:05.00,secret\n',
  'subtitles-srt.mp4': () => '1\n00:00:00,000 --> 00:00:05,000\nsecret\n',
  'dash.mp4': () => `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet><Representation id="1" bandwidth="1"><BaseURL>${net()}</BaseURL></Representation></AdaptationSet></Period></MPD>`,
  'reference.mov': () => Buffer.from(`RTSPtext\r\nrtsp://127.0.0.1:${spy.address().port}/x`),
  'images.mp4': () => `file '${secret()}'\n`
}

test('T40 what is no video gets a clear refusal and leaves nothing behind', async t => {
  const counts = async () => [(await site.get('/users/me/videos', { token: true })).json.total, (await site.get('/users/me/video-quota-used', { token: true })).json.videoQuotaUsed]
  const rows = await counts()
  const files = await filesAtRest()
  for (const [name, make] of Object.entries(bad)) {
    await t.test(name, async () => {
      const answer = await site.send('', { name: `Bad ${name}`, videofile: { name, bytes: await make(), mime: 'video/mp4' } })
      assert.ok([400, 415, 422].includes(answer.status), `${answer.status} ${answer.text}`)
      assert.match(answer.headers['content-type'], /^application\/problem\+json/)
      assert.ok(answer.json.detail.length > 15, answer.json.detail)
      assert.doesNotMatch(answer.text, /\/tmp\/|ffprobe|ffmpeg|listen|root:|\.c:\d/)
      assert.deepEqual(await counts(), rows)
      await filesUntil(files)
    })
  }
  assert.equal(spied, 0, 'nobody was asked for anything')
})

test('a file that broke off on its way plays as far as it goes, or is refused in words', async () => {
  const path = join(work, 'early.mp4')
  await run('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-i', await clip('h264', { seconds: 4 }), '-c', 'copy', '-movflags', '+faststart', path])
  const whole = readFileSync(path)
  const files = await filesAtRest()
  const answer = await site.send('', { name: 'Broken off', videofile: { name: 'early.mp4', bytes: whole.subarray(0, whole.length * 0.6), mime: 'video/mp4' } })
  if (answer.status === 200) {
    const { uuid } = answer.json.video
    const video = await site.until(uuid, each => each.state.id === 1 || each.state.id === 7)
    assert.equal(video.state.id, 1, 'what was accepted is published')
    assert.ok(video.streamingPlaylists[0].files.length > 0)
  } else {
    assert.ok([400, 422].includes(answer.status), answer.text)
    assert.ok(answer.json.detail.length > 15)
    await filesUntil(files)
  }
})

/** A clip that says where it was filmed, in every way that cameras do. */
async function talkative (ending, extra) {
  const path = join(work, `home.${ending}`)
  await run('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-i', await clip('h264', { seconds: 2 }), '-c', 'copy',
    '-metadata', 'location=+48.8584+002.2945/', '-metadata', 'com.apple.quicktime.location.ISO6709=+48.8584+002.2945+035.000/',
    '-metadata', 'com.apple.quicktime.make=TellTaleCam', '-metadata', 'com.apple.quicktime.creationdate=1999-07-14T12:34:56+0200',
    '-metadata', 'creation_time=1999-07-14T10:34:56Z', '-metadata', 'artist=Tattle Name', '-metadata', 'comment=TellTaleCam 48.8584 2.2945',
    '-metadata:s:v', 'handler_name=TellTaleCam', '-metadata:s:v', 'title=48.8584', ...extra, path])
  assert.match(readFileSync(path, 'latin1'), /48\.8584/, 'the clip says it')
  return path
}

for (const [ending, extra] of [['mp4', ['-movflags', 'use_metadata_tags']], ['mov', []], ['mkv', []]]) {
  test(`where a .${ending} was filmed, when and with what stays with its owner`, async () => {
    const path = await talkative(ending, extra)
    const { uuid } = await site.upload(path, { name: `From home, ${ending}` })
    const video = await site.published(uuid)
    const told = /48\.858|2\.2945|TellTale|Tattle|1999-07-14/
    const api = await site.get(`/videos/${uuid}`, { token: true })
    assert.doesNotMatch(api.text, told)
    const list = video.streamingPlaylists[0]
    const paths = [video.thumbnailPath, video.previewPath, pathOf(list.playlistUrl), pathOf(list.segmentsSha256Url)]
    for (const file of [...video.files, ...list.files]) {
      paths.push(pathOf(file.fileUrl))
      if (file.playlistUrl) paths.push(pathOf(file.playlistUrl))
      if (file.metadataUrl) paths.push(pathOf(file.metadataUrl))
    }
    const boards = (await site.get(`/videos/${uuid}/storyboards`)).json?.storyboards ?? []
    paths.push(...boards.map(board => board.storyboardPath))
    for (const each of paths.filter(Boolean)) {
      const answer = await site.raw({ path: each })
      assert.equal(answer.status, 200, each)
      assert.doesNotMatch(answer.body.toString('latin1'), told, each)
    }
    assert.ok(paths.length > 6)
  })
}

/** Processes called ffmpeg that this instance's supervisor started, or their children. */
function encoders () {
  const parents = new Map()
  const names = new Map()
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      parents.set(Number(pid), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
      names.set(Number(pid), stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')))
    } catch {} // it ended meanwhile
  }
  const isOurs = pid => {
    for (let at = pid; at > 1; at = parents.get(at) ?? 0) if (at === site.pid) return true
    return false
  }
  return [...names].filter(([pid, name]) => name === 'ffmpeg' && isOurs(pid)).map(([pid]) => pid)
}

async function encodersUntil (is, what) {
  for (let i = 0; i < 200; i++) {
    if (is(encoders())) return
    await sleep(100)
  }
  assert.fail(`${what}: ${encoders()}`)
}

/** Uploads a clip that takes long and waits until ffmpeg has worked on its renditions for a while. */
async function busy (name) {
  await encodersUntil(list => list.length === 0, 'the earlier ones end')
  const { uuid } = await site.upload(await clip('h264', { seconds: 240, size: '640x360', rate: 25 }), { name })
  await site.until(uuid, video => video.state.id === 2)
  // Pictures come first; what runs for two seconds is the ladder.
  let last = null
  for (let i = 0, since = 0; since < 20 && i < 300; i++) {
    await sleep(100)
    const now = encoders().join()
    since = now && now === last ? since + 1 : 0
    last = now
  }
  assert.ok(encoders().length > 0, 'ffmpeg works')
  return uuid
}

test('a video that is deleted while it is transcoded takes its ffmpeg and its files with it', async () => {
  const files = await filesAtRest()
  const uuid = await busy('Far too long')
  assert.equal((await site.delete(`/videos/${uuid}`, { token: true })).status, 204)
  await encodersUntil(list => list.length === 0, 'ffmpeg ends')
  assert.equal((await site.get(`/videos/${uuid}`, { token: true })).status, 404)
  await filesUntil(files)
})

test('a job that is cancelled takes its ffmpeg with it', async () => {
  const uuid = await busy('Not after all')
  const listed = await shoal('jobs', 'list', site.folder, '--json', '--state', 'active')
  const [job] = JSON.parse(listed.stdout).filter(each => each.kind === 'core.transcode')
  assert.ok(job, listed.stdout)
  assert.equal((await shoal('jobs', 'cancel', site.folder, String(job.id))).code, 0)
  await encodersUntil(list => list.length === 0, 'ffmpeg ends')
  assert.equal((await site.delete(`/videos/${uuid}`, { token: true })).status, 204)
})
