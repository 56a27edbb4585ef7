// tcp_live.test.mjs - the example: bytes of a TCP port reach ffmpeg, and an object says so each second.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { freePort, startInstance } from '../kit/instance.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

const example = join(import.meta.dirname, '..', '..', 'sdk', 'examples', 'tcp_live')
const judge = `
local shoal = require "shoal"
shoal.decide("tcp_live.publish", function(event)
  if event.key == "bad" or event.address_prefix ~= "127.0.0.0/24" then return shoal.refuse("not this one") end
end)
`
let site, port

before(async () => {
  site = await startInstance({ started: false })
  port = await freePort()
  const manifest = JSON.parse(readFileSync(join(example, 'plugin.json'), 'utf8'))
  manifest.permissions = manifest.permissions.map(name => name.startsWith('listen:') ? `listen:${port}` : name)
  const plugins = join(site.folder, 'plugins')
  const pin = writePlugin(plugins, 'tcp_live', { c: readFileSync(join(example, 'tcp_live.c'), 'utf8'), manifest, flags: ['-D_GNU_SOURCE'] })
  const judged = writePlugin(plugins, 'judge', { lua: judge, manifest: { hooks: ['tcp_live.publish'], needs: ['tcp_live'] } })
  site.config = withPlugins(site.config, ['storage_fs', line('tcp_live', pin, `listen = "127.0.0.1:${port}"`), line('judge', judged)])
  await site.start()
})
after(() => site?.stop())

const object = key => join(site.folder, 'media', 'live', key, 'status.json')

/** The programs that read a pipe in a folder of this instance. */
function programs () {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).filter(pid => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('pipe:0') && readlinkSync(`/proc/${pid}/cwd`).startsWith(site.folder)
    } catch { return false }
  })
}

/** A connection that says a line first; closed resolves when the server hung up. */
function dial (text) {
  const wire = connect(port, '127.0.0.1')
  wire.on('error', () => {})
  wire.write(text)
  wire.hungUp = new Promise(resolve => wire.once('close', resolve))
  wire.resume()
  return wire
}

const hungUp = wire => Promise.race([wire.hungUp.then(() => true), sleep(8000, false, { ref: false })])

test('a key that is refused, or is none, is hung up on and starts nothing', async () => {
  for (const text of ['bad\n', '../up\n', '\n', 'x'.repeat(41)]) {
    assert.equal(await hungUp(dial(text)), true, text)
    assert.deepEqual(programs(), [])
  }
  assert.ok(!existsSync(object('bad')))
  await site.says(/bad may not send: not this one/)
})

test('what is sent reaches ffmpeg, the object is replaced whole each second, and all of it ends', async () => {
  const wire = dial('room-1\n')
  const sender = spawn('ffmpeg', ['-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=25', '-t', '4',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-f', 'mpegts', 'pipe:1'], { stdio: ['ignore', 'pipe', 'inherit'] })
  sender.stdout.pipe(wire)
  const seen = new Set()
  let state = null
  let most = 0
  let second = null
  await site.when('the object says that it ended', async () => {
    if (!existsSync(object('room-1'))) return false
    const text = readFileSync(object('room-1'), 'utf8')
    state = JSON.parse(text) // never half of one
    seen.add(text)
    if (state.state === 'live') {
      most = Math.max(most, programs().length)
      second ??= dial('room-1\n')
    }
    return state.state === 'ended'
  })
  assert.ok(seen.size >= 3, [...seen].join(''))
  assert.equal(most, 1)
  assert.equal(await hungUp(second), true, 'a key that is in use is nobody else\'s')
  assert.ok(state.bytes > 10000 && state.segments >= 3, JSON.stringify(state))
  await site.when('nothing runs', () => programs().length === 0)
  await site.when('its folder is gone', () => !readdirSync(site.folder, { recursive: true }).some(name => name.endsWith('room-1/index.m3u8')))
})

test('a reload does not cut it off, and it still comes to its end', { timeout: 120000 }, async () => {
  const wire = dial('room-3\n')
  const sender = spawn('ffmpeg', ['-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=25', '-t', '60',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-f', 'mpegts', 'pipe:1'], { stdio: ['ignore', 'pipe', 'ignore'] })
  sender.stdout.pipe(wire)
  const said = key => existsSync(object(key)) ? JSON.parse(readFileSync(object(key), 'utf8')) : { bytes: 0 }
  await site.when('it is live', () => said('room-3').state === 'live' && said('room-3').bytes > 0)
  const { server } = site
  process.kill(site.pid, 'SIGHUP')
  await site.when('another child serves', () => site.server !== undefined && site.server !== server)
  await site.when('it stays', () => /stay until their end/.test(site.log))
  const { bytes } = said('room-3')
  await site.when('more comes', () => said('room-3').bytes > bytes)
  assert.equal(await hungUp(dial('bad\n')), true, 'the new server takes new senders')
  assert.equal(programs().length, 1)
  sender.kill()
  wire.end()
  await site.when('the object says that it ended', () => said('room-3').state === 'ended')
  await site.when('the old server ends', () => site.status?.children.length === 1)
  assert.deepEqual(programs(), [])
})

test('a sender that is faster than ffmpeg is slowed down, and none of its bytes are lost', async () => {
  const burst = execFileSync('ffmpeg', ['-loglevel', 'error', '-f', 'lavfi', '-i', 'testsrc=size=640x360:rate=25,noise=alls=60:allf=t', '-t', '8',
    '-c:v', 'mpeg2video', '-q:v', '2', '-f', 'mpegts', 'pipe:1'], { maxBuffer: 1 << 28 })
  assert.ok(burst.length > 6 << 20, 'more than waits in the plugin and in a pipe')
  const wire = dial('room-2\n')
  wire.end(burst)
  const state = await site.when('all of it arrived', () => {
    if (!existsSync(object('room-2'))) return null
    const said = JSON.parse(readFileSync(object('room-2'), 'utf8'))
    return said.state === 'ended' ? said : null
  })
  assert.equal(state.bytes, burst.length)
  await site.when('nothing runs', () => programs().length === 0)
})
