// websocket.test.mjs - RFC 6455 as good clients, bad clients and slow clients speak it.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { after, before, test } from 'node:test'

import { shoal } from '../kit/instance.mjs'
import { Socket, countsOf, echoInstance, frame, openSocket, sleep, untilCounts } from './kit.mjs'

let site

before(async () => { site = await echoInstance() })
after(() => site?.stop())

const statusOf = async (path, options) => {
  const socket = new Socket(site, path, options)
  const status = await socket.head
  socket.destroy()
  return status
}

test('the handshake is answered as the standard says', async () => {
  const socket = await openSocket(site, '/echo/socket', { headers: { 'Sec-WebSocket-Protocol': 'chat, echo' } })
  assert.equal(socket.headers['sec-websocket-accept'], socket.accept)
  assert.equal(socket.headers['sec-websocket-protocol'], 'echo')
  assert.equal(socket.headers.upgrade.toLowerCase(), 'websocket')
  assert.equal(socket.headers['content-length'], undefined)
  assert.equal(socket.headers['sec-websocket-extensions'], undefined)
  await socket.leave()
})

test('a protocol that was not offered is not chosen', async () => {
  const socket = await openSocket(site, '/echo/socket', { headers: { 'Sec-WebSocket-Protocol': 'chat' } })
  assert.equal(socket.headers['sec-websocket-protocol'], undefined)
  await socket.leave()
})

test('a handshake that is none is refused with a reason', async () => {
  assert.equal((await site.raw({ path: '/echo/socket' })).status, 400)
  assert.equal(await statusOf('/echo/socket', { headers: { 'Sec-WebSocket-Key': 'short' } }), 400)
  assert.equal(await statusOf('/echo/socket', { headers: { 'Sec-WebSocket-Key': null } }), 400)
  const old = new Socket(site, '/echo/socket', { headers: { 'Sec-WebSocket-Version': '8' } })
  assert.ok([400, 426].includes(await old.head))
  assert.equal(old.headers['sec-websocket-version'], '13')
  old.destroy()
  assert.equal(await statusOf('/echo/nothing'), 404)
})

test('the plugin may refuse, and strangers stay outside', async () => {
  assert.equal(await statusOf('/echo/socket?refuse=1'), 403)
  assert.equal(await statusOf('/echo/members'), 401)
  assert.equal(await statusOf('/echo/members', { headers: { Authorization: `Bearer ${await site.token()}` } }), 101)
})

test('T30 who is blocked or logs out loses the open socket, and nobody else does', async () => {
  const open = token => openSocket(site, '/echo/members', { headers: { Authorization: `Bearer ${token}` } })
  const blocked = await site.user('soon_blocked')
  const leaving = await site.user('soon_gone')
  const sockets = { blocked: await open(blocked.token), leaving: await open(leaving.token), staying: await open(await site.token()) }
  assert.equal((await site.post('/users/revoke-token', { token: leaving.token })).status, 200)
  assert.equal((await sockets.leaving.next()).code, 1008)
  assert.equal((await site.post(`/users/${blocked.id}/block`, { token: true, json: { reason: 'spam' } })).status, 204)
  assert.equal((await sockets.blocked.next()).code, 1008)
  sockets.staying.write('still here')
  assert.equal((await sockets.staying.next()).data.toString(), 'still here')
  for (const socket of Object.values(sockets)) socket.destroy()
})

test('T30 the command line ends sockets too, and a new name ends none', { timeout: 60000 }, async () => {
  const user = await site.user('from_outside')
  const socket = await openSocket(site, '/echo/members', { headers: { Authorization: `Bearer ${user.token}` } })
  assert.equal((await site.put('/users/me', { token: user.token, json: { displayName: 'Another name' } })).status, 204)
  socket.write('still here')
  assert.equal((await socket.next()).data.toString(), 'still here')
  const { code, stderr } = await shoal('user', 'password', site.folder, 'from_outside', '--password', 'another horse 8')
  assert.equal(code, 0, stderr)
  assert.equal(await socket.closed(), 1008)
  assert.equal((await site.get('/users/me', { token: user.token })).status, 401)
  await socket.ended
})

test("pages of another site may not connect, this one's and those invited may", async () => {
  const own = { Origin: `http://127.0.0.1:${site.port}` }
  const other = { Origin: 'https://evil.example' }
  assert.equal(await statusOf('/echo/socket', { headers: other }), 403)
  assert.equal(await statusOf('/echo/socket', { headers: { Origin: 'null' } }), 403)
  assert.equal(await statusOf('/echo/socket', { headers: { Origin: `http://127.0.0.1:${site.port}.evil.example` } }), 403)
  assert.equal(await statusOf('/echo/socket', { headers: own }), 101)
  assert.equal(await statusOf('/echo/open', { headers: other }), 101)
})

