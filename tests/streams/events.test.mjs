// events.test.mjs - server-sent events that follow a topic, and sockets of plugins' own.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { freePort } from '../kit/instance.mjs'
import { countsOf, echoInstance, openEvents, sleep, untilCounts } from './kit.mjs'

let site, tcp, udp

before(async () => {
  tcp = await freePort()
  udp = await freePort()
  site = await echoInstance({ echo: { tcp: `127.0.0.1:${tcp}`, udp: `127.0.0.1:${udp}`, unix: 'echo.sock' } })
})
after(() => site?.stop())

const publish = (text, topic = 'echo') => site.raw({ path: `/echo/publish?topic=${topic}&text=${encodeURIComponent(text)}` })

test('events of the topic arrive in order, those of others do not', async () => {
  const stream = await openEvents(site, '/echo/events?topic=echo')
  assert.equal(stream.status, 200)
  assert.match(stream.headers['content-type'], /^text\/event-stream/)
  assert.equal(stream.headers['cache-control'], 'no-store')
  assert.equal(stream.headers['content-length'], undefined)
  assert.equal(stream.headers['content-encoding'], undefined)
  assert.deepEqual(await stream.next(), { event: 'opened', data: 'hello' })
  await publish('not for us', 'other')
  for (let i = 0; i < 50; i++) await publish(`line ${i}\nwith a break`)
  for (let i = 0; i < 50; i++) {
    assert.deepEqual(await stream.next(), { event: 'echo', data: { text: `line ${i}\nwith a break` } })
  }
  stream.destroy()
  await untilCounts(site, counts => counts.events === 0)
})

test('many hear the same, and who leaves is forgotten', async () => {
  const streams = await Promise.all(Array.from({ length: 60 }, () => openEvents(site, '/echo/events?topic=echo')))
  await untilCounts(site, counts => counts.events === 60)
  await Promise.all(streams.map(stream => stream.next()))
  streams.slice(0, 30).forEach(stream => stream.destroy())
  await untilCounts(site, counts => counts.events === 30)
  await publish('to the rest')
  for (const stream of streams.slice(30)) assert.equal((await stream.next()).data.text, 'to the rest')
  streams.slice(30).forEach(stream => stream.destroy())
  await untilCounts(site, counts => counts.events === 0)
  for (let i = 0; i < 20; i++) assert.equal((await publish('to nobody')).status, 204)
})

test('the connections of events are free again: the topic takes more than its bound in turn', async () => {
  for (let i = 0; i < 12; i++) {
    const streams = await Promise.all(Array.from({ length: 100 }, () => openEvents(site, '/echo/events?topic=echo')))
    assert.ok(streams.every(stream => stream.status === 200))
    streams.forEach(stream => stream.destroy())
    await untilCounts(site, counts => counts.events === 0)
  }
})

test('one who does not read its events is closed', async () => {
  const wire = connect(site.port, '127.0.0.1')
  wire.on('error', () => {})
  wire.write('GET /echo/events?topic=much HTTP/1.1\r\nHost: x\r\n\r\n')
  await untilCounts(site, counts => counts.events === 1)
  wire.pause()
  const text = 'x'.repeat(6000)
  for (let i = 0; i < 3000 && (await countsOf(site)).events === 1; i += 50) {
    await Promise.all(Array.from({ length: 50 }, () => publish(text, 'much')))
  }
  await untilCounts(site, counts => counts.events === 0)
  wire.destroy()
})

/** A connection, what it heard, and how to wait for so many bytes. */
async function open (target) {
  const wire = connect(target)
  const heard = { wire, bytes: Buffer.alloc(0) }
  wire.on('data', part => { heard.bytes = Buffer.concat([heard.bytes, part]) })
  wire.on('error', () => {})
  heard.ended = new Promise(resolve => wire.once('close', resolve))
  heard.until = async length => {
    for (let i = 0; i < 400 && heard.bytes.length < length; i++) await sleep(20)
    assert.equal(heard.bytes.length, length)
  }
  await once(wire, 'connect')
  return heard
}

test('a TCP listener of a plugin repeats what it hears', async () => {
  const one = await open({ port: tcp, host: '127.0.0.1' })
  const payload = randomBytes(400000)
  one.wire.write(payload)
  await one.until(payload.length)
  assert.ok(one.bytes.equals(payload))
  assert.equal((await countsOf(site)).raw, 2) // with the one of all datagrams
  one.wire.write('bye')
  await one.ended
  assert.ok(one.bytes.subarray(-3).equals(Buffer.from('bye')))
  await untilCounts(site, counts => counts.raw === 1)
})

test('who stops to talk still hears the rest', async () => {
  const one = await open({ port: tcp, host: '127.0.0.1' })
  one.wire.pause()
  const payload = randomBytes(900000)
  one.wire.end(payload)
  await sleep(300)
  one.wire.resume()
  await one.ended
  assert.equal(one.bytes.length, payload.length)
})

