// bench.mjs - speed as ratios against a peer in the same run: nginx, cp, one bare ffmpeg. ./x bench [NAME]
// SPDX-License-Identifier: AGPL-3.0-or-later
import { execFile, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { freePort, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'shoal-bench-'))
const rows = []
const SECONDS = Number(process.env.SHOAL_BENCH_SECONDS ?? 5)

function row (what, ours, theirs, unit, ratio) {
  rows.push({ what, ours, theirs, ratio: ratio ?? (theirs ? ours / theirs : null), unit })
  const shown = rows.at(-1)
  console.log(`${what}: ${fixed(ours)} ${unit}${theirs ? ` against ${fixed(theirs)} ${unit}, ratio ${shown.ratio.toFixed(2)}` : ''}`)
}
const fixed = number => number >= 100 ? Math.round(number).toString() : number.toFixed(2)

/** Requests a second and bytes a second of wrk. */
async function wrk (url, { connections = 64, script } = {}) {
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${SECONDS}s`, ...(script ? ['-s', script] : []), url])
  const errors = stdout.match(/Non-2xx or 3xx responses: (\d+)/)
  if (errors) throw new Error(`${url}: ${errors[0]}`)
  return Number(stdout.match(/Requests\/sec:\s+([\d.]+)/)[1])
}

/** nginx with one static folder, on loopback, one worker a core as Debian sets it up. */
async function startNginx (root) {
  const port = await freePort()
  writeFileSync(join(folder, 'nginx.conf'), `worker_processes auto; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log; daemon off;
user root; events { worker_connections 2048; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/octet-stream;
client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
server { listen 127.0.0.1:${port}; root ${root}; } }`)
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf')], { stdio: 'ignore' })
  await sleep(700)
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill() }
}

const benches = {
  /** Cached answers against the same bytes as static files of nginx. */
  async cached () {
    const site = await startInstance()
    const video = await site.upload(await clip('h264', { seconds: 3 }), { name: 'Bench' })
    await site.published(video.uuid)
    const root = join(folder, 'www')
    mkdirSync(root, { recursive: true })
    const nginx = await startNginx(root)
    try {
      for (const [name, path] of [['video list', '/api/v1/videos?count=15'], ['video', `/api/v1/videos/${video.uuid}`], ['watch page', `/w/${video.shortUUID}`]]) {
        const body = Buffer.from(await (await fetch(site.url + path)).arrayBuffer())
        writeFileSync(join(root, 'same'), body)
        row(`${name}, cached (${body.length} bytes)`, await wrk(site.url + path), await wrk(`${nginx.url}/same`), 'requests/s')
      }
    } finally { nginx.stop(); await site.stop() }
  },

  /** One-mebibyte ranges of a large file against nginx with sendfile. */
  async ranges () {
    const site = await startInstance()
    const video = await site.upload(await clip('h264', { seconds: 3 }), { name: 'Bench' })
    const made = await site.published(video.uuid)
    const file = made.files[0] ?? made.streamingPlaylists[0].files[0]
    const path = new URL(file.fileUrl).pathname
    const local = (await run('find', [join(site.folder, 'media'), '-name', path.split('/').pop()])).stdout.trim()
    truncateSync(local, 256 * 1024 * 1024)
    const root = join(folder, 'ranges')
    mkdirSync(root, { recursive: true })
    copyFileSync(local, join(root, 'file'))
    const script = join(folder, 'range.lua')
    writeFileSync(script, `math.randomseed(7)
request = function() local at = math.random(0, 254) * 1048576
return wrk.format("GET", nil, { Range = "bytes=" .. at .. "-" .. (at + 1048575) }) end`)
    const nginx = await startNginx(root)
    try {
      row('1 MiB ranges, 64 connections', await wrk(site.url + path, { script }), await wrk(`${nginx.url}/file`, { script }), 'requests/s')
    } finally { nginx.stop(); await site.stop() }
  },

  /** From the end of an H.264 upload to playable, and the whole ladder against one bare ffmpeg. */
  async ladder () {
    const site = await startInstance()
    try {
      const source = await clip('h264', { seconds: 30, size: '1920x1080' })
      const started = performance.now()
      const video = await site.upload(source, { name: 'Ladder' })
      const answered = performance.now()
      let playable = null
      for (;;) {
        const now = (await site.get(`/videos/${video.uuid}`)).json
        if (!playable && now.files?.[0] && (await fetch(now.files[0].fileUrl, { method: 'HEAD' })).ok) playable = performance.now()
        if (now.streamingPlaylists?.[0]?.files.length >= 3) break // 1080, 720 and 360: the defaults
        if (performance.now() - started > 300000) throw new Error('the ladder did not stand after five minutes')
        await sleep(100)
      }
      const done = performance.now()
      row('end of upload to playable', (playable - answered) / 1000, null, 's')
      row('upload of the source', (answered - started) / 1000, null, 's')
      const sizes = (await site.get(`/videos/${video.uuid}`)).json.streamingPlaylists[0].files.map(each => each.resolution.id).filter(Boolean)
      const split = `[0:v]split=${sizes.length}${sizes.map((_, i) => `[s${i}]`).join('')};` + sizes.map((size, i) => `[s${i}]scale=-2:${size}[v${i}]`).join(';')
      const begin = performance.now()
      await run('ffmpeg', ['-v', 'error', '-y', '-i', source, '-filter_complex', split, ...sizes.flatMap((size, i) =>
        ['-map', `[v${i}]`, '-map', '0:a?', '-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23', '-c:a', 'aac', join(folder, `${size}.mp4`)])], { maxBuffer: 1 << 26 })
      row(`ladder ${sizes.join('+')} of 30 s`, (done - answered) / 1000, (performance.now() - begin) / 1000, 's')
    } finally { await site.stop() }
  },

  /** Upload of 1 GiB of bytes against cp and sync; memory growth meanwhile. */
  async upload () {
    const site = await startInstance()
    try {
      const size = 1024 * 1024 * 1024
      const file = join(folder, 'large.bin')
      writeFileSync(file, '')
      truncateSync(file, size)
      const begin = performance.now()
      await run('sh', ['-c', `cp --sparse=never ${file} ${file}.copy && sync ${file}.copy`])
      const copy = performance.now() - begin
      const token = await site.token()
      const me = (await site.get('/users/me', { token: true })).json
      const opened = await site.post('/videos/upload-resumable', {
        token, json: { name: 'Large', channelId: me.videoChannels[0].id, filename: 'large.mp4' },
        headers: { 'x-upload-content-length': String(size), 'x-upload-content-type': 'video/mp4' }
      })
      const started = performance.now()
      let sent = 0
      const chunk = 64 * 1024 * 1024
      const bytes = Buffer.alloc(chunk)
      while (sent < size - chunk) {
        await fetch(opened.headers.location, { method: 'PUT', body: bytes, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream', 'content-range': `bytes ${sent}-${sent + chunk - 1}/${size}` } })
        sent += chunk
      }
      row('upload in chunks against cp and sync (MB/s)', sent / 1e6 / ((performance.now() - started) / 1000), size / 1e6 / (copy / 1000), 'MB/s')
    } finally { await site.stop() }
  },

  /** Idle memory of the supervisor and its child. */
  async memory () {
    const site = await startInstance()
    try {
      await sleep(2000)
      const { stdout } = await run('pgrep', ['-f', site.folder])
      let kilobytes = 0
      for (const pid of stdout.trim().split('\n')) {
        try { kilobytes += Number(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').match(/^Pss:\s+(\d+)/m)[1]) } catch {}
      }
      row('idle memory (PSS), every plugin on', kilobytes / 1024, null, 'MiB')
    } finally { await site.stop() }
  }
}

const wanted = process.argv.slice(2)
for (const name of wanted) {
  if (!benches[name]) {
    console.error(`bench: there is no "${name}"; there are ${Object.keys(benches).join(', ')}`)
    process.exit(2)
  }
}
try {
  for (const name of wanted.length ? wanted : Object.keys(benches)) await benches[name]()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log('\n| what | ours | peer | ratio |\n|---|---|---|---|')
for (const each of rows) {
  console.log(`| ${each.what} | ${fixed(each.ours)} ${each.unit} | ${each.theirs ? `${fixed(each.theirs)} ${each.unit}` : ''} | ${each.ratio ? each.ratio.toFixed(2) : ''} |`)
}
