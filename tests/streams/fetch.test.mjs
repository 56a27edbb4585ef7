// fetch.test.mjs - what plugins ask other servers for, and where they may not (T29).
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { echoInstance } from './kit.mjs'

let site, guarded, outer, inner, seen

/** What a foreign server answers, by path. */
function answerAs (request, answer) {
  seen.push({ url: request.url, method: request.method, headers: request.headers })
  const { pathname, searchParams } = new URL(request.url, 'http://x')
  const number = Number(searchParams.get('n') ?? 0)
  const routes = {
    '/hello': () => answer.writeHead(200, { 'content-type': 'text/plain', 'x-note': 'noted' }).end('hello'),
    '/missing': () => answer.writeHead(404).end('no such thing'),
    '/big': () => answer.writeHead(200).end(Buffer.alloc(number)),
    '/chunks': () => {
      answer.writeHead(200)
      const timer = setInterval(() => answer.write(Buffer.alloc(65536)), 5)
      answer.on('close', () => clearInterval(timer))
    },
    '/drip': () => {
      answer.writeHead(200)
      const timer = setInterval(() => answer.write('.'), 100)
      answer.on('close', () => clearInterval(timer))
    },
    '/headers': () => {
      for (let i = 0; i < 60; i++) answer.setHeader(`x-${i}`, 'y'.repeat(1500))
      answer.writeHead(200).end('x')
    },
    '/silence': () => {},
    '/hops': () => number > 0
      ? answer.writeHead(302, { location: `/hops?n=${number - 1}` }).end('not this')
      : answer.writeHead(200).end('arrived'),
    '/to': () => answer.writeHead(Number(searchParams.get('code') ?? 302), { location: searchParams.get('url') }).end('secret detour')
  }
  routes[pathname]?.()
}

const listenOn = async host => {
  const server = http.createServer({ maxHeaderSize: 1 << 20 }, answerAs)
  await new Promise((resolve, reject) => server.listen(0, host, resolve).on('error', reject))
  return server
}
const on = (server, host) => `http://${host}:${server.address().port}`

before(async () => {
  seen = []
  outer = await listenOn('127.0.0.2') // stands for the world: the only address that is allowed
  inner = await listenOn('127.0.0.1') // stands for what nobody may reach
  guarded = await echoInstance()
  site = await echoInstance({ settings: ['fetch.private=127.0.0.2'] })
})
after(async () => {
  for (const server of [outer, inner]) {
    server?.closeAllConnections()
    server?.close()
  }
  await guarded?.stop()
  await site?.stop()
})

const ask = (from, url, more = {}) => from.raw({ path: `/echo/fetch?${new URLSearchParams({ url, ...more })}` })

test('an allowed server is asked and its answer comes whole', async () => {
  const answer = await ask(site, `${on(outer, '127.0.0.2')}/hello`)
  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual(answer.json, { status: 200, url: `${on(outer, '127.0.0.2')}/hello`, type: 'text/plain', note: 'noted', body: 'hello', bytes: 5 })
  assert.match(seen.at(-1).headers['user-agent'], /^Shoal\/\d/)
  const missing = await ask(site, `${on(outer, '127.0.0.2')}/missing`)
  assert.equal(missing.json.status, 404)
  const headers = await ask(site, `${on(outer, '127.0.0.2')}/hello`, { method: 'HEAD', header: 'X-Mine: yes' })
  assert.deepEqual([headers.json.status, headers.json.bytes, seen.at(-1).method, seen.at(-1).headers['x-mine']], [200, 0, 'HEAD', 'yes'])
})

test('by default nothing private can be reached, however it is written', async () => {
  const port = inner.address().port
  const before = seen.length
  for (const host of ['127.0.0.1', 'localhost', '127.1', '0x7f.1', '2130706433', '017700000001', '127.0.0.2', '0.0.0.0', '0', '[::1]',
    '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '10.0.0.1', '172.16.0.1', '192.168.0.1',
    '169.254.169.254', '100.64.0.1', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '[fe80::1]', '[fc00::1]', '[ff02::1]']) {
    const answer = await ask(guarded, `http://${host}:${port}/hello`, { timeout: 3000 })
    assert.equal(answer.status, 403, `${host}: ${answer.text}`)
    assert.match(answer.json.detail, /private network/, host)
  }
  assert.equal(seen.length, before)
})

test('what is allowed is that network alone', async () => {
  assert.equal((await ask(site, `${on(inner, '127.0.0.1')}/hello`)).status, 403)
  assert.equal((await ask(site, `${on(outer, '127.0.0.2')}/hello`)).status, 200)
})

test('a redirect does not lead inside', async () => {
  const before = seen.length
  for (const code of [301, 302, 303, 307, 308]) {
    const answer = await ask(site, `${on(outer, '127.0.0.2')}/to?${new URLSearchParams({ code, url: `${on(inner, '127.0.0.1')}/hello` })}`)
    assert.equal(answer.status, 403, answer.text)
  }
  assert.ok(seen.slice(before).every(one => one.url.startsWith('/to')))
})

