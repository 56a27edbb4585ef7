// inbox.test.mjs - what an inbox takes, of whom, and what it answers to everything else.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { request } from '../kit/client.mjs'
import { startInstance } from '../kit/instance.mjs'
import { sql } from './crowd.mjs'
import { context, Peer, Public, startFederating } from './peer.mjs'

let site, peer, other, alice

before(async () => {
  site = await startFederating(startInstance)
  peer = await Peer.start()
  other = await Peer.start({ address: '127.0.0.2' })
  alice = peer.person('alice')
})
after(async () => {
  await Promise.all([peer, other].map(one => one?.stop()))
  await site?.stop()
})

const follow = actor => actor.say('Follow', `${site.url}/accounts/peertube`)
const problem = (answer, status, words) => {
  assert.equal(answer.status, status, answer.text)
  assert.match(answer.headers['content-type'], /application\/problem\+json/)
  if (words) assert.match(answer.json.detail, words)
}

test('a signed activity is taken', async () => {
  assert.equal((await alice.post(site, follow(alice))).status, 204)
})

test('a PeerTube, whose threads do not see a connection end, gets a new one for each activity', async () => {
  for (const [agent, connection] of [['PeerTube/6.3.0 (+https://there.example)', 'close'], ['Mastodon/4.5.0', 'keep-alive']]) {
    const body = JSON.stringify({ '@context': context, ...follow(alice) })
    const headers = { ...alice.sign('POST', `${site.url}/inbox`, body), 'user-agent': agent, connection: 'keep-alive', 'content-length': Buffer.byteLength(body) }
    const answer = await request(site.url, { method: 'POST', path: '/inbox', headers, body })
    assert.equal(answer.status, 204)
    assert.equal(answer.headers.connection, connection)
  }
})

test('what is not signed is not taken', async () => {
  problem(await alice.post(site, follow(alice), { signed: false }), 401)
})

test('T22 a body that is not the signed one is refused', async () => {
  const bob = peer.person('bob')
  problem(await bob.post(site, follow(bob), { digest: 'SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' }), 401)
})

test('T22 a signature for another host is refused', async () => {
  problem(await alice.post(site, follow(alice), { host: 'other.example' }).catch(error => error), 401)
})

test('T22 a signature that does not cover digest, host or target is refused', async () => {
  for (const names of [['(request-target)', 'host', 'date'], ['(request-target)', 'date', 'digest'], ['host', 'date', 'digest']]) {
    problem(await alice.post(site, follow(alice), { names }), 401)
  }
})

test('T23 an old signature, and one of the future, are refused', async () => {
  for (const minutes of [-120, 120]) {
    problem(await alice.post(site, follow(alice), { date: new Date(Date.now() + minutes * 60000).toUTCString() }), 401)
  }
})

test('T26 a key of somebody else signs nothing', async () => {
  const mallory = peer.person('mallory')
  problem(await mallory.verdict(site, follow(alice), { keyId: alice.keyId }), 401)
})

test('T26 who signs is not who speaks: nobody follows in the name of another', async () => {
  const carol = peer.person('carol')
  const answer = await alice.post(site, follow(carol))
  assert.ok([204, 403].includes(answer.status))
  await site.when('the server has looked at it', async () => !(await jobs()).some(job => job.kind === 'federation.inbox'))
  assert.ok(!(await followers()).includes('carol'))
})

test('T26 the id of an activity lies on the server of its actor', async () => {
  const activity = { ...follow(alice), id: `${other.url}/activities/1` }
  await alice.post(site, { ...activity, type: 'Undo', object: follow(alice) })
  assert.ok((await followers()).includes('alice'))
})

test('T21 an inbox takes the types of ActivityPub alone', async () => {
  problem(await alice.post(site, follow(alice), { type: 'text/plain' }), 415)
  problem(await alice.post(site, follow(alice), { type: 'application/activity+jsonx' }), 415)
})

test('bad JSON, deep JSON, large JSON and lists are refused with a sentence', async () => {
  problem(await alice.post(site, '{"id": '), 400)
  problem(await alice.post(site, '[]'), 400)
  problem(await alice.post(site, `{"id":"${alice.id}/x","type":"Create","actor":"${alice.id}","object":${'{"a":'.repeat(70)}1${'}'.repeat(70)}}`), 400)
  problem(await alice.post(site, JSON.stringify({ ...follow(alice), padding: 'x'.repeat(1100000) })), 413)
  problem(await alice.post(site, { ...follow(alice), padding: Array(50000).fill(0) }), 413)
})

