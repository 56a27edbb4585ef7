// peer.mjs - another server of the network, by hand: its actors, documents and inbox, with Node's own crypto.
//
// It is strict about what it is sent and can be told to misbehave. Its host is 127.0.0.1:PORT; with
// `address` it is another one of the loopback range, and so another host.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash, createPublicKey, createSign, createVerify, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

import { request } from '../kit/client.mjs'
import { sql } from './crowd.mjs'

export const Public = 'https://www.w3.org/ns/activitystreams#Public'
export const context = ['https://www.w3.org/ns/activitystreams', 'https://w3id.org/security/v1']
const activityType = 'application/activity+json'

const digestOf = body => `SHA-256=${createHash('sha256').update(body).digest('base64')}`

/** Waits until a site has read the keys of all that was posted to it, but of hosts that do not answer. */
export const settle = site => site.when('keys were read', () => sql(site, 'SELECT COUNT(*) FROM identity_unproved WHERE attempts = 0;') === '0')

/** An actor of a peer: {id, name, keyId, document, sign}. */
class Actor {
  #met = new Set()

  constructor (peer, type, name, path, fields = {}, keys = generateKeyPairSync('rsa', { modulusLength: 2048 })) {
    this.peer = peer
    this.id = `${peer.url}${path}`
    this.name = name
    this.keys = keys
    this.keyId = `${this.id}#main-key`
    this.document = {
      '@context': context,
      type,
      id: this.id,
      preferredUsername: name,
      name: `${name} of the tests`,
      url: [this.id],
      inbox: `${this.id}/inbox`,
      outbox: `${this.id}/outbox`,
      followers: `${this.id}/followers`,
      following: `${this.id}/following`,
      endpoints: { sharedInbox: `${peer.url}/inbox` },
      publicKey: { id: this.keyId, owner: this.id, publicKeyPem: this.keys.publicKey.export({ type: 'spki', format: 'pem' }) },
      published: '2026-01-02T03:04:05.678Z',
      ...fields
    }
    peer.serve(path, this.document)
    for (const name of ['outbox', 'followers', 'following']) {
      peer.serve(`${path}/${name}`, { '@context': context, id: `${this.id}/${name}`, type: 'OrderedCollection', totalItems: 0 })
    }
    peer.actors.push(this)
  }

  /** Headers of a signed request. options: without (headers that are not signed), and what is wrong on purpose. */
  sign (method, url, body, { date = new Date().toUTCString(), digest, keyId = this.keyId, key = this.keys.privateKey, names, target, host } = {}) {
    const at = new URL(url)
    const headers = { host: host ?? at.host, date, accept: activityType }
    if (body !== undefined) {
      headers.digest = digest ?? digestOf(body)
      headers['content-type'] = activityType
    }
    const signed = names ?? ['(request-target)', 'host', 'date', ...(body !== undefined ? ['digest'] : [])]
    const lines = signed.map(name => name === '(request-target)' ? `${name}: ${target ?? `${method.toLowerCase()} ${at.pathname}`}` : `${name}: ${headers[name]}`)
    const signature = createSign('sha256').update(lines.join('\n')).sign(key, 'base64')
    headers.signature = `keyId="${keyId}",algorithm="rsa-sha256",headers="${signed.join(' ')}",signature="${signature}"`
    return headers
  }

  /** Posts an activity to an inbox of a site; the raw answer. Unless `settles` is false, the key of one who is new there was read then. */
  async post (site, activity, { path = '/inbox', signed = true, type, settles, ...options } = {}) {
    const body = typeof activity === 'string' ? activity : JSON.stringify({ '@context': context, ...activity })
    const headers = signed ? this.sign('POST', `${site.url}${path}`, body, options) : { 'content-type': activityType }
    if (type) headers['content-type'] = type
    headers['content-length'] = Buffer.byteLength(body)
    const answer = await request(site.url, { method: 'POST', path, headers, body })
    const isNew = !this.#met.has(site) || options.key || options.keyId
    if (answer.status === 204 && isNew && settles !== false) {
      await settle(site)
      this.#met.add(site)
    }
    return answer
  }

