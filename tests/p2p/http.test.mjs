// http.test.mjs - the HTTP tracker, as seedboxes and desktop clients speak to it.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { announceHttp, bencoded, bytes20, oddBytes, offer, peer, Peer, scrapeHttp, trackerSite, writeHashes } from './kit.mjs'

const hash = oddBytes
const other = bytes20()
let site

before(async () => {
  const made = await trackerSite({ settings: { address_peers: 60, address_messages: 400 } })
  site = made.site
  await writeHashes(site, { [hash]: made.videos.open, [other]: made.videos.open })
})
after(() => site?.stop())

const compact = (address, port) => Buffer.from([...address, port >> 8, port & 255]).toString('latin1')
const six = last => [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]

test('peers of both families are told of each other, compact', async () => {
  const first = await announceHttp(site, hash, { from: '198.51.100.1', port: 6881, event: 'started' })
  assert.deepEqual(first, { complete: 0, incomplete: 1, interval: 600, peers: '' })
  const second = await announceHttp(site, hash, { from: '2001:db8::2', port: 6882, left: 0 })
  assert.deepEqual(second, { complete: 1, incomplete: 1, interval: 600, peers: compact([198, 51, 100, 1], 6881) })
  const third = await announceHttp(site, hash, { from: '198.51.100.3', port: 65535 })
  assert.deepEqual([third.peers, third.peers6], [compact([198, 51, 100, 1], 6881), compact(six(2), 6882)])
})

test('who wants it gets a list', async () => {
  const id = bytes20()
  await announceHttp(site, other, { from: '198.51.100.1', id })
  await announceHttp(site, other, { from: '2001:db8::2', id, port: 7000 })
  const { peers } = await announceHttp(site, other, { from: '198.51.100.9', compact: 0 })
  assert.deepEqual(peers.sort((a, b) => a.port - b.port), [{ ip: '198.51.100.1', 'peer id': id, port: 6881 }, { ip: '2001:db8::2', 'peer id': id, port: 7000 }])
})

test('at most as many as wanted, 50 by themselves and never more than 82', async () => {
  for (let i = 0; i < 100; i++) await announceHttp(site, hash, { from: `203.0.113.${i}` })
  const count = async numwant => {
    const { peers, peers6 = '' } = await announceHttp(site, hash, { from: '198.51.100.1', ...(numwant === undefined ? {} : { numwant }) })
    return peers.length / 6 + peers6.length / 18 // one of them has an address of the other kind
  }
  assert.equal(await count(7), 7)
  assert.equal(await count(0), 0)
  assert.ok(Math.abs(await count() - 50) <= 1)
  assert.ok(Math.abs(await count(1000) - 82) <= 1)
})

test('peers with sockets and peers with addresses do not hear of each other, and count together', async () => {
  const socket = await peer(site)
  const before = (await scrapeHttp(site, other)).files[other].incomplete
  const heard = await socket.announced(other, { offers: [offer('nobody can take this')] })
  assert.equal(heard.incomplete, before + 1)
  await socket.quiet(other)
  const { peers, incomplete } = await announceHttp(site, other, { from: '198.51.100.20', numwant: 82 })
  assert.equal(incomplete, before + 2)
  assert.ok(!peers.includes(compact([127, 0, 0, 1], 0).slice(0, 4)))
  await socket.leave()
})

test('who stops is gone, who completes is counted', async () => {
  const id = bytes20()
  const from = '192.0.2.77'
  const before = (await scrapeHttp(site, other)).files[other]
  await announceHttp(site, other, { from, id })
  await announceHttp(site, other, { from, id, event: 'completed', left: 0 })
  const { files, flags } = await scrapeHttp(site, other)
  assert.deepEqual(files[other], { complete: before.complete + 1, incomplete: before.incomplete, downloaded: before.downloaded + 1 })
  assert.deepEqual(flags, { min_request_interval: 600 })
  const left = await announceHttp(site, other, { from, id, event: 'stopped', left: 0 })
  assert.deepEqual([left.complete, left.peers], [before.complete, ''])
  const both = await scrapeHttp(site, other, hash)
  assert.deepEqual(Object.keys(both.files).sort(), [hash, other].sort())
})

