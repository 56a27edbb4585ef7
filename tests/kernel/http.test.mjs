// http.test.mjs - HTTP/1.1 of the whole server as the bytes on the wire say, on every kind of listen line.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { gunzipSync } from 'node:zlib'

import { freePort, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { echoInstance } from '../streams/kit.mjs'

let site, folder, https, plain, file
const names = {}

/** A new certificate in the place of the one that is there, as certbot puts it. */
function certify () {
  const made = { key: join(folder, 'new-key.pem'), certificate: join(folder, 'new-certificate.pem') }
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-keyout', made.key, '-out', made.certificate], { stdio: 'ignore' })
  for (const what of ['key', 'certificate']) {
    chmodSync(made[what], 0o644)
    names[what] = join(folder, `${what}.pem`)
    renameSync(made[what], names[what])
  }
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-http-'))
  chmodSync(folder, 0o755)
  certify()
  mkdirSync(join(folder, '.well-known', 'acme-challenge'), { recursive: true })
  writeFileSync(join(folder, '.well-known', 'acme-challenge', 'token_1'), 'proof')
  ;[https, plain] = [await freePort(), await freePort()]
  site = await echoInstance({
    settings: [`tls.certificate=${names.certificate}`, `tls.key=${names.key}`, `tls.acme=${folder}`],
    listens: [`127.0.0.1:${https} tls`, `127.0.0.1:${plain} redirect`, 'unix:run/http.sock']
  })
  const video = await site.published((await site.upload(await clip('h264'))).uuid)
  file = new URL(video.files[0].fileUrl).pathname
})
after(async () => {
  await site?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Sends bytes and gives all that came when the server has closed, or when enough() says so. */
function talk (bytes, { port = site.port, enough = () => false, more } = {}) {
  return new Promise((resolve, reject) => {
    const wire = connect(port, '127.0.0.1', () => wire.write(bytes))
    let text = ''
    wire.setTimeout(20000, () => wire.destroy(new Error(`the server says no more:\n${text.slice(0, 2000)}`)))
    wire.on('data', data => {
      text += data.toString('latin1')
      const next = more?.(text)
      if (next) wire.write(next)
      if (enough(text)) wire.destroy()
    })
    wire.on('error', reject)
    wire.on('close', () => resolve(text))
  })
}

const head = (line, headers = {}) => `${line} HTTP/1.1\r\n${Object.entries({ Host: 'x', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
const close = { Connection: 'close' }

/** Takes one answer off a text: {status, headers, body, chunks, rest}. */
function cut (text, { isHead = false } = {}) {
  const end = text.indexOf('\r\n\r\n')
  const [first, ...lines] = text.slice(0, end).split('\r\n')
  const headers = Object.fromEntries(lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
  const status = Number(first.split(' ')[1])
  let rest = text.slice(end + 4)
  if (isHead || status === 304 || status < 200) return { first, status, headers, body: '', rest }
  if (headers['transfer-encoding'] !== 'chunked') {
    const length = Number(headers['content-length'])
    return { first, status, headers, body: rest.slice(0, length), rest: rest.slice(length) }
  }
  const chunks = []
  for (;;) {
    const [, size] = /^([0-9a-f]+)\r\n/i.exec(rest)
    rest = rest.slice(size.length + 2)
    const chunk = rest.slice(0, parseInt(size, 16))
    assert.equal(rest.slice(chunk.length, chunk.length + 2), '\r\n')
    rest = rest.slice(chunk.length + 2)
    if (chunk === '') return { first, status, headers, body: chunks.join(''), chunks, rest }
    chunks.push(chunk)
  }
}

test('requests that come at once are answered in order on one connection', async () => {
  const text = await talk(head('GET /health') + head('HEAD /api/v1/config') + head('GET /api/v1/accounts/nobody_here') + head('GET /health', close))
  const health = cut(text)
  const config = cut(health.rest, { isHead: true })
  const nothing = cut(config.rest)
  const last = cut(nothing.rest)
  assert.deepEqual([health.status, config.status, nothing.status, last.status], [200, 200, 404, 200])
  assert.ok(Number(config.headers['content-length']) > 100, 'HEAD says how long the answer would be')
  assert.match(nothing.headers['content-type'], /^application\/problem\+json/)
  assert.deepEqual([health.headers.connection, last.headers.connection], ['keep-alive', 'close'])
  assert.equal(last.rest, '')
  const ids = [health, config, nothing, last].map(answer => answer.headers['x-request-id'])
  assert.equal(new Set(ids).size, 4)
})

test('an answer of unknown length comes in chunks, and the next one behind it', async () => {
  const text = await talk(head('GET /echo/letters') + head('GET /health', close))
  const letters = cut(text)
  assert.equal(letters.status, 200)
  assert.equal(letters.headers['content-length'], undefined)
  assert.ok(letters.chunks.length >= 1)
  assert.equal(letters.body.length, 100000)
  assert.ok(letters.body.startsWith('abcdefghijklmnopqrstuvwxyzab') && letters.body.endsWith('abcd'))
  assert.equal(cut(letters.rest).status, 200)
  const old = await talk('GET /echo/letters HTTP/1.0\r\nHost: x\r\n\r\n')
  assert.doesNotMatch(old.slice(0, old.indexOf('\r\n\r\n')), /chunked/i)
  assert.equal(old.length - old.indexOf('\r\n\r\n') - 4, 100000)
})

test('a body may come in chunks', async () => {
  const client = await site.client()
  const form = new URLSearchParams({ ...client, grant_type: 'password', username: site.admin, password: site.password }).toString()
  const pieces = [form.slice(0, 7), form.slice(7, 50), form.slice(50)].map(part => `${part.length.toString(16)}\r\n${part}\r\n`).join('')
  const text = await talk(`${head('POST /api/v1/users/token', { 'Content-Type': 'application/x-www-form-urlencoded', 'Transfer-Encoding': 'chunked' })}${pieces}0\r\n\r\n${head('GET /health', close)}`)
  const token = cut(text)
  assert.equal(token.status, 200, text)
  assert.ok(JSON.parse(token.body).access_token)
  assert.equal(cut(token.rest).status, 200)
  const both = await talk(head('POST /api/v1/users/token', { 'Content-Length': 3, 'Transfer-Encoding': 'chunked' }) + '0\r\n\r\n')
  assert.equal(cut(both).status, 400)
})

test('the body is asked for when the head was accepted, and not when it was refused', async () => {
  const client = await site.client()
  const form = new URLSearchParams({ ...client, grant_type: 'password', username: site.admin, password: site.password }).toString()
  let asked = 0
  const text = await talk(head('POST /api/v1/users/token', { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': form.length, Expect: '100-continue', ...close }), {
    more: got => /^HTTP\/1\.1 100 Continue\r\n\r\n$/.test(got) && asked++ === 0 && form
  })
  const go = cut(text)
  assert.equal(go.status, 100)
  assert.equal(cut(go.rest).status, 200)
  const refused = await talk(head('POST /api/v1/videos/upload', { 'Content-Type': 'multipart/form-data; boundary=b', 'Content-Length': 1000, Expect: '100-continue' }))
  assert.equal(cut(refused).status, 401)
})

test('an answer has the id that the log has, also when it is shared afterwards', async () => {
  const json = await startInstance({ settings: ['log.format=json', 'log.level=debug'] })
  try {
    for (const path of ['/api/v1/videos/none', '/api/v1/config', '/health']) {
      const id = (await json.raw({ path })).headers['x-request-id']
      const lines = await json.when(`the log tells of ${path}`, () => {
        const found = json.log.split('\n').filter(line => line.includes(`"${id}"`))
        return found.length > 0 && found
      })
      assert.ok(lines.map(line => JSON.parse(line)).some(line => line.id === id && line.text.startsWith(`GET ${path}`)), lines[0])
    }
  } finally {
    await json.stop()
  }
})

test('ranges of a file', async () => {
  const whole = (await site.raw({ path: file })).body
  const get = (range, more = {}) => site.raw({ path: file, headers: { range, ...more } })
  for (const [range, from, to] of [['bytes=0-9', 0, 10], ['bytes=10-', 10, whole.length], ['bytes=-5', whole.length - 5, whole.length], ['bytes=5-99999999', 5, whole.length]]) {
    const part = await get(range)
    assert.equal(part.status, 206, range)
    assert.equal(part.headers['content-range'], `bytes ${from}-${to - 1}/${whole.length}`)
    assert.ok(part.body.equals(whole.subarray(from, to)), range)
  }
  const beyond = await get(`bytes=${whole.length}-`)
  assert.equal(beyond.status, 416)
  assert.equal(beyond.headers['content-range'], `bytes */${whole.length}`)
  for (const nonsense of ['bytes=5-2', 'lines=1-2', 'bytes=a-b']) assert.equal((await get(nonsense)).status, 200, nonsense)
  const { etag } = (await site.raw({ method: 'HEAD', path: file })).headers
  assert.equal((await get('bytes=0-9', { 'if-range': etag })).status, 206)
  assert.equal((await get('bytes=0-9', { 'if-range': '"another"' })).status, 200)
})

test('conditions on what a client has already', async () => {
  for (const path of ['/api/v1/config', '/', file]) {
    const first = await site.raw({ path })
    const { etag } = first.headers
    assert.match(etag, /^(W\/)?".+"$/, path)
    for (const tags of [etag, `"x", ${etag}`, '*', `W/${etag.replace(/^W\//, '')}`]) {
      const same = await site.raw({ path, headers: { 'if-none-match': tags } })
      assert.deepEqual([same.status, same.body.length, same.headers.etag], [304, 0, etag], `${path} ${tags}`)
    }
    assert.equal((await site.raw({ path, headers: { 'if-none-match': '"x"' } })).status, 200)
    assert.equal((await site.raw({ path, headers: { 'if-match': '"x"' } })).status, 412, path)
    assert.equal((await site.raw({ path, headers: { 'if-match': '*' } })).status, 200, path)
  }
  const date = (await site.raw({ path: file })).headers['last-modified']
  assert.ok(date)
  assert.equal((await site.raw({ path: file, headers: { 'if-modified-since': date } })).status, 304)
  assert.equal((await site.raw({ path: file, headers: { 'if-modified-since': 'Thu, 01 Jan 1998 00:00:00 GMT' } })).status, 200)
  assert.equal((await site.raw({ path: file, headers: { 'if-unmodified-since': 'Thu, 01 Jan 1998 00:00:00 GMT' } })).status, 412)
})