test('who takes nothing is closed', async () => {
  const one = await open({ port: tcp, host: '127.0.0.1' })
  one.wire.pause()
  const payload = randomBytes(1 << 20)
  for (let i = 0; i < 64 && !one.wire.destroyed; i++) {
    if (!one.wire.write(payload)) await sleep(20)
  }
  await untilCounts(site, counts => counts.raw === 1)
  one.wire.destroy()
})

test('a Unix listener lies in the data of its plugin', async () => {
  const one = await open({ path: join(site.folder, 'data', 'echo', 'echo.sock') })
  one.wire.write('through the file system')
  await one.until(23)
  one.wire.destroy()
  await untilCounts(site, counts => counts.raw === 1)
})

test('datagrams are answered to their sender', async () => {
  const sockets = await Promise.all(Array.from({ length: 5 }, async () => {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return socket
  }))
  await Promise.all(sockets.map(async (socket, i) => {
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(5000) })
    socket.send(`from ${i}`, udp, '127.0.0.1')
    assert.equal((await answer)[0].toString(), `from ${i}`)
  }))
  sockets.forEach(socket => socket.close())
})

test('after a reload the listeners work on, and events have ended', async () => {
  const stream = await openEvents(site, '/echo/events?topic=echo')
  assert.equal((await stream.next()).event, 'opened')
  const old = await open({ port: tcp, host: '127.0.0.1' })
  process.kill(site.pid, 'SIGHUP')
  assert.equal(await stream.next(), null)
  await old.ended
  const one = await open({ port: tcp, host: '127.0.0.1' })
  one.wire.write('again')
  await one.until(5)
  one.wire.destroy()
  const socket = createSocket('udp4')
  const answer = once(socket, 'message', { signal: AbortSignal.timeout(5000) })
  socket.send('again', udp, '127.0.0.1')
  assert.equal((await answer)[0].toString(), 'again')
  socket.close()
})

/** Starts the site once more. A plugin's own port may be opened a moment after the site answers. */
async function startAgain () {
  await site.start()
  await site.when('the port of the plugin listens', () => new Promise(resolve => {
    const wire = connect({ port: tcp, host: '127.0.0.1' })
    wire.on('error', () => resolve(false))
    wire.on('connect', () => { wire.destroy(); resolve(true) })
  }))
}

test('an ingest outlives reloads where its plugin says so, and ends with the server', { timeout: 120000 }, async () => {
  const staying = await open({ port: tcp, host: '127.0.0.1' })
  const leaving = await open({ port: tcp, host: '127.0.0.1' })
  staying.wire.write('stay')
  await staying.until(4)
  const { server } = site
  const children = () => site.status.children.map(child => child.pid)
  for (let i = 0; i < 2; i++) {
    const before = site.server
    process.kill(site.pid, 'SIGHUP')
    await site.when('another child serves', () => site.server !== undefined && site.server !== before)
  }
  await leaving.ended
  await site.when('the server between has ended', () => site.status.children.length === 2)
  assert.ok(children().includes(server), 'the first server goes on with its stream')
  staying.wire.write(' and talk')
  await staying.until(13)
  const fresh = await open({ port: tcp, host: '127.0.0.1' })
  await untilCounts(site, counts => counts.raw === 2) // of the new server: its datagrams, and this one
  fresh.wire.destroy()
  // A topic crosses from one server to the other, and back.
  const stream = await openEvents(site, '/echo/events?topic=echo')
  assert.equal((await stream.next()).event, 'opened')
  staying.wire.write('say hello from before')
  assert.deepEqual(await stream.next(), { event: 'echo', data: { text: 'hello from before' } })
  stream.destroy()
  staying.wire.write('bye')
  await staying.ended
  await site.when('the first server ends with it', () => !children().includes(server))
  const last = await open({ port: tcp, host: '127.0.0.1' })
  last.wire.write('stay')
  await last.until(4)
  process.kill(site.pid, 'SIGHUP')
  await site.when('it stays too', () => site.log.match(/stay until their end/g)?.length === 2)
  assert.equal((await site.kill()).code, 0)
  await last.ended
  await startAgain()
})

test('a stop that comes before a draining server says that something stays ends it too', { timeout: 120000 }, async () => {
  const staying = await open({ port: tcp, host: '127.0.0.1' })
  staying.wire.write('stay')
  await staying.until(4)
  const { server } = site
  process.kill(server, 'SIGSTOP') // what it is told it hears later
  process.kill(site.pid, 'SIGHUP')
  await site.when('another child serves', () => site.server !== undefined && site.server !== server)
  const killed = site.kill()
  await site.when('the other child has ended', () => site.status?.children.every(child => child.pid === server))
  process.kill(server, 'SIGCONT')
  assert.equal((await killed).code, 0)
  await staying.ended
  await startAgain()
})

test('a stop ends events and listeners', async () => {
  const stream = await openEvents(site, '/echo/events?topic=echo')
  assert.equal((await stream.next()).event, 'opened')
  const one = await open({ port: tcp, host: '127.0.0.1' })
  const how = site.kill()
  assert.equal(await stream.next(), null)
  await one.ended
  assert.equal((await how).code, 0)
  const refused = connect({ port: tcp, host: '127.0.0.1' })
  assert.equal((await once(refused, 'error'))[0].code, 'ECONNREFUSED')
})
