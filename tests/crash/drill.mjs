// drill.mjs - a server to be killed, what it promised meanwhile, and whether it kept that.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { shoal, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

// Hears the durable tell of each video.
const listener = `local shoal = require "shoal"
local add = shoal.sql "INSERT INTO listener_heard (uuid) VALUES ($1)"
local all = shoal.sql "SELECT uuid FROM listener_heard"
shoal.tell("video.published", function(event) shoal.exec(add, event.video.uuid) end)
shoal.route { path = "/listener", handler = function(request) request:json(200, { heard = shoal.query(all) }) end }
`
export const tables = { 'migrations/001_start.sql': 'CREATE TABLE listener_heard (id ID, uuid TEXT NOT NULL);\n' }

// Keeps a number as its setting.
const keeper = `#include <stdlib.h>
#include <shoal/plugin.h>
static int keep(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    json_t *level = json_integer(atoi(shoal_request_query(request, "level")));
    int code = shoal_setting_set(call, "keeper", "level", level, err);
    json_decref(level);
    (void)arg;
    return code != 0 ? code : shoal_answer_text(request, 200, "kept");
}
static int tell(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)err;
    return shoal_answer_text(request, 200, shoal_arena_printf(shoal_call_arena(call), "%lld", (long long)shoal_setting_i64(arg, "level")));
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route set = {.method = "POST", .path = "/keeper", .handler = keep};
    const struct shoal_route get = {.method = "GET", .path = "/keeper", .handler = tell, .arg = self};
    int code = shoal_route_add(self, &set, err);
    return code != 0 ? code : shoal_route_add(self, &get, err);
}
SHOAL_PLUGIN(.name = "keeper", .start = start);
`
const level = { name: 'level', type: 'int', default: 0, min: 0, max: 1000000, help: 'A number of the tests.', reloadable: true }

/** Chance that comes again with its seed. */
function mulberry (seed) {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const filesBelow = folder => readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile()).map(entry => join(entry.parentPath ?? entry.path, entry.name))

export class Drill {
  /** Videos whose upload was answered with 200: {uuid, name}. */
  acknowledged = []
  /** The setting as it was answered last, and those asked for without an answer. */
  level = 0
  asked = []
  #count = 0

  static async start () {
    const drill = new Drill()
    drill.file = await clip('h264', { seconds: 1, size: '128x72', rate: 10 })
    drill.site = await startInstance({ started: false, settings: ['video.delete_after=1s', 'transcode_ffmpeg.threads=1'] })
    drill.install(tables)
    drill.point = join(drill.site.folder, 'drill')
    drill.site.environment = { SHOAL_DRILL: drill.point }
    await drill.site.start()
    await drill.site.token()
    drill.channelId = await drill.site.channelId()
    return drill
  }

