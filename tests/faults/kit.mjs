// kit.mjs - a small disk that can be filled, calls of the system that fail, and what may be left after.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { basename, join } from 'node:path'

import { program, shoal } from '../kit/instance.mjs'

const mounted = new Set()
process.on('exit', () => mounted.forEach(disk => disk.close()))

/** A file system in memory, of so many MiB. */
export class Disk {
  constructor (size) {
    const given = process.env.SHOAL_TEST_DISKS?.split(':') ?? []
    this.folder = given[mounted.size] ?? mkdtempSync(join(tmpdir(), 'shoal-disk-'))
    this.isOurs = given.length === 0
    if (this.isOurs) execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}m,mode=755`, 'shoal-disk', this.folder], { stdio: 'pipe' })
    mounted.add(this)
    this.ballast = join(this.folder, 'ballast')
  }

  /** null, or why no disk can be mounted here. */
  static unavailable () {
    if (process.env.SHOAL_TEST_DISKS) return null
    try {
      new Disk(1).close()
      return null
    } catch (error) {
      return `no file system can be mounted: ${String(error.stderr ?? error.message).trim()}`
    }
  }

  get left () {
    const { bavail, bsize } = statfsSync(this.folder)
    return Number(bavail) * Number(bsize)
  }

  /** Until nothing more goes in. */
  fill () {
    const file = openSync(this.ballast, 'a')
    const block = Buffer.alloc(1 << 20)
    for (let size = block.length; size >= 1;) {
      try {
        writeSync(file, block, 0, size)
      } catch (error) {
        if (error.code !== 'ENOSPC') throw error
        size = Math.floor(size / 16)
      }
    }
    closeSync(file)
  }

  /** To whom a folder belongs. */
  give (folder) {
    if (process.getuid() === 0) execFileSync('chown', ['-R', `--reference=${folder}`, this.folder])
  }

  empty () { rmSync(this.ballast, { force: true }) }

  close () {
    if (!this.isOurs) return
    mounted.delete(this)
    spawnSync('umount', ['-l', this.folder])
    rmSync(this.folder, { recursive: true, force: true })
    rmSync(`${this.folder}.log`, { force: true })
  }
}

/**
 * Runs a test file again in a name space where disks are mounted, as the user that asks: for who is not root.
 * Returns how it ended, or null where there is no such name space.
 */
export function inNamespace (file, count, size) {
  const folders = Array.from({ length: count }, () => mkdtempSync(join(tmpdir(), 'shoal-disk-')))
  const { uid, gid } = userInfo()
  const script = `for folder in "$@"; do mount -t tmpfs -o size=${size}m,mode=755 shoal-disk "$folder" || exit 77; done
    exec unshare -U --map-user=${uid} --map-group=${gid} "$SHOAL_TEST_NODE" --test --test-reporter=tap "$SHOAL_TEST_FILE"`
  const env = { ...process.env, SHOAL_TEST_DISKS: folders.join(':'), SHOAL_TEST_FILE: file, SHOAL_TEST_NODE: process.execPath }
  delete env.NODE_TEST_CONTEXT
  const ended = spawnSync('unshare', ['-Urm', 'sh', '-c', script, 'sh', ...folders], { encoding: 'utf8', env, maxBuffer: 1 << 24 })
  folders.forEach(folder => rmSync(folder, { recursive: true, force: true }))
  return ended.status === 77 || !/^TAP version/.test(ended.stdout) ? null : ended
}

/** Calls of the system that fail; see tests/kit/faults.c. */
export class Faults {
  constructor (path) {
    this.path = path
    this.environment = { SHOAL_FAULTS: path }
  }

  /** Whether the program is the one of the tests. */
  static possible () { return /__interceptor_/.test(execFileSync('nm', ['-D', program], { encoding: 'utf8' })) }

  /** rules: "write ENOSPC", "sync EIO 3 /media/". */
  on (...rules) {
    rmSync(`${this.path}.hits`, { force: true })
    writeFileSync(`${this.path}.hits`, '', { mode: 0o666 })
    execFileSync('chmod', ['666', `${this.path}.hits`])
    writeFileSync(`${this.path}.new`, rules.join('\n') + '\n')
    renameSync(`${this.path}.new`, this.path)
  }

  off () { rmSync(this.path, { force: true }) }

  /** The calls that failed since on(): "write /…/media/.tmp/…". */
  get hits () {
    return existsSync(`${this.path}.hits`) ? readFileSync(`${this.path}.hits`, 'utf8').split('\n').filter(Boolean) : []
  }
}

/** A proper refusal: problem+json with a sentence for people, which names no path of this machine. */
export function refused (answer, status, what) {
  const list = [status].flat()
  assert.ok(list.includes(answer.status), `${what}: ${answer.status} instead of ${list}: ${answer.text}`)
  assert.match(answer.headers['content-type'], /^application\/(problem\+)?json/, what)
  const sentence = answer.json.detail ?? answer.json.error?.message
  assert.ok(typeof sentence === 'string' && sentence.length > 10, `${what}: ${answer.text}`)
  assert.doesNotMatch(answer.text, /\/instance\/|shoal-test|SQL|UPDATE|INSERT/, what)
}

const filesBelow = folder => existsSync(folder)
  ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(entry => join(entry.parentPath ?? entry.path, entry.name))
  : []

/** Files of videos and pictures that no one knows, and what lies in the folders of work. */
export function strays (site, known, media = join(site.folder, 'media')) {
  return [
    ...filesBelow(media).filter(path => !known.has(basename(path))),
    ...['uploads', 'tmp', 'data/api'].flatMap(name => filesBelow(join(site.folder, name)))]
}

/** The names of all files that the videos of the administrator have, each fetched whole. */
export async function filesOf (site) {
  const names = new Set()
  const { data } = (await site.get('/users/me/videos?count=100', { token: true })).json
  for (const { uuid } of data) {
    const video = await site.published(uuid)
    const lists = video.streamingPlaylists
    assert.ok(video.files.length > 0 && lists.length === 1 && lists[0].files.length > 0, `${video.name} lacks files`)
    const sized = [...video.files, ...lists[0].files]
    const urls = [...sized.flatMap(file => [file.fileUrl, file.playlistUrl]), lists[0].playlistUrl, lists[0].segmentsSha256Url, video.thumbnailPath, video.previewPath]
    const { storyboards } = (await site.get(`/videos/${uuid}/storyboards`, { token: true })).json
    const { data: captions } = (await site.get(`/videos/${uuid}/captions`, { token: true })).json
    urls.push(...storyboards.map(board => board.storyboardPath), ...captions.map(caption => caption.captionPath))
    for (const url of urls.filter(Boolean)) {
      names.add(basename(url))
      const answer = await site.raw({ path: new URL(url, site.url).pathname })
      assert.equal(answer.status, 200, `${video.name}: ${url}`)
      const file = sized.find(one => one.fileUrl === url)
      if (file) assert.equal(answer.body.length, file.size, url)
    }
  }
  return names
}

/** No work is left but what waits for its hour, and nothing was given up. */
export const settled = site => site.when('no work is left', async () => {
  const jobs = JSON.parse((await shoal('jobs', 'list', site.folder, '--json')).stdout)
  assert.deepEqual(jobs.filter(job => job.state === 'parked'), [])
  return jobs.every(job => ['done', 'cancelled'].includes(job.state) || (job.state === 'waiting' && job.error === null && job.run_at > Date.now() + 60000))
}, 120000)

/** The database, looked through by SQLite itself. */
export function intact (path) {
  assert.equal(execFileSync('sqlite3', [path, 'PRAGMA integrity_check'], { encoding: 'utf8' }).trim(), 'ok')
  assert.equal(execFileSync('sqlite3', [path, 'PRAGMA foreign_key_check'], { encoding: 'utf8' }).trim(), '')
}
