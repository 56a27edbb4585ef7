// identity.test.mjs - who we are to other servers, and how much of what they say of themselves is believed.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { Peer, Public, settle, startFederating } from './peer.mjs'

const activityType = 'application/activity+json'
const profile = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
const types = [activityType, profile, 'application/ld+json', `text/html;q=0.5, ${activityType}`]

let site, peer, other, host, count = 0

before(async () => {
  // Peers that answer slowly are given up after two seconds here, not after ten.
  site = await startFederating(startInstance, { settings: ['instance.name=Low tide'], environment: { SHOAL_DRILL_FETCH: '2000' } })
  host = new URL(site.url).host
  peer = await Peer.start()
  other = await Peer.start({ address: '127.0.0.2' })
})
after(async () => {
  await Promise.all([peer, other].map(one => one?.stop()))
  await site?.stop()
})

const doc = (path, accept = activityType, from = site) => from.raw({ path, headers: { accept } })
const follow = actor => actor.say('Follow', `${site.url}/accounts/peertube`)
const fresh = (fields, at = peer) => at.person(`somebody${++count}`, fields)
const accountOf = async actor => site.get(`/accounts/${actor.name}@${actor.peer.host}`)
/** Whether the site keeps an actor once it has posted. */
async function isKept (actor, options) {
  const answer = await actor.verdict(site, follow(actor), options)
  const known = (await site.get(`/${actor.document.type === 'Group' ? 'video-channels' : 'accounts'}/${actor.name}@${actor.peer.host}`)).status === 200
  assert.equal(answer.status === 204, known, answer.text)
  return known
}

test('the documents of account, channel and instance, by each of their addresses', async () => {
  const paths = [['/accounts/root', '/a/root', 'Person'], ['/video-channels/root_channel', '/c/root_channel', 'Group'], ['/accounts/peertube', '/a/peertube', 'Application']]
  for (const [path, alias, type] of paths) {
    const answer = await doc(path)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers['content-type'], 'application/activity+json; charset=utf-8')
    const actor = answer.json
    const id = site.url + path
    assert.equal(actor.type, type)
    assert.equal(actor.id, id)
    for (const name of ['inbox', 'outbox', 'followers', 'following', 'playlists']) assert.equal(actor[name], `${id}/${name}`)
    assert.equal(actor.endpoints.sharedInbox, `${site.url}/inbox`)
    assert.deepEqual(Object.keys(actor.publicKey), ['id', 'owner', 'publicKeyPem'])
    assert.equal(actor.publicKey.id, `${id}#main-key`)
    assert.equal(actor.publicKey.owner, id)
    assert.match(actor.publicKey.publicKeyPem, /^-----BEGIN PUBLIC KEY-----\n[\s\S]+\n-----END PUBLIC KEY-----\n$/)
    assert.equal(actor.url[0], id, '6.x takes the first, and only text')
    assert.deepEqual(Object.keys(actor.url[1]), ['type', 'mediaType', 'href'])
    assert.match(actor.published, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    const [key] = actor.assertionMethod
    assert.deepEqual({ ...key, publicKeyMultibase: '' }, { id: `${id}#ed25519-key`, type: 'Multikey', controller: id, publicKeyMultibase: '' })
    assert.match(key.publicKeyMultibase, /^z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/)
    assert.equal('icon' in actor, false, 'without a picture the key is absent')
    assert.deepEqual(actor['@context'].slice(0, 3), ['https://www.w3.org/ns/activitystreams', 'https://w3id.org/security/v1', { RsaSignature2017: 'https://w3id.org/security#RsaSignature2017' }])
    for (const accept of types) {
      for (const from of [path, alias]) {
        const again = await doc(from, accept)
        assert.equal(again.status, 200, `${from} ${accept}`)
        assert.deepEqual(again.json, actor)
      }
    }
  }
  const group = (await doc('/video-channels/root_channel')).json
  assert.deepEqual(group.attributedTo, [{ type: 'Person', id: `${site.url}/accounts/root` }])
  assert.equal(group.postingRestrictedToMods, true)
  assert.ok('support' in group)
  assert.equal((await doc('/accounts/peertube')).json.preferredUsername, 'peertube')
})

