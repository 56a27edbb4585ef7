// viewers.mjs - viewers of one video in contexts of their own, and what their players did.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'

import { launch, open } from '../browser/chromium.mjs'
import { request } from '../kit/client.mjs'

/**
 * WebRTC finds its way on this machine without names of mDNS, which nobody resolves here; and a page that a
 * test has changed counts as one of elsewhere, which may not ask this machine.
 */
export const launchViewers = () => launch(['--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks'])

// Notes every connection that is made or tried, and has each source tell the sum of every segment it got.
function note (answer) {
  if (answer) localStorage.setItem('shoal.p2p', answer)
  window.noted = { connections: 0, configurations: [], segments: [], made: [], candidates: [], waits: 0 }
  const Connection = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Connection {
    constructor (configuration) {
      super(configuration)
      window.noted.connections++
      window.noted.made.push(this)
      this.addEventListener('icecandidate', ({ candidate }) => candidate?.candidate && window.noted.candidates.push(candidate.candidate))
      window.noted.configurations.push(configuration)
    }
  }
  const watch = async () => {
    const player = await window.shoal.ready
    const { hls } = player.source
    player.video.addEventListener('waiting', () => window.noted.waits++)
    hls.on('hlsFragLoaded', async (name, { frag, payload }) => {
      const digest = await crypto.subtle.digest('SHA-256', payload)
      const sum = Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('')
      window.noted.segments.push({ url: frag.url, sn: frag.sn, range: frag.byteRange, sum })
    })
  }
  addEventListener('DOMContentLoaded', () => setTimeout(function look () {
    window.shoal?.player?.source?.hls ? watch() : setTimeout(look, 5)
  }, 0))
}

// Every byte that is no command goes out wrong.
function spoil () {
  const { send } = RTCDataChannel.prototype
  RTCDataChannel.prototype.send = function (data) {
    const bytes = new Uint8Array(ArrayBuffer.isView(data) ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) : data.slice(0))
    const start = String.fromCharCode(...bytes.subarray(0, 4))
    if (start === 'cstr' || start === 'dstr') return send.call(this, data)
    window.spoiled = (window.spoiled ?? 0) + bytes.length
    return send.call(this, bytes.map(byte => byte ^ 0x55))
  }
}

/**
 * Opens the video's page as another person. answer: what was said of sharing before. change(html). frame: which
 * of the page's frames has the player.
 */
export async function viewer (browser, address, { answer = 'yes', rate = 1, isEvil = false, script, change, options = {}, frame = 0 } = {}) {
  const page = await open(browser, options)
  page.asked = []
  page.sockets = []
  page.announced = 0
  page.on('websocket', socket => {
    page.asked.push(socket.url())
    page.sockets.push(socket)
    socket.on('framesent', ({ payload }) => { page.announced += /"action":"announce"/.test(payload) ? 1 : 0 })
  })
  page.on('request', request => page.asked.push(request.url()))
  await page.addInitScript(note, answer)
  if (isEvil) await page.addInitScript(spoil)
  for (const each of [script ?? []].flat()) await page.addInitScript(each)
  if (change) {
    await page.route(address, async route => {
      const answer = await route.fetch()
      await route.fulfill({ response: answer, body: change(await answer.text()) })
    })
  }
  await page.goto(address)
  const inside = page.frames()[frame]
  await inside.waitForFunction(() => window.shoal?.player?.source)
  await inside.evaluate(rate => {
    const { player } = window.shoal
    player.video.muted = true
    player.rate = rate
    player.play()
  }, rate)
  return page
}

/** Nobody was contacted, nor the library that would do it loaded. */
export async function alone (page) {
  for (const frame of page.frames()) assert.equal(await frame.evaluate(() => window.noted.connections), 0)
  assert.deepEqual(page.asked.filter(url => /^wss?:|p2p-(hls|core)\.mjs/.test(url)), [])
  assert.equal(page.announced, 0)
}

/** How sharing stands with a viewer. */
export const state = page => page.evaluate(() => {
  const { sharing, video } = window.shoal.player
  const { connected = 0, fromPeers = 0, fromServer = 0, sent = 0, bad = 0 } = sharing.counts ?? {}
  return { state: sharing.state, reason: sharing.reason, connected, fromPeers, fromServer, sent, bad, time: video.currentTime, ended: video.ended, error: video.error?.message ?? '' }
})

/** Waits for something in the page; says how sharing stands and what was asked for when it does not come. */
export const until = (page, is, arg) => page.waitForFunction(is, arg, { timeout: 60000, polling: 50 }).catch(async error => {
  const stands = await state(page).catch(String)
  throw new Error(`${error.message} ${is}: ${JSON.stringify({ ...stands, announced: page.announced, asked: page.asked?.slice(-12) })}`)
})
export const ends = page => until(page, () => document.querySelector('video').ended)
export const passes = (page, time) => until(page, t => document.querySelector('video').currentTime > t, time)

const files = new Map()
/** Whether what the player got is what the server has, without a gap. Returns how many segments. */
export async function right (page) {
  const segments = await page.evaluate(() => window.noted.segments)
  const seen = new Set()
  for (const { url, sn, range: [start, end], sum } of segments) {
    if (!files.has(url)) files.set(url, (await request(new URL(url).origin, { path: new URL(url).pathname })).body)
    const bytes = files.get(url).subarray(start, end)
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sum, `segment ${sn} of ${url}`)
    if (sn !== 'initSegment') seen.add(sn)
  }
  return seen.size
}

export const leave = pages => Promise.all(pages.map(page => page.context().close()))
