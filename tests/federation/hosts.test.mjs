// hosts.test.mjs - what administrators see of other servers and do about them, by the API.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { settled } from '../crash/look.mjs'
import { shoal, startInstance } from '../kit/instance.mjs'
import { Peer, startFederating } from './peer.mjs'

let site, peer, alice

before(async () => {
  [site, peer] = await Promise.all([startFederating(startInstance, { settings: ['delivery.pause=10m'] }), Peer.start()])
  alice = await site.user('alice')
})
after(async () => {
  await peer?.stop()
  await site?.stop()
})

const admin = (method, path, options = {}) => site.api(method, path, { token: true, ...options })
const hosts = async (query = '') => (await admin('GET', `/federation/hosts${query}`)).json
const following = async () => (await site.get('/server/following')).json.data

test('one field takes a host, a handle, or the address of a site', async () => {
  assert.deepEqual(await hosts(), { total: 0, data: [] })
  for (const name of [peer.host, ` ${peer.url}/ `, `@peertube@${peer.host}`]) {
    const answer = await admin('POST', '/federation/following', { json: { name } })
    assert.equal(answer.status, 204, `${name} ${answer.text}`)
  }
  assert.deepEqual((await following()).map(({ state, following: { name, host } }) => [state, name, host]), [['pending', 'peertube', peer.host]])
  await peer.came('the Follow', body => body.type === 'Follow')
  for (const name of ['', '@', 'a b', 'x@y@z', 'example.org/x', '@example.org', 'x'.repeat(321), 7, undefined]) {
    const answer = await admin('POST', '/federation/following', { json: { name } })
    assert.equal(answer.status, 400, String(name))
    assert.ok(answer.json['invalid-params'].name, String(name))
  }
  assert.equal((await admin('POST', '/federation/following', { json: { name: new URL(site.url).host } })).status, 409)
})

test('a host is well, then it fails, is asked again when that is wanted, and is well', async () => {
  await settled(site) // each of the follows before may have asked anew
  await site.when('it is well', async () => (await hosts()).data[0]?.lastReachedAt && (await hosts()).data[0].waiting === 0)
  const { total, data: [well] } = await hosts()
  assert.equal(total, 1)
  assert.deepEqual({ ...well, lastReachedAt: null }, { host: peer.host, state: 'well', waiting: 0, failures: 0, lastReachedAt: null, silentSince: null, nextTryAt: null, lastError: null })
  assert.ok(Math.abs(Date.parse(well.lastReachedAt) - Date.now()) < 60000)

  peer.takes = 503
  assert.equal((await admin('DELETE', `/server/following/peertube@${peer.host}`)).status, 204)
  await site.when('it fails', async () => (await hosts()).data[0].failures > 0)
  const { data: [bad] } = await hosts()
  assert.equal(bad.waiting, 1)
  assert.match(bad.lastError, /503/)
  assert.ok(Date.parse(bad.nextTryAt) > Date.now() + 60000)
  assert.match((await shoal('federation', 'status', site.folder, peer.host)).stdout, new RegExp(`${peer.host} +failing +1 .*503`))
  assert.equal((await admin('POST', '/server/blocklist/servers', { json: { host: peer.host } })).status, 204)
  assert.deepEqual([(await hosts()).data[0].state, (await hosts()).data[0].nextTryAt], ['blocked', null])
  assert.equal((await admin('POST', `/federation/hosts/${peer.host}/retry`)).status, 409)
  assert.match((await shoal('federation', 'retry', site.folder, peer.host)).stderr, /is blocked here/)
  assert.equal((await admin('DELETE', `/server/blocklist/servers/${peer.host}`)).status, 204)
  peer.takes = 202
  assert.equal((await admin('POST', `/federation/hosts/${peer.host}/retry`)).status, 204)
  await peer.came('the Undo', body => body.type === 'Undo')
  await site.when('it is well again', async () => (await hosts()).data[0].failures === 0)
  assert.equal((await hosts()).data[0].waiting, 0)
})

test('the command takes addresses as people paste them, and says who follows whom', async () => {
  const said = (verb, ...words) => shoal('federation', verb, site.folder, ...words)
  // The command reads the file: what a test sets is not in it.
  site.config = `url = "${site.url}"\n${site.config.replace('"federation"', '{ "federation", allow_private_network = true }')}`
  assert.match((await said('follow', `${peer.url}/`)).stdout, /is asked now: `shoal federation status` says/)
  assert.match((await said('status')).stdout, /^0 follow this server\.\nIt follows 0, and has asked 1 that did not answer yet\.\n/)
  assert.match((await said('status', `${peer.url}/`)).stdout, new RegExp(`^It follows peertube@${peer.host}: pending\\.\n`))
  assert.match((await said('unfollow', peer.url)).stdout, /is followed no longer\.\n$/)
  assert.match((await said('status', 'never.example')).stdout, /Nothing was ever sent to never\.example\./)
  assert.match((await said('follow', `${peer.url}/accounts/peertube`)).stderr, /is no host like .* and no handle like/)
})

test('who is gone for good can be left: nobody is asked for it', async () => {
  const far = await Peer.start()
  const channel = far.channel('films', far.person('owner'))
  assert.equal((await admin('POST', '/federation/following', { json: { name: `films@${far.host}` } })).status, 204)
  assert.equal((await following())[0].following.name, channel.name)
  await far.came('the Follow', body => body.type === 'Follow')
  await far.stop()
  assert.equal((await admin('DELETE', `/server/following/films@${far.host}`)).status, 204)
  assert.deepEqual(await following(), [])
  assert.equal((await admin('DELETE', '/server/following/@nobody')).status, 400)
  assert.equal((await admin('DELETE', `/server/following/none@${far.host}`)).status, 404)
})

test('lists are bounded, unknown hosts are not found, and nobody else comes in', async () => {
  assert.equal((await hosts('?count=0')).data.length, 0)
  assert.equal((await hosts('?start=1')).data.length, (await hosts()).total - 1)
  assert.ok((await admin('GET', '/federation/hosts?count=101')).json['invalid-params'].count)
  assert.equal((await admin('POST', '/federation/hosts/nowhere.example/retry')).status, 404)
  for (const [token, status] of [[undefined, 401], [alice.token, 403]]) {
    assert.equal((await site.get('/federation/hosts', { token })).status, status)
    assert.equal((await site.api('POST', `/federation/hosts/${peer.host}/retry`, { token })).status, status)
    assert.equal((await site.api('POST', '/federation/following', { token, json: { name: peer.host } })).status, status)
  }
})