test('browsers get pages at the same addresses, and answers say what they depend on', async () => {
  for (const accept of ['text/html', '*/*', 'text/html,application/xhtml+xml,*/*;q=0.8', 'application/json', undefined]) {
    for (const path of ['/a/root', '/c/root_channel']) {
      const answer = await site.raw({ path, headers: accept ? { accept } : {} })
      assert.equal(answer.status, 200)
      assert.match(answer.headers['content-type'], /text\/html/, accept)
      assert.match(answer.headers.vary, /\bAccept\b/)
    }
    assert.equal((await site.raw({ path: '/accounts/root', headers: accept ? { accept } : {} })).headers.location, '/a/root')
  }
  assert.match((await doc('/a/root')).headers.vary, /\bAccept\b/)
})

test('who is not there has no document', async () => {
  for (const path of ['/accounts/nobody', '/video-channels/nobody', '/accounts/root_channel', '/video-channels/root', '/accounts/nobody/outbox', '/accounts/root@nowhere.example', '/accounts/root@', '/accounts/@root']) {
    const answer = await doc(path)
    assert.equal(answer.status, 404, path)
    assert.match(answer.headers['content-type'], /problem\+json/)
  }
})

test('of one that is asked for at the same time by many there is one key', async () => {
  const user = await site.user('manyfold')
  const answers = await Promise.all(Array.from({ length: 12 }, () => doc('/accounts/manyfold')))
  assert.equal(new Set(answers.map(answer => answer.json.publicKey.publicKeyPem)).size, 1)
  assert.equal(new Set(answers.map(answer => answer.json.assertionMethod[0].publicKeyMultibase)).size, 1)
  assert.ok(user.id)
})

test('pictures of an actor are in its document, the largest first', async () => {
  const { token } = await site.user('pictured')
  const bytes = readFileSync(await clip('png', { size: '700x700' }))
  const set = await site.post('/users/me/avatar/pick', { token, fields: { avatarfile: { name: 'a.png', bytes, mime: 'image/png' } } })
  assert.equal(set.status, 200, set.text)
  const { icon } = await site.when('the picture is in the document', async () => {
    const { json } = await doc('/accounts/pictured')
    return json.icon && json
  })
  assert.ok(icon.length >= 1)
  for (const image of icon) {
    assert.deepEqual(Object.keys(image), ['type', 'mediaType', 'url', 'width', 'height'])
    assert.equal(image.type, 'Image')
    assert.ok(Number.isInteger(image.width) && image.width === image.height)
    assert.equal((await site.raw({ path: new URL(image.url).pathname })).status, 200)
  }
  assert.deepEqual(icon.map(image => image.width), icon.map(image => image.width).toSorted((a, b) => b - a))
})

test('outboxes: what an account made, what its channel and the instance announce', async () => {
  const video = await site.upload(await clip('h264'), { name: 'For others' })
  await site.upload(await clip('h264'), { name: 'Not for others', privacy: 3 })
  await site.published(video.uuid)
  const url = `${site.url}/videos/watch/${video.uuid}`
  for (const [path, type] of [['/accounts/root', 'Create'], ['/video-channels/root_channel', 'Announce'], ['/accounts/peertube', 'Announce']]) {
    const root = await site.when('the video is in the outbox', async () => {
      const { json } = await doc(`${path}/outbox`)
      return json.totalItems > 0 && json
    })
    assert.deepEqual({ ...root, '@context': 0 }, { '@context': 0, id: `${site.url}${path}/outbox`, type: 'OrderedCollection', totalItems: 1, first: `${site.url}${path}/outbox?page=1` })
    const page = (await doc(`${path}/outbox?page=1`)).json
    assert.equal(page.type, 'OrderedCollectionPage')
    assert.equal(page.partOf, root.id)
    assert.equal('next' in page || 'prev' in page, false)
    const [item] = page.orderedItems
    assert.equal(page.orderedItems.length, 1)
    assert.equal(item.type, type)
    assert.equal(item.object, url)
    assert.equal(item.actor, site.url + path)
    assert.deepEqual(item.to, [Public])
    assert.deepEqual(item.cc, [`${site.url}${path}/followers`])
    assert.match(item.id, type === 'Create' ? /\/activity$/ : /\/announces\/\d+$/)
  }
})

