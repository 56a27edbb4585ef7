// kit.mjs - an instance with the echo plugin, and clients that speak WebSocket and events by hand.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { build, program, startInstance } from '../kit/instance.mjs'

export { sleep }

/** An instance that runs the echo plugin. echo: its settings, as an object; listens: more lines to listen on. */
export async function echoInstance ({ settings = [], echo = {}, listens = [] } = {}) {
  const site = await startInstance({ started: false, settings })
  const folder = join(site.folder, 'plugins', 'echo')
  cpSync(join(build, 'test-plugins', 'echo'), folder, { recursive: true, dereference: true })
  const printed = execFileSync(program, ['plugin', 'check', folder], { encoding: 'utf8' })
  const pin = /sha256 = "([0-9a-f]{64})"/.exec(printed)
  if (!pin) throw new Error(`no pin: ${printed}`)
  const lua = join(site.folder, 'shoal.lua')
  const rows = Object.entries(echo).map(([key, value]) => `, ${key} = ${JSON.stringify(value)}`).join('')
  const line = `  { "echo", sha256 = "${pin[1]}"${rows} },\n`
  writeFileSync(lua, readFileSync(lua, 'utf8')
    .replace(/plugins\s*=\s*\{\n/, found => found + line)
    .replace(/^listen = \{ /m, found => found + listens.map(each => `${JSON.stringify(each)}, `).join('')))
  await site.start()
  return site
}

export const countsOf = async site => (await site.raw({ path: '/echo/counts' })).json

/** Waits until the plugin's counts are as wanted. */
export async function untilCounts (site, is, timeout = 60000) {
  const end = Date.now() + timeout
  for (;;) {
    const counts = await countsOf(site)
    if (is(counts)) return counts
    if (Date.now() > end) throw new Error(`the counts stay ${JSON.stringify(counts)}`)
    await sleep(50)
  }
}

/** A frame as a client sends it. options: opcode, fin, rsv, masked, claim (a length that is a lie). */
export function frame (payload, { opcode = 1, fin = true, rsv = 0, masked = true, claim } = {}) {
  const data = Buffer.from(payload)
  const length = claim ?? data.length
  const head = [(fin ? 0x80 : 0) | rsv << 4 | opcode]
  const bit = masked ? 0x80 : 0
  if (length < 126) {
    head.push(bit | length)
  } else if (length < 65536) {
    head.push(bit | 126, length >> 8, length & 255)
  } else {
    head.push(bit | 127, 0, 0, 0, 0, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255)
  }
  if (!masked) return Buffer.concat([Buffer.from(head), data])
  const mask = randomBytes(4)
  for (let i = 0; i < data.length; i++) data[i] ^= mask[i & 3]
  return Buffer.concat([Buffer.from(head), mask, data])
}

/** A WebSocket by hand: every frame is seen as it came. */
export class Socket {
  #bytes = Buffer.alloc(0)
  #frames = []
  #waiting = []
  #isHead = true
  constructor (site, path, { headers = {}, early, dial = done => connect(site.port, '127.0.0.1', done) } = {}) {
    const key = randomBytes(16).toString('base64')
    this.accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    this.ended = new Promise(resolve => { this.end = resolve })
    this.head = new Promise((resolve, reject) => { this.gotHead = resolve; this.noHead = reject })
    this.head.catch(() => {})
    const all = { Host: `127.0.0.1:${site.port}`, Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': key, 'Sec-WebSocket-Version': '13', ...headers }
    const lines = Object.entries(all).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}\r\n`)
    this.wire = dial(() => {
      this.wire.write(Buffer.concat([Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), early ?? Buffer.alloc(0)]))
    })
    this.wire.setNoDelay(true)
    this.wire.on('data', data => this.#take(data))
    this.wire.on('error', error => { this.error = error })
    this.wire.on('close', () => {
      this.noHead(new Error('closed before an answer'))
      this.end('closed')
      for (const wake of this.#waiting.splice(0)) wake(null)
    })
  }

  #take (data) {
    this.#bytes = Buffer.concat([this.#bytes, data])
    if (this.#isHead) {
      const at = this.#bytes.indexOf('\r\n\r\n')
      if (at < 0) return
      const text = this.#bytes.subarray(0, at).toString('latin1')
      const [first, ...lines] = text.split('\r\n')
      this.#isHead = false
      this.status = Number(first.split(' ')[1])
      this.headers = Object.fromEntries(lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
      this.#bytes = this.#bytes.subarray(at + 4)
      this.gotHead(this.status)
      if (this.status !== 101) return
    }
    if (this.status === 101) this.#cut()
  }

  #cut () {
    for (;;) {
      const bytes = this.#bytes
      if (bytes.length < 2) return
      let length = bytes[1] & 127
      let at = 2
      if (length === 126) {
        if (bytes.length < 4) return
        length = bytes.readUInt16BE(2)
        at = 4
      } else if (length === 127) {
        if (bytes.length < 10) return
        length = Number(bytes.readBigUInt64BE(2))
        at = 10
      }
      if (bytes.length < at + length) return
      const got = { fin: bytes[0] >> 7 === 1, opcode: bytes[0] & 15, masked: bytes[1] >> 7 === 1, data: Buffer.from(bytes.subarray(at, at + length)) }
      this.#bytes = bytes.subarray(at + length)
      if (got.opcode === 8) got.code = length >= 2 ? got.data.readUInt16BE(0) : 1005
      const wake = this.#waiting.shift()
      if (wake) wake(got)
      else this.#frames.push(got)
    }
  }

  /** The next frame, or null when the connection ended; throws when nothing comes. */
  async next (timeout = 60000) {
    if (this.#frames.length) return this.#frames.shift()
    if (this.wire.destroyed) return null
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(heard), 1) // what comes later is not for this question
        reject(new Error('no frame came'))
      }, timeout)
      const heard = got => {
        clearTimeout(timer)
        resolve(got)
      }
      this.#waiting.push(heard)
    })
  }

  /** The code of the close frame that comes next, past other frames; 1005: without a code; null: none came. */
  async closed (timeout) {
    for (;;) {
      const got = await this.next(timeout)
      if (got === null) return null
      if (got.opcode === 8) return got.code
    }
  }

  write (payload, options) { this.wire.write(frame(payload, options)) }
  raw (bytes) { this.wire.write(bytes) }
  destroy () { this.wire.destroy() }

  /** Says goodbye as a client should. */
  async leave (code = 1000) {
    this.write(Buffer.from([code >> 8, code & 255]), { opcode: 8 })
    await this.ended
  }
}

export async function openSocket (site, path = '/echo/socket', options) {
  const socket = new Socket(site, path, options)
  const status = await socket.head
  if (status !== 101) throw new Error(`no upgrade: ${status}`)
  return socket
}

/** Server-sent events: {status, headers, next() -> {event, data} | null, destroy()}. */
export function openEvents (site, path) {
  return new Promise((resolve, reject) => {
    const outgoing = http.get({ host: '127.0.0.1', port: site.port, path, agent: false }, answer => {
      const events = []
      const waiting = []
      let text = ''
      let isOver = false
      const put = event => waiting.length ? waiting.shift()(event) : events.push(event)
      answer.setEncoding('utf8')
      answer.on('data', part => {
        text += part
        let at
        while ((at = text.indexOf('\n\n')) >= 0) {
          const fields = Object.fromEntries(text.slice(0, at).split('\n').filter(line => !line.startsWith(':')).map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]))
          text = text.slice(at + 2)
          if (fields.data) put({ event: fields.event, data: JSON.parse(fields.data) })
        }
      })
      const over = () => { isOver = true; waiting.splice(0).forEach(wake => wake(null)) }
      answer.on('error', over)
      answer.on('close', over)
      resolve({
        status: answer.statusCode,
        headers: answer.headers,
        destroy: () => outgoing.destroy(),
        next: () => events.length ? events.shift() : isOver ? null : Promise.race([new Promise(wake => waiting.push(wake)), sleep(60000, undefined, { ref: false }).then(() => { throw new Error('no event came') })])
      })
    })
    outgoing.on('error', reject)
  })
}
