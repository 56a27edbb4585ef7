// backup.test.mjs - a copy made while it serves is whole: the restored instance plays the same videos.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'

import { shoal, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

const run = promisify(execFile)
const hash = bytes => createHash('sha256').update(bytes).digest('hex')

/** Every file that a visitor of a video can fetch: {path: SHA-256}. */
async function mediaOf (site, uuid) {
  const video = (await site.get(`/videos/${uuid}`)).json
  const urls = [...video.files, ...video.streamingPlaylists.flatMap(list => [...list.files, { fileUrl: list.playlistUrl }, { fileUrl: list.segmentsSha256Url }])].map(file => new URL(file.fileUrl).pathname)
  const found = {}
  for (const path of [...urls, video.thumbnailPath, video.previewPath]) {
    const answer = await site.raw({ path })
    assert.equal(answer.status, 200, path)
    found[path] = hash(answer.body)
  }
  return found
}

/** Plays every rendition of a video from the first to the last picture; what ffmpeg complains of. */
async function complaintsOf (site, uuid) {
  const [list] = (await site.get(`/videos/${uuid}`)).json.streamingPlaylists
  const { stderr } = await run('ffmpeg', ['-nostdin', '-v', 'error', '-xerror', '-i', site.url + new URL(list.playlistUrl).pathname, '-map', '0', '-f', 'null', '-'])
  return stderr
}

/** Until no job is due. What waits for its hour, as the removal of files does, does not count. */
const quiet = site => site.when('all work is done', async () => {
  const jobs = JSON.parse((await shoal('jobs', 'list', site.folder, '--json')).stdout)
  return jobs.every(job => job.state === 'done' || (job.state === 'waiting' && job.run_at > Date.now() + 60000))
}, 120000)

describe('backup and restore', () => {
  let site, restored, copy, uuid, played

  before(async () => {
    site = await startInstance()
    copy = join(site.home, 'copy')
    uuid = (await site.upload(await clip('h264'), { name: 'To be kept' })).uuid
    await site.published(uuid)
    await site.user('anna')
    await quiet(site)
    played = await mediaOf(site, uuid)
    for (const [folder, file] of [['tls', 'privkey.pem'], ['plugins/guest', 'guest.lua']]) {
      mkdirSync(join(site.folder, folder), { recursive: true })
      writeFileSync(join(site.folder, folder, file), `this is ${file}`)
    }
  })
  after(async () => {
    await restored?.stop()
    await site?.stop()
  })

  test('works while an upload and many reads run', async () => {
    const busy = []
    let isOver = false
    const file = await clip('h264', { seconds: 6, size: '640x360' })
    busy.push((async () => { for (let i = 0; i < 2; i++) await site.upload(file, { name: `Meanwhile ${i}` }) })())
    busy.push((async () => {
      while (!isOver) assert.equal((await site.get('/videos')).status, 200)
    })())
    const { code, stdout, stderr } = await shoal('backup', site.folder, copy, '--json')
    isOver = true
    await Promise.all(busy)
    assert.equal(code, 0, stderr)
    const told = JSON.parse(stdout)
    assert.ok(told.copied > 5 && told.bytes > 10000, stdout)
    assert.equal(JSON.parse(readFileSync(join(copy, 'backup.json'), 'utf8')).state, 'complete')
    assert.equal(statSync(copy).mode & 0o007, 0, 'everybody may read the copy')
    for (const name of ['run', 'tmp', 'shoal.sqlite3-wal']) assert.ok(!existsSync(join(copy, name)), name)
  })

  test('a second run copies what changed', async () => {
    for (const job of [1, 2]) await site.when(`upload ${job} is published`, async () => (await site.get('/videos')).json.total === 3, 120000)
    await quiet(site)
    assert.equal((await shoal('backup', site.folder, copy)).code, 0)
    const { code, stdout } = await shoal('backup', site.folder, copy, '--json')
    assert.equal(code, 0)
    const told = JSON.parse(stdout)
    assert.equal(told.copied, 0, stdout)
    assert.ok(told.same > 10, stdout)
  })

  test('what lies outside of the instance, and links, are told', async () => {
    const kept = site.config
    const elsewhere = join(site.home, 'elsewhere.pem')
    writeFileSync(elsewhere, 'a key')
    symlinkSync('/etc/hostname', join(site.folder, 'plugins/link'))
    symlinkSync('../elsewhere.pem', join(site.folder, 'top.pem'))
    site.config = `${kept.replace('"storage_fs",', `{ "storage_fs", path = "${site.home}" },`)}\ntls = { certificate = "tls/privkey.pem", key = "${elsewhere}" }\n`
    try {
      const told = await shoal('backup', site.folder, join(site.home, 'told'), '--no-media')
      assert.equal(told.code, 0, told.stderr)
      assert.ok(told.stderr.includes(`outside of the instance: ${elsewhere} (tls.key)`), told.stderr)
      assert.ok(told.stderr.includes(`outside of the instance: ${site.home} (storage_fs.path)`), told.stderr)
      assert.match(told.stderr, /1 symbolic links were left out/)
      const json = JSON.parse((await shoal('backup', site.folder, join(site.home, 'told'), '--no-media', '--json')).stdout)
      assert.deepEqual(json.outside.map(row => row.setting), ['tls.key', 'storage_fs.path'])
      assert.equal(json.links, 1)
      assert.equal(readFileSync(join(site.home, 'told/top.pem'), 'utf8'), 'a key')
      assert.ok(!lstatSync(join(site.home, 'told/top.pem')).isSymbolicLink())
    } finally {
      site.config = kept
      for (const link of ['plugins/link', 'top.pem']) rmSync(join(site.folder, link))
    }
  })

  test('a link to where the copies are kept is left out', async () => {
    const kept = join(site.home, 'kept')
    mkdirSync(kept)
    symlinkSync(kept, join(site.folder, 'to_copies'))
    try {
      const { code, stdout, stderr } = await shoal('backup', site.folder, join(kept, 'first'), '--no-media', '--json')
      assert.equal(code, 0, stderr)
      assert.equal(JSON.parse(stdout).links, 1)
      assert.ok(!existsSync(join(kept, 'first/to_copies')))
    } finally {
      rmSync(join(site.folder, 'to_copies'))
    }
  })

  test('a link that leads nowhere, as to a disk that is missing, ends the copy', async () => {
    symlinkSync('/nowhere/at/all', join(site.folder, 'themes'))
    try {
      const { code, stderr } = await shoal('backup', site.folder, join(site.home, 'half'), '--no-media')
      assert.equal(code, 1)
      assert.match(stderr, /cannot read .*themes: No such file/)
      assert.equal(JSON.parse(readFileSync(join(site.home, 'half/backup.json'), 'utf8')).state, 'unfinished')
    } finally {
      rmSync(join(site.folder, 'themes'))
    }
  })

  test('a database outside of the instance is not overwritten by a restore', async () => {
    const other = join(site.home, 'other-copy')
    cpSync(copy, other, { recursive: true }) // run by root it belongs to root, as from another machine
    const config = readFileSync(join(other, 'shoal.lua'), 'utf8')
    writeFileSync(join(other, 'shoal.lua'), `${config}\ndatabase = { path = "${join(site.folder, 'shoal.sqlite3')}" }\n`)
    const refused = await shoal('restore', other, join(site.home, 'other'))
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /outside of the instance, where the old one may still be: change database\.path/)
    writeFileSync(join(other, 'shoal.lua'), `${config}\ndatabase = { path = "data/all.sqlite3" }\n`)
    const json = await shoal('restore', other, join(site.home, 'below'), '--json')
    assert.equal(json.code, 0, json.stderr)
    assert.ok(JSON.parse(json.stdout).copied > 5)
    assert.ok(existsSync(join(site.home, 'below/data/all.sqlite3')))
    assert.match((await shoal('user', 'list', join(site.home, 'below'))).stdout, /anna/)
  })

  test('--no-media leaves the videos out', async () => {
    const slim = join(site.home, 'slim')
    const { code, stderr } = await shoal('backup', site.folder, slim, '--no-media')
    assert.equal(code, 0, stderr)
    assert.ok(existsSync(join(slim, 'shoal.sqlite3')) && existsSync(join(slim, 'shoal.lua')))
    assert.ok(!existsSync(join(slim, 'media')) || readdirSync(join(slim, 'media')).length === 0)
    assert.equal(JSON.parse(readFileSync(join(slim, 'backup.json'), 'utf8')).media, false)
  })

  test('a copy inside the instance is refused', async () => {
    const { code, stderr } = await shoal('backup', site.folder, join(site.folder, 'copy'))
    assert.equal(code, 1)
    assert.match(stderr, /lies in the instance itself/)
  })

  test('a folder that is no copy, a broken-off copy and a folder in use are refused', async () => {
    const none = await shoal('restore', site.home, join(site.home, 'x'))
    assert.equal(none.code, 1)
    assert.match(none.stderr, /holds no copy of an instance/)
    const manifest = join(site.home, 'slim', 'backup.json')
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('complete', 'unfinished'))
    const broken = await shoal('restore', join(site.home, 'slim'), join(site.home, 'x'))
    assert.equal(broken.code, 1)
    assert.match(broken.stderr, /was broken off/)
    assert.ok(!existsSync(join(site.home, 'x', 'shoal.lua')))
    const taken = await shoal('restore', copy, site.folder)
    assert.equal(taken.code, 1)
    assert.match(taken.stderr, /is an instance already/)
    const other = join(site.home, 'letters')
    mkdirSync(other)
    writeFileSync(join(other, 'mine'), 'a letter')
    mkdirSync(join(other, 'media')) // prepared for it
    const full = await shoal('restore', copy, other)
    assert.equal(full.code, 1)
    assert.match(full.stderr, /is not empty \(mine is in it\)/)
    assert.deepEqual(readdirSync(other).sort(), ['media', 'mine'])
    for (const name of ['', 'media', 'mine']) assert.equal(statSync(join(other, name)).uid, process.getuid(), name)
    rmSync(join(other, 'mine'))
    assert.equal((await shoal('restore', copy, other)).code, 0, 'what was prepared is no hindrance')
  })

  test('the restored instance logs in with the same passwords and serves the same bytes', async () => {
    restored = await startInstance({ started: false })
    const folder = join(restored.home, 'again')
    const { code, stderr } = await shoal('restore', copy, folder)
    assert.equal(code, 0, stderr)
    await site.kill() // two servers, one port
    restored.folder = folder
    restored.port = site.port
    restored.url = site.url
    await restored.start()
    assert.equal((await restored.logIn()).status, 200)
    assert.equal((await restored.logIn('anna', 'pass word 99')).status, 200)
    assert.equal((await restored.get('/videos')).json.total, 3)
    assert.deepEqual(await mediaOf(restored, uuid), played)
    assert.equal(await complaintsOf(restored, uuid), '')
    assert.equal((await restored.raw({ path: '/health' })).json.status, 'ok')
    for (const path of ['tls/privkey.pem', 'plugins/guest/guest.lua']) assert.equal(readFileSync(join(folder, path), 'utf8'), `this is ${path.split('/').pop()}`)
    assert.equal(statSync(join(folder, 'shoal.sqlite3')).mode & 0o007, 0)
    const fresh = await restored.upload(await clip('h264', { seconds: 3 }), { name: 'After the restore' })
    await restored.published(fresh.uuid)
  })
})