test('text and binary messages come back as they were', async () => {
  const socket = await openSocket(site)
  for (const [payload, opcode] of [['hello', 1], ['grüße 🐟', 1], [Buffer.from([0, 255, 128]), 2], ['', 1]]) {
    socket.write(payload, { opcode })
    const got = await socket.next()
    assert.deepEqual([got.opcode, got.fin, got.masked], [opcode, true, false])
    assert.ok(got.data.equals(Buffer.from(payload)))
  }
  await socket.leave()
})

test('messages of every length form come back whole', async () => {
  const socket = await openSocket(site)
  for (const size of [125, 126, 65535, 65536, 300000, 1 << 20]) {
    const payload = randomBytes(size)
    socket.write(payload, { opcode: 2 })
    assert.ok((await socket.next()).data.equals(payload), `${size} bytes`)
  }
  await socket.leave()
})

test('a message that came with the handshake is heard', async () => {
  const socket = new Socket(site, '/echo/socket', { early: frame('early bird') })
  assert.equal(await socket.head, 101)
  assert.equal((await socket.next()).data.toString(), 'early bird')
  await socket.leave()
})

test('fragments are put together, with a ping between them', async () => {
  const socket = await openSocket(site)
  socket.write('one ', { fin: false })
  socket.write('two ', { fin: false, opcode: 0 })
  socket.write('are you there', { opcode: 9 })
  socket.write('three', { opcode: 0 })
  const pong = await socket.next()
  assert.deepEqual([pong.opcode, pong.data.toString()], [10, 'are you there'])
  assert.equal((await socket.next()).data.toString(), 'one two three')
  await socket.leave()
})

test('a frame that trickles in byte by byte is heard', async () => {
  const socket = await openSocket(site)
  for (const byte of frame('slowly')) {
    socket.raw(Buffer.from([byte]))
    await sleep(2)
  }
  assert.equal((await socket.next()).data.toString(), 'slowly')
  await socket.leave()
})

for (const [name, bytes, code] of [
  ['text that is not UTF-8', () => frame(Buffer.from([0x61, 0xc3, 0x28])), 1007],
  ['a lone surrogate', () => frame(Buffer.from([0xed, 0xa0, 0x80])), 1007],
  ['text cut off in a character', () => frame(Buffer.from([0xf0, 0x9f, 0x90])), 1007],
  ['a message that is too large', () => frame(Buffer.alloc(10), { opcode: 2, claim: (1 << 20) + 1 }), 1009],
  ['fragments that are too large together', () => Buffer.concat([frame(Buffer.alloc(1 << 20), { opcode: 2, fin: false }), frame(Buffer.alloc(2), { opcode: 0 })]), 1009],
  ['a frame without a mask', () => frame('naked', { masked: false }), 1002],
  ['a reserved bit', () => frame('x', { rsv: 4 }), 1002],
  ['an unknown opcode', () => frame('x', { opcode: 3 }), 1002],
  ['a ping in pieces', () => frame('x', { opcode: 9, fin: false }), 1005],
  ['a continuation of nothing', () => frame('x', { opcode: 0 }), 1002],
  ['a close frame of one byte', () => frame('x', { opcode: 8 }), 1002],
  ['a close code that may not be sent', () => frame(Buffer.from([1005 >> 8, 1005 & 255]), { opcode: 8 }), 1002]
]) {
  test(`${name} ends the connection with ${code}`, async () => {
    const socket = await openSocket(site)
    socket.raw(bytes())
    assert.equal(await socket.closed(), code)
    socket.wire.end()
    await socket.ended
  })
}

test('a huge ping ends the connection', async () => {
  const socket = await openSocket(site)
  socket.raw(frame(Buffer.alloc(126), { opcode: 9 }))
  await socket.closed()
  await socket.ended
})

test('after our goodbye comes an echo of it, and the end', async () => {
  const socket = await openSocket(site)
  socket.write(Buffer.concat([Buffer.from([4001 >> 8, 4001 & 255]), Buffer.from('so long')]), { opcode: 8 })
  assert.equal(await socket.closed(), 4001)
  await socket.ended
  await untilCounts(site, counts => counts.lastCode === 4001)
})