test('a redirect does not lead to another kind of address', async () => {
  for (const url of ['file:///etc/passwd', 'gopher://127.0.0.2/x', 'ftp://127.0.0.2/x', 'dict://127.0.0.2/x', 'data:text/plain,hi']) {
    const answer = await ask(site, `${on(outer, '127.0.0.2')}/to?${new URLSearchParams({ url })}`)
    assert.ok([403, 502].includes(answer.status), `${url}: ${answer.status} ${answer.text}`)
    assert.doesNotMatch(answer.text, /root:/)
  }
})

test('only http and https are spoken', async () => {
  for (const url of ['file:///etc/passwd', 'gopher://127.0.0.2/x', 'ftp://127.0.0.2/x', 'dict://127.0.0.2:11211/stats', 'data:text/plain,hi',
    'ldap://127.0.0.2', 'smb://127.0.0.2/x', 'javascript:1', '/etc/passwd', '', 'http:/x', 'httpx://127.0.0.2/']) {
    const answer = await ask(site, url)
    assert.ok(answer.status >= 400 && answer.status < 500, `${url}: ${answer.status} ${answer.text}`)
  }
})

test('redirects are followed as often as was asked', async () => {
  const from = n => `${on(outer, '127.0.0.2')}/hops?n=${n}`
  assert.equal((await ask(site, from(3))).json.body, 'arrived')
  assert.equal((await ask(site, from(3))).json.url, from(0))
  const many = await ask(site, from(4))
  assert.equal(many.status, 502, many.text)
  assert.equal((await ask(site, from(5), { redirects: 5 })).json.body, 'arrived')
  const none = await ask(site, from(1), { redirects: -1 })
  assert.deepEqual([none.json.status, none.json.body], [302, 'not this'])
})

test('an answer that is too large is cut off, said or not', async () => {
  const url = `${on(outer, '127.0.0.2')}`
  assert.equal((await ask(site, `${url}/big?n=1000`, { max: 1000 })).json.bytes, 1000)
  for (const path of ['/big?n=1001', '/chunks']) {
    const answer = await ask(site, url + path, { max: 1000 })
    assert.equal(answer.status, 413, answer.text)
  }
  assert.equal((await ask(site, `${url}/big?n=${(1 << 20) + 1}`)).status, 413)
  assert.ok((await ask(site, `${url}/headers`)).status >= 400)
})

test('one that drips or is silent is left at the deadline', async () => {
  for (const path of ['/drip', '/silence']) {
    const answer = await ask(site, `${on(outer, '127.0.0.2')}${path}`, { timeout: 800 })
    assert.equal(answer.status, 504, answer.text)
  }
})

test('one who waits long does not keep others from asking', async () => {
  const slow = Array.from({ length: 3 }, () => ask(site, `${on(outer, '127.0.0.2')}/silence`, { timeout: 6000 }))
  let over = 0
  for (const one of slow) one.then(() => over++)
  assert.equal((await ask(site, `${on(outer, '127.0.0.2')}/hello`)).status, 200)
  assert.equal(over, 0)
  for (const answer of await Promise.all(slow)) assert.equal(answer.status, 504)
})

test('nothing that is asked for slips into the lines of the request', async () => {
  const before = seen.length
  const url = `${on(outer, '127.0.0.2')}/hello`
  for (const more of [{ header: 'X-Mine: a\r\nX-Other: b' }, { header: 'X-Mine: a\nX-Other: b' }, { header: 'no colon' },
    { method: 'GET /other HTTP/1.1\r\nX-Other: b\r\n\r\nGET' }, { method: 'get' }, { method: '' }]) {
    const answer = await ask(site, url, more)
    assert.equal(answer.status, 400, `${JSON.stringify(more)} ${answer.text}`)
  }
  for (const odd of [`${url}\r\nX-Other: b`, `${url} HTTP/1.1`, `${url}\u0000x`]) {
    const answer = await ask(site, odd)
    assert.ok(answer.status === 200 || (answer.status >= 400 && answer.status < 500), `${odd}: ${answer.text}`)
  }
  assert.ok(seen.slice(before).every(one => one.headers['x-other'] === undefined && one.url.startsWith('/hello')))
})

test('a file is written whole or not left behind', async () => {
  const folder = join(site.folder, 'data', 'echo')
  const url = on(outer, '127.0.0.2')
  const good = await ask(site, `${url}/hello`, { file: 'kept' })
  assert.equal(good.status, 200, good.text)
  assert.equal(readFileSync(join(folder, 'kept'), 'utf8'), 'hello')
  assert.ok((await ask(site, `${url}/hello`, { file: 'kept' })).status >= 400, 'nothing is written over')
  assert.equal((await ask(site, `${url}/chunks`, { file: 'cut', max: 100000 })).status, 413)
  assert.equal((await ask(site, `${url}/drip`, { file: 'late', timeout: 500 })).status, 504)
  assert.deepEqual(readdirSync(folder), ['kept'])
})

test('a stop lets who waits for an answer have it, and ends', async () => {
  const before = seen.length
  const waiting = ask(site, `${on(outer, '127.0.0.2')}/silence`, { timeout: 2000 })
  await site.when('the other server is asked', () => seen.length > before)
  assert.equal((await site.kill()).code, 0)
  assert.equal((await waiting).status, 504)
})