  /** What comes of it once the key was read: an inbox takes first what it cannot judge yet. */
  async verdict (site, activity, options) {
    const answer = await this.post(site, activity, options)
    if (answer.status !== 204) return answer
    await settle(site)
    return this.post(site, activity, options)
  }

  /** A GET signed by this actor. */
  get (site, path, options) {
    return request(site.url, { path, headers: this.sign('GET', `${site.url}${path}`, undefined, options) })
  }

  /** A new activity of this actor with an id of its own. */
  say (type, object, fields = {}) {
    return { id: `${this.id}/activities/${++this.peer.count}`, type, actor: this.id, object, to: [Public], cc: [], ...fields }
  }
}

export class Peer {
  actors = []
  /** What came into its inboxes: {path, headers, body (JSON), bytes, actor (whose signature fits), at}. */
  inbox = []
  /** What it was asked for: {path, headers}. */
  asked = []
  count = 0
  /** Status of what is posted to it, or a function (request, response) that answers itself. */
  takes = 202
  #documents = new Map()
  #server = null
  #keys = new Map()

  static async start ({ address = '127.0.0.1' } = {}) {
    const peer = new Peer()
    peer.#server = createServer((request, response) => peer.#answer(request, response).catch(error => {
      response.statusCode = 500
      response.end(String(error))
    }))
    await new Promise(resolve => peer.#server.listen(0, address, resolve))
    peer.host = `${address}:${peer.#server.address().port}`
    peer.url = `http://${peer.host}`
    peer.instance = peer.actor('Application', 'peertube', '/accounts/peertube')
    peer.serve('/.well-known/nodeinfo', {
      links: [{ rel: 'https://www.w3.org/ns/activitystreams#Application', href: peer.instance.id }]
    }, { type: 'application/json' })
    return peer
  }

  async stop () {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  actor (type, name, path, fields, keys) { return new Actor(this, type, name, path, fields, keys) }
  person (name, fields, keys) { return this.actor('Person', name, `/accounts/${name}`, fields, keys) }
  channel (name, owner, fields) {
    return this.actor('Group', name, `/video-channels/${name}`, { attributedTo: [{ type: 'Person', id: owner.id }], support: null, ...fields })
  }

  /** Serves a document (JSON, text, or a function (request, response)); undefined takes it away. */
  serve (path, document, { type = activityType, status = 200 } = {}) {
    this.#documents.set(path, document === undefined ? undefined : { document, type, status })
    return `${this.url}${path}`
  }

  gone (path) { this.serve(path, { error: 'gone' }, { status: 410, type: 'application/json' }) }

  /** Waits until something came in that fits; gives it. */
  async came (what, fits, timeout = 60000) {
    for (const end = Date.now() + timeout; ;) {
      const found = this.inbox.find(entry => fits(entry.body, entry))
      if (found) return found
      if (Date.now() > end) {
        throw new Error(`it did not come: ${what}; there were: ${this.inbox.map(entry => `${entry.body.type} ${JSON.stringify(entry.body.object)?.slice(0, 80)}`).join(', ')}`)
      }
      await sleep(30)
    }
  }

  async #answer (request, response) {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const at = new URL(request.url, this.url)
    if (request.method === 'POST') return this.#take(request, response, at, Buffer.concat(chunks))
    this.asked.push({ path: request.url, headers: request.headers })
    if (at.pathname === '/.well-known/webfinger') return this.#finger(at, response)
    const entry = this.#documents.get(at.pathname + at.search) ?? this.#documents.get(at.pathname)
    if (!entry) {
      response.statusCode = 404
      return response.end()
    }
    if (typeof entry.document === 'function') return entry.document(request, response)
    response.writeHead(entry.status, { 'content-type': entry.type })
    response.end(typeof entry.document === 'string' || Buffer.isBuffer(entry.document) ? entry.document : JSON.stringify(entry.document))
  }

  #finger (at, response) {
    const [, name, host] = at.searchParams.get('resource').match(/^acct:([^@]+)@(.*)$/) ?? []
    const actor = this.actors.find(actor => actor.name === name && host === this.host)
    if (!actor) {
      response.statusCode = 404
      return response.end()
    }
    response.setHeader('content-type', 'application/jrd+json')
    response.end(JSON.stringify({ subject: `acct:${name}@${host}`, links: [{ rel: 'self', type: activityType, href: actor.id }] }))
  }

  async #take (incoming, response, at, bytes) {
    const entry = { path: at.pathname, headers: incoming.headers, bytes, body: JSON.parse(bytes), at: Date.now() }
    entry.actor = await this.#signer(incoming, bytes)
    this.inbox.push(entry)
    if (typeof this.takes === 'function') return this.takes(incoming, response)
    response.statusCode = this.takes
    response.end()
  }

  /** Reads an actor, and keeps what it was then. */
  async meet (id) {
    if (!this.#keys.has(id)) {
      const path = new URL(id)
      const answer = await request(path.origin, { path: path.pathname, headers: { accept: activityType } })
      this.#keys.set(id, answer.json)
    }
    return this.#keys.get(id)
  }

  // Who signed, by the key that its document has; an Error where the signature does not fit.
  async #signer (incoming, bytes) {
    const fields = Object.fromEntries([...(incoming.headers.signature ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(found => found.slice(1)))
    if (!fields.keyId) return new Error('not signed')
    const id = fields.keyId.split('#')[0]
    const document = await this.meet(id)
    if (!document?.publicKey) return new Error('nobody knows who signed')
    if (incoming.headers.digest !== digestOf(bytes)) return new Error('another digest')
    const names = fields.headers.split(' ')
    for (const name of ['(request-target)', 'host', 'date', 'digest']) if (!names.includes(name)) return new Error(`${name} is not signed`)
    const text = names.map(name => name === '(request-target)' ? `${name}: post ${incoming.url}` : `${name}: ${incoming.headers[name]}`).join('\n')
    const key = createPublicKey(document.publicKey.publicKeyPem)
    return createVerify('sha256').update(text).verify(key, fields.signature, 'base64') ? id : new Error('the signature does not fit')
  }
}

