// rules.test.mjs - who takes part, and under which names: the parts of the player that need no browser.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const load = name => {
  const source = readFileSync(new URL(`../../themes/default/scripts/${name}`, import.meta.url))
  return import(`data:text/javascript;base64,${source.toString('base64')}`)
}
const { deviceOf, isDismissal, isElsewhere, mayJoin, reasonAgainst, restMs, socketsOf } = await load('player_rules.js')
const { Bytes } = await load('player_bytes.js')
const { md5, swarmName, swarmNames } = await load('player_swarm_name.js')

const master = 'https://example.org/static/streaming-playlists/hls/11111111-2222-4333-8444-555555555555/66666666-7777-4888-9999-aaaaaaaaaaaa-master.m3u8'
const hex = text => Buffer.from(text).toString('hex')

test('each obstacle is enough, and none is named where there is none', () => {
  const policy = { mode: 'opt-out', from: 1, private: false }
  const video = { trackers: ['wss://example.org:443/tracker/socket'], hashes: 'https://example.org/x.json', privacy: 1, isLive: false, viewers: 1 }
  const viewer = { answer: 'yes', link: '', savesData: false, hasChannels: true }
  const against = changes => reasonAgainst({ ...policy, ...changes.policy }, { ...video, ...changes.video }, { ...viewer, ...changes.viewer })
  const rows = [
    ['', {}],
    ['site', { policy: { mode: 'off' } }],
    ['browser', { viewer: { hasChannels: false } }],
    ['video', { video: { trackers: [] } }], ['video', { video: { hashes: '' } }], ['video', { video: { isLive: true } }],
    ['', { video: { privacy: 2 } }],
    ['video', { video: { privacy: 3 } }], ['video', { video: { privacy: 4 } }], ['video', { video: { privacy: 5 } }],
    ['', { video: { privacy: 5 }, policy: { private: true } }],
    ['link', { viewer: { link: '0' } }],
    ['no', { viewer: { answer: 'no' } }], ['no', { viewer: { answer: 'no', link: '1' } }],
    ['', { viewer: { answer: 'told' } }], ['no', { viewer: { answer: 'told' }, policy: { mode: 'opt-in' } }],
    ['', { viewer: { answer: 'yes' }, policy: { mode: 'opt-in' } }],
    ...[['data', { savesData: true }], ['mobile', { isMobile: true }], ['battery', { isLow: true }]].flatMap(([reason, device]) =>
      [{}, { link: '1' }, { answer: '' }, { answer: 'told' }].map(more => [reason, { viewer: { ...device, ...more } }])),
    ['no', { viewer: { isMobile: true, answer: 'no' } }],
    ['few', { policy: { from: 5 }, video: { viewers: 4 } }], ['', { policy: { from: 5 }, video: { viewers: 5 } }],
    ...[['', 4], ['', 3], ['few', 2]].map(([reason, viewers]) => [reason, { policy: { from: 5 }, video: { viewers }, viewer: { isSharing: true } }]),
    ['', { policy: { from: 5 }, video: { viewers: 0 }, viewer: { link: '1' } }],
    ['few', { policy: { from: 5 }, video: { viewers: 0 }, viewer: { link: '1', answer: '' } }],
    ['few', { policy: { from: 5 }, video: { viewers: 0 }, viewer: { link: '1', answer: 'told' } }]
  ]
  for (const [reason, changes] of rows) assert.equal(against(changes), reason, JSON.stringify(changes))
  assert.equal(reasonAgainst(undefined, video, viewer), 'site')
})

test('mobile data and a low battery are seen, where the browser tells', () => {
  const rows = [
    [undefined, undefined, ''], [{ type: 'wifi', saveData: false }, { level: 0.9, charging: false }, ''], [{}, { level: 0.26, charging: false }, ''],
    [{ saveData: true }, undefined, 'savesData'], [{ type: 'cellular' }, undefined, 'isMobile'],
    [undefined, { level: 0.25, charging: false }, 'isLow'], [{}, { level: 0, charging: false }, 'isLow'], [{}, { level: 0.1, charging: true }, '']
  ]
  for (const [connection, battery, what] of rows) {
    const device = deviceOf(connection, battery)
    assert.deepEqual(Object.keys(device), ['savesData', 'isMobile', 'isLow'])
    assert.deepEqual(Object.keys(device).filter(key => device[key]), what ? [what] : [], JSON.stringify([connection, battery]))
  }
})

