// tracker.test.mjs - the WebSocket tracker, as players of every version speak to it.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { announceHttp, bytes20, oddBytes, offer, ownHash, peer, Peer, torrentHash, trackerSite, writeHashes } from './kit.mjs'

const hashes = {
  open: oddBytes, unlisted: bytes20(), closed: bytes20(), internal: bytes20(), password: bytes20(), blocked: bytes20(),
  doomed: bytes20(Buffer.from(oddBytes, 'latin1').reverse()), counted: bytes20(), ids: bytes20()
}
let site, videos

before(async () => {
  ({ site, videos } = await trackerSite({
    videos: { open: 1, unlisted: 2, closed: 3, internal: 4, password: 5, blocked: 1, doomed: 1 },
    settings: { socket_hashes: 5 }
  }))
  const owners = { ...videos, counted: videos.open, ids: videos.open }
  await writeHashes(site, Object.fromEntries(Object.entries(hashes).map(([name, hash]) => [hash, owners[name]])),
    `UPDATE catalog_video SET is_blocked = 1 WHERE id = ${videos.blocked.id}`)
})
after(() => site?.stop())

const from = address => ({ headers: { 'X-Forwarded-For': address } })

test('two peers find each other, and what they say goes on as it was', async () => {
  const hash = hashes.open
  const first = await peer(site, { id: bytes20(Buffer.from(hash, 'latin1').reverse()) })
  const second = await peer(site)
  assert.deepEqual(await first.announced(hash), { complete: 0, incomplete: 1, action: 'announce', interval: 120, info_hash: hash })
  const sdp = 'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n"quoted" \\ é € 😀 \u0001'
  const id = bytes20(Buffer.from(hash, 'latin1').map(byte => byte ^ 0x55))
  second.announce(hash, { offers: [offer(sdp, id), offer('nobody takes this one')] })
  assert.equal((await second.hear()).incomplete, 2)
  const heard = await first.hear()
  assert.deepEqual(heard, { action: 'announce', offer: { type: 'offer', sdp }, offer_id: id, peer_id: second.id, info_hash: hash })
  first.say({ action: 'announce', info_hash: hash, peer_id: first.id, to_peer_id: second.id, answer: { type: 'answer', sdp: sdp + '!' }, offer_id: id })
  assert.deepEqual(await second.hear(), { action: 'announce', answer: { type: 'answer', sdp: sdp + '!' }, offer_id: id, peer_id: first.id, info_hash: hash })
  await first.quiet(hash)
  await second.quiet(hash)
  first.say({ action: 'announce', info_hash: hash, peer_id: first.id, to_peer_id: bytes20(), answer: { type: 'answer', sdp }, offer_id: id })
  await first.quiet(hash)
  await Promise.all([first.leave(), second.leave()])
})

test('offers go on byte for byte, however their JSON was written', async () => {
  const hash = hashes.open
  const [first, second] = [await peer(site), await peer(site)]
  await first.announced(hash)
  const odd = '{ "type":"offer" ,"sdp":"\\u0041\\/\\r\\n\u00e9\\ud83d\\ude00", "x" : [1.50e+3, true,null ,{"a":""}]}'
  const id = '"\\u00ff\\u0080\u0081-----------------"'
  second.write(`{"offers" : [ {"offer_id":${id},"offer":${odd}} ],"peer_id":${JSON.stringify(second.id)},"info_hash":${JSON.stringify(hash)},"event":"","action":"announce"}`)
  await second.hear()
  await first.hear()
  assert.ok(first.text.includes(`"offer":${odd},`), first.text)
  assert.ok(first.text.includes(`"offer_id":${id},`), first.text)
  await Promise.all([first.leave(), second.leave()])
})

test('who comes, ends and goes is counted', async () => {
  const hash = hashes.counted
  const [first, second, third] = [await peer(site), await peer(site), await peer(site)]
  assert.equal((await first.announced(hash, { left: 0 })).complete, 1)
  const both = await second.announced(hash, { left: 100 })
  assert.deepEqual([both.complete, both.incomplete], [1, 1])
  const done = await second.announced(hash, { event: 'completed' })
  assert.deepEqual([done.complete, done.incomplete], [2, 0])
  const again = await second.announced(hash, { event: 'started' })
  assert.deepEqual([again.complete, again.incomplete], [2, 0])
  for (const event of ['update', 'paused', '', null, undefined]) assert.equal((await third.announced(hash, { event })).incomplete, 1)
  const left = await second.announced(hash, { event: 'stopped' })
  assert.deepEqual([left.complete, left.incomplete], [1, 1])
  assert.deepEqual((await second.announced(hash, { event: 'stopped' })).complete, 1)
  first.say({ action: 'scrape', info_hash: [hash, hashes.ids] })
  assert.deepEqual(await first.hear(), {
    action: 'scrape',
    files: { [hash]: { complete: 1, incomplete: 1, downloaded: 1 }, [hashes.ids]: { complete: 0, incomplete: 0, downloaded: 0 } },
    flags: { min_request_interval: 600 }
  })
  third.destroy()
  await site.when('the closed socket left', async () => {
    first.say({ action: 'scrape', info_hash: hash })
    return (await first.hear()).files[hash].incomplete === 0
  })
  await Promise.all([first.leave(), second.leave()])
})

