// client.test.mjs - the trackers' client that WebTorrent and the player's library are made of, from npm.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { register } from 'node:module'
import { after, before, describe, test } from 'node:test'

import { bytes20, oddBytes, trackerSite, writeHashes } from './kit.mjs'

const place = new URL('../../themes/node_modules/bittorrent-tracker/client.js', import.meta.url)

// Node has no WebRTC: what stands here instead says its descriptions and hears those of others.
const connections = `
let made = 0
export class RTCPeerConnection {
  iceGatheringState = 'complete'
  createDataChannel (label) { return { label, readyState: 'connecting', close () {} } }
  async createOffer () { return { type: 'offer', sdp: 'v=0\\r\\no=offer ' + ++made + '\\r\\n' } }
  async createAnswer () { return { type: 'answer', sdp: 'v=0\\r\\no=answer to ' + this.remoteDescription.sdp } }
  async setLocalDescription (description) {
    this.localDescription = description
    setTimeout(() => this.onicecandidate?.({ candidate: null }))
  }
  async setRemoteDescription (description) { this.remoteDescription = description }
  close () {}
}
export class RTCSessionDescription { constructor (description) { Object.assign(this, description) } }
export class RTCIceCandidate { constructor (candidate) { Object.assign(this, candidate) } }
`
const asModule = text => `data:text/javascript;base64,${Buffer.from(text).toString('base64')}`
const hooks = `export const resolve = (name, context, next) => name === 'webrtc-polyfill'
  ? { url: ${JSON.stringify(asModule(connections))}, shortCircuit: true }
  : next(name, context)`

describe('bittorrent-tracker', { skip: !existsSync(place) && 'it is not installed' }, () => {
  const hash = oddBytes
  const clients = []
  let site, Client

  before(async () => {
    const made = await trackerSite()
    site = made.site
    await writeHashes(site, { [hash]: made.videos.open })
    register(asModule(hooks))
    Client = (await import(place)).default
  })
  after(async () => {
    for (const client of clients) client.destroy()
    await site?.stop()
  })

  /** One that has announced itself; each has a socket of its own where the addresses differ. */
  async function client (announce, options = {}) {
    const made = new Client({ infoHash: Buffer.from(hash, 'latin1').toString('hex'), peerId: randomBytes(20).toString('hex'), announce, port: 6881, ...options })
    clients.push(made)
    made.warnings = []
    made.on('warning', error => made.warnings.push(error.message))
    made.on('error', error => made.warnings.push(error.message))
    return made
  }
  const within = (emitter, event) => once(emitter, event, { signal: AbortSignal.timeout(10000) })

  test('by WebSocket: offers and answers of two find each other, and their counts are right', async () => {
    const [first, second] = [await client(`ws://127.0.0.1:${site.port}/tracker/socket`), await client(`ws://localhost:${site.port}/tracker/socket`)]
    first.start({ left: 100 })
    const [{ complete, incomplete }] = await within(first, 'update')
    assert.deepEqual([complete, incomplete], [0, 1])
    const met = Promise.all([within(first, 'peer'), within(second, 'peer'), within(second, 'update')])
    second.start({ left: 0 })
    const [[ofFirst], [ofSecond], [counts]] = await met
    assert.deepEqual([counts.complete, counts.incomplete], [1, 1])
    assert.deepEqual([ofFirst.id, ofSecond.id], [second.peerId, first.peerId])
    await site.when('both heard the other', () => ofFirst._pc.remoteDescription && ofSecond._pc.remoteDescription)
    assert.match(ofSecond._pc.localDescription.sdp, /^v=0\r\no=offer \d+\r\n$/)
    assert.equal(ofFirst._pc.remoteDescription.sdp, ofSecond._pc.localDescription.sdp)
    assert.equal(ofSecond._pc.remoteDescription.sdp, ofFirst._pc.localDescription.sdp)
    first.complete()
    assert.equal((await within(first, 'update'))[0].complete, 2)
    first.scrape()
    assert.deepEqual((({ complete, incomplete, downloaded }) => [complete, incomplete, downloaded])((await within(first, 'scrape'))[0]), [2, 0, 1])
    second.stop()
    assert.equal((await within(second, 'update'))[0].complete, 1)
    assert.deepEqual([...first.warnings, ...second.warnings], [])
  })

  test('by HTTP: one is told of the other', async () => {
    const announce = `http://127.0.0.1:${site.port}/tracker/announce`
    const [first, second] = [await client(announce, { port: 7001 }), await client(announce, { port: 7002 })]
    first.start()
    await within(first, 'update')
    const told = within(second, 'peer')
    second.start()
    assert.equal((await told)[0], '127.0.0.1:7001')
    second.scrape()
    const [{ incomplete }] = await within(second, 'scrape')
    assert.ok(incomplete >= 2)
    first.stop()
    await within(first, 'update')
    assert.deepEqual([...first.warnings, ...second.warnings], [])
  })

  test('what is not ours is a warning, and no reason to go away', async () => {
    const stranger = await client(`ws://127.0.0.1:${site.port}/tracker/socket`, { infoHash: randomBytes(20).toString('hex') })
    stranger.start()
    const [error] = await within(stranger, 'warning')
    assert.match(error.message, /no video of this server/)
  })
})
