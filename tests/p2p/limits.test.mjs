// limits.test.mjs - who may join, and how much one may say.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { addHash, announceHttp, bytes20, offer, peer, Peer, trackerSite, writeHashes } from './kit.mjs'

const hashes = [bytes20(), bytes20()]
let site, video

// Refuses by address, and says each time that it was asked.
const lua = `
local shoal = require "shoal"
shoal.decide("swarm.join", function(event)
  shoal.log("info", "asked " .. event.kind .. " " .. event.video_id .. " " .. event.address_prefix)
  if event.address_prefix == "203.0.113.0/24" then return shoal.refuse('not from "there"') end
  if event.address_prefix == "192.0.2.0/24" then error("broken on purpose") end
end)
`

before(async () => {
  const made = await trackerSite({ lua, hooks: ['swarm.join'], settings: { socket_messages: 50, address_sockets: 10, offers: 3, peer_offers: 20 } })
  site = made.site
  video = made.videos.open
  await writeHashes(site, { [hashes[0]]: video, [hashes[1]]: video })
})
after(() => site?.stop())

const from = address => ({ headers: { 'X-Forwarded-For': address } })
const asked = kind => site.log.split(`asked ${kind} ${video.id} `).length - 1
/** The log comes a moment later than an answer. */
const untilAsked = async (kind, count) => {
  await site.when(`${kind} is asked for the ${count}. time`, () => asked(kind) >= count)
  await sleep(200)
  assert.equal(asked(kind), count)
}

test('swarm.join is asked once for each socket and video, and its word is kept', async () => {
  const before = asked('ws')
  const me = await peer(site, from('198.51.100.1'))
  for (const hash of [hashes[0], hashes[1], hashes[0], hashes[0]]) me.announce(hash)
  for (let i = 0; i < 4; i++) assert.ok((await me.hear()).complete !== undefined, me.text)
  await untilAsked('ws', before + 1)
  await me.leave()
})

test('who is refused hears why, and is not asked for again', async () => {
  const before = asked('ws')
  const me = await peer(site, from('203.0.113.9'))
  for (let i = 0; i < 3; i++) assert.match((await me.announced(hashes[i % 2]))['failure reason'], /not from/)
  await untilAsked('ws', before + 1)
  await me.leave()
  const http = asked('http')
  const id = bytes20()
  for (let i = 0; i < 3; i++) assert.ok((await announceHttp(site, hashes[0], { id, from: '203.0.113.9' }))['failure reason'])
  await untilAsked('http', http + 1)
  for (let i = 0; i < 3; i++) assert.equal((await announceHttp(site, hashes[0], { id, from: '198.51.100.9' })).incomplete, 1)
  await untilAsked('http', http + 2)
})

test('a plugin that fails keeps the swarm closed', async () => {
  const me = await peer(site, from('192.0.2.1'))
  assert.ok((await me.announced(hashes[0]))['failure reason'])
  await me.leave()
  assert.ok((await announceHttp(site, hashes[0], { from: '192.0.2.1' }))['failure reason'])
})

test('T45 only so many offers of one announce are passed on', async () => {
  const peers = await Promise.all([1, 2, 3, 4, 5].map(() => peer(site, from('198.51.100.2'))))
  for (const each of peers) await each.announced(hashes[0])
  const loud = await peer(site, from('198.51.100.3'))
  await loud.announced(hashes[0], { offers: Array.from({ length: 40 }, (_, i) => offer(`offer ${i}`)) })
  const heard = []
  await Promise.all(peers.map(async each => {
    each.say({ action: 'scrape', info_hash: hashes[0] })
    const first = await each.hear()
    if (first.offer) heard.push(first.offer.sdp)
  }))
  assert.deepEqual(heard.sort(), ['offer 0', 'offer 1', 'offer 2'])
  for (const each of [...peers, loud]) each.destroy()
})

test('T45 who says too much is not heard, and then sent away', async () => {
  const loud = await peer(site, from('198.51.100.4'))
  const begun = Date.now()
  await loud.announced(hashes[0])
  for (let i = 0; i < 60; i++) loud.announce(hashes[0])
  let answers = 1
  for (;;) {
    const heard = await loud.hear()
    if (!heard['failure reason']) answers++
    else { assert.match(heard['failure reason'], /too many messages/); break }
  }
  const since = Math.ceil((Date.now() - begun) / (60000 / 50)) // that were allowed while it spoke
  assert.ok(answers >= 50 && answers <= 50 + since, `${answers} answers`)
  // As long as it takes: what is allowed again in between is heard, and what is over the limit counted anew.
  let isOpen = true
  const closed = loud.closed().finally(() => { isOpen = false })
  while (isOpen) {
    for (let i = 0; i < 60; i++) loud.write('x')
    await sleep(20)
  }
  assert.equal(await closed, 1008)
  loud.destroy()
  const quiet = await peer(site, from('198.51.100.4'))
  assert.ok((await quiet.announced(hashes[0])).complete !== undefined)
  await quiet.leave()
})