test('T45 what is malformed fails, and the socket stays', async () => {
  const hash = hashes.open
  const me = await peer(site)
  const bad = async text => {
    me.write(text)
    const heard = await me.hear()
    assert.deepEqual(Object.keys(heard), ['failure reason'], text)
    assert.ok(heard['failure reason'])
  }
  for (const text of ['', 'nonsense', '[]', '"x"', '{', '{"action":"announce"', '{"action":"announce",}', '{"action":"announce"} x', '{"a":01}', '{"a":"\u0001"}',
    '{"a":' + '['.repeat(40) + ']'.repeat(40) + '}', '{"a":"\\x"}', '{"a":"\\u12g4"}', '{"a":nul}', '{"a" 1}']) await bad(text)
  const whole = { action: 'announce', info_hash: hash, peer_id: me.id }
  for (const change of [{ info_hash: hash.slice(1) }, { info_hash: hash + 'x' }, { info_hash: hash.slice(1) + '€' }, { info_hash: 5 }, { info_hash: null }, { info_hash: [hash] },
    { peer_id: 'short' }, { peer_id: undefined }, { offers: [{ offer: {}, offer_id: 'short' }] }, { offers: [{ offer_id: bytes20() }] }, { offers: [5] }, { offers: 5 },
    { offers: [{ offer: 'text', offer_id: bytes20() }] }, { answer: {}, offer_id: bytes20() }, { answer: {}, to_peer_id: 'x', offer_id: bytes20() }, { answer: 'x' },
    { answer: {}, to_peer_id: bytes20() }, { action: 'dance' }, { action: undefined }, { action: 'scrape', info_hash: undefined }]) await bad(JSON.stringify({ ...whole, ...change }))
  assert.deepEqual(await me.announced(hash, { event: 'exploded' }), { action: 'announce', 'failure reason': 'invalid event', info_hash: hash })
  me.write(Buffer.from(JSON.stringify(whole)), { opcode: 2 })
  assert.ok((await me.hear())['failure reason'])
  assert.equal((await me.announced(hash)).action, 'announce')
  await me.leave()
})

test('T30 hashes of videos that are not shared are refused', async () => {
  for (const name of ['closed', 'internal', 'password', 'blocked']) {
    const me = await peer(site)
    const heard = await me.announced(hashes[name])
    assert.match(heard['failure reason'], /no video of this server/, name)
    assert.equal(heard.info_hash, hashes[name])
    await me.leave()
  }
  const me = await peer(site)
  assert.equal((await me.announced(hashes.unlisted)).incomplete, 1)
  await me.leave()
})

test('T45 who asks for hashes that are not ours is sent away in the end', async () => {
  const me = await peer(site, from('198.51.100.7'))
  let answers = 0
  for (;;) {
    me.announce(bytes20())
    const got = await me.next()
    if (got.opcode === 8) {
      assert.equal(got.code, 1008)
      break
    }
    assert.match(JSON.parse(got.data)['failure reason'], /no video/)
    answers++
  }
  assert.ok(answers >= 15 && answers <= 20, `${answers} answers`)
  me.destroy()
})

test('T45 a peer id of another address is not taken away, the same address replaces its own', async () => {
  const hash = hashes.ids
  const id = bytes20()
  const mine = await peer(site, { id, ...from('203.0.113.5') })
  assert.equal((await mine.announced(hash)).incomplete, 1)
  const thief = await peer(site, { id, ...from('203.0.113.6') })
  assert.match((await thief.announced(hash))['failure reason'], /peer id/)
  const again = await peer(site, { id, ...from('203.0.113.5') })
  assert.equal((await again.announced(hash)).incomplete, 1)
  mine.destroy()
  const other = await peer(site, from('203.0.113.7'))
  await mine.ended
  const offered = await other.announced(hash, { offers: [offer('to the one who stayed')] })
  assert.equal(offered.incomplete, 2)
  assert.equal((await again.hear()).offer.sdp, 'to the one who stayed')
  again.destroy()
  await site.when('the id is free', async () => (await thief.announced(hash)).incomplete === 2)
  for (const socket of [thief, other]) socket.destroy()
  // A /64 is one visitor where counts are concerned, but not one peer; and IPv4 is the same in either spelling.
  for (const [owner, stranger, same] of [['2001:db8:9::5', '2001:db8:9::6', '2001:0db8:9:0::5'], ['203.0.113.8', '::ffff:203.0.113.9', '::ffff:203.0.113.8']]) {
    const id = bytes20()
    const sockets = await Promise.all([owner, stranger, same].map(address => peer(site, { id, ...from(address) })))
    const [held, stolen, taken] = await sockets.reduce(async (heard, socket) => [...await heard, await socket.announced(hash)], [])
    assert.equal(held['failure reason'], undefined, owner)
    assert.match(stolen['failure reason'], /peer id/, stranger)
    assert.equal(taken['failure reason'], undefined, same)
    for (const socket of sockets) socket.destroy()
  }
})