/** A video that an account and a channel of a peer have there, as PeerTube 6 writes it, and the path at which it lies. */
export function sampleVideo (peer, number, account, channel) {
  const uuid = `0a4f2f4e-6d0e-4a0c-9a6a-1f0f6b9a7${String(number).padStart(3, '0')}`
  const text = readFileSync(new URL('../../plugins/federation_videos/fixtures/video_6.json', import.meta.url), 'utf8')
    .replaceAll('0a4f2f4e-6d0e-4a0c-9a6a-1f0f6b9a7c01', uuid).replaceAll('https://six.example', peer.url)
    .replaceAll('/accounts/anna', `/accounts/${account}`).replaceAll('/video-channels/shores', `/video-channels/${channel}`)
  return { uuid, made: { '@context': ['https://www.w3.org/ns/activitystreams'], ...JSON.parse(text) }, path: `/videos/watch/${uuid}` }
}

/** The settings of an instance that federates with peers on loopback. */
export const federating = ['federation.allow_private_network=true', 'fetch.private=127.0.0.0/8']

/** Puts what federates into an instance that has not started; lines are further ones of its list of plugins. */
export function withFederation (site, plugins = [], lines = []) {
  site.settings.push(`url=${site.url}`)
  const wanted = ['signatures', 'identity', 'delivery', 'federation', 'federation_videos', ...plugins].filter(name => !site.config.includes(`"${name}"`))
  const all = [...wanted.map(name => `"${name}"`), ...lines]
  site.config = site.config.replace(/^plugins = \{\n/m, match => match + all.map(line => `  ${line},\n`).join(''))
}

/** An instance that federates; its plugins are those of a new one, and `plugins`. */
export async function startFederating (startInstance, { plugins = [], settings = [], environment = {} } = {}) {
  const site = await startInstance({ started: false, settings: [...federating, ...settings] })
  Object.assign(site.environment, environment)
  withFederation(site, plugins)
  return site.start()
}
