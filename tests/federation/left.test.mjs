// left.test.mjs - an instance whose keys and deliveries the plugin federation had itself: all of it comes over, and
// who followed then is known.
//
// earlier/federation.tar.gz was left by a server that was ended with three keys, and fifteen deliveries to three
// inboxes of a server that was down; another inbox was gone.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createVerify } from 'node:crypto'
import { chownSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { shoal, startInstance } from '../kit/instance.mjs'
import { withPlugins } from '../kit/plugins.mjs'
import { logOf, sql } from './crowd.mjs'
import { federating } from './peer.mjs'

const old = { url: 'http://127.0.0.1:41555', down: '127.1.0.1:37207', gone: '127.0.0.1:34557' }
const paths = ['/accounts/peertube', '/accounts/root', '/video-channels/root_channel']
const plugins = ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'federation', 'web']

let site, peer, host
const came = []
let keys

const documents = async () => Object.fromEntries(await Promise.all(paths.map(async path => {
  const answer = await site.raw({ path, headers: { accept: 'application/activity+json' } })
  assert.equal(answer.status, 200, answer.text)
  return [`${old.url}${path}`, [answer.json.publicKey.publicKeyPem, answer.json.assertionMethod[0].publicKeyMultibase]]
})))

before(async () => {
  peer = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    came.push({ path: request.url, headers: request.headers, body: JSON.parse(Buffer.concat(chunks)) })
    response.statusCode = 202
    response.end()
  })
  await new Promise(resolve => peer.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${peer.address().port}`
  site = await startInstance({ started: false, settings: [...federating, `url=${old.url}`] })
  const { uid, gid } = statSync(site.folder)
  for (const name of readdirSync(site.folder)) rmSync(join(site.folder, name), { recursive: true })
  execFileSync('tar', ['-xzf', join(import.meta.dirname, 'earlier/federation.tar.gz'), '--no-same-owner', '-C', site.folder])
  for (const entry of readdirSync(site.folder)) chownSync(join(site.folder, entry), uid, gid)
  site.config = withPlugins(site.config.replace(/^listen = .*$/m, `listen = { "127.0.0.1:${site.port}" }`), plugins)
  // The server that was down has another address today, and what waits is young enough to be sent.
  sql(site, `UPDATE federation_host SET host = '${host}', next = ${Date.now() + 3600000} WHERE host = '${old.down}';
    UPDATE federation_queue SET inbox = replace(inbox, '${old.down}', '${host}'), created = ${Date.now()};
    UPDATE federation_gone SET since = ${Date.now()};`)
  // Who followed the channel, the account and the instance, who asked and was not answered yet, and whom the account followed.
  const elders = ['channel', 'account', 'instance', 'pending', 'followed']
  sql(site, elders.map((name, i) => `INSERT INTO catalog_actor (id, kind, name, host, url, inbox_url, shared_inbox_url, created, updated)
    VALUES (${100 + i}, 'Person', 'elder_${name}', '${host}', 'http://${host}/${name}', 'http://${host}/${name}/own', 'http://${host}/${name}/inbox', 1, 1);`).join('\n'))
  sql(site, [[100, 3, 2], [101, 2, 2], [102, 1, 2], [103, 3, 1], [2, 104, 2]].map(([follower, target, state]) =>
    `INSERT INTO catalog_follow (follower_id, target_id, state, url, created, updated) VALUES (${follower}, ${target}, ${state}, 'http://${host}/follows/${follower}', 1, 1);`).join('\n'))
  keys = Object.fromEntries(sql(site, "SELECT actor_url || '|' || replace(public_pem, char(10), '~') || '|' || ed25519_multibase FROM federation_key;")
    .split('\n').map(line => line.split('|')).map(([url, pem, multibase]) => [url, [pem.replaceAll('~', '\n'), multibase]]))
  assert.deepEqual(Object.keys(keys).sort(), paths.map(path => old.url + path).sort())
})
after(async () => {
  peer?.closeAllConnections()
  peer?.close()
  await site?.stop()
})

test('without the plugins that it needs now it is left out, by name, and keeps what it has', async () => {
  await site.start()
  assert.equal((await site.raw({ path: '/health' })).json.status, 'degraded')
  assert.match(logOf(site), /plugin federation needs the plugins signatures, identity, delivery, which are not in shoal\.lua/)
  assert.match((await shoal('doctor', site.folder)).stdout, /federation needs the plugins signatures, identity, delivery/)
  assert.equal((await site.get('/config')).status, 200)
  await site.kill()
  assert.equal(sql(site, 'SELECT COUNT(*) FROM federation_key; SELECT COUNT(*) FROM federation_queue;'), '3\n15')
})

test('every actor has the keys that others know it by', async () => {
  site.config = withPlugins(site.config, ['signatures', 'identity', 'delivery', ...plugins])
  await site.start()
  assert.deepEqual(await documents(), keys)
  assert.match(logOf(site), /3 keys are the plugin signatures' now/)
  assert.equal(sql(site, 'SELECT COUNT(*) FROM signatures_key; SELECT COUNT(*) FROM federation_key WHERE given = FALSE; SELECT host FROM signatures_modern;'), '3\n0\nmodern.example')
})

test('what waited is another plugin\'s, with what is known of the servers', async () => {
  await site.when('nothing is left', () => sql(site, 'SELECT (SELECT COUNT(*) FROM federation_out) + (SELECT COUNT(*) FROM federation_queue) + (SELECT COUNT(*) FROM federation_host) + (SELECT COUNT(*) FROM federation_gone);') === '0')
  assert.equal(sql(site, `SELECT COUNT(*), COUNT(DISTINCT inbox) FROM delivery_queue; SELECT failures > 0, next > 0, last_error <> '' FROM delivery_host WHERE host = '${host}'; SELECT inbox FROM delivery_gone;`),
    `15|3\n1|1|1\nhttp://${old.gone}/inbox`)
  assert.match((await shoal('federation', 'status', site.folder)).stdout, new RegExp(`15 deliveries wait for 1 servers[^]*${host} +failing +15`))
})

