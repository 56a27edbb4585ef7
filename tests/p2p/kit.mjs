// kit.mjs - an instance with the tracker and videos that have hashes, and peers that speak to it by hand.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'
import { Socket } from '../streams/kit.mjs'

const shipped = ['storage_fs', 'transcode_ffmpeg', 'api', 'media']

/** 20 bytes as the text that travels: a character for each byte. */
export const bytes20 = (bytes = randomBytes(20)) => Buffer.from(bytes).toString('latin1')

/** Every byte that JSON writes in a way of its own, and some that are none in UTF-8. */
export const oddBytes = bytes20([0, 1, 8, 9, 10, 12, 13, 31, 34, 47, 92, 127, 128, 160, 194, 195, 239, 240, 254, 255])

/** Until all that was told of videos was heard, and what it left to do is done. */
export async function settled (site) {
  await site.when('no job is left', () => execFileSync('sqlite3', ['-cmd', '.timeout 10000', join(site.folder, 'shoal.sqlite3'), `SELECT COUNT(*) FROM job WHERE state = 'active' OR (state = 'waiting' AND run_at_ms < ${Date.now() + 60000})`], { encoding: 'utf8' }).trim() === '0', 60000)
}

/**
 * An instance with the plugin and videos {name: privacy}: {site, videos: {name: {id, uuid}}}.
 * settings: of the plugin, as an object; lua: a plugin that stands beside it.
 */
export async function trackerSite ({ videos = { open: 1 }, settings = {}, options = [], lua, hooks = [] } = {}) {
  const site = await startInstance({ started: false, settings: options })
  const others = lua ? [line('beside', writePlugin(join(site.folder, 'plugins'), 'beside', { lua, manifest: { hooks } }))] : []
  const text = Object.entries({ address_sockets: 1000, ...settings }).map(([key, value]) => `${key} = ${value}`).join(', ')
  site.config = withPlugins(site.config, [...shipped, `{ "p2p", ${text} }`, 'torrents', ...others])
  await site.start()
  const made = {}
  for (const [name, privacy] of Object.entries(videos)) {
    const extra = privacy === 5 ? { 'videoPasswords[0]': 'open sesame' } : {}
    made[name] = await site.upload(await clip('h264'), { privacy, name, ...extra })
    await site.published(made[name].uuid)
  }
  // The plugin writes hashes too, also when a storyboard comes: all jobs are done before a test writes others.
  await settled(site)
  return { site, videos: made }
}

/** The hash of a video's first torrent, as the plugin made it. */
export async function torrentHash (site, video) {
  const { files, streamingPlaylists } = (await site.get(`/videos/${video.uuid}`, { token: true })).json
  const { magnetUri } = files[0] ?? streamingPlaylists[0].files[0]
  return Buffer.from(magnetUri.match(/urn:btih:([0-9a-f]{40})/)[1], 'hex').toString('latin1')
}

/** The first swarm of a video's playlist that the plugin made; '' while there is none. Generation 3 knows no URL. */
export function ownHash (site, video) {
  const hex = execFileSync('sqlite3', ['-readonly', '-cmd', '.timeout 10000', join(site.folder, 'shoal.sqlite3'),
    `SELECT hex(hash) FROM p2p_hash WHERE video_id = ${video.id} AND generation = 3 ORDER BY hash LIMIT 1`], { encoding: 'utf8' })
  return Buffer.from(hex.trim(), 'hex').toString('latin1')
}

/** Writes a hash into the table as the plugin's job does, also while the server runs. */
export function addHash (site, hash, video, more = '') {
  execFileSync('sqlite3', ['-bail', '-cmd', '.timeout 10000', join(site.folder, 'shoal.sqlite3'), `INSERT OR REPLACE INTO p2p_hash (hash, video_id, generation)
    VALUES (X'${Buffer.from(hash, 'latin1').toString('hex')}', ${video.id}, 2); ${more}`])
}