test('an activity without id, type or actor is refused, and the field is named', async () => {
  for (const field of ['id', 'type', 'actor']) {
    const { [field]: gone, ...rest } = follow(alice)
    const answer = await alice.post(site, rest)
    problem(answer, 400)
    assert.ok(answer.json['invalid-params'][field], answer.text)
  }
})

test('an inbox of nobody is not there', async () => {
  problem(await alice.post(site, follow(alice), { path: '/accounts/nobody/inbox' }), 404)
})

test('what nobody here keeps is taken and forgotten', async () => {
  const answer = await alice.post(site, alice.say('Move', alice.id, { target: `${other.url}/accounts/x` }))
  assert.equal(answer.status, 204)
})

test('the farewell of somebody whom nobody knew is taken', async () => {
  const ghost = peer.person('ghost')
  peer.gone('/accounts/ghost')
  assert.equal((await ghost.post(site, ghost.say('Delete', ghost.id))).status, 204)
})

test('T03 an actor changes itself, and nobody else', async () => {
  const dora = peer.person('dora')
  assert.equal((await dora.post(site, follow(dora))).status, 204)
  await dora.post(site, dora.say('Update', { ...dora.document, name: 'Dora the second' }))
  await site.when('her new name is here', async () => (await site.get(`/accounts/dora@${peer.host}`)).json?.displayName === 'Dora the second')
  await alice.post(site, alice.say('Update', { ...dora.document, name: 'Taken over' }))
  await alice.post(site, alice.say('Delete', dora.id))
  await settled()
  assert.equal((await site.get(`/accounts/dora@${peer.host}`)).json?.displayName, 'Dora the second')
})

test('an actor that says that it is gone is gone', async () => {
  const erin = peer.person('erin')
  await erin.post(site, follow(erin))
  await site.when('she is known', async () => (await site.get(`/accounts/erin@${peer.host}`)).status === 200)
  await erin.post(site, erin.say('Delete', erin.id))
  await site.when('she is gone', async () => (await site.get(`/accounts/erin@${peer.host}`)).status === 404)
})

test('T03 an actor of another server cannot become one of ours', async () => {
  const thief = peer.person('thief', { id: `${site.url}/accounts/root` })
  const answer = await thief.verdict(site, follow(thief))
  assert.ok(answer.status >= 400, `${answer.status}`)
  assert.equal((await site.get('/accounts/root')).json.isLocal ?? true, true)
})

test('a blocked server is heard no more, and heard again when it is not', async () => {
  const frank = other.person('frank')
  const blocked = await site.post('/server/blocklist/servers', { token: true, json: { host: other.host } })
  assert.equal(blocked.status, 204, blocked.text)
  problem(await frank.post(site, follow(frank)), 403)
  const list = await site.get('/server/blocklist/servers', { token: true })
  assert.deepEqual(list.json.data.map(row => row.blockedServer.host), [other.host])
  assert.equal((await site.delete(`/server/blocklist/servers/${other.host}`, { token: true })).status, 204)
  assert.equal((await frank.post(site, follow(frank))).status, 204)
  assert.equal((await site.post('/server/blocklist/servers', { token: true, json: { host: 'https://Pasted.example/' } })).status, 204)
  assert.equal((await site.delete('/server/blocklist/servers/pasted.example', { token: true })).status, 204)
  // However it is written, it is one host, for those who block it and for those who take it back.
  const written = ['Pasted.Example', 'pasted.example.', 'PASTED.example.:443', 'pasted.example:443']
  const addresses = ['https://pasted.example.:443/', 'http://pasted.example:80', ' HTTPS://Pasted.Example. ']
  for (const [index, host] of [...written, ...addresses].entries()) {
    assert.equal((await site.post('/server/blocklist/servers', { token: true, json: { host } })).status, 204, host)
    assert.deepEqual((await site.get('/server/blocklist/servers', { token: true })).json.data.map(row => row.blockedServer.host), ['pasted.example'], host)
    const taken = written[(index + 1) % written.length]
    assert.equal((await site.delete(`/server/blocklist/servers/${taken}`, { token: true })).status, 204, taken)
    problem(await site.delete(`/server/blocklist/servers/${taken}`, { token: true }), 404)
  }
  for (const host of ['pasted.example:8443', 'pasted.example:80']) {
    assert.equal((await site.post('/server/blocklist/servers', { token: true, json: { host } })).status, 204, host)
    problem(await site.delete('/server/blocklist/servers/pasted.example', { token: true }), 404)
    assert.equal((await site.delete(`/server/blocklist/servers/${host.replace(':', '.:')}`, { token: true })).status, 204, host)
  }
  problem(await site.post('/server/blocklist/servers', { token: true, json: { host: site.url.toUpperCase() } }), 409)
  for (const host of ['.', 'pasted..example', '-pasted.example', 'pasted.example:0']) problem(await site.post('/server/blocklist/servers', { token: true, json: { host } }), 400)
  problem(await site.delete('/server/blocklist/servers/-pasted.example', { token: true }), 404)
  problem(await site.post('/server/blocklist/servers', { token: true, json: { host: 'name@pasted.example' } }), 400)
  problem(await site.post('/server/blocklist/servers', { token: true, json: { host: 'a b' } }), 400)
  problem(await site.post('/server/blocklist/servers', { json: { host: 'x.example' } }), 401)
})