test('it arrives in its order, signed as before', async () => {
  assert.equal((await shoal('federation', 'retry', site.folder, host)).code, 0)
  await site.when('all came', () => came.length === 15)
  await site.when('nothing waits', () => sql(site, 'SELECT COUNT(*) FROM delivery_queue; SELECT COUNT(*) FROM delivery_out;') === '0\n0')
  for (const fan of [0, 1, 2]) {
    const types = came.filter(entry => entry.path === `/users/fan${fan}/inbox`).map(entry => entry.body.type)
    assert.deepEqual(types.filter(type => ['Create', 'Update', 'Delete'].includes(type)), ['Create', 'Update', 'Delete'])
    assert.deepEqual([...types].sort(), ['Announce', 'Create', 'Delete', 'Update', 'View'])
  }
  for (const { headers, path } of came) {
    const fields = Object.fromEntries([...headers.signature.matchAll(/(\w+)="([^"]*)"/g)].map(found => found.slice(1)))
    const text = fields.headers.split(' ').map(name => name === '(request-target)' ? `${name}: post ${path}` : `${name}: ${headers[name]}`).join('\n')
    assert.ok(createVerify('sha256').update(text).verify(keys[fields.keyId.split('#')[0]][0], fields.signature, 'base64'))
  }
})

test('a later start finds nothing to do, and the same keys', async () => {
  await site.kill()
  await site.start()
  assert.deepEqual(await documents(), keys)
  assert.equal(logOf(site).match(/keys are the plugin signatures' now/g).length, 1)
  assert.equal((await site.raw({ path: '/health' })).json.status, 'ok')
})

test('who followed before hears when a channel goes', async () => {
  await site.when('all follows were walked', () => sql(site, 'SELECT COUNT(*) FROM delivery_past;') === '0')
  assert.equal(sql(site, `SELECT actor_id, replace(inbox, 'http://${host}', '') FROM delivery_known WHERE inbox LIKE 'http://${host}/%' ORDER BY actor_id; SELECT COUNT(*) FROM delivery_known WHERE actor_id = 1;`),
    '1|/instance/inbox\n2|/account/inbox\n2|/followed/inbox\n3|/channel/inbox\n5')
  assert.equal((await site.post('/video-channels', { token: true, json: { name: 'second', displayName: 'Second' } })).status, 200)
  assert.equal((await site.delete('/video-channels/root_channel', { token: true })).status, 204)
  const paths = () => came.filter(({ body }) => body.type === 'Delete' && body.object === `${old.url}/video-channels/root_channel`).map(({ path }) => path)
  await site.when('all of them heard it', () => paths().length >= 4)
  assert.deepEqual(paths().sort(), ['/account/inbox', '/channel/inbox', '/followed/inbox', '/instance/inbox'])
})
