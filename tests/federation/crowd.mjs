// crowd.mjs - hundreds of other servers in one process, each a port of loopback: well, silent, broken, or gone.
//
// They do not look at signatures: peer.mjs is the one that is strict.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'

import { freePort, startInstance } from '../kit/instance.mjs'
import { line, writePlugin } from '../kit/plugins.mjs'

/** One server: {host, url, mode, got: [{path, id, at, headers, body}]}. */
class Host {
  got = []
  dropped = 0
  connections = 0
  address = '127.0.0.1'
  constructor (crowd, mode) {
    this.crowd = crowd
    this.mode = mode
  }

  async listen (port = 0, address = this.address) {
    this.server = createServer((request, response) => this.#take(request, response))
    this.server.keepAliveTimeout = 60000
    this.server.on('connection', () => this.connections++)
    await new Promise((resolve, reject) => this.server.listen(port, address, resolve).on('error', reject))
    this.#name(this.server.address().port)
  }

  #name (port) {
    this.port = port
    this.host = `${this.address}:${port}`
    this.url = `http://${this.host}`
  }

  /** Nobody listens on its port; the address is its own, so that nobody else will. */
  async refuse () {
    const number = ++this.crowd.refusing
    this.address = `127.1.${number >> 8}.${number & 255}`
    this.#name(await freePort())
  }

  #take (request, response) {
    const chunks = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      if (this.mode === 'hang') return
      if (this.mode === 'drop') {
        this.dropped++
        return request.socket.destroy()
      }
      const bytes = Buffer.concat(chunks)
      const entry = { path: request.url, at: Date.now(), headers: request.headers, bytes }
      if (!this.crowd.isBlind) entry.body = JSON.parse(bytes)
      const answer = typeof this.mode === 'function' ? this.mode(entry) : this.mode
      const status = answer.status ?? answer
      if (status < 300) {
        this.got.push(this.crowd.isBlind ? { path: entry.path, at: entry.at } : entry)
        this.crowd.count++
      } else this.refused = (this.refused ?? 0) + 1
      response.writeHead(status, answer.headers ?? {})
      response.end()
    })
  }

  async stop () {
    this.server?.closeAllConnections()
    await new Promise(resolve => this.server ? this.server.close(resolve) : resolve())
  }
}

export class Crowd {
  hosts = []
  count = 0
  refusing = 0
  isBlind = false

  /** mode: a status, {status, headers}, a function of what came, "hang", "drop" or "refuse". */
  async add (mode = 202, count = 1) {
    for (let i = 0; i < count; i++) {
      const host = new Host(this, mode)
      await (mode === 'refuse' ? host.refuse() : host.listen())
      this.hosts.push(host)
    }
    return this.hosts.at(-1)
  }

  stop () { return Promise.all(this.hosts.map(host => host.stop())) }
}

const run = (site, sql) => execFileSync('sqlite3', ['-cmd', '.timeout 20000', join(site.folder, 'shoal.sqlite3')], { input: sql, encoding: 'utf8', maxBuffer: 1 << 28 }).trim()
export { run as sql }

/** `count` followers on a host follow an actor of ours, in its tables. shared: they have one inbox together. */
export function follow (site, host, count, { shared = true, target = 'peertube' } = {}) {
  const now = Date.now()
  const lines = ['BEGIN IMMEDIATE;']
  for (let i = 0; i < count; i++) {
    const id = `${host.url}/users/fan${i}`
    lines.push(`INSERT INTO catalog_actor (kind, name, host, url, inbox_url, shared_inbox_url, created, updated) VALUES ('Person', 'fan${i}', '${host.host}', '${id}', '${id}/inbox', ${shared ? `'${host.url}/inbox'` : 'NULL'}, ${now}, ${now});`)
    lines.push(`INSERT INTO catalog_follow (follower_id, target_id, state, url, created, updated) SELECT x.id, t.id, 2, '${id}/follow', ${now}, ${now} FROM catalog_actor x, catalog_actor t WHERE x.url = '${id}' AND t.name = '${target}' AND t.host = '';`)
  }
  lines.push('COMMIT;')
  return run(site, lines.join('\n'))
}

/** An instance with the plugins federation and crier. lua: {name: {lua, manifest}} plugins besides. */
export async function startCrier ({ settings = [], lua = {}, environment = {} } = {}) {
  const site = await startInstance({ started: false, settings: ['federation.allow_private_network=true', ...settings] })
  site.settings.push(`url=${site.url}`)
  site.environment = environment
  const crier = { c: readFileSync(join(import.meta.dirname, 'crier.c'), 'utf8'), manifest: { permissions: ['routes:/crier', 'federation', 'database', 'read:accounts'] } }
  const lines = ['"signatures"', '"identity"', '"delivery"', '"federation"', line('crier', writePlugin(join(site.folder, 'plugins'), 'crier', crier))]
  for (const [name, plugin] of Object.entries(lua)) lines.push(line(name, writePlugin(join(site.folder, 'plugins'), name, plugin)))
  const missing = lines.filter(each => !site.config.includes(each))
  site.config = site.config.replace(/plugins\s*=\s*\{/, match => `${match}\n${missing.map(each => `  ${each},`).join('\n')}\n`)
  await site.start()
  await site.raw({ path: '/accounts/peertube', headers: { accept: 'application/activity+json' } }) // makes the instance's actor
  return site
}

let said = 0
/** Says something to the followers of the instance, or to inboxes; its id. */
export async function cry (site, { type = 'Announce', fields = {}, ...more } = {}) {
  const id = `${site.url}/cries/${++said}`
  const activity = { id, type, actor: `${site.url}/accounts/peertube`, object: `${site.url}/videos/watch/${said}`, to: ['https://www.w3.org/ns/activitystreams#Public'], cc: [], ...fields }
  const answer = await site.raw({
    method: 'POST',
    path: '/crier',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ activity, ...(more.inboxes ? {} : { followersOf: 'peertube' }), ...more })
  })
  if (answer.status !== 204) throw new Error(`it was not said: ${answer.status} ${answer.text}`)
  return id
}

export const waiting = site => Number(run(site, 'SELECT COUNT(*) FROM delivery_queue;'))
export const hostRow = (site, host) => {
  const text = run(site, `.mode json\nSELECT * FROM delivery_host WHERE host = '${host.host}';`)
  return text ? JSON.parse(text)[0] : undefined
}
export const logOf = site => readFileSync(site.logPath, 'utf8')
