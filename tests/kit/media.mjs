// media.mjs - short clips of every sort, made by ffmpeg and kept for the run.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const folder = join(tmpdir(), `shoal-clips-${process.getuid?.() ?? 0}`)

const picture = o => ['-f', 'lavfi', '-i', `testsrc2=size=${o.size}:rate=${o.rate}:duration=${o.seconds}`]
const sound = o => ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${o.seconds}`]
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '50']
const aac = ['-c:a', 'aac', '-b:a', '64k']

/** What ffmpeg is told for each kind of clip, and the ending of its name. */
const kinds = {
  h264: { ending: 'mp4', args: o => [...picture(o), ...sound(o), ...h264, ...aac, '-shortest'] },
  vp9: { ending: 'webm', args: o => [...picture(o), ...sound(o), '-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libopus', '-b:a', '48k', '-shortest'] },
  hevc10: { ending: 'mkv', args: o => [...picture(o), ...sound(o), '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none', '-pix_fmt', 'yuv420p10le', ...aac, '-shortest'] },
  noise: { ending: 'mp4', args: o => [...picture(o), '-vf', 'noise=alls=100:allf=t', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-qp', '8', '-g', '50', '-an'] },
  silent: { ending: 'mp4', args: o => [...picture(o), ...h264, '-an'] },
  portrait: { ending: 'mp4', rotate: true, args: o => [...picture(o), ...sound(o), ...h264, ...aac, '-shortest'] },
  odd: { ending: 'mp4', args: o => [...picture({ ...o, size: '641x363' }), ...sound(o), '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv444p', ...aac, '-shortest'] },
  film: { ending: 'mp4', args: o => [...picture({ ...o, rate: '24000/1001' }), ...sound(o), ...h264, ...aac, '-shortest'] },
  vfr: { ending: 'mkv', args: o => [...picture(o), ...sound(o), '-vf', "select='not(mod(n\\,3))+lt(n\\,30)'", '-vsync', 'vfr', ...h264, ...aac] },
  gps: { ending: 'mp4', args: o => [...picture(o), ...sound(o), ...h264, ...aac, '-metadata', 'location=+48.8584+002.2945/', '-metadata', 'com.apple.quicktime.location.ISO6709=+48.8584+002.2945/', '-metadata', 'comment=filmed at home', '-movflags', 'use_metadata_tags', '-shortest'] },
  flac: { ending: 'flac', args: o => [...sound(o), '-c:a', 'flac'] },
  mp3: { ending: 'mp3', args: o => [...sound(o), '-f', 'lavfi', '-i', 'color=c=teal:size=300x300:duration=1:rate=1', '-map', '0:a', '-map', '1:v', '-c:a', 'libmp3lame', '-c:v', 'mjpeg', '-disposition:v', 'attached_pic', '-id3v2_version', '3'] },
  png: { ending: 'png', args: o => ['-f', 'lavfi', '-i', `color=c=orange:size=${o.size}:duration=1:rate=1`, '-frames:v', '1'] },
  jpeg: { ending: 'jpg', args: o => ['-f', 'lavfi', '-i', `color=c=orange:size=${o.size}:duration=1:rate=1`, '-frames:v', '1'] }
}

/** Has an MP4 say that its first track, the picture, is to be shown a quarter turned, as phones do. */
async function turn (path) {
  const bytes = await readFile(path)
  const at = bytes.indexOf('tkhd') + 44
  const quarter = [0, 1, 0, -1, 0, 0, 0, 0, 0x4000]
  quarter.forEach((number, i) => bytes.writeInt32BE(number * 65536, at + 4 * i))
  await writeFile(path, bytes)
}

async function make (kind, options, path) {
  const { args, ending, rotate } = kinds[kind]
  const draft = `${path}.${process.pid}.${ending}`
  const ffmpeg = list => run('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...list], { maxBuffer: 1 << 20 })
  await ffmpeg([...args(options), draft])
  if (rotate) await turn(draft)
  renameSync(draft, path)
}

/**
 * A clip of a kind; made once.
 * options: seconds (2), size ('320x180'), rate (25). Returns its path.
 */
export async function clip (kind, options = {}) {
  if (!kinds[kind]) throw new Error(`no clip is called ${kind}: ${Object.keys(kinds).join(', ')}`)
  const all = { seconds: 2, size: '320x180', rate: 25, ...options }
  const name = createHash('sha256').update(JSON.stringify([kind, all, kinds[kind].args(all)])).digest('hex').slice(0, 12)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const path = join(folder, `${kind}-${name}.${kinds[kind].ending}`)
  if (!existsSync(path)) await make(kind, all, path)
  return path
}

/** A file that is no video, or no longer one. */
export async function badFile (kind) {
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const path = join(folder, `bad-${kind}-${process.pid}.mp4`)
  const bytes = {
    text: 'This is not a video.\n'.repeat(100),
    empty: '',
    'local-playlist': '#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n',
    'network-playlist': '#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nhttp://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n',
    concat: "ffconcat version 1.0\nfile '/etc/passwd'\n"
  }
  if (kind === 'truncated') {
    await writeFile(path, await readFile(await clip('h264', { seconds: 4 })))
    await truncate(path, 2000)
    return path
  }
  if (!(kind in bytes)) throw new Error(`no bad file is called ${kind}`)
  await writeFile(path, bytes[kind])
  return path
}

/** What ffprobe says of a file or URL. */
export async function probe (path) {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-of', 'json', '-show_format', '-show_streams', path], { maxBuffer: 1 << 22 })
  return JSON.parse(stdout)
}