test('T45 one address has so many sockets', async () => {
  const open = await Promise.all(Array.from({ length: 10 }, (_, i) => peer(site, from(`2001:db8::${i + 1}`))))
  const more = new Peer(site, from('2001:db8::ffff'))
  assert.equal(await more.head, 503)
  await open[0].leave()
  await site.when('there is room again', async () => {
    const again = new Peer(site, from('2001:db8::ffff'))
    const status = await again.head
    again.destroy()
    return status === 101
  })
  for (const each of open) each.destroy()
})

test('T45 an address that has asked for too many hashes hears that, and not that its video is none of ours', async () => {
  const mine = Array.from({ length: 20 }, () => bytes20()) // that nobody has announced
  for (const hash of mine) addHash(site, hash, video)
  const isTooMuch = said => /too much .*try again/.test(said['failure reason'] ?? '')
  for (let isSpent = false; !isSpent;) {
    const one = await peer(site, from('198.51.100.31'))
    for (let j = 0; j < 14; j++) isSpent = isTooMuch(await one.announced(bytes20()))
    await one.leave()
  }
  const me = await peer(site, from('198.51.100.31'))
  const heard = []
  for (const hash of mine) heard.push((await me.announced(hash))['failure reason'] ?? '') // and it stays connected
  await me.leave()
  const id = bytes20()
  while (!isTooMuch(await announceHttp(site, bytes20(), { id, from: '198.51.100.31' })));
  const told = []
  for (const hash of mine.slice(0, 10)) told.push((await announceHttp(site, hash, { id, from: '198.51.100.31' }))['failure reason'] ?? '')
  for (const words of [heard, told]) { // one or another may get through, as time goes on
    assert.ok(words.some(each => /too much .*try again/.test(each)), words.join())
    assert.deepEqual(words.filter(each => /no video of this server/.test(each)), [])
  }
  assert.ok((await announceHttp(site, mine[0], { id, from: '198.51.100.32' })).incomplete >= 1)
})

test('T45 a /48 is no crowd of strangers', async () => {
  // Sixteen times what one /64 may have: the rest of the world is elsewhere.
  const open = await Promise.all(Array.from({ length: 160 }, (_, i) => peer(site, from(`2001:db8:48:${i.toString(16)}::1`))))
  const status = async address => {
    const more = new Peer(site, from(address))
    const status = await more.head
    more.destroy()
    return status
  }
  assert.equal(await status('2001:db8:48:ffff::1'), 503)
  assert.equal(await status('2001:db8:49::1'), 101)
  for (const each of open) each.destroy()
  await site.when('there is room again', async () => await status('2001:db8:48:ffff::1') === 101)
})

test('T45 one peer is handed only so many offers in a minute, whoever makes them', async () => {
  const hash = hashes[1]
  const begun = Date.now()
  const victim = await peer(site, from('198.51.100.60'))
  await victim.announced(hash)
  const loud = await Promise.all([1, 2].map(i => peer(site, from(`198.51.100.6${i}`))))
  for (const each of loud) for (let i = 0; i < 24; i++) each.announce(hash, { event: 'update', offers: ['x', 'y', 'z'].map(text => offer(text)) })
  await Promise.all(loud.map(async each => {
    for (let answers = 0; answers < 24;) answers += Number((await each.hear()).interval > 0)
  }))
  victim.say({ action: 'scrape', info_hash: hash })
  let offers = 0
  while ((await victim.hear()).offer) offers++
  const since = Math.ceil((Date.now() - begun) / (60000 / 20)) // that were allowed meanwhile
  assert.ok(offers >= 20 && offers <= 20 + since, `${offers} offers`)
  for (const each of [victim, ...loud]) each.destroy()
})

test('T45 a message that is too large ends the connection', async () => {
  const me = await peer(site, from('198.51.100.5'))
  me.announce(hashes[0], { offers: [offer('x'.repeat(70000))] })
  assert.equal(await me.closed(), 1009)
  me.destroy()
})