test('collections come in pages of ten, with the way on and back', async () => {
  const followers = Array.from({ length: 12 }, () => fresh())
  for (const actor of followers) assert.equal((await actor.post(site, actor.say('Follow', `${site.url}/accounts/root`))).status, 204)
  const base = `${site.url}/accounts/root/followers`
  // A collection is kept for half a minute once somebody asked for it: it is asked for when all follow.
  await site.when('all follow', async () => (await site.get('/accounts/root/followers', { token: true })).json.total >= 12)
  const root = (await doc('/accounts/root/followers')).json
  assert.equal(root.totalItems, 12)
  const [first, second, third] = await Promise.all([1, 2, 3].map(async page => (await doc(`/accounts/root/followers?page=${page}`)).json))
  assert.equal(first.orderedItems.length, 10)
  assert.equal(first.next, `${base}?page=2`)
  assert.equal('prev' in first, false)
  assert.equal(second.orderedItems.length, 2)
  assert.equal(second.prev, `${base}?page=1`)
  assert.equal('next' in second, false)
  assert.deepEqual([...first.orderedItems, ...second.orderedItems].toSorted(), followers.map(actor => actor.id).toSorted())
  assert.deepEqual(third.orderedItems, [])
  assert.equal((await doc('/accounts/root/followers?page=1&size=12')).json.orderedItems.length, 12)
  for (const query of ['page=0', 'page=-1', 'page=x', 'page=', 'page=1e9', 'page=99999999999', 'page=1&size=51', 'page=1&size=0']) {
    const answer = await doc(`/accounts/root/followers?${query}`)
    assert.equal(answer.status, 400, query)
    assert.ok(answer.json['invalid-params'].page ?? answer.json['invalid-params'].size, query)
  }
  const none = (await doc('/accounts/root/playlists')).json
  assert.equal(none.totalItems, 0)
  assert.equal('first' in none, false)
})

test('WebFinger knows accounts, channels and the instance by their handles', async () => {
  for (const [name, path] of [['root', '/accounts/root'], ['ROOT', '/accounts/root'], ['root_channel', '/video-channels/root_channel'], ['peertube', '/accounts/peertube']]) {
    const resource = `acct:${name}@${host}`
    const answer = await site.raw({ path: `/.well-known/webfinger?resource=${encodeURIComponent(resource)}` })
    assert.equal(answer.status, 200, answer.text)
    assert.match(answer.headers['content-type'], /^application\/json/)
    assert.equal(answer.headers['access-control-allow-origin'], '*')
    assert.deepEqual(answer.json, {
      subject: resource,
      aliases: [site.url + path],
      links: [
        { rel: 'self', type: activityType, href: site.url + path },
        { rel: 'http://ostatus.org/schema/1.0/subscribe', template: `${site.url}/remote-interaction?uri={uri}` }
      ]
    })
  }
  assert.equal((await site.raw({ path: `/.well-known/webfinger?resource=acct:nobody@${host}` })).status, 404)
  for (const resource of ['', '?resource=', '?resource=root', '?resource=acct:root', '?resource=acct:root@other.example', '?resource=acct:@' + host, '?resource=https://other.example/accounts/root', `?resource=acct:root@${host}/x`]) {
    const answer = await site.raw({ path: `/.well-known/webfinger${resource}` })
    assert.equal(answer.status, 400, resource)
    assert.ok(answer.json['invalid-params'].resource)
  }
})

