// instance.mjs - makes a throw-away instance, starts it, and speaks to it as a client would.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { execFile, spawn } from 'node:child_process'
import { chmodSync, createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { multipart, request } from './client.mjs'

const run = promisify(execFile)
const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
export const build = resolve(process.env.SHOAL_BUILD ?? join(root, 'build'))
export const program = join(build, 'shoal')

const mimes = { mp4: 'video/mp4', webm: 'video/webm', mkv: 'video/x-matroska', mp3: 'audio/mpeg', flac: 'audio/flac' }
export const mimeOf = name => mimes[name.split('.').pop()] ?? 'application/octet-stream'

/** A port that nobody listens on right now. */
export function freePort () {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

// What would get in the way of tests that run a thousand calls from one address.
const calm = ['http.rate.login=100000/10s', 'http.rate.api=100000/10s', 'http.rate.write=100000/10s',
  'http.rate.search=100000/10s', 'http.rate.page=100000/10s', 'http.rate.ffmpeg=100000/10s', 'http.rate.peer=100000/10s']

/** Runs the program; {code, stdout, stderr} whatever the exit code. */
export async function shoal (...args) {
  try {
    return { code: 0, ...await run(program, args, { maxBuffer: 1 << 24, timeout: 120000 }) }
  } catch (error) {
    if (typeof error.code !== 'number') throw error
    return { code: error.code, stdout: error.stdout, stderr: error.stderr }
  }
}

/** Servers that still run: a test that failed half-way must leave none behind. */
const running = new Set()
process.on('exit', () => running.forEach(child => child.kill()))

// Instances of many tests run at once: none of them takes the port of STUN unless its test says which.
const deaf = text => text.replace(/(?<!\{ *)"stun"/, '{ "stun", listen = "" }')
const heard = text => text.replace('{ "stun", listen = "" }', '"stun"')

class Instance {
  admin = 'root'
  password = 'correct horse 7'
  /** Of the server, besides our own. */
  environment = {}
  #child = null
  #ended = null
  #tokens = new Map()

  constructor (folder, port, settings) {
    this.home = folder
    this.folder = join(folder, 'instance')
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.settings = settings
    this.logPath = join(folder, 'log')
  }

  get log () { return existsSync(this.logPath) ? readFileSync(this.logPath, 'utf8') : '' }
  get pid () { return this.#child?.pid }
  /** How it ended, once it did: {code, signal}. */
  get ended () {
    this.#child?.ref()
    return this.#ended
  }

  /** What the supervisor says of itself: {pid, safeMode, quarantine, children, crashes}; null while it says nothing. */
  get status () {
    const path = join(this.folder, 'run/serve.json')
    const status = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
    return status?.pid === this.pid ? status : null
  }
  /** The process that answers requests. */
  get server () { return this.status?.children.filter(child => child.state === 'ready').pop()?.pid }
  /** shoal.lua, but for what deaf() adds. */
  get config () { return heard(readFileSync(join(this.folder, 'shoal.lua'), 'utf8')) }
  set config (text) { writeFileSync(join(this.folder, 'shoal.lua'), deaf(text)) }

  /** Waits until something is true; what it is goes into the error. */
  async when (what, is, timeout = 60000) {
    for (const end = Date.now() + timeout; ;) {
      const value = await is()
      if (value) return value
      if (Date.now() > end) throw new Error(`it did not happen: ${what}\n${this.log.slice(-4000)}`)
      await sleep(50)
    }
  }

  /** Waits until its log has a text or fits a pattern: a line comes a moment after what it tells of. */
  says (what) { return this.when(`its log says ${what}`, () => typeof what === 'string' ? this.log.includes(what) : what.test(this.log)) }

  async init () {
    const made = await shoal('init', this.folder, '--listen', `127.0.0.1:${this.port}`, '--admin', this.admin, '--password', this.password)
    if (made.code !== 0) throw new Error(`shoal init failed: ${made.stdout}${made.stderr}`)
    this.config = readFileSync(join(this.folder, 'shoal.lua'), 'utf8')
  }

  /** Starts `shoal serve` and waits until it answers. */
  async start () {
    const log = createWriteStream(this.logPath, { flags: 'a' })
    const sets = [...calm, ...this.settings].flatMap(line => ['--set', line])
    const child = spawn(program, ['serve', this.folder, ...sets], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...this.environment } })
    child.stdout.pipe(log)
    child.stderr.pipe(log)
    this.#child = child
    running.add(child)
    child.once('exit', () => running.delete(child))
    // A server that a failed test left behind does not keep the run from ending.
    for (const handle of [child, child.stdout, child.stderr]) handle.unref()
    this.#ended = new Promise(resolve => child.once('exit', (code, signal) => resolve({ code, signal })))
    let end = null
    this.#ended.then(how => { end = how })
    for (let i = 0; i < 600; i++) {
      if (end) throw new Error(`shoal serve ended with ${end.code ?? end.signal}:\n${this.log.slice(-4000)}`)
      const health = await request(this.url, { path: '/health', timeout: 2000 }).catch(() => null)
      if (health?.status === 200 && this.server) return this
      await sleep(100)
    }
    await this.kill('SIGKILL')
    throw new Error(`no /health within a minute:\n${this.log.slice(-4000)}`)
  }

  async kill (signal = 'SIGTERM') {
    if (!this.#child) return null
    this.#child.kill(signal)
    const late = sleep(40000, 'late', { ref: false })
    let how = await Promise.race([this.ended, late])
    if (how === 'late') {
      this.#child.kill('SIGKILL')
      how = await this.ended
    }
    this.#child = null
    return how
  }

  /** Ends the server and removes everything of it. Fails when a sanitizer complained, unless that was the test. */
  async stop ({ mayCrash = false } = {}) {
    await this.kill()
    const log = this.log
    if (!process.env.SHOAL_KEEP) rmSync(this.home, { recursive: true, force: true })
    if (mayCrash) return
    const found = log.match(/(ERROR: (Address|Leak)Sanitizer|runtime error:)[\s\S]{0,1500}/)
    if (found) throw new Error(`a sanitizer complained:\n${found[0]}`)
  }

  /** A bare request: {method, path, headers, body}. */
  raw (options) { return request(this.url, options) }

  /**
   * A call of the API. path without "/api/v1" unless it begins with "//" ("//static/…" is "/static/…").
   * options: token (true: the administrator's), json, form (urlencoded), fields (multipart), headers, body.
   */
  async api (method, path, options = {}) {
    const headers = { ...options.headers }
    let body = options.body
    if (options.token) headers.authorization = `Bearer ${options.token === true ? await this.token() : options.token}`
    if (options.json !== undefined) {
      body = JSON.stringify(options.json)
      headers['content-type'] = 'application/json'
    } else if (options.form) {
      body = new URLSearchParams(options.form).toString()
      headers['content-type'] = 'application/x-www-form-urlencoded'
    } else if (options.fields) {
      const form = multipart(options.fields)
      body = form.body
      headers['content-type'] = form.type
    }
    if (body !== undefined) headers['content-length'] ??= Buffer.byteLength(body)
    return this.raw({ method, path: path.startsWith('//') ? path.slice(1) : `/api/v1${path}`, headers, body })
  }

  get (path, options) { return this.api('GET', path, options) }
  post (path, options) { return this.api('POST', path, options) }
  put (path, options) { return this.api('PUT', path, options) }
  delete (path, options) { return this.api('DELETE', path, options) }

  /** {client_id, client_secret}. */
  async client () {
    return (await this.get('/oauth-clients/local')).json
  }

  /** The whole answer of users/token. */
  async logIn (username = this.admin, password = this.password, headers = {}) {
    return this.post('/users/token', { form: { ...await this.client(), grant_type: 'password', username, password }, headers })
  }

  /** An access token, fetched once for each user. */
  async token (username = this.admin, password = this.password) {
    if (!this.#tokens.has(username)) {
      const answer = await this.logIn(username, password)
      if (answer.status !== 200) throw new Error(`cannot log in as ${username}: ${answer.status} ${answer.text}`)
      this.#tokens.set(username, answer.json.access_token)
    }
    return this.#tokens.get(username)
  }

  /** Makes a user: {id, username, password, token, channelId, channel}. */
  async user (username, fields = {}) {
    const password = fields.password ?? 'pass word 99'
    const made = await this.post('/users', { token: true, json: { username, password, email: `${username}@example.org`, role: 2, videoQuota: -1, videoQuotaDaily: -1, ...fields } })
    if (made.status !== 200) throw new Error(`cannot make ${username}: ${made.status} ${made.text}`)
    const token = await this.token(username, password)
    const me = (await this.get('/users/me', { token })).json
    return { id: made.json.user.id, username, password, token, channelId: me.videoChannels[0].id, channel: me.videoChannels[0].name }
  }

  async channelId (token = true) {
    return (await this.get('/users/me', { token })).json.videoChannels[0].id
  }

  /** The file of a resumable upload, by its address. */
  partOf (path) {
    return join(this.folder, 'data/api', `${new URLSearchParams(path.split('?')[1]).get('upload_id')}.part`)
  }

  #isHeld (path) { return readFileSync('/proc/locks', 'utf8').includes(`:${statSync(this.partOf(path)).ino} `) }

  /** Waits until a request writes to a resumable upload: nobody else may then. */
  underWay (path) { return this.when('it is being written to', () => this.#isHeld(path)) }

  /** Waits until nobody does: a server learns that a connection broke a moment after who broke it. */
  letGo (path) { return this.when('nobody writes to it', () => !this.#isHeld(path)) }

  /** Uploads a file in one request; the raw answer. */
  async send (path, fields = {}, token = true) {
    const { videofile, ...others } = fields
    return this.post('/videos/upload', {
      token,
      fields: {
        channelId: fields.channelId ?? await this.channelId(token),
        name: 'A video of the tests',
        privacy: 1,
        ...others,
        videofile: videofile ?? { name: basename(path), bytes: await readFile(path), mime: mimeOf(path) }
      }
    })
  }

  /** Uploads a file in one request: {id, uuid, shortUUID}. */
  async upload (path, fields = {}, token = true) {
    const answer = await this.send(path, fields, token)
    if (answer.status !== 200) throw new Error(`upload failed: ${answer.status} ${answer.text}`)
    return answer.json.video
  }

  /** Waits until a video fulfils a condition; gives its details. */
  async until (id, is, token = true, timeout = 180000) {
    const end = Date.now() + timeout
    for (;;) {
      const answer = await this.get(`/videos/${id}`, { token })
      if (answer.status === 200 && is(answer.json)) return answer.json
      if (Date.now() > end) throw new Error(`video ${id} stays as it is: ${answer.text.slice(0, 1000)}\n${this.log.slice(-3000)}`)
      await sleep(250)
    }
  }

  /** Waits until a video is published. */
  published (id, token = true) {
    return this.until(id, video => {
      if (video.state.id === 7) throw new Error(`transcoding of ${id} failed:\n${this.log.slice(-3000)}`)
      return video.state.id === 1
    }, token)
  }
}

/**
 * An instance that runs. options: settings (lines for --set), started (false: only made), below (in which folder;
 * its log is then kept beside). A failing start throws with the end of its log.
 */
export async function startInstance ({ settings = [], started = true, below } = {}) {
  if (!existsSync(program)) throw new Error(`${program} is not built; SHOAL_BUILD says where it is`)
  const home = mkdtempSync(join(below ?? tmpdir(), 'shoal-test-'))
  chmodSync(home, 0o755) // started as root, the server drops to another user
  const site = new Instance(home, await freePort(), settings)
  if (below) site.logPath = `${below}.log`
  try {
    await site.init()
    if (started) await site.start()
  } catch (error) {
    rmSync(home, { recursive: true, force: true })
    throw error
  }
  return site
}
