// accepted.mjs - what comes in: signed activities of other servers until they show, here and at a PeerTube beside.
//
// People, their channels and their notes lie on servers of loopback (peer.mjs), which answer when they are asked for
// them. Requests are made and signed before, poster.c sends them: what is measured is the one who takes them.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { execFileSync } from 'node:child_process'
import { createVerify, generateKeyPairSync, sign } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { federating, Peer, Public } from '../federation/peer.mjs'
import { clip } from '../kit/media.mjs'
import { fixed, folder, middle, number, ratio, ROUNDS, run, site200, turns } from './kit.mjs'

const SERVERS = 5
const PEOPLE = 50 // and as many channels
const CONNECTIONS = 64
const ROUND = { ours: 40, peer: 3 } // activities of each of them in a round, of each kind
const PATIENCE_MS = 60000

/** A request as bytes, each after its length: what poster.c reads. */
function packed (actor, site, activity) {
  const body = JSON.stringify({ '@context': ['https://www.w3.org/ns/activitystreams', 'https://w3id.org/security/v1'], ...activity })
  // Servers have an address each: who bounds requests by address bounds none of these.
  const headers = { ...actor.sign('POST', `${site.url}/inbox`, body), 'x-forwarded-for': actor.address, 'content-length': Buffer.byteLength(body) }
  const text = `POST /inbox HTTP/1.1\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
  return `${Buffer.byteLength(text)}\n${text}`
}

/** Who speaks, and what they say: {people, channels, like, announce, create, stop}. */
async function network () {
  const peers = await Promise.all(Array.from({ length: SERVERS }, () => Peer.start()))
  const people = []; const channels = []
  for (let i = 0; i < PEOPLE; i++) {
    const peer = peers[i % SERVERS]
    people.push(peer.person(`person${i}`))
    channels.push(peer.channel(`channel${i}`, people[i]))
  }
  for (const [i, actor] of [...people, ...channels].entries()) actor.address = `10.9.${i >> 8}.${i & 255}`
  let count = 0
  return {
    people,
    channels,
    Like: (i, video) => [people[i], people[i].say('Like', video)],
    Announce: (i, video) => [channels[i], channels[i].say('Announce', video, { cc: [`${channels[i].id}/followers`] })],
    Create: (i, video) => {
      const by = people[i]
      const path = `/notes/${++count}`
      const note = {
        type: 'Note', id: `${by.peer.url}${path}`, url: `${by.peer.url}${path}`, attributedTo: by.id, inReplyTo: video, content: `<p>What I have to say about it, number ${count}.</p>`, mediaType: 'text/html', published: new Date(Date.now() - 1000).toISOString(), to: [Public], cc: [`${by.id}/followers`]
      }
      by.peer.serve(path, { '@context': 'https://www.w3.org/ns/activitystreams', ...note })
      return [by, by.say('Create', note, { cc: note.cc })]
    },
    stop: () => Promise.all(peers.map(peer => peer.stop()))
  }
}

const KINDS = ['Like', 'Announce', 'Create']
const collections = { Like: 'likes', Announce: 'announces', Create: 'comments' }

/** Our instance with 200 videos: {url, videos, pids, counts}. */
async function ours () {
  const { site } = await site200([...federating, 'comments.per_minute=10000'], { federates: true })
  await site.raw({ path: '/accounts/peertube', headers: { accept: 'application/activity+json' } }) // its own key is made
  const query = 'SELECT (SELECT COUNT(*) FROM ratings_rate WHERE url IS NOT NULL), (SELECT COUNT(*) FROM catalog_share s JOIN catalog_actor a ON a.id = s.actor_id WHERE a.host <> \'\'), (SELECT COUNT(*) FROM comments_comment WHERE url IS NOT NULL)'
  const { data } = (await site.get('/videos?count=100&start=0')).json
  const more = (await site.get('/videos?count=100&start=100')).json.data
  return {
    site,
    url: site.url,
    host: `127.0.0.1:${site.port}`,
    videos: [...data, ...more].map(video => `${site.url}/videos/watch/${video.uuid}`),
    pids: () => [site.server],
    pause: 20,
    counts: async () => {
      const { stdout } = await run('sqlite3', ['-readonly', '-cmd', '.timeout 20000', join(site.folder, 'shoal.sqlite3'), query])
      return stdout.trim().split('|').map(Number)
    },
    stop: () => site.stop()
  }
}

/** The process that listens on a port, and those of its database and its queue. */
function processesOf (port) {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const inodes = ['tcp', 'tcp6'].flatMap(name => readFileSync(`/proc/net/${name}`, 'utf8').split('\n').map(line => line.trim().split(/\s+/)))
    .filter(([, local, , state]) => state === '0A' && local.endsWith(`:${hex}`)).map(fields => `socket:[${fields[9]}]`)
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).filter(pid => {
    try {
      if (/^(postgres|redis-server)/.test(readFileSync(`/proc/${pid}/comm`, 'utf8'))) return true
      return readdirSync(`/proc/${pid}/fd`).some(fd => { try { return inodes.includes(readlinkSync(`/proc/${pid}/fd/${fd}`)) } catch { return false } })
    } catch { return false }
  })
}

/** A PeerTube that federates over http: its oldest videos of here, made where there are too few. */
async function peerTube (base, count) {
  const json = async (path, options) => {
    const answer = await fetch(`${base}/api/v1${path}`, options)
    if (!answer.ok) throw new Error(`${base} answers ${path} with ${answer.status}: ${(await answer.text()).slice(0, 300)}`)
    return answer.json()
  }
  const list = async () => (await json(`/videos?isLocal=true&count=${count}&sort=publishedAt`)).data
  const found = await list()
  if (found.length < count) await fill(base, json, count - found.length)
  const videos = await list()
  if (videos.length < count) throw new Error(`${base} shows ${videos.length} of the ${count} videos`)
  const documents = videos.map(video => `${base}/videos/watch/${video.uuid}`)
  const port = Number(new URL(base).port)
  return {
    url: base,
    host: `127.0.0.1:${port}`,
    videos: documents,
    pids: () => processesOf(port),
    pause: 250,
    counts: kinds => Promise.all(KINDS.map(async kind => {
      if (!kinds.includes(kind)) return 0
      const pages = await Promise.all(documents.map(async url => (await fetch(`${url}/${collections[kind]}`, { headers: { accept: 'application/activity+json' } })).json()))
      return pages.reduce((all, page) => all + page.totalItems, 0)
    })),
    stop: async () => {}
  }
}

/** Uploads what a PeerTube lacks; its password is the one of its test configuration. */
async function fill (base, json, count) {
  const client = await json('/oauth-clients/local')
  const { access_token: token } = await json('/users/token', { method: 'POST', body: new URLSearchParams({ ...client, grant_type: 'password', username: 'root', password: process.env.SHOAL_BENCH_PASSWORD ?? 'test1' }) })
  const headers = { authorization: `Bearer ${token}` }
  const me = await json('/users/me', { headers })
  const bytes = readFileSync(await clip('h264', { seconds: 1, size: '160x120' }))
  for (let i = 0; i < count; i++) {
    const form = new FormData()
    for (const [name, value] of Object.entries({ name: `Bench ${i}`, channelId: me.videoChannels[0].id, privacy: 1 })) form.append(name, String(value))
    form.append('videofile', new Blob([bytes], { type: 'video/mp4' }), 'bench.mp4')
    await json('/videos/upload', { method: 'POST', headers, body: form })
  }
  for (const end = Date.now() + 180000; Date.now() < end; await sleep(1000)) {
    const { data } = await json('/users/me/videos?count=100', { headers })
    const { total } = await json('/jobs/active?count=1', { headers })
    if (total === 0 && data.every(video => video.state.id === 1)) return
  }
  throw new Error(`${base} does not finish its videos`)
}

const cpuOf = pids => pids.reduce((sum, pid) => {
  try {
    const parts = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
    return sum + (Number(parts[11]) + Number(parts[12])) / 100
  } catch { return sum }
}, 0)

/** Sends what is prepared and waits until all of it shows: {count, seconds, cpu}. */
async function send (taker, kinds, requests, connections = CONNECTIONS) {
  const path = join(folder, 'requests')
  writeFileSync(path, requests.join(''))
  const total = async () => (await taker.counts(kinds)).reduce((sum, each, i) => sum + (kinds.includes(KINDS[i]) ? each : 0), 0)
  const before = await total()
  const pids = taker.pids()
  const spent = cpuOf(pids)
  const from = performance.now()
  const { stdout } = await run(poster(), [taker.host, path, String(connections)])
  const said = JSON.parse(stdout)
  if (said.refused > 0) throw new Error(`${taker.url} refuses ${said.refused} of ${requests.length}: ${said.first}`)
  let applied = await total() - before
  for (const end = from + PATIENCE_MS; applied < requests.length && performance.now() < end; applied = await total() - before) await sleep(taker.pause)
  const seconds = (performance.now() - from) / 1000
  if (applied < requests.length) console.log(`  ${taker.url}: ${applied} of ${requests.length} ${kinds} show after ${fixed(seconds)} s`)
  return { count: applied, seconds, cpu: cpuOf(pids) - spent }
}

let program
function poster () {
  if (!program) {
    program = join(folder, 'poster')
    execFileSync('gcc', ['-O2', '-D_GNU_SOURCE', '-o', program, join(import.meta.dirname, 'poster.c')])
  }
  return program
}

/** Processor time of one check of a signature with a key of 2,048 bits, in µs. */
function checking () {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const text = Buffer.from('(request-target): post /inbox\nhost: example.org\ndate: Thu, 01 Jan 1970 00:00:00 GMT\ndigest: SHA-256=x')
  const signature = sign('sha256', text, privateKey)
  const from = process.cpuUsage()
  for (let i = 0; i < 5000; i++) createVerify('sha256').update(text).verify(publicKey, signature)
  const { user, system } = process.cpuUsage(from)
  return (user + system) / 5000
}

/** One round of a kind: everybody says it of some of the videos. */
function round (world, taker, kind, size, index) {
  const requests = []
  for (let k = 0; k < size; k++) {
    const video = taker.videos[1 + (index * size + k) % (taker.videos.length - 1)]
    for (let i = 0; i < PEOPLE; i++) requests.push(packed(...sayTo(world, kind, i, video, taker)))
  }
  return send(taker, [kind], requests)
}

function sayTo (world, kind, i, video, taker) {
  const [actor, activity] = world[kind](i, video)
  return [actor, taker, activity]
}

/** All of them for the first time, one after the other: their documents and keys are not known yet. */
function meet (world, taker) {
  const requests = []
  for (let i = 0; i < PEOPLE; i++) requests.push(packed(...sayTo(world, 'Like', i, taker.videos[0], taker)))
  return send(taker, ['Like'], requests, 1).then(async people => {
    const others = []
    for (let i = 0; i < PEOPLE; i++) others.push(packed(...sayTo(world, 'Announce', i, taker.videos[0], taker)))
    const channels = await send(taker, ['Announce'], others, 1)
    return { count: people.count + channels.count, seconds: people.seconds + channels.seconds, cpu: people.cpu + channels.cpu }
  })
}

const perSecond = list => list.map(each => each.count / each.seconds)
const perCpu = list => list.map(each => each.count / each.cpu)
const add = lists => lists[0].map((_, i) => lists.reduce((sum, list) => ({ count: sum.count + list[i].count, seconds: sum.seconds + list[i].seconds, cpu: sum.cpu + list[i].cpu }), { count: 0, seconds: 0, cpu: 0 }))

const names = { Like: 'Likes', Announce: 'Announces', Create: 'Creates of comments' }

function show (what, mine, theirs, goal) {
  if (theirs) {
    ratio(`${what}: accepted and applied a second`, perSecond(mine), perSecond(theirs), '/s', goal)
    ratio(`${what}: for a second of the server's CPU`, perCpu(mine), perCpu(theirs), '/CPU s', goal)
  } else {
    number(`${what}: accepted and applied a second`, middle(perSecond(mine)), '/s')
    number(`${what}: for a second of the server's CPU`, middle(perCpu(mine)), '/CPU s')
  }
}