test('host-meta and NodeInfo lead to where they should', async () => {
  const meta = await site.raw({ path: '/.well-known/host-meta' })
  assert.match(meta.headers['content-type'], /application\/xrd\+xml/)
  assert.ok(meta.text.includes(`${site.url}/.well-known/webfinger?resource={uri}`))
  const { links } = (await site.raw({ path: '/.well-known/nodeinfo' })).json
  assert.deepEqual(links, [
    { rel: 'http://nodeinfo.diaspora.software/ns/schema/2.0', href: `${site.url}/nodeinfo/2.0.json` },
    { rel: 'https://www.w3.org/ns/activitystreams#Application', href: `${site.url}/accounts/peertube` },
    { rel: 'http://nodeinfo.diaspora.software/ns/schema/2.1', href: `${site.url}/nodeinfo/2.1.json` }
  ])
  for (const version of ['2.0', '2.1']) {
    const answer = await site.raw({ path: `/nodeinfo/${version}.json` })
    assert.equal(answer.headers['content-type'], `application/json; profile="http://nodeinfo.diaspora.software/ns/schema/${version}#"; charset=utf-8`)
    const { protocols, software, metadata, usage, services } = answer.json
    assert.equal(answer.json.version, version)
    assert.equal(software.name, 'peertube')
    assert.deepEqual(protocols, ['activitypub'])
    assert.deepEqual(services, { inbound: [], outbound: ['atom1.0', 'rss2.0'] })
    assert.ok(usage.users.total >= 1)
    assert.equal(metadata.nodeName, 'Low tide')
    for (const path of ['search.remoteUri.users', 'plugin.registered', 'theme.default', 'email.enabled', 'transcoding.hls.enabled', 'live.enabled', 'import.videos.http.enabled', 'autoBlacklist.videos.ofUsers.enabled',
      'avatar.file.size.max', 'video.image.extensions', 'video.file.extensions', 'videoCaption.file.size.max', 'user.videoQuota', 'trending.videos.intervalDays', 'tracker.enabled']) {
      assert.notEqual(path.split('.').reduce((value, key) => value?.[key], metadata.nodeConfig), undefined, path)
    }
  }
  assert.equal((await site.raw({ path: '/nodeinfo/1.0.json' })).status, 404)
  assert.equal((await site.get('/config')).json.federation.enabled, true)
})

