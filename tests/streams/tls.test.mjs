// tls.test.mjs - WebSocket and a plugin's listener through TLS: what is decrypted already is heard too.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'

import { freePort } from '../kit/instance.mjs'
import { echoInstance, frame, openSocket, sleep, untilCounts } from './kit.mjs'

let site, folder, https, raw

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-tls-'))
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-keyout', key, '-out', certificate], { stdio: 'ignore' })
  chmodSync(folder, 0o755)
  chmodSync(key, 0o644)
  ;[https, raw] = [await freePort(), await freePort()]
  site = await echoInstance({
    settings: [`tls.certificate=${certificate}`, `tls.key=${key}`],
    listens: [`127.0.0.1:${https} tls`],
    echo: { tls: `127.0.0.1:${raw}` }
  })
})
after(async () => {
  await site?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const dial = done => connect({ port: https, host: '127.0.0.1', rejectUnauthorized: false }, done)

test('messages of every length come back through TLS', async () => {
  const socket = await openSocket(site, '/echo/socket', { dial })
  for (const size of [0, 5, 4000, 16384, 70000, 1 << 20]) {
    const payload = randomBytes(size)
    socket.write(payload, { opcode: 2 })
    assert.ok((await socket.next()).data.equals(payload), `${size} bytes`)
  }
  await socket.leave()
})

test('many messages in one record are all heard', async () => {
  const socket = await openSocket(site, '/echo/socket', { dial, early: frame('with the handshake') })
  assert.equal((await socket.next()).data.toString(), 'with the handshake')
  socket.raw(Buffer.concat(Array.from({ length: 3000 }, (_, i) => frame(`${i} ${'x'.repeat(90)}`))))
  for (let i = 0; i < 3000; i++) assert.ok((await socket.next()).data.toString().startsWith(`${i} `))
  await socket.leave()
})

test('a bad frame gets its code through TLS', async () => {
  const socket = await openSocket(site, '/echo/socket', { dial })
  socket.raw(frame(Buffer.from([0xff]), {}))
  assert.equal(await socket.closed(), 1007)
  await socket.ended
})

test("a plugin's own listener speaks TLS, and nothing without it", async () => {
  const wire = connect({ port: raw, host: '127.0.0.1', rejectUnauthorized: false })
  let heard = Buffer.alloc(0)
  wire.on('data', part => { heard = Buffer.concat([heard, part]) })
  const payload = randomBytes(300000)
  wire.write(payload)
  for (let i = 0; i < 1500 && heard.length < payload.length; i++) await sleep(20)
  assert.ok(heard.equals(payload))
  wire.destroy()
  const plain = connectPlain(raw, '127.0.0.1')
  let told = ''
  plain.on('error', () => {})
  plain.on('data', part => { told += part.toString('latin1') })
  plain.write('hello, in the clear\r\n\r\n')
  await new Promise(resolve => plain.once('close', resolve))
  assert.doesNotMatch(told, /clear/)
  await untilCounts(site, counts => counts.raw === 0)
})
