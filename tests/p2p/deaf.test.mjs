// deaf.test.mjs - sockets that do not read cost little memory, hold nobody up, and are ended.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'

import { bytes20, offer, peer, torrentHash, trackerSite } from './kit.mjs'

const DEAF = 10
const TIMES = 4000
const LENGTH = 5000
let site, hash

before(async () => {
  const made = await trackerSite({ settings: { address_messages: 10000000, socket_messages: 10000000, offers: 82, peer_offers: 10000000 } })
  site = made.site
  hash = await torrentHash(site, made.videos.open)
  // What was freed counts no longer: the sanitizer keeps it for a while.
  site.environment = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64` }
  await site.kill()
  await site.start()
})
after(() => site?.stop())

/** Memory of the serving process that is its own, in bytes. */
function memory () {
  const text = readFileSync(`/proc/${site.server}/smaps_rollup`, 'utf8')
  return 1024 * Number(text.match(/^Private_Dirty:\s+(\d+)/m)[1])
}

/** A peer of the swarm that hears nothing from now on. */
async function deafPeer () {
  const deaf = await peer(site)
  await deaf.announced(hash)
  deaf.wire.pause()
  return deaf
}

test('T45 offers to many who do not read are thrown away, and the others are answered as before', async () => {
  const deaf = await Promise.all(Array.from({ length: DEAF }, deafPeer))
  const [loud, listener] = [await peer(site), await peer(site)]
  await listener.announced(hash)
  const before = memory()
  let slowest = 0
  const announce = async () => {
    const since = performance.now()
    loud.announce(hash, { event: 'update', offers: Array.from({ length: DEAF + 1 }, () => offer('x'.repeat(LENGTH))) })
    assert.equal((await loud.hear()).incomplete, DEAF + 2)
    assert.equal((await listener.hear()).offer.sdp.length, LENGTH)
    slowest = Math.max(slowest, performance.now() - since)
  }
  for (let i = 0; i < TIMES; i++) await announce()
  assert.ok(slowest < 3000, `an announce took ${Math.round(slowest)} ms`)
  const grown = memory() - before
  assert.ok(grown < DEAF * TIMES * LENGTH / 4, `${DEAF} deaf sockets cost ${grown >> 20} MiB`)
  // Who goes without ever having read leaves the swarm like anybody.
  for (const each of deaf) each.destroy()
  await site.when('they have left', async () => (await loud.announced(hash, { event: 'update' })).incomplete === 2)
  for (const each of [loud, listener]) each.destroy()
})

test('T45 one who goes on asking and does not read is ended, and leaves the swarm', async () => {
  const other = await peer(site)
  const deaf = await deafPeer()
  assert.equal((await other.announced(hash)).incomplete, 2)
  const before = memory()
  let isOver = false
  deaf.ended.then(() => { isOver = true })
  const asks = JSON.stringify({ action: 'scrape', info_hash: [hash, ...Array.from({ length: 20 }, () => bytes20())] })
  // Its system and ours take some megabytes of answers before they wait in the server.
  await site.when('the server has enough of it', async () => {
    for (let i = 0; i < 300 && !isOver; i++) deaf.write(asks)
    return (await other.announced(hash, { event: 'update' })).incomplete === 1
  }, 60000)
  assert.ok(memory() - before < 16 << 20, `it cost ${(memory() - before) >> 20} MiB`)
  deaf.wire.resume()
  await deaf.ended
  assert.equal((await other.announced(hash, { event: 'update' })).incomplete, 1)
  await other.leave()
})