test('without a fixed url, and switched off, there is no federation', async () => {
  for (const settings of [[], ['url=http://127.0.0.1:1', 'federation.enabled=false']]) {
    const alone = await startInstance({ started: false, settings: ['federation.allow_private_network=true', ...settings] })
    if (!alone.config.includes('"federation"')) alone.config = alone.config.replace(/plugins\s*=\s*\{/, match => `${match}\n  "federation",\n`)
    await alone.start()
    try {
      for (const path of ['/accounts/root', '/accounts/peertube', '/accounts/root/outbox', '/.well-known/host-meta', `/.well-known/webfinger?resource=acct:root@127.0.0.1:${alone.port}`]) {
        assert.equal((await doc(path, activityType, alone)).status, 404, path)
      }
      assert.equal((await alone.get('/config')).json.federation.enabled, false)
      assert.equal((await alone.raw({ path: '/.well-known/nodeinfo' })).json.links.length, 1)
      assert.deepEqual((await alone.raw({ path: '/nodeinfo/2.0.json' })).json.protocols, [])
    } finally {
      await alone.stop()
    }
  }
})

test('a remote actor is kept as it says, and its address here leads to its origin', async () => {
  const carol = fresh({ name: 'Carol of the reef', summary: '<p>Fish &amp; more</p>', icon: { type: 'Image', mediaType: 'image/png', url: `${peer.url}/carol.png`, width: 120, height: 120 } })
  assert.ok(await isKept(carol))
  const account = (await accountOf(carol)).json
  assert.equal(account.displayName, 'Carol of the reef')
  assert.equal(account.host, peer.host)
  assert.equal(account.url, carol.id)
  const answer = await doc(`/accounts/${carol.name}@${peer.host}`)
  assert.equal(answer.status, 302)
  assert.equal(answer.headers.location, carol.id)
  assert.equal((await doc(`/accounts/root@${host}`)).json.id, `${site.url}/accounts/root`)
})

test('a server that was set up anew gives its names to others; while somebody is there nobody takes the name', async () => {
  const old = fresh()
  assert.ok(await isKept(old))
  const next = peer.actor('Person', old.name, `/users/${old.name}`)
  assert.equal((await next.verdict(site, follow(next))).status, 401)
  assert.equal((await accountOf(old)).json.url, old.id)
  const third = peer.actor('Person', old.name, `/people/${old.name}`)
  peer.serve(new URL(old.id).pathname)
  assert.equal((await third.post(site, follow(third))).status, 204)
  assert.equal((await accountOf(third)).json.url, third.id)
})

// --- what others say of themselves ---

test('T20 an actor whose id is of another host is not believed, nor one whose id is another address', async () => {
  const victim = fresh({}, other)
  const mallory = fresh()
  mallory.document.id = victim.id
  mallory.document.inbox = `${victim.id}/inbox`
  assert.equal((await mallory.verdict(site, { ...follow(mallory), actor: victim.id })).status, 401)
  assert.equal((await accountOf(victim)).status, 404)
  // The id of the same host is asked, and speaks for itself: it has another key.
  const neighbour = fresh()
  const sly = fresh()
  sly.document.id = neighbour.id
  assert.equal((await sly.verdict(site, { ...follow(sly), actor: neighbour.id })).status, 401)
  const missing = fresh()
  delete missing.document.id
  assert.equal((await missing.verdict(site, follow(missing))).status, 401)
})

test('T21 what is served as anything but a document is none', async () => {
  for (const type of ['application/json', 'text/plain', 'text/html', 'image/png', 'application/octet-stream', 'application/ld+json', 'application/ld+json; profile="https://example.org/x"', 'application/activity+jsonx', '']) {
    const actor = fresh()
    peer.serve(new URL(actor.id).pathname, actor.document, { type })
    assert.equal(await isKept(actor), false, type)
  }
  for (const type of [profile, 'application/activity+json; charset=utf-8', 'Application/Activity+JSON']) {
    const actor = fresh()
    peer.serve(new URL(actor.id).pathname, actor.document, { type })
    assert.equal(await isKept(actor), true, type)
  }
})

test('T21 nothing that a user uploads here can be read as a document', async () => {
  const actor = JSON.stringify(fresh().document)
  const token = await site.token()
  const answer = await site.send(await clip('h264'), { name: 'x', videofile: { name: 'actor.json', bytes: Buffer.from(actor), mime: activityType } }, token)
  assert.ok(answer.status >= 400, answer.text)
  const video = await site.upload(await clip('h264'), { name: 'looks like one' })
  const { files, streamingPlaylists, thumbnailPath } = await site.published(video.uuid)
  const urls = [...files, ...streamingPlaylists.flatMap(playlist => [{ fileUrl: playlist.playlistUrl }, ...playlist.files])].map(file => new URL(file.fileUrl).pathname)
  for (const path of [...urls, thumbnailPath]) {
    const file = await doc(path)
    assert.equal(file.status, 200)
    assert.doesNotMatch(file.headers['content-type'], /activity\+json|ld\+json/, path)
    assert.equal(file.headers['x-content-type-options'], 'nosniff')
  }
})

test('T28 documents that are broken, endless, deep or missing what they need keep nobody', async () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 512 })
  const weak = publicKey.export({ type: 'spki', format: 'pem' })
  const pkcs1 = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'pkcs1', format: 'pem' })
  const changes = {
    'no inbox': document => delete document.inbox,
    'an inbox elsewhere': document => { document.inbox = `${other.url}/inbox` },
    'an inbox on loopback by another name': document => { document.inbox = 'http://localhost/inbox' },
    'an inbox of this server': document => { document.inbox = `${site.url}/inbox` },
    'an inbox that is no URL': document => { document.inbox = "x'; DROP TABLE catalog_actor; --" },
    'a strange type': document => { document.type = 'Note' },
    'no name': document => delete document.preferredUsername,
    'an empty name': document => { document.preferredUsername = '' },
    'a name with a slash': document => { document.preferredUsername = '../root' },
    'a name with a quote': document => { document.preferredUsername = "a'b" },
    'a name with markup': document => { document.preferredUsername = '<b>x</b>' },
    'a long name': document => { document.preferredUsername = 'a'.repeat(500) },
    'no key': document => delete document.publicKey,
    'a key that is none': document => { document.publicKey.publicKeyPem = 'secret' },
    'a weak key': document => { document.publicKey.publicKeyPem = weak },
    'a key of another form': document => { document.publicKey.publicKeyPem = pkcs1 },
    'a key of somebody else': document => { document.publicKey.owner = `${peer.url}/accounts/other` },
    'a list': document => { document.id = [document.id] },
    'much of it': document => { document.attachment = Array.from({ length: 60000 }, (_, i) => i) }
  }
  for (const [what, change] of Object.entries(changes)) {
    const actor = fresh()
    change(actor.document)
    assert.equal(await isKept(actor), false, what)
  }
  const raw = {
    'no JSON': '{"id":',
    'a list': '[]',
    'a text': '"x"',
    'nothing': '',
    'bytes that are no text': Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
    'deep': '['.repeat(100000),
    'deep objects': '{"a":'.repeat(5000) + '1' + '}'.repeat(5000),
    'large': `{"x":"${'a'.repeat(4 * 1024 * 1024)}"}`,
    'twice the same key': document => `${JSON.stringify(document).slice(0, -1)},"id":"${peer.url}/x"}`
  }
  for (const [what, body] of Object.entries(raw)) {
    const actor = fresh()
    peer.serve(new URL(actor.id).pathname, typeof body === 'function' ? body(actor.document) : body)
    assert.equal(await isKept(actor), false, what)
  }
  assert.equal((await site.raw({ path: '/health' })).status, 200)
})