/** Activities that are accepted and applied in a second, against a PeerTube where one federates beside. */
export async function accepted () {
  const base = process.env.SHOAL_BENCH_FEDERATED
  const world = await network()
  let mine
  try {
    mine = await ours()
    const theirs = base ? await peerTube(base.replace(/\/$/, ''), 1 + ROUND.peer * ROUNDS) : null
    if (!theirs) console.log('no PeerTube federates beside (SHOAL_BENCH_FEDERATED=http://127.0.0.1:PORT): ours alone')
    const met = [await meet(world, mine), theirs && await meet(world, theirs)]
    show(`${PEOPLE * 2} actors that nobody knew, one after the other`, [met[0]], met[1] && [met[1]])
    const all = [[], []]
    for (const kind of KINDS) {
      const [a, b] = await turns(i => round(world, mine, kind, ROUND.ours, i), i => theirs && round(world, theirs, kind, ROUND.peer, i))
      show(names[kind], a, theirs && b)
      all[0].push(a)
      all[1].push(b)
    }
    const together = add(all[0])
    show('Create, Announce and Like together', together, theirs && add(all[1]), '≥ 10')
    const each = 1e6 / middle(perCpu(together))
    const rsa = checking()
    number('the share of RSA in that', rsa / each * 100, '%', '', `${fixed(rsa)} µs of the ${fixed(each)} µs of CPU for one`)
  } finally {
    await mine?.stop()
    await world.stop()
  }
}