test('one socket is in several swarms under several ids, and in no more than it may', async () => {
  const me = await peer(site)
  const all = [hashes.open, hashes.unlisted, hashes.counted, hashes.ids, hashes.doomed]
  for (const hash of all) assert.equal((await me.announced(hash, { peer_id: bytes20() })).action, 'announce')
  const one = await me.announced(hashes.open, { peer_id: bytes20() })
  assert.equal(one.incomplete, 1, 'a new id takes the place of the old one')
  assert.match((await me.announced(hashes.closed))['failure reason'], /as many swarms/)
  assert.equal((await me.announced(hashes.ids, { event: 'stopped' })).action, 'announce')
  assert.equal((await me.announced(hashes.ids)).incomplete, 1)
  me.destroy()
  const other = await peer(site)
  await site.when('all were left', async () => {
    other.say({ action: 'scrape', info_hash: all })
    return Object.values((await other.hear()).files).every(({ incomplete }) => incomplete === 0)
  })
  await other.leave()
})

/** What is said to those who may not share any more; nobody asked for it. */
const dismissal = hash => ({ action: 'announce', 'failure reason': 'not shared: this video no longer is', info_hash: hash })

test('T30 a video that is deleted while sockets are open leaves at once', async () => {
  const hash = hashes.doomed
  const [first, second] = [await peer(site), await peer(site)]
  await first.announced(hash)
  assert.equal((await second.announced(hash)).incomplete, 2)
  assert.equal((await site.delete(`/videos/${videos.doomed.uuid}`, { token: true })).status, 204)
  for (const each of [first, second]) assert.deepEqual(await each.hear(), dismissal(hash))
  first.say({ action: 'scrape', info_hash: hash })
  assert.equal((await first.hear()).files[hash].incomplete, 0)
  second.announce(hash, { offers: [offer('too late')] })
  assert.deepEqual(await second.hear(), dismissal(hash), 'whoever did not hear it hears it again')
  first.say({ action: 'announce', info_hash: hash, peer_id: first.id, to_peer_id: second.id, answer: { type: 'answer', sdp: '' }, offer_id: bytes20() })
  assert.deepEqual(await first.hear(), dismissal(hash))
  for (const each of [first, second]) assert.match((await each.announced(hash))['failure reason'], /no video of this server/)
  await second.quiet(hash)
  await Promise.all([first.leave(), second.leave()])
})

test('T30 a video that is made private leaves, and comes back when it is public', async () => {
  const hash = await torrentHash(site, videos.unlisted)
  const me = await peer(site)
  assert.equal((await me.announced(hash)).incomplete, 1)
  const privacy = async value => assert.equal((await site.put(`/videos/${videos.unlisted.uuid}`, { token: true, fields: { privacy: value } })).status, 204)
  await privacy(3)
  assert.deepEqual(await me.hear(), dismissal(hash))
  assert.deepEqual(await me.announced(hash), dismissal(hash))
  assert.match((await me.announced(hash))['failure reason'], /no video of this server/)
  await privacy(2)
  await site.when('it is back', async () => {
    const other = await peer(site)
    const heard = await other.announced(hash)
    other.destroy()
    return heard.action === 'announce' && !heard['failure reason']
  })
  me.destroy()
})

test('T30 who is in a swarm that is no longer the video\'s hears it, and so does who comes back', async () => {
  const hash = await torrentHash(site, videos.unlisted)
  const me = await peer(site)
  await site.when('it is shared', async () => (await me.announced(hash)).interval)
  const change = async fields => assert.equal((await site.put(`/videos/${videos.unlisted.uuid}`, { token: true, fields })).status, 204)
  const silent = await peer(site)
  await silent.announced(hash)
  await change({ name: 'Another name' }) // and with it another infohash: the swarm of the old one is nobody's
  // The next word of anybody in it is answered as before, and then all of them are told.
  await site.when('the old one has ended', async () => (await me.announced(hash))['failure reason'])
  assert.deepEqual(JSON.parse(me.text), dismissal(hash))
  assert.deepEqual(await silent.hear(), dismissal(hash))
  assert.deepEqual(await silent.announced(hash), dismissal(hash))
  await Promise.all([me.leave(), silent.leave()])
})