test('T45 what is malformed fails in words that clients read', async () => {
  const reason = async (...args) => (await announceHttp(site, ...args))['failure reason']
  assert.match(await reason('short', {}), /info_hash/)
  assert.match(await reason(hash + 'x', {}), /info_hash/)
  assert.match(await reason(hash, { id: 'x' }), /peer_id/)
  for (const port of [0, 65536, -1, 'x', '', '9'.repeat(30)]) assert.match(await reason(hash, { port }), /port/, `${port}`)
  assert.match(await reason(hash, { event: 'exploded' }), /event/)
  assert.match(await reason(bytes20(), {}), /no video of this server/)
  for (const path of ['/tracker/announce', '/tracker/announce?info_hash=%zz', '/tracker/announce?&&=', '/tracker/scrape', '/tracker/scrape?info_hash=%00', '/tracker/scrape?info_hash=%'])
    assert.match((await bencoded(site, path))['failure reason'], /info_hash/, path)
})

test('T45 nobody puts the address of somebody else into a swarm', async () => {
  const mine = compact([198, 51, 100, 40], 6999)
  await announceHttp(site, other, { from: '198.51.100.40', port: 6999, ip: '192.0.2.66', ipv4: '192.0.2.66', ipv6: '2001:db8::66' })
  const { peers, peers6 = '' } = await announceHttp(site, other, { from: '198.51.100.41', numwant: 82 })
  assert.ok(peers.includes(mine))
  assert.ok(!peers.includes(compact([192, 0, 2, 66], 0).slice(0, 4)) && !peers6.includes(Buffer.from(six(0x66)).toString('latin1')))
})

test('T45 numbers out of range are none', async () => {
  const huge = '9'.repeat(30)
  const before = (await scrapeHttp(site, other)).files[other].complete
  for (const left of [huge, '-1', '1e3', '', '0x0', '%00']) {
    const { complete, peers, peers6 = '' } = await announceHttp(site, other, { from: '198.51.100.50', id: hash, left, uploaded: huge, downloaded: '-1', numwant: '1' })
    assert.deepEqual([complete, peers.length / 6 + peers6.length / 18], [before, 1], left)
  }
  for (const numwant of [huge, '-5', 'all']) assert.ok((await announceHttp(site, other, { from: '198.51.100.50', id: hash, numwant })).peers.length <= 50 * 6, numwant)
})

test('T45 one address has so many places in swarms, and no more', async () => {
  let refused = 0
  for (let i = 0; i < 70; i++) refused += Number('failure reason' in await announceHttp(site, hash, { from: `2001:db8:5::${i.toString(16)}`, port: 1000 + i }))
  assert.equal(refused, 10)
  assert.ok(!('failure reason' in await announceHttp(site, hash, { from: '2001:db8:6::1' })))
})

test('T45 a flood of one address is refused, and others are served', async () => {
  const flood = async () => 'failure reason' in await announceHttp(site, hash, { from: '192.0.2.200', id: hash })
  const begun = Date.now()
  let taken = 0
  while (!await flood()) taken++
  const since = Math.ceil((Date.now() - begun) / (60000 / 400)) // that were allowed meanwhile
  assert.ok(taken >= 400 && taken <= 400 + since, `${taken} taken`)
  assert.ok(!('failure reason' in await announceHttp(site, hash, { from: '192.0.2.201' })))
  // What is allowed again in a moment may be what the socket gets: then the flood goes on.
  await site.when('it gets no sockets either', async () => {
    await Promise.all(Array.from({ length: 30 }, flood))
    const late = new Peer(site, { headers: { 'X-Forwarded-For': '192.0.2.200' } })
    const status = await late.head
    late.destroy()
    return status === 429
  })
})