test('HEAD is GET without its body', async () => {
  for (const path of ['/api/v1/config', '/', file, '/api/v1/videos/none']) {
    const [get, only] = [await site.raw({ path }), await site.raw({ method: 'HEAD', path })]
    assert.equal(only.status, get.status, path)
    assert.equal(only.body.length, 0)
    for (const name of ['content-length', 'content-type', 'etag', 'cache-control', 'vary']) assert.equal(only.headers[name], get.headers[name], `${path} ${name}`)
  }
})

/** As site.raw(), without a look into the body. */
const fetchRaw = (path, headers) => new Promise((resolve, reject) => {
  http.get(site.url + path, { headers, agent: false }, answer => {
    const parts = []
    answer.on('data', part => parts.push(part))
    answer.on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(parts) }))
  }).on('error', reject)
})

test('text is compressed for who takes it, media are not', async () => {
  for (const path of ['/api/v1/config', '/']) {
    const small = await fetchRaw(path, { 'accept-encoding': 'br;q=1, gzip;q=0.5' })
    assert.equal(small.headers['content-encoding'], 'gzip', path)
    assert.match(small.headers.vary, /accept-encoding/i)
    const large = await site.raw({ path })
    assert.equal(large.headers['content-encoding'], undefined)
    assert.match(large.headers.vary, /accept-encoding/i)
    assert.ok(gunzipSync(small.body).equals(large.body))
    assert.ok(small.body.length < large.body.length)
    assert.equal((await site.raw({ path, headers: { 'accept-encoding': 'gzip;q=0' } })).headers['content-encoding'], undefined)
  }
  assert.equal((await site.raw({ path: file, headers: { 'accept-encoding': 'gzip' } })).headers['content-encoding'], undefined)
})