test('T29 redirects are few, stay on their host, and lead nowhere private by another scheme', async () => {
  const target = fresh()
  const redirect = (path, location, status = 302) => peer.serve(path, (incoming, response) => {
    response.writeHead(status, { location })
    response.end()
  })
  const leads = async (location, name = `led${++count}`) => {
    redirect(`/accounts/${name}`, location)
    const before = other.asked.length
    const answer = await target.verdict(site, follow(target), { keyId: `${peer.url}/accounts/${name}#main-key` })
    assert.equal(answer.status, 401, `${location} ${answer.text}`)
    assert.equal(other.asked.length, before, 'the other host was asked')
  }
  for (const location of [`${other.url}/accounts/x`, 'file:///etc/passwd', 'data:application/activity+json,{}', 'gopher://127.0.0.1/', '//other.example/x', 'http://[::1', '', site.url + '/accounts/root']) await leads(location)
  await leads(`${peer.url}/accounts/round`, 'round')
  // A document that is found behind a redirect of its own host is that of its own address.
  const moved = fresh()
  const path = new URL(moved.id).pathname
  peer.serve(`${path}/new`, { ...moved.document, id: `${moved.id}/new` })
  redirect(path, `${path}/new`, 301)
  assert.equal((await moved.verdict(site, follow(moved))).status, 401)
})

