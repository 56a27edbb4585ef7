// slow.test.mjs - clients that send slowly, read slowly, say half of it, or come in thousands.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { answers, sentence, talk } from './kit.mjs'

let site, file
const HOST = 'Host: x\r\n'

before(async () => {
  site = await startInstance()
  const video = await site.published((await site.upload(await clip('h264', { seconds: 20 }))).uuid)
  file = new URL(video.files[0].fileUrl).pathname
})
after(() => site?.stop())

const open = async (options = {}) => {
  const wire = connect({ port: site.port, host: '127.0.0.1', ...options })
  wire.on('error', () => {})
  await once(wire, 'connect')
  return wire
}
const healthy = async () => assert.equal((await site.raw({ path: '/health' })).status, 200)
const descriptors = () => readdirSync(`/proc/${site.server}/fd`).length

test('who drips a head, byte by byte, is told so and hung up on', { timeout: 60000 }, async () => {
  const wire = await open()
  let text = ''
  let isOver = false
  wire.on('data', data => { text += data.toString('latin1') })
  wire.on('close', () => { isOver = true })
  for (const byte of 'GET /health HTTP/1.1\r\n'.padEnd(300, 'x')) {
    if (isOver) break
    wire.write(byte)
    await sleep(200)
  }
  const all = answers(text)
  assert.deepEqual(all.map(answer => answer.status), [408])
  assert.match(sentence(all[0]), /slow/)
  await healthy()
})

test('who does not read costs little: others are served, and memory stays', { timeout: 120000 }, async () => {
  const ask = `GET ${file} HTTP/1.1\r\n${HOST}\r\n`
  const memory = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${site.server}/status`, 'utf8'))[1])
  await talk(site, ask + `GET /health HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
  const was = memory()
  const wires = []
  for (let i = 0; i < 100; i++) {
    const wire = await open()
    wire.pause()
    wire.write(ask.repeat(50))
    wires.push(wire)
  }
  for (let i = 0; i < 20; i++) await healthy()
  assert.ok(memory() - was < 200 * 1024, `${memory() - was} KiB more`)
  for (const wire of wires) wire.destroy()
  await healthy()
})

test('who says goodbye after asking still hears the answer; who goes in the middle leaves nothing', { timeout: 60000 }, async () => {
  const half = async bytes => {
    const wire = await open({ allowHalfOpen: true })
    let text = ''
    wire.on('data', data => { text += data.toString('latin1') })
    wire.end(bytes)
    await once(wire, 'close')
    return text
  }
  const was = descriptors()
  const login = 'username=a&password=b&client_id=c&client_secret=d&grant_type=password'
  const whole = await half(`POST /api/v1/users/token HTTP/1.1\r\n${HOST}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${login.length}\r\n\r\n${login}`)
  assert.deepEqual(answers(whole).map(answer => answer.status), [400])
  for (const cut of ['', 'G', 'GET /health HTTP/1.1\r\nHost', `POST /api/v1/users/token HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nhalf`,
    `POST /api/v1/users/token HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`]) {
    assert.equal(await half(cut), '', 'half a request has no answer')
  }
  for (let i = 0; i < 200; i++) {
    const wire = await open()
    wire.write(`GET ${file} HTTP/1.1\r\n${HOST}\r\n`)
    wire.resetAndDestroy()
  }
  await site.when('what they held is let go', () => descriptors() <= was + 5)
  await healthy()
})

test('two gigabytes of a stranger are refused at the head', { timeout: 60000 }, async () => {
  const two = 2 * 1024 ** 3
  const heads = [
    `POST /api/v1/videos/upload HTTP/1.1\r\n${HOST}Content-Type: multipart/form-data; boundary=b\r\n`,
    `POST /api/v1/videos/upload-resumable HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nX-Upload-Content-Length: ${two}\r\n`,
    `PUT /api/v1/videos/upload-resumable?upload_id=x HTTP/1.1\r\n${HOST}Content-Type: application/octet-stream\r\nContent-Range: bytes 0-${two - 1}/${two}\r\n`,
    `PUT /api/v1/videos/9c9de5e8-0a1e-484a-b099-e80766180a6d HTTP/1.1\r\n${HOST}Content-Type: multipart/form-data; boundary=b\r\n`,
    `POST /api/v1/users/token HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n`,
    `POST /login HTTP/1.1\r\n${HOST}Content-Type: application/x-www-form-urlencoded\r\n`,
    `POST /upload HTTP/1.1\r\n${HOST}Content-Type: multipart/form-data; boundary=b\r\n`,
    `DELETE /api/v1/videos/1 HTTP/1.1\r\n${HOST}`,
    `POST /nothing/here HTTP/1.1\r\n${HOST}`
  ]
  for (const start of heads) {
    for (const frame of [`Content-Length: ${two}\r\n`, `Content-Length: ${two}\r\nExpect: 100-continue\r\n`]) {
      const { text, how } = await talk(site, `${start}${frame}\r\n`, { timeout: 15000 }) // and not one byte of the body
      assert.equal(how, 'closed', start)
      const all = answers(text)
      assert.equal(all.length, 1, start)
      assert.ok([400, 401, 403, 404, 413].includes(all[0].status), `${start}${all[0].status}`)
      assert.equal(all[0].headers.connection, 'close')
      assert.ok(all[0].body.length > 1)
    }
  }
})

// In a process of its own: a test runner's descriptors are for the test runner.
const crowd = `
import { connect } from 'node:net'
const [port, count] = process.argv.slice(1).map(Number)
let there = 0, gone = 0, at = 0
const more = () => {
  for (let i = 0; i < 200 && at < count; i++, at++) {
    const wire = connect(port, '127.0.0.1', () => { there++ })
    if (at % 2) wire.write('GET /health HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
    wire.on('data', () => {})
    wire.on('error', () => {})
    wire.on('close', () => { gone++ })
  }
  if (at < count) setTimeout(more, 20)
}
more()
setInterval(() => console.log(JSON.stringify({ there, gone })), 100)
`

test('ten thousand idle connections do not keep others out', { timeout: 120000 }, async t => {
  const limits = pid => /^Max open files\s+(\d+)\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8')).slice(1).map(Number)
  const [soft, hard] = limits(site.server)
  assert.ok(soft >= Math.min(hard, 65536), `the server has ${soft} descriptors and may have ${hard}`)
  if (soft < 11000 || limits('self')[1] < 11000) return t.skip(`no more than ${soft} descriptors here`)
  const child = spawn('bash', ['-c', 'ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"', process.execPath, '--input-type=module', '-e', crowd, String(site.port), '10000'])
  let last = {}
  let wrong = ''
  child.stdout.on('data', data => { last = JSON.parse(data.toString().trim().split('\n').pop()) })
  child.stderr.on('data', data => { wrong += data })
  try {
    await site.when('all are there', () => { assert.equal(wrong, ''); return last.there === 10000 }, 60000)
    await site.when('the server holds them', () => descriptors() > 9000)
    for (let i = 0; i < 20; i++) await healthy()
    assert.equal((await site.get('/videos')).status, 200)
    assert.equal((await site.raw({ path: file, headers: { range: 'bytes=0-99' } })).status, 206)
  } finally {
    child.kill('SIGKILL')
  }
  await site.when('they are gone', () => descriptors() < 1000)
  await healthy()
})