test('T45 one who does not read loses offers, and not the connection', async () => {
  const hash = hashes.ids
  const [deaf, loud] = [await peer(site), await peer(site)]
  await deaf.announced(hash)
  deaf.wire.pause()
  const load = 'x'.repeat(50000)
  for (let i = 0; i < 300; i++) assert.ok((await loud.announced(hash, { event: 'update', offers: [offer(load)] })).interval)
  deaf.wire.resume()
  deaf.announce(hash, { event: 'update' })
  let offers = 0
  while (!(await deaf.hear()).interval) offers++
  assert.ok(offers > 0 && offers < 300, `${offers} offers came`)
  await Promise.all([deaf.leave(), loud.leave()])
})

test('the tracker is at exactly its address', async () => {
  for (const path of ['/tracker/socket?x=1', '/tracker/socket/', '/tracker/sockets']) {
    const socket = new Peer(site, { path })
    assert.equal(await socket.head, 404, path)
    socket.destroy()
  }
  const stranger = await peer(site, { headers: { Origin: 'https://elsewhere.example' } })
  assert.equal((await stranger.announced(hashes.open)).action, 'announce')
  await stranger.leave()
})

test('T45 numbers out of range, and members that nobody knows, are read over', async () => {
  const hash = hashes.counted
  const [me, other] = [await peer(site), await peer(site)]
  await other.announced(hash)
  const before = (await me.announced(hash)).complete
  const whole = `"action":"announce","info_hash":${JSON.stringify(hash)},"peer_id":${JSON.stringify(me.id)}`
  for (const left of ['1e400', '-1', '-1e-400', '99999999999999999999999999', '"0"', '[0]', 'true', '0.1'])
    for (const numwant of ['-1', '1e308', '"many"', '[[[]]]']) {
      me.write(`{"numwant":${numwant},"left":${left},"uploaded":-9e999,"downloaded":${'9'.repeat(400)},"__proto__":{"a":1},"port":-5,${whole}}`)
      assert.equal((await me.hear()).complete, before, `${left} ${numwant}`)
    }
  for (const left of ['0', '0.0', '-0', '0e5', '0E-9']) {
    me.write(`{"left":${left},${whole}}`)
    assert.equal((await me.hear()).complete, before + 1, left)
    await me.announced(hash, { event: 'stopped' })
  }
  await other.quiet(hash)
  await Promise.all([me.leave(), other.leave()])
})

test('T45 a scrape of many hashes is answered for so many, and says nothing of what is hidden', async () => {
  const me = await peer(site)
  await me.announced(hashes.open)
  const many = [hashes.closed, hashes.open, ...Array.from({ length: 500 }, () => bytes20())]
  me.say({ action: 'scrape', info_hash: many })
  const { files } = await me.hear()
  assert.deepEqual(Object.keys(files).length, 64)
  assert.equal(files[hashes.open].incomplete, 1)
  assert.deepEqual(files[hashes.closed], files[many[2]], 'a hash that is private is as one that nobody has')
  await me.leave()
})

// The last: what it tells has the plugin put its own hashes in place of those of the other tests.
test('who shares is sent away when the owner of a video or channel says no, and may come back', async () => {
  const owner = { video: shared => site.put(`/videos/${videos.open.uuid}`, { token: true, json: { pluginData: { p2p: { asked: 'true', ...shared && { shared: 'true' } } } } }),
    channel: shared => site.put('/p2p/channels/root_channel', { token: true, json: { shared } }) }
  for (const [name, allow] of Object.entries(owner)) {
    const hash = ownHash(site, videos.open)
    const me = await peer(site)
    const { incomplete } = await me.announced(hash)
    assert.ok(incomplete > 0, name)
    assert.equal((await announceHttp(site, hash)).incomplete, incomplete + 1)
    assert.equal((await allow(false)).status, 204)
    assert.deepEqual(await me.hear(), dismissal(hash), name)
    assert.deepEqual(await me.announced(hash), dismissal(hash), name)
    assert.match((await me.announced(hash))['failure reason'], /nobody may share it/)
    assert.ok('failure reason' in await announceHttp(site, hash))
    assert.equal((await allow(true)).status, 204)
    await site.when('it is shared again', () => ownHash(site, videos.open) === hash)
    await sleep(3100) // for so long a hash is believed to be nobody's
    assert.equal((await me.announced(hash))['failure reason'], undefined)
    await site.when('by HTTP too, whatever was said before', async () => !('failure reason' in await announceHttp(site, hash)))
    await me.leave()
  }
})
