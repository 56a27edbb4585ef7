// look.mjs - what the tests of ends and kills look at: ffmpeg, jobs, files, what strangers see.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { shoal } from '../kit/instance.mjs'
import { probe } from '../kit/media.mjs'

/** The ffmpeg processes that work below a folder: {pid, line}. */
export function ffmpegs (folder) {
  const found = []
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      if (/^\S*ffmpeg /.test(line) && `${line} ${readlinkSync(`/proc/${pid}/cwd`)}`.includes(folder)) found.push({ pid: Number(pid), line })
    } catch {} // gone meanwhile, or a stranger's
  }
  return found
}

/** Until the one process that encodes has worked for a moment. */
export async function encoding (site) {
  await site.when('ffmpeg encodes', () => ffmpegs(site.folder).some(({ line }) => line.includes('libx264')))
  await sleep(400)
  assert.ok(ffmpegs(site.folder).some(({ line }) => line.includes('libx264')), 'the clip was too short for this machine')
}

/** What nobody but the owner may see yet. */
export async function isHidden (site, uuid) {
  const [one, list, page] = [await site.get(`/videos/${uuid}`), await site.get('/videos'), await site.raw({ path: '/' })]
  assert.ok([401, 403, 404].includes(one.status), `an unpublished video answers ${one.status}`)
  assert.ok(!list.text.includes(uuid), 'an unpublished video is in the list')
  assert.ok(!page.text.includes(uuid), 'an unpublished video is on the home page')
}

/** Waits until no work is left; all of it went well. */
export async function settled (site) {
  const left = async () => {
    const { stdout } = await shoal('jobs', 'list', site.folder, '--json')
    return JSON.parse(stdout).filter(job => !['done', 'cancelled'].includes(job.state) && !/clean|remove|delete|forget/.test(job.kind))
  }
  for (let i = 0; i < 240; i++) {
    const jobs = await left()
    assert.deepEqual(jobs.filter(job => job.state === 'parked'), [])
    if (jobs.length === 0) return
    await sleep(500)
  }
  assert.deepEqual(await left(), [])
}

/** Every file that the video names is there, whole, and can be played. */
export async function playsWhole (site, uuid, seconds) {
  const video = (await site.get(`/videos/${uuid}`)).json
  assert.equal(video.state.id, 1)
  const files = [...video.files, ...video.streamingPlaylists.flatMap(list => list.files)]
  assert.ok(files.length > 0)
  for (const file of files) {
    const bytes = await site.raw({ path: new URL(file.fileUrl).pathname })
    assert.equal(bytes.status, 200, file.fileUrl)
    assert.equal(bytes.body.length, file.size, file.fileUrl)
  }
  assert.equal(video.streamingPlaylists.length, 1)
  const found = await probe(video.streamingPlaylists[0].playlistUrl)
  assert.ok(Math.abs(Number(found.format.duration) - seconds) < 1, `${found.format.duration} s`)
  const thumbnail = await site.raw({ path: video.thumbnailPath })
  assert.equal(thumbnail.status, 200)
  return video
}

/** Nothing of an earlier attempt is left on the disk. */
export function tmpOf (site) {
  const walk = folder => readdirSync(folder, { withFileTypes: true }).flatMap(entry =>
    entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)])
  return walk(join(site.folder, 'tmp'))
}
