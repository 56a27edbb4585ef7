// signatures.test.mjs - what is signed here is read by others, and what others sign is read here: draft-cavage and RFC 9421.
//
// Other servers are peers by hand with Node's own crypto, and @fedify/fedify as one that nobody here wrote.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { signJsonLd, signRequest, verifyJsonLd, verifyRequest } from '@fedify/fedify'
import assert from 'node:assert/strict'
import { createHash, createPublicKey, createSign, createVerify, generateKeyPairSync, sign, webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { request } from '../kit/client.mjs'
import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { sql } from './crowd.mjs'
import { Peer, Public, context, settle, startFederating } from './peer.mjs'

let site, closed, peer, other

before(async () => {
  [site, closed] = await Promise.all([startFederating(startInstance), startFederating(startInstance, { settings: ['federation.authorized_fetch=true'] })])
  peer = await Peer.start()
  other = await Peer.start({ address: '127.0.0.2' })
})
after(async () => {
  await Promise.all([peer, other].map(one => one?.stop()))
  await Promise.all([site, closed].map(one => one?.stop()))
})

const activityType = 'application/activity+json'
const sha256 = body => createHash('sha256').update(body).digest('base64')
const follow = actor => actor.say('Follow', `${site.url}/accounts/peertube`)
let count = 0
const fresh = (fields, at = peer) => at.person(`someone${++count}`, fields)

const signed = (text, key) => sign(key.asymmetricKeyType === 'rsa' ? 'sha256' : null, Buffer.from(text), key).toString('base64')

/** A public Ed25519 key as Multikey has it. */
function multibase (key) {
  const letters = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
  let text = ''
  for (let rest = BigInt(`0xed01${key.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex')}`); rest > 0n; rest /= 58n) text = letters[rest % 58n] + text
  return `z${text}`
}

/** Headers of a request signed as RFC 9421 says. */
function signModern (actor, method, url, body, { parts, created = Math.floor(Date.now() / 1000), extra = '', keyId = actor.keyId, key = actor.keys.privateKey, values = {}, digest, label = 'sig1' } = {}) {
  const at = new URL(url)
  const headers = { host: at.host, accept: activityType, date: new Date().toUTCString() }
  if (body !== undefined) {
    headers['content-digest'] = digest ?? `sha-256=:${sha256(body)}:`
    headers['content-type'] = activityType
  }
  const covered = parts ?? ['@method', '@target-uri', ...(body === undefined ? [] : ['content-digest'])]
  const known = { '@method': method, '@target-uri': url, '@authority': at.host, '@path': at.pathname, '@query': at.search || '?', '@request-target': at.pathname + at.search, '@scheme': 'http', ...values }
  const params = `(${covered.map(part => `"${part}"`).join(' ')})${created ? `;created=${created}` : ''};keyid="${keyId}"${extra}`
  const text = [...covered.map(part => `"${part}": ${known[part] ?? headers[part]}`), `"@signature-params": ${params}`].join('\n')
  headers['signature-input'] = `${label}=${params}`
  headers.signature = `${label}=:${signed(text, key)}:`
  return headers
}

async function postModern (actor, options, body = JSON.stringify({ '@context': ['https://www.w3.org/ns/activitystreams'], ...follow(actor) }), sent = body) {
  const headers = signModern(actor, 'POST', `${site.url}/inbox`, body, options)
  const answer = await request(site.url, { method: 'POST', path: '/inbox', headers: { ...headers, 'content-length': Buffer.byteLength(sent) }, body: sent })
  if (answer.status === 204) await settle(site)
  return answer
}

const refused = (answer, words) => {
  assert.equal(answer.status, 401, answer.text)
  if (words) assert.match(answer.json.detail, words)
}
const taken = answer => assert.equal(answer.status, 204, answer.text)

/** Has the site fetch a document of a peer (the actor behind a key), and gives the request as the peer saw it. */
async function asks (at, from = site) {
  const actor = at.person(`asked${++count}`)
  await actor.post(from, actor.say('Follow', `${from.url}/accounts/peertube`))
  const seen = at.asked.find(entry => entry.path === new URL(actor.id).pathname)
  assert.ok(seen, 'nobody asked')
  return { ...seen, url: actor.id }
}

/** A document loader for fedify that reads from whom it is told to. */
const documentLoader = async url => {
  const at = new URL(url)
  const answer = await request(at.origin, { path: at.pathname + at.search, headers: { accept: activityType } })
  assert.equal(answer.status, 200, url)
  return { document: answer.json, documentUrl: url, contextUrl: null }
}

/** Contexts from the packages alone: a server that fetched one would be asked for it by everybody. */
const contextLoader = async url => {
  const document = { 'https://www.w3.org/ns/activitystreams': 'activitystreams-context/context.json', 'https://w3id.org/security/v1': 'security-context/contexts/security-v1.jsonld' }[url]
  assert.ok(document, url)
  return { document: JSON.parse(readFileSync(join(import.meta.dirname, '../node_modules', document), 'utf8')), documentUrl: url, contextUrl: null }
}

// --- what we send ---

test('our requests are signed in the words that PeerTube, Mastodon and snac2 read', async () => {
  const { headers, url } = await asks(peer)
  assert.match(headers.signature, /^keyId="[^"]+",algorithm="rsa-sha256",headers="\(request-target\) host date",signature="[A-Za-z0-9+/=]+"$/)
  assert.doesNotMatch(headers.signature, /, /)
  const fields = Object.fromEntries([...headers.signature.matchAll(/(\w+)="([^"]*)"/g)].map(found => found.slice(1)))
  assert.equal(fields.keyId, `${site.url}/accounts/peertube#main-key`)
  assert.equal(headers.host, new URL(url).host)
  assert.match(headers.accept, /application\/activity\+json, application\/ld\+json/)
  assert.ok(Math.abs(Date.parse(headers.date) - Date.now()) < 60000)
  const document = (await documentLoader(`${site.url}/accounts/peertube`)).document
  const text = `(request-target): get ${new URL(url).pathname}\nhost: ${headers.host}\ndate: ${headers.date}`
  assert.ok(createVerify('sha256').update(text).verify(createPublicKey(document.publicKey.publicKeyPem), fields.signature, 'base64'))
})

test('fedify believes our requests', async () => {
  const { headers, url } = await asks(peer)
  const key = await verifyRequest(new Request(url, { headers }), { documentLoader })
  assert.equal(key?.id?.href, `${site.url}/accounts/peertube#main-key`)
})

test('who asks for RFC 9421 is asked so, now and later, and fedify believes that too', async () => {
  const modern = await Peer.start({ address: '127.0.0.3' })
  try {
    const actor = modern.person('modern')
    const { document } = actor
    const seen = []
    modern.serve('/accounts/modern', (incoming, response) => {
      seen.push(incoming.headers)
      const isModern = incoming.headers['signature-input'] !== undefined
      response.writeHead(isModern ? 200 : 401, { 'content-type': isModern ? activityType : 'application/json', ...(isModern ? {} : { 'accept-signature': 'sig1=("@method" "@target-uri");created;keyid' }) })
      response.end(JSON.stringify(isModern ? document : { error: 'sign' }))
    })
    taken(await actor.post(site, follow(actor)))
    assert.equal(seen.length, 2)
    const headers = seen[1]
    assert.match(headers['signature-input'], /^sig1=\("@method" "@target-uri" "@authority"\);created=\d+;keyid="[^"]+#main-key";alg="rsa-v1_5-sha256"$/)
    const key = await verifyRequest(new Request(actor.id, { headers }), { documentLoader, spec: 'rfc9421' })
    assert.equal(key?.id?.href, `${site.url}/accounts/peertube#main-key`)
    const again = await asks(modern)
    assert.ok(again.headers['signature-input'], 'it was forgotten')
  } finally {
    await modern.stop()
  }
})

test('an inbox that asks for RFC 9421 gets it so at once, also where two were under way', async () => {
  const modern = await Peer.start({ address: '127.0.0.5' })
  try {
    const [first, ...actors] = ['first', 'picky', 'choosy'].map(name => modern.person(name))
    const isAccept = ({ id }) => body => body.type === 'Accept' && body.object.actor === id
    const isModern = headers => headers['signature-input'] !== undefined
    const refused = []
    let release
    const areQueued = new Promise(resolve => { release = resolve })
    modern.takes = async (incoming, response) => {
      if (modern.inbox.length === 1) await areQueued // what comes behind it goes together
      else if (!isModern(incoming.headers)) {
        refused.push(response)
        if (refused.length < actors.length) return
        for (const each of refused) each.writeHead(401, { 'accept-signature': 'sig1=("@method" "@target-uri" "content-digest");created;keyid' }).end()
        return
      }
      response.writeHead(202).end()
    }
    taken(await first.post(site, follow(first)))
    await modern.came('the first Accept', isAccept(first))
    for (const actor of actors) taken(await actor.post(site, follow(actor)))
    await site.when('two wait behind it', () => sql(site, `SELECT COUNT(*) FROM delivery_queue WHERE inbox LIKE '${modern.url}/%';`) === '3')
    release()
    for (const actor of actors) await modern.came('the Accept, signed as it asks', (body, entry) => isAccept(actor)(body) && isModern(entry.headers))
    assert.equal(modern.inbox.length, 5)
  } finally {
    await modern.stop()
  }
})

test('who signs with RFC 9421 is asked with it; who then refuses it is asked the old way again', async () => {
  const modern = await Peer.start({ address: '127.0.0.4' })
  try {
    const actor = modern.person('first')
    taken(await postModern(actor))
    assert.ok((await asks(modern)).headers['signature-input'])
    const old = modern.person('old')
    const { document } = old
    modern.serve('/accounts/old', (incoming, response) => {
      const isOld = incoming.headers['signature-input'] === undefined
      response.writeHead(isOld ? 200 : 401, { 'content-type': activityType })
      response.end(JSON.stringify(isOld ? document : {}))
    })
    taken(await old.post(site, follow(old)))
    assert.equal((await asks(modern)).headers['signature-input'], undefined)
  } finally {
    await modern.stop()
  }
})

test('what others pass on is signed as a document: fedify believes a comment and its removal', async () => {
  const follower = fresh()
  taken(await follower.post(site, follower.say('Follow', `${site.url}/accounts/root`)))
  const video = await site.upload(await clip('h264'), { name: 'Talked about', commentsPolicy: 1 })
  await site.published(video.uuid)
  const made = await site.post(`/videos/${video.uuid}/comment-threads`, { token: true, json: { text: 'A "line"\nwith \\ and ü 🐟' } })
  assert.equal(made.status, 200, made.text)
  const said = await peer.came('the comment', body => body.type === 'Create' && body.object?.type === 'Note')
  assert.equal((await site.delete(`/videos/${video.uuid}/comments/${made.json.comment.id}`, { token: true })).status, 204)
  const removed = await peer.came('its removal', body => body.type === 'Delete' && body.object === said.body.object.id)
  for (const { body } of [said, removed]) {
    assert.equal(body.signature.type, 'RsaSignature2017')
    assert.equal(body.signature.creator, body.actor)
    assert.ok(await verifyJsonLd(body, { documentLoader, contextLoader }), body.type)
    assert.equal(await verifyJsonLd({ ...body, id: `${body.id}x` }, { documentLoader, contextLoader }), false)
  }
})

test('T25 what its author signed as a document is believed no more than where it came from', async () => {
  const relay = await Peer.start({ address: '127.0.0.6' })
  // Of the terms of a signature both contexts say the same.
  const loaders = { documentLoader, contextLoader: url => contextLoader(url.replace('/identity/', '/security/')) }
  try {
    const author = fresh()
    const video = await site.upload(await clip('h264'), { name: 'Passed on', commentsPolicy: 1 })
    await site.published(video.uuid)
    const passes = async (path, content, isAtHome) => {
      const note = { type: 'Note', id: `${peer.url}${path}`, content, inReplyTo: `${site.url}/videos/watch/${video.uuid}`, published: new Date().toISOString(), attributedTo: author.id, to: [Public] }
      if (isAtHome) peer.serve(path, { '@context': context, ...note })
      const key = await webcrypto.subtle.importKey('pkcs8', author.keys.privateKey.export({ type: 'pkcs8', format: 'der' }), { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, true, ['sign'])
      const signed = await signJsonLd({ '@context': context, ...author.say('Create', note) }, key, new URL(author.keyId), loaders)
      assert.ok(await verifyJsonLd(signed, loaders))
      taken(await relay.instance.post(site, JSON.stringify(signed)))
    }
    await passes('/notes/away', 'never said at home', false)
    await passes('/notes/home', 'said at home', true)
    const texts = async () => (await site.get(`/videos/${video.uuid}/comment-threads`)).json.data.map(({ text }) => text)
    await site.when('what its origin has is here', async () => (await texts()).length > 0)
    assert.deepEqual(await texts(), ['said at home'])
  } finally {
    await relay.stop()
  }
})

// --- draft-cavage, read ---

test('T22 each of target, host and digest has to be signed, and a time', async () => {
  const actor = fresh()
  taken(await actor.post(site, follow(actor)))
  const all = ['(request-target)', 'host', 'date', 'digest']
  for (const left of all) refused(await actor.post(site, follow(actor), { names: all.filter(name => name !== left) }), /does not cover|covers no time/)
  refused(await actor.post(site, follow(actor), { names: [...all, 'x-nothing'] }), /x-nothing/)
})

test('T22 a digest that is not the body\'s is refused, also one of several', async () => {
  const actor = fresh()
  const wrong = sha256('something else')
  for (const digest of [`SHA-256=${wrong}`, `SHA-256=`, wrong, `MD5=${wrong}`, `SHA-512=${wrong}`]) refused(await actor.post(site, follow(actor), { digest }), /digest/)
  const body = JSON.stringify(follow(actor))
  refused(await actor.post(site, body, { digest: `SHA-256=${sha256(body)},SHA-256=${wrong}` }), /digest/)
  taken(await actor.post(site, body, { digest: `sha-256=${sha256(body)}` }))
})

test('T22 another body than the signed one is refused', async () => {
  const actor = fresh()
  const headers = actor.sign('POST', `${site.url}/inbox`, JSON.stringify(follow(actor)))
  const body = JSON.stringify(follow(actor))
  refused(await request(site.url, { method: 'POST', path: '/inbox', headers: { ...headers, 'content-length': Buffer.byteLength(body) }, body }), /digest/)
})

test('T23 the window of time: half an hour back, two minutes ahead', async () => {
  const actor = fresh()
  const at = seconds => ({ date: new Date(Date.now() + seconds * 1000).toUTCString() })
  for (const seconds of [-1700, 60]) taken(await actor.post(site, follow(actor), at(seconds)))
  for (const seconds of [-1900, 240]) refused(await actor.post(site, follow(actor), at(seconds)), /date/)
  for (const date of ['yesterday', '2026-11-29T10:00:00Z', 'Sun, 99 Nov 2026 99:99:99 GMT', '']) refused(await actor.post(site, follow(actor), { date }))
})

test('hs2019 with (created) and (expires)', async () => {
  const actor = fresh()
  const send = (created, expires, covered = '(request-target) host digest (created) (expires)') => {
    const body = JSON.stringify(follow(actor))
    const headers = { host: new URL(site.url).host, digest: `SHA-256=${sha256(body)}`, 'content-type': activityType, 'content-length': Buffer.byteLength(body) }
    const text = covered.split(' ').map(name => ({ '(request-target)': '(request-target): post /inbox', '(created)': `(created): ${created}`, '(expires)': `(expires): ${expires}` })[name] ?? `${name}: ${headers[name]}`).join('\n')
    headers.signature = `keyId="${actor.keyId}",algorithm="hs2019",created=${created},expires=${expires},headers="${covered}",signature="${createSign('sha256').update(text).sign(actor.keys.privateKey, 'base64')}"`
    return request(site.url, { method: 'POST', path: '/inbox', headers, body })
  }
  const now = Math.floor(Date.now() / 1000)
  taken(await send(now, now + 300))
  refused(await send(now, now - 5), /expired/)
  refused(await send(now - 4000, now + 300), /made now/)
  refused(await send(now + 400, now + 800), /made now/)
})

test('targets signed with and without their query; "Signature" before the fields', async () => {
  const actor = fresh()
  for (const target of ['get /accounts/root/outbox?page=1', 'get /accounts/root/outbox']) {
    const answer = await actor.get(closed, '/accounts/root/outbox?page=1', { target })
    assert.equal(answer.status, 200, answer.text)
  }
  assert.equal((await actor.get(closed, '/accounts/root/outbox?page=1', { target: 'get /accounts/root/followers' })).status, 401)
  const headers = actor.sign('GET', `${closed.url}/accounts/root`)
  headers.signature = `Signature ${headers.signature}`
  assert.equal((await request(closed.url, { path: '/accounts/root', headers })).status, 200)
})

test('headers that others cover besides are part of it: types, lengths, what is accepted', async () => {
  const actor = fresh()
  const get = await actor.get(closed, '/accounts/root', { names: ['(request-target)', 'host', 'date', 'accept'] })
  assert.equal(get.status, 200, get.text)
  taken(await actor.post(site, follow(actor), { names: ['host', 'date', 'digest', 'content-type', '(request-target)'] }))
  const body = JSON.stringify(follow(actor))
  const headers = { host: new URL(site.url).host, date: new Date().toUTCString(), digest: `SHA-256=${sha256(body)}`, 'content-type': 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"', 'content-length': `${Buffer.byteLength(body)}` }
  const covered = ['(request-target)', 'content-length', 'content-type', 'date', 'digest', 'host']
  const text = covered.map(name => name === '(request-target)' ? '(request-target): post /inbox' : `${name}: ${headers[name]}`).join('\n')
  headers.signature = `keyId="${actor.keyId}", algorithm="hs2019", headers="${covered.join(' ')}", signature="${createSign('sha256').update(text).sign(actor.keys.privateKey, 'base64')}"`
  taken(await request(site.url, { method: 'POST', path: '/inbox', headers, body }))
})

test('T23 what cannot be read is refused, whatever it is', async () => {
  const actor = fresh()
  const good = actor.sign('GET', `${closed.url}/accounts/root`)
  const send = signature => request(closed.url, { path: '/accounts/root', headers: { ...good, signature } })
  assert.equal((await send(good.signature)).status, 200)
  const s = good.signature
  for (const bad of ['', 'x', '"', 'keyId=', `${s},keyId="${actor.keyId}"`, s.replace('rsa-sha256', 'hmac-sha256'), s.replace('rsa-sha256', 'none'), s.replace(/signature="[^"]*"/, 'signature=""'),
    s.replace(/signature="./, 'signature="!'), s.replace(/keyId="[^"]*"/, 'keyId="urn:x"'), s.replace(/keyId="[^"]*"/, `keyId="${closed.url}/accounts/root#main-key"`),
    s.replace(/keyId="[^"]*"/, 'keyId="file:///etc/passwd"'), s.replace(/headers="[^"]*"/, 'headers=""'), s.replace(/headers="[^"]*"/, `headers="${'date '.repeat(200)}"`), `${s.slice(0, -20)}`]) {
    assert.equal((await send(bad)).status, 401, bad)
  }
})

test('an actor\'s own Ed25519 key is as good', async () => {
  const keys = generateKeyPairSync('ed25519')
  const actor = fresh()
  actor.document.publicKey.publicKeyPem = keys.publicKey.export({ type: 'spki', format: 'pem' })
  taken(await postEd25519(actor, keys.privateKey, actor.keyId))
  taken(await postEd25519(actor, keys.privateKey, actor.keyId))
})

// --- Multikey ---

/** Posts what is signed as draft-cavage with an Ed25519 key. */
async function postEd25519 (actor, key, keyId, algorithm = 'hs2019') {
  const body = JSON.stringify(follow(actor))
  const headers = { host: new URL(site.url).host, date: new Date().toUTCString(), digest: `SHA-256=${sha256(body)}`, 'content-type': activityType, 'content-length': Buffer.byteLength(body) }
  const text = `(request-target): post /inbox\nhost: ${headers.host}\ndate: ${headers.date}\ndigest: ${headers.digest}`
  headers.signature = `keyId="${keyId}",algorithm="${algorithm}",headers="(request-target) host date digest",signature="${signed(text, key)}"`
  const answer = await request(site.url, { method: 'POST', path: '/inbox', headers, body })
  if (answer.status === 204) await settle(site)
  return answer
}

/** Gives an actor an Ed25519 key as FEP-521a says; with `fields` it is not what it should be. */
function withMultikey (actor, fields = {}, keys = generateKeyPairSync('ed25519')) {
  const keyId = fields.id ?? `${actor.id}#ed25519-key`
  actor.document.assertionMethod = [...actor.document.assertionMethod ?? [], { id: keyId, type: 'Multikey', controller: actor.id, publicKeyMultibase: multibase(keys.publicKey), ...fields }]
  return { key: keys.privateKey, keyId }
}

/** What comes of it once the key was read. */
async function judged (post) {
  const first = await post()
  return first.status === 204 ? post() : first
}

test('an Ed25519 key that stands as Multikey alone is read: RFC 9421 and draft-cavage are believed with it, and RSA still', async () => {
  const actor = fresh()
  const { key, keyId } = withMultikey(actor)
  const asked = () => peer.asked.filter(entry => entry.path === new URL(actor.id).pathname).length
  taken(await judged(() => postModern(actor, { key, keyId, extra: ';alg="ed25519"' })))
  taken(await postModern(actor, { key, keyId }))
  for (const algorithm of ['hs2019', 'ed25519']) taken(await postEd25519(actor, key, keyId, algorithm))
  taken(await actor.post(site, follow(actor)))
  taken(await postModern(actor))
  assert.equal(asked(), 1, 'all keys are read at once')
  // Who signs with it is who the document says: another's key is not.
  const near = fresh()
  refused(await judged(() => postModern(near, { key, keyId: near.keyId })), /does not fit/)
  // Documents that are for those who sign.
  const get = await request(closed.url, { path: '/accounts/root', headers: signModern(actor, 'GET', `${closed.url}/accounts/root`, undefined, { key, keyId }) })
  assert.equal(get.status, 200, get.text)
})

test('an actor that has Multikeys alone is one; what it takes back is no longer good', async () => {
  const actor = fresh()
  delete actor.document.publicKey
  const first = withMultikey(actor)
  const second = withMultikey(actor, { id: `${actor.id}#other` })
  for (const { key, keyId } of [first, second]) taken(await judged(() => postModern(actor, { key, keyId })))
  refused(await actor.verdict(site, follow(actor)), /does not fit/)
  actor.document.assertionMethod.shift()
  // What does not fit, under the name of a key that is new here, has the document read anew.
  refused(await actor.verdict(site, follow(actor), { keyId: `${actor.id}#new` }), /does not fit/)
  refused(await judged(() => postModern(actor, first)), /does not fit/)
  taken(await postModern(actor, second))
})

test('a Multikey that is a document of its own is its actor\'s where that one lists it', async () => {
  for (const isListed of [true, false]) {
    const actor = fresh()
    const { key, keyId } = withMultikey(actor, { id: `${actor.id}/keys/1` })
    peer.serve(new URL(keyId).pathname, { '@context': context, ...actor.document.assertionMethod[0] })
    if (!isListed) delete actor.document.assertionMethod
    const answer = await judged(() => postModern(actor, { key, keyId }))
    if (isListed) taken(answer)
    else refused(answer)
  }
})

test('T26 a Multikey of somebody else, of another host or kind, or one that is over, is none', async () => {
  const victim = fresh({}, other)
  const wrong = [{ controller: victim.id }, { controller: undefined }, { controller: [victim.id] }, { id: `${victim.id}#ed25519-key` }, { id: undefined },
    { type: 'Key' }, { revoked: '2026-01-01T00:00:00Z' }, { expires: '2026-01-01T00:00:00Z' }, { expires: 'never' }, { publicKeyMultibase: 'z6Mk' }, { publicKeyMultibase: 17 }]
  for (const fields of wrong) {
    const actor = fresh()
    const { key } = withMultikey(actor, fields)
    refused(await judged(() => postModern(actor, { key, keyId: `${actor.id}#ed25519-key` })), /does not fit/)
  }
  const later = fresh()
  const kept = withMultikey(later, { expires: '2999-01-01T00:00:00Z' })
  taken(await judged(() => postModern(later, kept)))
  // So many are looked at, and so many kept beside the other one.
  const many = fresh()
  const keys = Array.from({ length: 20 }, (_, i) => withMultikey(many, { id: `${many.id}#key-${i}` }))
  taken(await judged(() => postModern(many, keys[0])))
  taken(await postModern(many, keys[2]))
  refused(await judged(() => postModern(many, keys[3])))
})

// --- RFC 9421, read ---

test('RFC 9421: what is signed is believed, in any of its forms', async () => {
  const actor = fresh()
  taken(await postModern(actor))
  for (const parts of [['@method', '@target-uri', '@authority', 'content-digest'], ['@method', '@path', '@authority', 'content-digest'], ['@method', '@request-target', 'host', 'content-digest', 'date'], ['@method', '@scheme', '@authority', '@path', '@query', 'content-digest']]) {
    taken(await postModern(actor, { parts }))
  }
  taken(await postModern(actor, { created: 0, parts: ['@method', '@target-uri', 'content-digest', 'date'] }))
  taken(await postModern(actor, { extra: ';alg="rsa-v1_5-sha256";nonce="a;b,c\\"d"', label: 'other' }))
  // A query that is covered as a part of its own.
  const path = '/accounts/root/outbox?page=1'
  const get = parts => request(closed.url, { path, headers: signModern(actor, 'GET', closed.url + path, undefined, { parts }) })
  for (const parts of [['@method', '@authority', '@path', '@query'], ['@query', '@method', '@path', '@authority']]) assert.equal((await get(parts)).status, 200, parts)
  for (const parts of [['@method', '@authority', '@path'], ['@method', '@authority', '@query']]) assert.equal((await get(parts)).status, 401, parts)
})

test('T23 RFC 9421: what is behind a quoted parameter counts, and what cannot be read to its end is refused', async () => {
  const actor = fresh()
  taken(await postModern(actor))
  const past = Math.floor(Date.now() / 1000) - 10
  for (const nonce of ['"x"', '"\\""', '"\\\\"', '"\\";keyid=\\"y"']) {
    taken(await postModern(actor, { extra: `;nonce=${nonce};tag="z"` }))
    refused(await postModern(actor, { extra: `;nonce=${nonce};expires=${past}` }), /expired/)
  }
  for (const extra of [';nonce="x', ';nonce="x\\"', ';nonce="x"y;tag="z"']) refused(await postModern(actor, { extra }), /cannot be read/)
  for (const expires of ['0', '-5', 'x']) refused(await postModern(actor, { extra: `;expires=${expires}` }), /expired/)
})

test('T22 RFC 9421: method, target, host, digest and time have to be signed, and be right', async () => {
  const actor = fresh()
  taken(await postModern(actor))
  for (const parts of [['@target-uri', 'content-digest'], ['@method', 'content-digest'], ['@method', '@path', 'content-digest'], ['@method', '@authority', 'content-digest'], ['@method', '@target-uri'], []]) {
    refused(await postModern(actor, { parts }), /does not cover/)
  }
  refused(await postModern(actor, { created: 0 }), /made now/)
  const now = Math.floor(Date.now() / 1000)
  for (const created of [now - 1900, now + 300]) refused(await postModern(actor, { created }), /made now/)
  refused(await postModern(actor, { extra: `;expires=${now - 10}` }), /expired/)
  refused(await postModern(actor, { digest: `sha-256=:${sha256('else')}:` }), /digest/)
  refused(await postModern(actor, { digest: `sha-512=:${sha256('else')}:` }), /digest/)
  refused(await postModern(actor, { values: { '@target-uri': 'https://other.example/inbox' } }), /does not fit/)
  refused(await postModern(actor, { parts: ['@method', '@target-uri', 'content-digest', 'x-nothing'] }), /x-nothing/)
  refused(await postModern(actor, { parts: ['@method', '@target-uri', 'content-digest', '@status'] }), /@status/)
  refused(await postModern(actor, { extra: ';alg="hmac-sha256"' }), /hmac/)
  const body = JSON.stringify(follow(actor))
  refused(await postModern(actor, {}, body, body.replace('Follow', 'Accept')), /digest/)
})

test('fedify\'s requests are believed: both ways of signing', async () => {
  for (const spec of ['draft-ietf-httpbis-message-signatures-00', 'draft-cavage-http-signatures-12', 'rfc9421']) {
    const actor = fresh()
    const key = await webcrypto.subtle.importKey('pkcs8', actor.keys.privateKey.export({ type: 'pkcs8', format: 'der' }), { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, true, ['sign'])
    const body = JSON.stringify(follow(actor))
    const options = spec.startsWith('draft-ietf') ? {} : { spec }
    const signed = await signRequest(new Request(`${site.url}/inbox`, { method: 'POST', headers: { 'content-type': activityType }, body }), key, new URL(actor.keyId), options)
    const headers = { host: new URL(site.url).host, ...Object.fromEntries(signed.headers), 'content-length': Buffer.byteLength(body) }
    taken(await request(site.url, { method: 'POST', path: '/inbox', headers, body }))
  }
})

// --- keys ---

test('a key that was changed is read anew, once a minute', async () => {
  const actor = fresh()
  taken(await actor.post(site, follow(actor)))
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  actor.document.publicKey.publicKeyPem = keys.publicKey.export({ type: 'spki', format: 'pem' })
  // The first reading is younger than a minute, and of the very same key.
  refused(await actor.post(site, follow(actor), { key: keys.privateKey }), /does not fit/)
  const rotated = fresh()
  const first = rotated.keys
  rotated.keys = keys
  rotated.document.publicKey = { id: `${rotated.id}#key-2`, owner: rotated.id, publicKeyPem: keys.publicKey.export({ type: 'spki', format: 'pem' }) }
  const asked = () => peer.asked.filter(entry => entry.path === new URL(rotated.id).pathname).length
  taken(await rotated.post(site, follow(rotated), { keyId: `${rotated.id}#key-2` }))
  assert.equal(asked(), 1)
  for (let i = 0; i < 5; i++) refused(await rotated.post(site, follow(rotated), { key: first.privateKey, keyId: `${rotated.id}#key-2` }))
  assert.equal(asked(), 1)
  // Another key of the actor is another reading; the old one is no longer good.
  for (let i = 0; i < 5; i++) refused(await rotated.verdict(site, follow(rotated), { key: first.privateKey, keyId: `${rotated.id}#main-key` }))
  assert.equal(asked(), 2)
  taken(await rotated.post(site, follow(rotated), { keyId: `${rotated.id}#key-2` }))
  assert.equal(asked(), 2)
})

test('a key that is a document of its own, as GoToSocial has them', async () => {
  const actor = fresh()
  const keyId = `${actor.id}/main-key`
  actor.document.publicKey.id = keyId
  peer.serve(new URL(keyId).pathname, { '@context': actor.document['@context'], id: keyId, owner: actor.id, publicKeyPem: actor.document.publicKey.publicKeyPem })
  taken(await actor.post(site, follow(actor), { keyId }))
  const asked = peer.asked.length
  taken(await actor.post(site, follow(actor), { keyId }))
  assert.equal(peer.asked.length, asked, 'it was asked for again')
})

test('T26 what a key says of its owner is not enough', async () => {
  const victim = fresh({}, other)
  const near = fresh()
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const publicKeyPem = keys.publicKey.export({ type: 'spki', format: 'pem' })
  const mallory = fresh()
  for (const owner of [victim.id, near.id]) {
    const keyId = `${mallory.id}/keys/${++count}`
    peer.serve(new URL(keyId).pathname, { id: keyId, owner, publicKeyPem })
    refused(await mallory.verdict(site, { ...follow(mallory), actor: owner }, { key: keys.privateKey, keyId }))
  }
  // An actor that shows a key of somebody else, or one from another host.
  for (const publicKey of [{ id: mallory.keyId, owner: near.id, publicKeyPem }, { id: victim.keyId, owner: mallory.id, publicKeyPem }]) {
    const actor = fresh()
    actor.document.publicKey = publicKey
    refused(await actor.verdict(site, follow(actor), { key: keys.privateKey }))
  }
})

test('T26 an actor whose address leads to another actor is nobody', async () => {
  const target = fresh()
  const keyId = `${peer.url}/accounts/alias`
  peer.serve('/accounts/alias', (incoming, response) => {
    response.writeHead(302, { location: target.id })
    response.end()
  })
  refused(await target.verdict(site, follow(target), { keyId }))
  peer.serve('/accounts/copy', target.document)
  refused(await target.verdict(site, follow(target), { keyId: `${peer.url}/accounts/copy` }))
})

test('who is gone and was never known is told apart', async () => {
  const actor = fresh()
  peer.gone(new URL(actor.id).pathname)
  const answer = await actor.post(site, { ...actor.say('Delete', actor.id) })
  assert.ok([202, 204].includes(answer.status), answer.text)
  refused(await actor.verdict(site, follow(actor)))
})

test('T29 who names keys of a server makes us ask it so often, and not for each name', async () => {
  const actor = fresh({}, other)
  const asked = other.asked.length
  const answers = new Set()
  for (let i = 0; i < 300; i++) answers.add((await actor.post(site, follow(actor), { keyId: `${other.url}/accounts/nobody#${i}`, settles: false })).status)
  assert.ok(other.asked.length - asked < 270, `${other.asked.length - asked} questions`)
  assert.deepEqual([...answers], [204], 'they wait, and nobody waits for them')
  sql(site, 'DELETE FROM identity_unproved; DELETE FROM identity_unproved_host;')
  const fine = fresh()
  taken(await fine.post(site, follow(fine)))
})

// --- authorized fetch ---

test('with authorized_fetch documents are for those who sign, the instance\'s own for all', async () => {
  const actor = fresh()
  const paths = ['/accounts/root', '/video-channels/root_channel', '/a/root', '/accounts/root/outbox', '/accounts/peertube/followers', '/accounts/root/playlists?page=1']
  for (const path of paths) {
    const bare = await closed.raw({ path, headers: { accept: activityType } })
    assert.equal(bare.status, 401, path)
    assert.match(bare.headers['accept-signature'] ?? '', /^sig1=\(/, path)
    assert.equal((await actor.get(closed, path)).status, 200, path)
    const modern = await request(closed.url, { path, headers: signModern(actor, 'GET', closed.url + path, undefined) })
    assert.equal(modern.status, 200, `${path} ${modern.text}`)
    assert.equal((await closed.raw({ path, headers: { accept: activityType } })).status, 401, 'a signed answer is not for the next one')
  }
  assert.equal((await closed.raw({ path: '/accounts/peertube', headers: { accept: activityType } })).status, 200)
  assert.equal((await closed.raw({ path: '/.well-known/webfinger?resource=acct:root@' + new URL(closed.url).host })).status, 200)
  assert.equal((await closed.raw({ path: '/a/root', headers: { accept: 'text/html' } })).status, 200)
})

test('two of us read each other\'s documents though both want signatures', async () => {
  const far = await startFederating(startInstance, { settings: ['federation.authorized_fetch=true'] })
  try {
    const keys = await Promise.all([closed, far].map(one => one.raw({ path: '/accounts/peertube', headers: { accept: activityType } })))
    assert.equal(new Set(keys.map(answer => answer.json.publicKey.publicKeyPem)).size, 2)
    const followed = await closed.post('/server/following', { token: true, json: { hosts: [new URL(far.url).host] } })
    assert.equal(followed.status, 204, followed.text)
    await closed.when('the other one is known here', async () => (await closed.get(`/accounts/peertube@${new URL(far.url).host}`, { token: true })).status === 200)
  } finally {
    await far.stop()
  }
})
