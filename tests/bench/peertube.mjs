// peertube.mjs - the same questions to a PeerTube that runs beside: SHOAL_BENCH_PEERTUBE=http://127.0.0.1:9100
// SPDX-License-Identifier: AGPL-3.0-or-later
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { folder, MiB, ratio, site200, turns, wrk } from './kit.mjs'

const json = async url => (await fetch(url)).json()

/** What a stranger asks a PeerTube with some 200 videos for, by the names that our own have. */
async function askedOf (base) {
  const { total, data } = await json(`${base}/api/v1/videos?count=1`)
  if (total < 150) throw new Error(`${base} has ${total} videos: some 200 make it a fair peer`)
  const video = await json(`${base}/api/v1/videos/${data[0].uuid}`)
  return { paths: { 'video list': '/api/v1/videos?count=15', video: `/api/v1/videos/${video.uuid}`, 'watch page': `/w/${video.shortUUID}`, config: '/api/v1/config' }, file: video.files[0] ?? video.streamingPlaylists[0].files[0] }
}

/** Ranges of at most a mebibyte of a file, at random places where it has more. */
function ranges (name, size) {
  const script = join(folder, `${name}.lua`)
  const last = Math.max(0, Math.floor(size / MiB) - 1)
  writeFileSync(script, `math.randomseed(7)
request = function() local at = math.random(0, ${last}) * ${MiB}
return wrk.format("GET", nil, { Range = "bytes=" .. at .. "-" .. math.min(at + ${MiB - 1}, ${size - 1}) }) end`)
  return script
}

export async function peertube () {
  const base = process.env.SHOAL_BENCH_PEERTUBE
  if (!base) {
    console.log('peertube: none runs beside (SHOAL_BENCH_PEERTUBE=http://127.0.0.1:PORT); left out')
    return
  }
  const peer = await askedOf(base)
  const cached = await site200()
  try {
    for (const [name, path] of [...cached.asked, ['config', '/api/v1/config']]) {
      const [ours, peers] = await turns(() => wrk(cached.site.url + path), () => wrk(base + peer.paths[name]))
      ratio(`${name}, as it comes, against PeerTube`, ours, peers, 'requests/s')
    }
    const made = await json(`${cached.site.url}/api/v1/videos/${cached.video.uuid}`)
    const file = made.files[0] ?? made.streamingPlaylists[0].files[0]
    const size = Math.min(file.size, peer.file.size)
    const [ours, peers] = await turns(() => wrk(file.fileUrl, { script: ranges('ours', size) }), () => wrk(peer.file.fileUrl, { script: ranges('peers', size) }))
    ratio(`ranges of ${Math.round(size / 1024)} KiB, against PeerTube`, ours, peers, 'requests/s')
  } finally { await cached.site.stop() }
  const fresh = await site200(['http.cache=0'])
  try {
    for (const [name, path] of fresh.asked) {
      const [ours, peers] = await turns(() => wrk(fresh.site.url + path), () => wrk(base + peer.paths[name]))
      ratio(`${name}, cache off, against PeerTube`, ours, peers, 'requests/s')
    }
  } finally { await fresh.site.stop() }
}