/** Writes hashes {hash: video} and runs a statement, while the instance is stopped. */
export async function writeHashes (site, hashes, more) {
  await site.kill()
  for (const [hash, video] of Object.entries(hashes)) addHash(site, hash, video, more)
  await site.start()
}

/** A peer with a socket. */
export class Peer extends Socket {
  constructor (site, { id = bytes20(), path = '/tracker/socket', ...options } = {}) {
    super(site, path, options)
    this.id = id
  }

  say (message) { this.write(JSON.stringify(message)) }

  announce (hash, more = {}) {
    this.say({ action: 'announce', info_hash: hash, peer_id: this.id, numwant: 5, uploaded: 0, downloaded: 0, left: null, event: 'started', ...more })
  }

  /** The next message, parsed. */
  async hear (timeout) {
    const got = await this.next(timeout)
    if (!got) throw new Error('the socket was closed')
    if (got.opcode !== 1) throw new Error(`not a text but ${got.opcode} ${got.data.toString('hex')}`)
    this.text = got.data.toString()
    return JSON.parse(this.text)
  }

  /** What an announce is answered with. */
  async announced (hash, more) {
    this.announce(hash, more)
    return this.hear()
  }

  /** Nothing waits: what is asked now is answered next. */
  async quiet (hash) {
    this.say({ action: 'scrape', info_hash: hash })
    const heard = await this.hear()
    if (heard.action !== 'scrape') throw new Error(`something else came: ${this.text}`)
  }
}

export async function peer (site, options) {
  const made = new Peer(site, options)
  const status = await made.head
  if (status !== 101) throw new Error(`no upgrade: ${status}`)
  return made
}

export const offer = (text, id = bytes20()) => ({ offer: { type: 'offer', sdp: text }, offer_id: id })

const encode = bytes => [...Buffer.from(bytes, 'latin1')].map(byte => `%${byte.toString(16).padStart(2, '0')}`).join('')

/** An HTTP announce; the parsed answer, whose text is latin-1. from: the address it comes from, by a trusted proxy. */
export async function announceHttp (site, hash, { id = bytes20(), from, path = '/tracker/announce', ...query } = {}) {
  const rest = Object.entries({ port: 6881, uploaded: 0, downloaded: 0, left: 1, compact: 1, ...query }).map(([key, value]) => `&${key}=${value}`).join('')
  return bencoded(site, `${path}?info_hash=${encode(hash)}&peer_id=${encode(id)}${rest}`, from)
}

export const scrapeHttp = (site, ...hashes) => bencoded(site, `/tracker/scrape?${hashes.map(hash => `info_hash=${encode(hash)}`).join('&')}`)

export async function bencoded (site, path, from) {
  const answer = await site.raw({ path, headers: from ? { 'x-forwarded-for': from } : {} })
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`)
  const text = answer.body.toString('latin1')
  const [value, end] = decode(text, 0)
  if (end !== text.length) throw new Error('more follows the dictionary')
  return value
}

function decode (text, at) {
  if (text[at] === 'i') {
    const end = text.indexOf('e', at)
    return [Number(text.slice(at + 1, end)), end + 1]
  }
  if (text[at] === 'l' || text[at] === 'd') {
    const isList = text[at++] === 'l'
    const items = []
    while (text[at] !== 'e') {
      const [item, next] = decode(text, at)
      items.push(item)
      at = next
    }
    if (isList) return [items, at + 1]
    const keys = items.filter((item, i) => i % 2 === 0)
    if (keys.join() !== [...keys].sort().join()) throw new Error(`keys are not in order: ${keys}`)
    return [Object.fromEntries(keys.map((key, i) => [key, items[i * 2 + 1]])), at + 1]
  }
  const colon = text.indexOf(':', at)
  const length = Number(text.slice(at, colon))
  return [text.slice(colon + 1, colon + 1 + length), colon + 1 + length]
}