test('heads, targets and bodies have their bounds', async () => {
  assert.equal(cut(await talk(head('GET /health', { 'X-Long': 'x'.repeat(70000) }))).status, 431)
  assert.ok([414, 431].includes(cut(await talk(head(`GET /${'x'.repeat(70000)}`))).status))
  assert.equal(cut(await talk(head('POST /api/v1/users/token', { 'Content-Length': 10 ** 9 }))).status, 413)
})

const shake = () => new Promise((resolve, reject) => {
  const wire = connectTls({ port: https, host: '127.0.0.1', rejectUnauthorized: false }, () => resolve(wire))
  wire.on('error', reject)
})

test('a certificate that was changed is taken up without a restart', async () => {
  const old = await shake()
  const before = old.getPeerCertificate().fingerprint256
  let text = ''
  old.on('data', part => { text += part })
  const over = once(old, 'close')
  old.write(head('GET /health')) // who has asked nothing yet would not be waited for that long
  await site.when('it is answered', () => text.includes('\r\n\r\n'))
  certify()
  await site.when('the new certificate is shown', async () => {
    const wire = await shake()
    const after = wire.getPeerCertificate().fingerprint256
    wire.destroy()
    return after !== before
  })
  old.write(head('GET /health', close))
  await over
  assert.deepEqual([cut(text).status, cut(cut(text).rest).status], [200, 200], 'who is connected stays so')
})