test('T32 what waits of one server is bounded', async () => {
  // Creates of objects that cannot be fetched wait; their number has a limit.
  const greta = peer.person('greta')
  const items = Array.from({ length: 501 }, () => greta.say('Create', { type: 'Video', id: `${peer.url}/videos/watch/${++peer.count}` }))
  problem(await greta.post(site, { type: 'Collection', totalItems: items.length, items }), 413)
})

test('a server whose objects are slow keeps nobody but itself, and each is looked at once', async () => {
  const slow = await Peer.start({ address: '127.0.0.3' })
  const tara = slow.person('tara')
  const objects = Array.from({ length: 24 }, (_, i) => `/notes/${i}`)
  let reading = 0
  let most = 0
  for (const path of objects) {
    slow.serve(path, (request, response) => {
      most = Math.max(most, ++reading)
      setTimeout(() => {
        reading--
        response.writeHead(200, { 'content-type': 'application/activity+json' })
        response.end(JSON.stringify({ id: slow.url + path, type: 'Video', attributedTo: tara.id }))
      }, 1200)
    })
    assert.equal((await tara.post(site, tara.say('Create', { type: 'Video', id: slow.url + path, attributedTo: tara.id }))).status, 204)
  }
  const hugo = peer.person('hugo')
  assert.equal((await hugo.post(site, follow(hugo))).status, 204)
  const paths = () => slow.asked.map(entry => entry.path).filter(path => path.startsWith('/notes/'))
  await peer.came('the Accept of hugo', body => body.type === 'Accept' && body.object?.actor === hugo.id)
  assert.ok(paths().length < objects.length, 'he was heard when all of the slow one had been read')
  await site.when('some more are read', () => paths().length >= 5)
  assert.equal(most, 1, 'the slow one has one turn at a time')
  assert.equal(new Set(paths()).size, paths().length, 'nothing was asked for twice')
  await site.post('/server/blocklist/servers', { token: true, json: { host: slow.host } })
  await slow.stop()
})

test('one that waits for long, and many that came since, fill nothing', async () => {
  const row = (id, next) => `INSERT INTO federation_inbox (id, host, activity_id, signer_id, body, next, received) VALUES (${id}, 'far.example', 'https://far.example/${id}', 1, '{}', ${next}, 1);`
  sql(site, row(1000000, 9e15) + row(1200000, 9e15))
  const ivan = peer.person('ivan')
  assert.equal((await ivan.post(site, follow(ivan))).status, 204)
  sql(site, "DELETE FROM federation_inbox WHERE host = 'far.example';")
})

test('T10 what ends the server each time it is looked at is dropped', async () => {
  sql(site, `INSERT INTO federation_inbox (host, activity_id, signer_id, body, attempts, next, received) VALUES ('poison.example', 'https://poison.example/1', 1, '{}', 6, 1, 1);
    INSERT INTO job (kind, payload, state, priority, run_at_ms, unique_key, attempt, attempts, backoff_ms, lease_ms, fence, is_later, is_cancel_asked, is_told, tells, progress, created_ms)
    VALUES ('federation.inbox', '{"host":"poison.example"}', 'waiting', 0, 1, 'poison.example', 1, 20, 1000, 90000, 0, FALSE, FALSE, TRUE, 0, 0, 1);`)
  const jack = peer.person('jack')
  await jack.post(site, follow(jack)) // has the server look for jobs
  await site.when('it is dropped', () => site.log.includes('that the server does not get over: https://poison.example/1'))
  assert.equal(sql(site, "SELECT COUNT(*) FROM federation_inbox WHERE host = 'poison.example';"), '0')
})

test('a deletion that somebody else tells of is believed where the server of the deleted says so', async () => {
  const kate = other.person('kate')
  await kate.post(site, follow(kate))
  const farewell = { ...kate.say('Delete', kate.id), id: `${kate.id}/delete` }
  const isThere = async () => (await site.get(`/accounts/kate@${other.host}`, { token: true })).status === 200
  assert.ok(await isThere())
  const told = async () => {
    assert.equal((await peer.instance.post(site, farewell)).status, 204)
    await site.when('it was looked at', () => sql(site, `SELECT COUNT(*) FROM federation_inbox WHERE host = '${peer.host}';`) === '0')
  }
  await told()
  assert.ok(await isThere(), 'she is there')
  other.serve('/accounts/kate')
  await told()
  assert.ok(await isThere(), 'her server does not find her now')
  other.gone('/accounts/kate')
  await told()
  await site.when('she is gone', async () => !(await isThere()))
})