  /** Puts the listener in, with the migrations that are given. */
  install (files) {
    const plugins = join(this.site.folder, 'plugins')
    this.keeper ??= writePlugin(plugins, 'keeper', { c: keeper, manifest: { permissions: ['routes:/keeper'], settings: [level] } })
    const pin = writePlugin(plugins, 'listener', { lua: listener, manifest: { permissions: ['routes:/listener', 'database'], hooks: ['video.published'] }, files })
    this.site.config = withPlugins(this.site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'annotations', 'web', line('keeper', this.keeper), line('listener', pin)])
  }

  /** The server dies the next time it comes to this point. */
  arm (point) { writeFileSync(this.point, point) }

  /** An upload; one that is not answered promises nothing. */
  async upload () {
    const name = `Video ${++this.#count}`
    const answer = await this.site.send(this.file, { name, channelId: this.channelId }).catch(() => null)
    if (answer?.status === 200) this.acknowledged.push({ uuid: answer.json.video.uuid, name })
    return answer?.status
  }

  /** Begins an upload in chunks. The call that it gives sends all of it, or asks how far it is. */
  async inChunks (name) {
    const bytes = readFileSync(this.file)
    const begun = await this.site.post('/videos/upload-resumable', {
      token: true,
      json: { filename: 'chunks.mp4', name, channelId: this.channelId, privacy: 1 },
      headers: { 'x-upload-content-length': String(bytes.length), 'x-upload-content-type': 'video/mp4' }
    })
    assert.equal(begun.status, 201, begun.text)
    const { pathname, search } = new URL(begun.headers.location)
    return (body = bytes) => this.site.put(pathname.replace('/api/v1', '') + search, {
      token: true,
      body,
      headers: { 'content-type': 'application/octet-stream', 'content-range': `bytes ${body.length ? `0-${body.length - 1}` : '*'}/${bytes.length}` }
    })
  }

  /** A caption of the first video. */
  caption () {
    const [{ uuid }] = this.acknowledged
    return this.site.put(`/videos/${uuid}/captions/en`, { token: true, fields: { captionfile: { name: 'a.vtt', bytes: 'WEBVTT\n' } } }).catch(() => null)
  }

  async set () {
    const level = ++this.#count
    this.asked.push(level)
    const answer = await this.site.raw({ method: 'POST', path: `/keeper?level=${level}` }).catch(() => null)
    if (answer?.status !== 200) return
    this.level = level
    this.asked = []
  }

  /** Kills at a moment of chance, again and again, while it works; the seed tells the same moments. */
  async random (times, seed) {
    const chance = mulberry(seed)
    let inARow = 0
    for (let i = 0; i < times; i++) {
      let isOver = false
      // Nobody asks while the server is away, and work does not pile up beyond what can be finished.
      const work = [
        (async () => { for (let n = 0; !isOver && n < 2; n++) await this.upload() })(),
        (async () => { while (!isOver) { await this.set(); await sleep(20) } })()]
      await sleep(50 + chance() * 1200)
      // The server alone: the supervisor starts another. Three in a row would be safe mode.
      const alone = chance() < 0.25 && inARow < 2
      const { server } = this.site
      isOver = true
      if (alone && server) {
        inARow++
        process.kill(server, 'SIGKILL')
        await this.site.when('another server answers', async () => this.site.server && this.site.server !== server && (await this.site.raw({ path: '/health' }).catch(() => null))?.status === 200)
        await Promise.all(work)
      } else {
        inARow = 0
        await this.site.kill('SIGKILL')
        await Promise.all(work)
        await this.site.start()
      }
      await this.kept()
      // A job under which the server died twenty times is parked on purpose: it may be what kills.
      if (i % 10 === 9) await this.settled()
    }
  }

  /** After a restart: what was answered is there. */
  async kept () {
    const level = Number((await this.site.raw({ path: '/keeper' })).text)
    assert.equal((await this.site.raw({ path: '/health' })).json.status, 'ok')
    assert.ok(level === this.level || this.asked.includes(level), `the setting is ${level}; answered was ${this.level}, asked for ${this.asked}`)
    this.level = level
    this.asked = []
    const mine = (await this.site.get(`/users/me/videos?count=100&sort=-createdAt`, { token: true })).json
    const there = new Set(mine.data.map(video => video.uuid))
    for (const { uuid, name } of this.acknowledged.slice(-50)) assert.ok(there.has(uuid), `${name} was answered and is gone`)
  }

  /** No work is left, and all of it went well. */
  settled () {
    return this.site.when('no work is left', async () => {
      const { stdout } = await shoal('jobs', 'list', this.site.folder, '--json')
      const jobs = JSON.parse(stdout).filter(job => !['done', 'cancelled'].includes(job.state))
      assert.deepEqual(jobs.filter(job => job.state === 'parked'), [])
      return jobs.length === 0
    }, 180000)
  }

  /** In the end: all is published, told and whole, and no file is left that nobody knows. */
  async whole () {
    const { site } = this
    await this.settled()
    // A file that no row knows may be one on its way. Now nothing is: a moment is as good as a day.
    await site.kill()
    site.environment = { SHOAL_DRILL_SWEEP: '1500' }
    await site.start()

    const list = { data: [] }
    for (let start = 0, page; (page = (await site.get(`/users/me/videos?count=100&start=${start}`, { token: true })).json.data).length > 0; start += 100) list.data.push(...page)
    const names = new Set()
    const heard = new Set((await site.raw({ path: '/listener' })).json.heard.map(row => row.uuid))
    const uuids = new Set(list.data.map(video => video.uuid))
    for (const { uuid, name } of this.acknowledged) assert.ok(uuids.has(uuid), `${name} was answered and is gone`)
    for (const uuid of uuids) {
      const video = await site.published(uuid)
      assert.ok(heard.has(uuid), `${video.name} was published and not told`)
      assert.equal(video.streamingPlaylists.length, 1, video.name)
      const [playlist] = video.streamingPlaylists
      const sized = [...video.files, ...playlist.files]
      assert.ok(video.files.length === 1 && playlist.files.length > 0, `${video.name} lacks files`)
      const beside = [
        ...(await site.get(`/videos/${uuid}/storyboards`, { token: true })).json.storyboards.map(board => board.fileUrl),
        ...(await site.get(`/videos/${uuid}/captions`, { token: true })).json.data.map(caption => caption.fileUrl)]
      const urls = [...beside, ...sized.flatMap(file => [file.fileUrl, file.playlistUrl]), playlist.playlistUrl, playlist.segmentsSha256Url, video.thumbnailPath, video.previewPath]
      for (const url of urls.filter(Boolean)) {
        names.add(basename(url))
        const answer = await site.raw({ path: new URL(url, site.url).pathname })
        assert.equal(answer.status, 200, `${video.name}: ${url}`)
        const known = sized.find(file => file.fileUrl === url)
        if (known) assert.equal(answer.body.length, known.size, url)
      }
    }
    const strays = () => [
      ...filesBelow(join(site.folder, 'media')).filter(path => !names.has(basename(path)) && !path.includes('/.tmp/')),
      ...['uploads', 'tmp'].flatMap(name => filesBelow(join(site.folder, name)))]
    await site.when('nothing is left that nobody knows', () => strays().length === 0, 60000).catch(error => {
      throw new Error(`these are left: ${strays().join(' ')}\n${error.message}`)
    })
    for (const name of names) assert.ok(filesBelow(join(site.folder, 'media')).some(path => basename(path) === name), `${name} was swept away`)
  }
}