test('the plain port leads to the other, but for the challenge', async () => {
  const moved = cut(await talk(head('GET /w/abc?start=3', { ...close, Host: 'tube.example' }), { port: plain }))
  assert.equal(moved.status, 308)
  assert.equal(moved.headers.location, `https://tube.example${https === 443 ? '' : moved.headers.location.match(/(:\d+)?\/w/)[0].replace('/w', '')}/w/abc?start=3`)
  const proof = cut(await talk(head('GET /.well-known/acme-challenge/token_1', close), { port: plain }))
  assert.deepEqual([proof.status, proof.body], [200, 'proof'])
  for (const path of ['/.well-known/acme-challenge/none', '/.well-known/acme-challenge/../../key.pem', '/.well-known/acme-challenge/%2e%2e/%2e%2e/key.pem']) {
    const other = await talk(head(`GET ${path}`, close), { port: plain })
    assert.ok(cut(other).status >= 300, path)
    assert.ok(!other.includes('PRIVATE KEY'))
  }
})

test('a Unix socket serves too, and the proxy behind it is believed', async () => {
  const ask = (path, headers = {}) => new Promise((resolve, reject) => {
    http.get({ socketPath: join(site.folder, 'run/http.sock'), path, headers, agent: false }, answer => {
      let text = ''
      answer.on('data', data => { text += data })
      answer.on('end', () => resolve({ status: answer.statusCode, text }))
    }).on('error', reject)
  })
  assert.equal((await ask('/health')).status, 200)
  // Who may read the metrics is said by addresses: the client's counts, not the proxy's.
  assert.equal((await ask('/metrics', { 'x-forwarded-for': '127.0.0.1' })).status, 200)
  assert.notEqual((await ask('/metrics', { 'x-forwarded-for': '203.0.113.9' })).status, 200)
  assert.notEqual((await site.raw({ path: '/metrics', headers: { 'x-forwarded-for': '203.0.113.9' } })).status, 200)
  assert.equal((await site.raw({ path: '/metrics' })).status, 200)
  assert.equal((await site.raw({ path: '/metrics', headers: { forwarded: 'for=203.0.113.9' } })).status, 200, 'a header that is not believed changes nothing')
})

test('without a cache every answer is made anew', async () => {
  const shared = async settings => {
    const other = await startInstance({ settings })
    try {
      for (let i = 0; i < 3; i++) assert.equal((await other.get('/videos')).json.total, 0)
      return Number((await other.get('//metrics')).text.match(/^\w*http_cached\w* (\d+)/m)[1])
    } finally { await other.stop() }
  }
  assert.equal(await shared(['http.cache=1M']), 2)
  assert.equal(await shared(['http.cache=0']), 0)
})
