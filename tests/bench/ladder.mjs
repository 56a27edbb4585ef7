// ladder.mjs - from an upload to a video that plays, and the whole ladder against one bare ffmpeg.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { folder, middle, number, ratio, run, turns } from './kit.mjs'

const SIZES = [1080, 720, 480, 240]
const RATES = { 1080: 4928000, 720: 2628000, 480: 1328000, 240: 428000 } // what the catalog plans for 25 frames a second
const source = () => clip('h264', { seconds: Number(process.env.SHOAL_BENCH_CLIP ?? 60), size: '1920x1080' })

/** The encoder as the server has it: quality, at most so many bits a second, a key frame every two seconds. */
const encoder = size => ['-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-crf', '23', '-maxrate', String(RATES[size]), '-bufsize', String(2 * RATES[size]),
  '-sc_threshold', '0', '-g', '104', '-force_key_frames', 'expr:gte(t,n_forced*2)', '-c:a', 'aac', '-b:a', '128k']

/** One ffmpeg that decodes once, with the same encoders, into plain files. */
async function bare (path) {
  const split = `[0:v]split=${SIZES.length}${SIZES.map((_, i) => `[s${i}]`).join('')};` + SIZES.map((size, i) => `[s${i}]scale=-2:${size}[v${i}]`).join(';')
  const start = performance.now()
  await run('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-i', path, '-filter_complex', split, ...SIZES.flatMap((size, i) =>
    ['-map', `[v${i}]`, '-map', '0:a?', ...encoder(size), join(folder, `${size}.mp4`)])], { maxBuffer: 1 << 26 })
  return (performance.now() - start) / 1000
}

/** Seconds from the end of the upload until each rung of the ladder is there. */
async function laddered (site, path) {
  const video = await site.upload(path, { name: 'Ladder' })
  const start = performance.now()
  for (;;) {
    const now = (await site.get(`/videos/${video.uuid}`, { token: true })).json
    const have = now.streamingPlaylists?.[0]?.files.map(each => each.resolution.id) ?? []
    if (SIZES.every(size => have.includes(size))) break
    if (performance.now() - start > 900000) throw new Error(`the ladder did not stand after fifteen minutes: ${have}`)
    await sleep(50)
  }
  const seconds = (performance.now() - start) / 1000
  await site.when('the jobs of the ladder ended', async () => (await site.get(`/videos/${video.uuid}`, { token: true })).json.state.id === 1)
  await site.delete(`/videos/${video.id}`, { token: true })
  return seconds
}

export async function rungs () {
  const path = await source()
  const sizes = `transcoding.resolutions=${SIZES}`
  for (const [note, settings] of [['nice 0 as its peer', ['transcode_ffmpeg.nice=0']], ['nice as it is by default', []]]) {
    const site = await startInstance({ settings: [sizes, ...settings] })
    try {
      const [ours, peers] = await turns(() => laddered(site, path), () => bare(path), Number(process.env.SHOAL_BENCH_ROUNDS ?? 1))
      ratio(`ladder ${SIZES.join('+')} of a 1080p clip, ${note}, against one bare ffmpeg`, ours, peers, 's', note.startsWith('nice 0') ? '≤ 1.05' : '')
    } finally { await site.stop() }
  }
}

/** From the end of the upload of H.264 until a stranger can play it. */
export async function playable () {
  const site = await startInstance()
  try {
    const path = await source()
    const times = []
    for (let i = 0; i < 3; i++) {
      const video = await site.upload(path, { name: `Playable ${i}`, waitTranscoding: false })
      const start = performance.now()
      for (;;) {
        const now = (await site.get(`/videos/${video.uuid}`)).json
        const file = now?.files?.[0] ?? now?.streamingPlaylists?.[0]?.files[0]
        if (file && (await fetch(file.fileUrl, { method: 'HEAD' })).ok) break
        await sleep(20)
      }
      times.push((performance.now() - start) / 1000)
      await site.delete(`/videos/${video.id}`, { token: true })
    }
    number(`end of a ${process.env.SHOAL_BENCH_CLIP ?? 60} s H.264 upload to playable`, middle(times), 's', '≤ 2 s')
  } finally { await site.stop() }
}