test('bytes are told once, also when some are thrown away, and with another swarm from the start', () => {
  const bytes = new Bytes()
  const counts = { fromPeers: 0, fromServer: 0, sent: 0 }
  const rows = [[100, 10, 5, 100, 10, 5], [40, 10, 5, 0, 0, 0], [90, 20, 5, 0, 10, 0], [130, 20, 6.4, 30, 0, 1], [-20, 20, 6.4, 0, 0, 0]]
  for (const [fromPeers, fromServer, sent, ...grown] of rows) {
    Object.assign(counts, { fromPeers, fromServer, sent })
    assert.deepEqual(Object.values(bytes.since(counts)), grown)
  }
  assert.deepEqual(bytes.since({ fromPeers: 7, fromServer: 500, sent: 0 }), { fromPeers: 7, fromServer: 500, sent: 0 })
  assert.deepEqual(new Bytes().since(undefined), { fromPeers: 0, fromServer: 0, sent: 0 })
})

test('a tracker that says no is not one that has trouble', () => {
  for (const text of ['not shared: this video no longer is', 'not shared: ', 'Tracker is disabled on this instance.']) assert.equal(isDismissal(text), true, text)
  for (const text of ['too many messages: wait a minute', 'this swarm is full', 'no, not shared: it', '', undefined]) assert.equal(isDismissal(text), false, text)
})

test('those whom one server left ask it again at different times, half a minute later at the earliest', () => {
  assert.equal(restMs(0), 30000)
  assert.equal(restMs(0.5), 45000)
  const rests = Array.from({ length: 400 }, () => restMs())
  assert.ok(rests.every(rest => rest >= 30000 && rest < 60000))
  assert.ok(new Set(rests).size > 200, 'they come together')
})

test('a tracker that names another node is known by its first word', () => {
  assert.equal(isElsewhere('elsewhere: who watches this video meets at /tracker/b'), true)
  for (const text of ['it is elsewhere: there', 'not shared: elsewhere', '', undefined]) assert.equal(isElsewhere(text), false, text)
})

test('browsers ask WebSocket trackers alone', () => {
  assert.deepEqual(socketsOf(['https://a/tracker/announce', 'wss://a:443/tracker/socket', 'ws://b/', 'udp://c', 'wsx://d']), ['wss://a:443/tracker/socket', 'ws://b/'])
  assert.deepEqual(socketsOf(undefined), [])
})

test('swarms have the names of generation 2', () => {
  assert.equal(swarmName(master, 'main-0'), hex('bPpsBPG3m8ktWPlseEcJ'))
  assert.equal(swarmName(master, 'main-1'), hex('4ll0UXPXYU+BtItVY3Um'))
  assert.equal(swarmName(master, 'secondary-0'), hex('RjHa/LH+X9Nom1c7bRQo'))
  assert.deepEqual(swarmNames(master, 2, 1), ['main-0', 'main-1', 'secondary-0'].map(stream => swarmName(master, stream)))
  for (let length = 0; length < 200; length++) {
    const bytes = Buffer.alloc(length, length * 7)
    assert.equal(Buffer.from(md5(bytes)).toString('hex'), createHash('md5').update(bytes).digest('hex'), `${length}`)
  }
})

test('a swarm of elsewhere is joined only under names that its origin told', () => {
  const names = swarmNames(master, 2, 0)
  assert.equal(mayJoin(true, names, undefined), true)
  assert.equal(mayJoin(false, names, names.map(name => name.toUpperCase())), true)
  assert.equal(mayJoin(false, names, [...names, 'another']), true)
  assert.equal(mayJoin(false, names, names.slice(0, 1)), false)
  assert.equal(mayJoin(false, names, undefined), false)
  assert.equal(mayJoin(false, [], []), false)
})