test('the plugin ends it with a code and a reason', async () => {
  const socket = await openSocket(site)
  socket.write('close 4321')
  const got = await socket.next()
  assert.deepEqual([got.opcode, got.code, got.data.subarray(2).toString()], [8, 4321, 'as you wish'])
  await socket.leave(4321)
  await untilCounts(site, counts => counts.lastCode === 4321)
})

test('a peer that never says goodbye is not waited for', { timeout: 60000 }, async () => {
  const socket = await openSocket(site)
  socket.write('close 4000')
  assert.equal(await socket.closed(), 4000)
  await socket.ended
})

test('long work is done elsewhere and its result sent', async () => {
  const socket = await openSocket(site)
  socket.write('work on the shoal')
  assert.equal((await socket.next()).data.toString(), 'ON THE SHOAL')
  socket.write('work left') // the watchdog judges who has a deadline
  assert.equal((await socket.next()).data.toString(), 'SOME')
  await socket.leave()
})

test('one who is silent is asked, and one who does not answer is left', async () => {
  const silent = await openSocket(site, '/echo/short')
  const awake = await openSocket(site, '/echo/short')
  const answered = (async () => {
    for (let i = 0; i < 3; i++) {
      const got = await awake.next()
      assert.equal(got?.opcode, 9)
      awake.write(got.data, { opcode: 10 })
    }
  })()
  assert.equal((await silent.next()).opcode, 9)
  await silent.ended
  await answered
  await awake.leave()
})

test('one who does not read is closed, and the server stays well', async () => {
  const socket = await openSocket(site)
  socket.wire.pause()
  socket.write('flood')
  await untilCounts(site, counts => counts.sockets === 0)
  assert.equal((await countsOf(site)).lastCode, 1013)
  socket.destroy()
})

test('one who floods the server does not keep it from others', async () => {
  const loud = await openSocket(site)
  const load = Buffer.concat(Array.from({ length: 2000 }, () => frame('x'.repeat(100))))
  loud.raw(load)
  const quiet = await openSocket(site)
  quiet.write('me too')
  assert.equal((await quiet.next()).data.toString(), 'me too')
  await quiet.leave()
  for (let i = 0; i < 2000; i++) assert.equal((await loud.next()).data.length, 100)
  await loud.leave()
})

test('two hundred at once', async () => {
  const sockets = await Promise.all(Array.from({ length: 200 }, () => openSocket(site)))
  assert.equal((await countsOf(site)).sockets, 200)
  await Promise.all(sockets.map(async (socket, i) => {
    socket.write(`number ${i}`)
    assert.equal((await socket.next()).data.toString(), `number ${i}`)
  }))
  sockets.slice(0, 100).forEach(socket => socket.destroy())
  await Promise.all(sockets.slice(100).map(socket => socket.leave()))
  await untilCounts(site, counts => counts.sockets === 0)
})

test('a reload says 1012, and the new server takes over', async () => {
  const polite = await openSocket(site)
  const deaf = await openSocket(site)
  process.kill(site.pid, 'SIGHUP')
  assert.equal(await polite.closed(), 1012)
  await polite.leave(1012)
  assert.equal(await deaf.closed(), 1012)
  await deaf.ended
  const again = await openSocket(site)
  again.write('still here')
  assert.equal((await again.next()).data.toString(), 'still here')
  await again.leave()
})

test('a quick route is answered while all workers are busy, unless it wants one', async () => {
  const workers = 2 + 2 * availableParallelism()
  const socket = await openSocket(site)
  for (let i = 0; i < workers; i++) socket.write('work zzz')
  socket.write('heard')
  assert.equal((await socket.next()).data.toString(), 'heard') // all of the work is with the workers by now
  const start = performance.now()
  for (let i = 0; i < 10; i++) assert.deepEqual((await site.raw({ path: '/echo/quick' })).json, { by: 'loop' })
  const quick = performance.now() - start
  assert.deepEqual((await site.raw({ path: '/echo/quick?later=1' })).json, { by: 'worker', told: true })
  const whole = performance.now() - start
  assert.ok(quick < 1000 && whole > 1200, `${quick} ms, and ${whole} ms with a worker`)
  for (let i = 0; i < workers; i++) assert.equal((await socket.next()).data.toString(), 'ZZZ')
  await socket.leave()
})

test('a stop says 1012 too, and waits for work that still runs', async () => {
  const socket = await openSocket(site)
  socket.write('work zzz')
  socket.write('after')
  assert.equal((await socket.next()).data.toString(), 'after')
  const how = site.kill()
  assert.equal(await socket.closed(), 1012)
  await socket.leave(1012)
  assert.equal((await how).code, 0)
})