test('T08 nobody has another server asked by naming what they may say nothing of', async () => {
  const there = ['/videos/watch/1', '/videos/watch/2'].map(path => other.serve(path, { id: `${other.url}${path}`, type: 'Video', attributedTo: [alice.id] }))
  const leo = other.person('leo')
  await leo.post(site, follow(leo))
  const asked = () => other.asked.filter(({ path }) => path.startsWith('/videos/')).map(({ path }) => path)
  assert.equal((await alice.post(site, alice.say('Create', there[0]))).status, 204)
  assert.equal((await alice.post(site, alice.say('Create', { id: there[0], type: 'Video', attributedTo: [alice.id] }))).status, 204)
  assert.equal((await alice.post(site, leo.say('Create', { id: there[1], type: 'Video', attributedTo: [leo.id] }))).status, 204) // passed on: its own server is asked
  await site.when('they were looked at', () => asked().length > 0 && sql(site, `SELECT COUNT(*) FROM federation_inbox WHERE attempts = 0 AND host = '${peer.host}';`) === '0')
  assert.deepEqual([...new Set(asked())], ['/videos/watch/2'])
  sql(site, 'DELETE FROM federation_inbox;') // that one is no whole video
})

test('T32 what waits is bounded, also in bytes; servers that nobody here follows have half of it', async () => {
  const late = Date.now() + 3600000
  sql(site, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
    INSERT INTO federation_inbox (host, activity_id, signer_id, body, next, received) SELECT 'h' || i, 'x' || i, -i, '{}', ${late}, ${late} FROM n;`)
  const answers = status => site.when(`it answers ${status}`, async () => (await alice.post(site, follow(alice))).status === status) // all are counted once a second
  await answers(503)
  sql(site, `INSERT INTO catalog_follow (follower_id, target_id, state, created, updated) SELECT x.id, a.id, 2, 0, 0 FROM catalog_actor x, catalog_actor a WHERE x.name = 'peertube' AND x.host = '' AND a.url = '${alice.id}';`)
  assert.equal((await alice.post(site, follow(alice))).status, 204)
  sql(site, 'DELETE FROM federation_inbox WHERE signer_id < 0; DELETE FROM catalog_follow WHERE created = 0;')
  await answers(204)
  // The same by what they say, which may be long.
  const plant = (host, size) => sql(site, `INSERT INTO federation_inbox (host, activity_id, signer_id, body, next, received, size) VALUES ('${host}', 'x', -1, '{}', ${late}, ${late}, ${size});`)
  plant(peer.host, 2 ** 26 - 100)
  problem(await alice.post(site, follow(alice)), 429, /wait here already/)
  sql(site, 'DELETE FROM federation_inbox WHERE signer_id < 0;')
  plant('far.example', 2 ** 29 - 100)
  await answers(503)
  sql(site, 'DELETE FROM federation_inbox WHERE signer_id < 0;')
  await answers(204)
})

const followers = async () => (await site.get('/server/followers?count=100')).json.data.map(row => row.follower.name)
const jobs = async () => (await site.get('/jobs?count=100', { token: true })).json?.data ?? []
const settled = () => new Promise(resolve => setTimeout(resolve, 1500))

test('each sending address has its limit, and is told when to come back', async () => {
  const narrow = await startFederating(startInstance, { settings: ['http.rate.peer=5/1h'] })
  try {
    const fan = peer.person('many')
    const told = () => fan.post(narrow, fan.say('Follow', `${narrow.url}/accounts/peertube`))
    for (let i = 0; i < 5; i++) assert.equal((await told()).status, 204)
    const answer = await told()
    assert.equal(answer.status, 429)
    assert.ok(Number(answer.headers['retry-after']) > 0)
    assert.equal((await narrow.get('/videos')).status, 200)
  } finally {
    await narrow.stop()
  }
})

test('an instance that does not federate has no inbox', async () => {
  const alone = await startFederating(startInstance, { settings: ['federation.enabled=false'] })
  try {
    const body = JSON.stringify({ ...follow(alice), to: [Public] })
    const answer = await request(alone.url, { method: 'POST', path: '/inbox', headers: { ...alice.sign('POST', `${alone.url}/inbox`, body), 'content-length': Buffer.byteLength(body) }, body })
    problem(answer, 404)
  } finally {
    await alone.stop()
  }
})