test('T03 an actor that is known keeps address, name and kind, whatever it says later', async () => {
  const channel = peer.channel(`reef${++count}`, fresh())
  assert.ok(await isKept(channel))
  const actor = fresh()
  const namesake = fresh()
  assert.ok(await isKept(actor))
  assert.ok(await isKept(namesake))
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const publicKeyPem = keys.publicKey.export({ type: 'spki', format: 'pem' })
  const attempt = async (one, change, number) => {
    const kept = structuredClone(one.document)
    one.document.publicKey = { id: `${one.id}#key-${number}`, owner: one.id, publicKeyPem }
    change(one.document)
    const answer = await one.verdict(site, follow(one), { key: keys.privateKey, keyId: `${one.id}#key-${number}` })
    for (const key of Object.keys(one.document)) delete one.document[key]
    Object.assign(one.document, kept)
    return answer.status
  }
  assert.equal(await attempt(actor, document => { document.preferredUsername = namesake.name }, 1), 401)
  assert.equal(await attempt(actor, document => { document.preferredUsername = 'root' }, 2), 401)
  assert.equal(await attempt(actor, document => { document.type = 'Group' }, 3), 401)
  assert.equal(await attempt(channel, document => { document.type = 'Person' }, 4), 401)
  assert.equal(await attempt(actor, document => { document.id = namesake.id }, 5), 401)
  assert.equal(await attempt(actor, document => { document.id = `${site.url}/accounts/root` }, 6), 401)
  assert.equal(await attempt(actor, document => { document.inbox = `${other.url}/inbox` }, 7), 401)
  for (const one of [actor, namesake]) assert.equal((await accountOf(one)).json.url, one.id)
  // Its old key is still its key; and what may change does.
  assert.equal((await actor.post(site, follow(actor))).status, 204)
  assert.equal(await attempt(actor, document => { document.name = 'Changed' }, 8), 204)
  assert.equal((await accountOf(actor)).json.displayName, 'Changed')
})

test('T03 an actor that says to be of this server is nobody', async () => {
  const actor = fresh()
  actor.document.id = `${site.url}/accounts/root`
  actor.document.preferredUsername = 'root'
  assert.equal((await actor.verdict(site, { ...follow(actor), actor: `${site.url}/accounts/root` })).status, 401)
  const before = (await doc('/accounts/root')).json.publicKey.publicKeyPem
  assert.equal((await actor.post(site, follow(actor), { keyId: `${site.url}/accounts/root#main-key` })).status, 401)
  assert.equal((await doc('/accounts/root')).json.publicKey.publicKeyPem, before)
})

test('T01 hostile text in what others call themselves stays text', async () => {
  const hostile = "'; DROP TABLE catalog_actor; -- $1 ?1 \u0000%00 \u202e<script>alert(1)</script>"
  const actor = fresh({ name: hostile, summary: hostile, support: hostile, url: [hostile], outbox: `${peer.url}/outbox?x='%3B--`, published: hostile, icon: [{ url: `javascript:alert(1)` }, { url: `${peer.url}/a.png?'`, mediaType: hostile, width: -1, height: 1e99 }] })
  const answer = await actor.post(site, follow(actor))
  assert.ok([204, 401].includes(answer.status), answer.text)
  const plain = fresh({ name: hostile.replace('\u0000', ''), summary: hostile.replace('\u0000', '') })
  assert.ok(await isKept(plain))
  const account = await accountOf(plain)
  assert.match(account.json.displayName, /DROP TABLE/)
  assert.doesNotMatch(account.json.displayName, /\u202e/)
  assert.equal((await site.get('/accounts/root')).status, 200)
})

test('T31 malformed markup of a remote actor breaks no page', async () => {
  for (const summary of ['<p'.repeat(200), '<'.repeat(900), '<a href="'.repeat(100), '</div>'.repeat(150), '[['.repeat(300), '`'.repeat(999), '&'.repeat(999), '<svg><style><!--</style>'.repeat(40), '\ud800', '<table>'.repeat(140)]) {
    const actor = fresh({ summary, name: summary.slice(0, 200) })
    if ((await actor.verdict(site, follow(actor))).status !== 204) continue
    const page = await site.raw({ path: `/a/${actor.name}@${peer.host}`, headers: { accept: 'text/html' } })
    assert.equal(page.status, 200, summary.slice(0, 40))
    assert.match(page.text, /<\/html>\s*$/)
  }
})

