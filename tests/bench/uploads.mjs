// uploads.mjs - files that come in: a large one against cp, and a thousand at once.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { appendFileSync, copyFileSync, rmSync, statSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { folder, memory, MiB, middle, number, peak, ratio, run, turns } from './kit.mjs'

/** A short clip followed by a box that players skip: a video of 2 GiB that costs nothing to probe. */
async function large (path, bytes) {
  copyFileSync(await clip('h264', { seconds: 3 }), path)
  const padding = bytes - statSync(path).size
  const head = Buffer.alloc(16)
  head.writeUInt32BE(1, 0)
  head.write('free', 4)
  head.writeBigUInt64BE(BigInt(padding), 8)
  appendFileSync(path, head)
  const block = Buffer.alloc(16 * MiB, 'shoal ')
  for (let left = padding - 16; left > 0; left -= block.length) appendFileSync(path, left < block.length ? block.subarray(0, left) : block)
}

/** 2 GiB up, to the answer that says it is kept, against cp then sync of the same file. */
export async function upload () {
  const site = await startInstance()
  const size = 2048 * MiB
  const file = join(folder, 'large.mp4')
  await large(file, size)
  try {
    const token = await site.token()
    const channelId = await site.channelId()
    const timed = async work => {
      const start = performance.now()
      await work()
      return size / 1e6 / ((performance.now() - start) / 1000)
    }
    const curl = async list => {
      const { stdout } = await run('curl', ['-sS', '-o', join(folder, 'answer'), '-w', '%{http_code}', '-H', `authorization: Bearer ${token}`, ...list])
      if (stdout !== '200') throw new Error(`an upload was answered with ${stdout}`)
    }
    const whole = () => curl(['-F', `channelId=${channelId}`, '-F', 'name=Large', '-F', `videofile=@${file};type=video/mp4`, `${site.url}/api/v1/videos/upload`])
    const resumable = async i => {
      const opened = await site.post('/videos/upload-resumable', {
        token, json: { name: `Large ${i}`, channelId, filename: 'large.mp4' },
        headers: { 'x-upload-content-length': String(size), 'x-upload-content-type': 'video/mp4' }
      })
      await curl(['-X', 'PUT', '-T', file, '-H', 'content-type: application/octet-stream', '-H', 'expect:', '-H', `content-range: bytes 0-${size - 1}/${size}`, opened.headers.location])
    }
    const copy = () => timed(async () => {
      await run('sh', ['-c', `cp ${file} ${file}.copy && sync ${file}.copy`])
    }).finally(() => rmSync(`${file}.copy`, { force: true }))
    const tidy = async () => {
      for (const video of (await site.get('/users/me/videos', { token })).json.data) await site.delete(`/videos/${video.id}`, { token })
      await sleep(1000)
    }
    for (const [name, send] of [['in one request', whole], ['resumable', resumable]]) {
      const grown = []
      const [ours, peers] = await turns(async i => {
        const before = memory(site, 'Private')
        const { result, most } = await peak(() => memory(site, 'Private'), () => timed(() => send(i)))
        grown.push((most - before) / MiB)
        await tidy()
        return result
      }, copy)
      ratio(`2 GiB up ${name}, against cp then sync`, ours, peers, 'MB/s', '≥ 0.5')
      number(`2 GiB up ${name}: growth of memory`, Math.max(...grown), 'MiB', '≤ 16 MiB', `middle ${middle(grown).toFixed(1)}`)
    }
  } finally { rmSync(file, { force: true }); await site.stop() }
}

/** A PUT that stands still in the middle of its body, until finish() sends the rest: {status}. */
function put (site, token, path, size, half) {
  const socket = net.connect(site.port, '127.0.0.1')
  let text = ''
  const ended = new Promise((resolve, reject) => {
    socket.on('data', bytes => { text += bytes; if (text.includes('\r\n\r\n')) { resolve(Number(text.split(' ')[1])); socket.destroy() } })
    socket.on('error', reject)
    socket.on('close', () => resolve(0))
  })
  socket.write(`PUT ${path} HTTP/1.1\r\nHost: 127.0.0.1:${site.port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${size}\r\nContent-Range: bytes 0-${size - 1}/${size * 2}\r\n\r\n`)
  const sent = new Promise((resolve, reject) => { socket.write(Buffer.alloc(half), resolve); socket.once('error', reject) })
  return { sent, finish: () => { socket.write(Buffer.alloc(size - half)); return ended } }
}

/** A thousand resumable uploads that are all in the middle of a piece. */
export async function thousand () {
  const site = await startInstance({ settings: ['http.rate.api=100000/10s'] })
  try {
    const size = 512 * 1024
    const paths = []
    const tokens = []
    let user
    for (let i = 0; i < 1000; i++) {
      if (i % 50 === 0) user = await site.user(`uploader${i}`) // one has no more at once
      tokens.push(user.token)
      const opened = await site.post('/videos/upload-resumable', {
        token: user.token, json: { name: `One of many ${i}`, channelId: user.channelId, filename: `many${i}.mp4` },
        headers: { 'x-upload-content-length': String(size * 2), 'x-upload-content-type': 'video/mp4' }
      })
      if (opened.status !== 201) throw new Error(`upload ${i} was not opened: ${opened.status} ${opened.text}`)
      paths.push(opened.headers.location.replace(/^https?:/, '').replace(`//127.0.0.1:${site.port}`, ''))
    }
    const before = memory(site, 'Private')
    const { result, most } = await peak(() => memory(site, 'Private'), async () => {
      const puts = paths.map((path, i) => put(site, tokens[i], path, size, size / 2))
      await Promise.all(puts.map(each => each.sent))
      await sleep(2000)
      return Promise.all(puts.map(each => each.finish()))
    })
    const faults = result.filter(status => status !== 308)
    number('1,000 resumable uploads in flight: those that went wrong', faults.length, 'uploads', 'none', faults.length ? `answered ${[...new Set(faults)].join(', ')}` : '')
    number('1,000 resumable uploads in flight: growth of memory', (most - before) / MiB, 'MiB', '≤ 64 MiB')
  } finally { await site.stop() }
}
