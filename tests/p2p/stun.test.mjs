// stun.test.mjs - the site answers STUN itself, and sends players there only where they share and can reach it.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { after, before, test } from 'node:test'

import { shoal, startInstance } from '../kit/instance.mjs'
import { withPlugins } from '../kit/plugins.mjs'

const cookie = Buffer.from('2112a442', 'hex')
const plugins = ['storage_fs', 'transcode_ffmpeg', 'api', 'p2p', 'stun']
const own = ['url=https://videos.example.org']
let site, other, port

/** A UDP port that nobody has right now. */
const freeUdp = () => new Promise(resolve => {
  const probe = createSocket('udp6').bind(0, '::', () => {
    const { port } = probe.address()
    probe.close(() => resolve(port))
  })
})

/** Sends a datagram; the answer, or null when none comes. */
async function ask (host, datagram, wait = 3000) {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  try {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(null), wait)
      socket.on('error', reject)
      socket.on('message', bytes => {
        clearTimeout(timer)
        resolve({ bytes, from: socket.address().port })
      })
      socket.send(datagram, port, host)
    })
  } finally {
    socket.close()
  }
}

const request = (transaction = randomBytes(12), { type = 1, magic = cookie } = {}) =>
  Buffer.concat([Buffer.from([0, type, 0, 0]), magic, transaction])

/** What an answer says of address and port, as hex and number. */
function mapped (bytes, transaction) {
  assert.equal(bytes.readUInt16BE(0), 0x0101)
  assert.deepEqual(bytes.subarray(4, 20), Buffer.concat([cookie, transaction]))
  assert.equal(bytes.readUInt16BE(2), bytes.length - 20)
  assert.equal(bytes.readUInt16BE(20), 0x0020)
  const address = bytes.subarray(28).map((byte, i) => byte ^ bytes[4 + i])
  return { family: bytes[25], port: bytes.readUInt16BE(26) ^ 0x2112, address: address.toString('hex') }
}

/** As clients do, who ask again: the port is opened a moment after the server serves. */
async function answers () {
  for (const [host, family, address] of [['127.0.0.1', 1, '7f000001'], ['::1', 2, '0'.repeat(31) + '1']]) {
    const transaction = randomBytes(12)
    let heard = null
    for (let i = 0; i < 20 && !heard; i++) heard = await ask(host, request(transaction), 500)
    assert.ok(heard, `no answer from ${host}`)
    assert.deepEqual(mapped(heard.bytes, transaction), { family, port: heard.from, address })
  }
}

const told = async site => (await site.get('/config')).json.webrtc.stunServers

before(async () => {
  port = await freeUdp()
  const make = async () => {
    const made = await startInstance({ started: false, settings: [`stun.listen=[::]:${port}`, ...own] })
    made.config = withPlugins(made.config, plugins)
    return made
  }
  ;[site, other] = await Promise.all([make(), make()])
  await site.start()
})
after(() => Promise.all([site?.stop(), other?.stop()]))

test('who asks hears under which address he came, by IPv4 and by IPv6', answers)

test('what is no request is dropped without a word', async () => {
  const wrong = [Buffer.from('hello'), request(undefined, { magic: Buffer.from('2112a443', 'hex') }), request(undefined, { type: 0x11 }), request().subarray(0, 19)]
  const heard = await Promise.all(wrong.map(datagram => ask('127.0.0.1', datagram, 300)))
  assert.deepEqual(heard, wrong.map(() => null))
})

test('players are sent to the site, at its public host', async () => {
  assert.deepEqual(await told(site), [`stun:videos.example.org:${port}`])
  assert.doesNotMatch(site.log, /cannot listen/)
})

test('a port that is taken is said once, and the site serves without; nobody is sent there', async () => {
  await other.start()
  await other.when('it says so', () => /cannot listen on .*taken/.test(other.log))
  assert.equal(other.log.match(/cannot listen on/g).length, 1)
  assert.equal((await other.raw({ path: '/health' })).json.status, 'ok')
  assert.deepEqual(await told(other), [])
})

test('a reload goes on answering, and takes up what is set', async () => {
  const { server } = site
  const config = site.config
  site.config = config.replace('"p2p"', '{ "p2p", viewers = "opt-in" }')
  assert.equal((await shoal('reload', site.folder)).code, 0)
  await site.when('another process serves', () => site.server && site.server !== server)
  for (let i = 0; i < 5; i++) await answers()
  assert.deepEqual(await told(site), [`stun:videos.example.org:${port}`])
})

test('nobody is sent there where nothing is shared, relays alone are used, another is named, or the site is private', async () => {
  const rows = [
    [['p2p.viewers=off', ...own], []],
    [['p2p.relay_only=true', 'p2p.turn=[{"urls":"turn:turn.example.org"}]', ...own], []],
    [['p2p.stun=stun.example.org'], ['stun:stun.example.org']],
    [[], []]
  ]
  for (const [settings, servers] of rows) {
    await site.kill()
    site.settings.splice(0, site.settings.length, `stun.listen=[::]:${port}`, ...settings)
    await site.start()
    await answers() // the port is ours whatever players are told
    assert.deepEqual(await told(site), servers, settings.join())
  }
})

test('another port at a reload: it answers there, and the one before is free for others', async () => {
  await site.kill()
  site.settings.splice(0, site.settings.length, ...own)
  const config = site.config
  const reload = async address => {
    const { server } = site
    site.config = config.replace('"stun"', `{ "stun", listen = "${address}" }`)
    assert.equal((await shoal('reload', site.folder)).code, 0)
    await site.when('another process serves', () => site.server && site.server !== server)
  }
  const held = () => site.status.listens.filter(socket => socket.plugin).map(socket => socket.name)
  site.config = config.replace('"stun"', `{ "stun", listen = "[::]:${port}" }`)
  await site.start()
  await answers()
  const ports = [port]
  for (let i = 0; i < 2; i++) {
    const before = port
    ports.push(port = await freeUdp())
    await reload(`[::]:${port}`)
    await answers()
    await site.when('the port before is given up', () => held().join() === `plugin 1 [::]:${port}`)
    await new Promise((resolve, reject) => {
      const socket = createSocket('udp6').on('error', reject).bind(before, '::', () => socket.close(resolve))
    })
  }
  port = ports[0] // given up, and opened anew
  await reload(`[::]:${port}`)
  await answers()
  assert.doesNotMatch(site.log, /cannot listen/)
  site.config = config
})

test('a server that dies leaves the port to the next one, which answers what came meanwhile', async () => {
  site.settings.push(`stun.listen=[::]:${port}`)
  await site.kill()
  await site.start()
  await answers()
  const { server } = site
  process.kill(server, 'SIGKILL')
  await site.when('it is gone', () => { try { return !process.kill(server, 0) } catch { return true } })
  const transaction = randomBytes(12)
  const heard = ask('127.0.0.1', request(transaction), 60000) // said once
  await site.when('another process serves', () => site.server && site.server !== server)
  assert.equal(mapped((await heard).bytes, transaction).address, '7f000001')
})

test('switched off, nothing listens', async () => {
  await site.kill()
  site.settings.splice(0, site.settings.length, 'stun.listen=', ...own)
  await site.start()
  assert.equal(await ask('127.0.0.1', request(), 300).catch(() => null), null)
  assert.deepEqual(await told(site), [])
})
