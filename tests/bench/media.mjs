// media.mjs - the bytes of videos: by Range, and slowly to many while the API answers.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { spawn } from 'node:child_process'
import { linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { atRate, folder, MiB, ratio, run, startNginx, turns, wrk } from './kit.mjs'

/** An instance whose one file was made as large as asked, of bytes that are on the disk: {site, path, local}. */
async function largeFile (mebibytes) {
  const site = await startInstance()
  const video = await site.upload(await clip('h264', { seconds: 3 }), { name: 'Bench' })
  const made = await site.published(video.uuid)
  const file = made.files[0] ?? made.streamingPlaylists[0].files[0]
  const path = new URL(file.fileUrl).pathname
  const local = (await run('find', [join(site.folder, 'media'), '-name', path.split('/').pop()])).stdout.trim()
  await run('dd', ['if=/dev/zero', `of=${local}`, 'bs=1M', `count=${mebibytes}`, 'conv=notrunc,fsync'])
  await run('sqlite3', [join(site.folder, 'shoal.sqlite3'), '.timeout 5000', `UPDATE catalog_file SET size_bytes = ${mebibytes * MiB} WHERE name = '${path.split('/').pop()}'`])
  await site.kill()
  await site.start()
  return { site, path, local }
}

/** One-mebibyte ranges of a file of 1 GiB against nginx with sendfile, of the same file. */
export async function ranges () {
  const { site, path, local } = await largeFile(1024)
  const root = join(folder, 'ranges')
  mkdirSync(root, { recursive: true })
  linkSync(local, join(root, 'file'))
  const script = join(folder, 'range.lua')
  writeFileSync(script, `math.randomseed(7)
request = function() local at = math.random(0, 1023) * 1048576
return wrk.format("GET", nil, { Range = "bytes=" .. at .. "-" .. (at + 1048575) }) end`)
  const nginx = await startNginx(root)
  try {
    const [ours, peers] = await turns(() => wrk(site.url + path, { script }), () => wrk(`${nginx.url}/file`, { script }))
    ratio('1 MiB ranges of 1 GiB, against nginx with sendfile', ours, peers, 'requests/s', '≥ 1.0')
  } finally { nginx.stop(); await site.stop() }
}

/** Downloads in a process of its own: what they cost their reader is not what is measured. */
function slowly (site, path, count) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('slowly.mjs', import.meta.url)), site.url + path, String(count)])
  return () => child.kill()
}

/** 200 requests a second to the API, alone and beside 64 slow downloads. */
export async function slow () {
  const { site, path } = await largeFile(256)
  try {
    const ask = i => ({ path: i % 2 ? '/api/v1/videos?count=15' : `/api/v1/videos?count=15&start=${i % 90}` })
    const once = async () => {
      const { p99, faults } = await atRate(site, 200, 5, ask)
      if (faults.length) throw new Error(faults[0])
      return p99
    }
    const [busy, alone] = await turns(async () => {
      const stop = slowly(site, path, 64)
      await sleep(1000)
      try { return await once() } finally { stop() }
    }, once)
    ratio('p99 of 200 API requests a second beside 64 slow downloads, against the API alone', busy, alone, 'ms', '≤ 1.5')
  } finally { await site.stop() }
}