test('a channel belongs to an account of its own host, or is not taken', async () => {
  const owner = fresh()
  assert.ok(await isKept(peer.channel(`shoal${++count}`, owner)))
  assert.equal((await accountOf(owner)).status, 200, 'its account came with it')
  assert.ok(await isKept(peer.actor('Group', `plain${++count}`, `/video-channels/plain${count}`, { attributedTo: [owner.id] })))
  assert.ok(await isKept(peer.actor('Group', `text${++count}`, `/video-channels/text${count}`, { attributedTo: owner.id })))
  const stranger = fresh({}, other)
  const group = peer.channel(`twice${++count}`, owner)
  for (const attributedTo of [undefined, [], [stranger.id], [{ type: 'Group', id: group.id }], [`${peer.url}/accounts/missing`], 17, [[owner.id]], [{ type: 'Person' }]]) {
    const name = `lost${++count}`
    const channel = peer.actor('Group', name, `/video-channels/${name}`, { attributedTo })
    assert.equal(await isKept(channel), false, JSON.stringify(attributedTo))
  }
  // Two that name each other do not go round.
  const names = [`left${++count}`, `right${count}`]
  const [left, right] = names.map((name, i) => peer.actor('Group', name, `/video-channels/${name}`, { attributedTo: [`${peer.url}/video-channels/${names[1 - i]}`] }))
  assert.equal(await isKept(left), false)
  assert.equal(await isKept(right), false)
})

// Answers with a byte now and then, and never to an end.
const drip = (incoming, response) => {
  response.writeHead(200, { 'content-type': activityType })
  const timer = setInterval(() => response.write(' '.repeat(60)), 400)
  response.on('close', () => clearInterval(timer))
}

test('a peer that answers slowly, or not at all, holds nobody up', async () => {
  const slow = fresh()
  peer.serve(new URL(slow.id).pathname, drip)
  assert.equal((await slow.post(site, follow(slow), { settles: false })).status, 204)
  const quick = fresh({}, other)
  assert.equal((await quick.post(site, follow(quick), { settles: false })).status, 204)
  await site.when('the other one is heard', async () => (await accountOf(quick)).status === 200)
  assert.equal((await accountOf(slow)).status, 404)
  await settle(site)
})

test('T32 readers whose keys lie on slow servers do not keep the workers', async () => {
  const closed = await startFederating(startInstance, { settings: ['federation.authorized_fetch=true'] })
  try {
    const readers = [peer, other].flatMap(at => Array.from({ length: 10 }, () => fresh({}, at)))
    for (const { peer, id } of readers) peer.serve(new URL(id).pathname, drip)
    const claims = readers.map((actor, i) => actor.get(closed, `/accounts/root?reader=${i}`)) // each an address that nobody else asks for
    let answered = 0
    for (const claim of claims) claim.then(() => answered++)
    assert.equal((await Promise.race(claims)).status, 503)
    const others = await Promise.all(Array.from({ length: 10 }, (_, i) => closed.get(`/videos?count=${i + 1}`)))
    assert.deepEqual(others.map(({ status }) => status), Array(10).fill(200))
    assert.ok(answered < claims.length, 'others waited')
    const statuses = (await Promise.all(claims)).map(answer => answer.status)
    assert.ok(statuses.filter(status => status === 503).length >= 10, statuses.join())
    assert.equal((await fresh().get(closed, '/accounts/root')).status, 200)
  } finally {
    await closed.stop()
  }
})

test('T29 private networks are open to peers by allow_private_network, and by it alone', async () => {
  for (const [settings, status] of [[['federation.allow_private_network=true'], 204], [['fetch.private=127.0.0.0/8'], 401]]) {
    const alone = await startInstance({ started: false, settings })
    alone.settings.push(`url=${alone.url}`)
    if (!alone.config.includes('"federation"')) alone.config = alone.config.replace(/plugins\s*=\s*\{/, match => `${match}\n  "federation",\n`)
    await alone.start()
    try {
      const actor = fresh()
      const answer = await actor.post(alone, actor.say('Follow', `${alone.url}/accounts/peertube`))
      assert.equal(answer.status, status, answer.text)
    } finally {
      await alone.stop()
    }
  }
})
