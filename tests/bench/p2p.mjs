// p2p.mjs - the tracker against the one that PeerTube runs, and against opentracker for HTTP announces.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

import { build, freePort, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { withPlugins } from '../kit/plugins.mjs'
import { atRate, folder, memory, middle, number, ratio, run, SECONDS, turns } from './kit.mjs'
import { viewers } from './viewers.mjs'

const HASH = '62507073425047336d386b7457506c736545634a'
const PEER = '@peertube/bittorrent-tracker-server@11.1.2'
const MOST = 60000000
const SOCKETS = 32
const SWARM = 10000

/** One of the programs in C, built once. */
function built (name) {
  const path = join(folder, name)
  if (!existsSync(path)) execFileSync('gcc', ['-O2', '-D_GNU_SOURCE', '-pthread', '-o', path, join(import.meta.dirname, `${name}.c`)])
  return path
}

/** CPU seconds that processes took so far, theirs and the kernel's. */
function seconds (pids) {
  return pids.reduce((sum, pid) => {
    const parts = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
    return sum + (Number(parts[11]) + Number(parts[12])) / 100
  }, 0)
}

/** Runs peers against a tracker: {announces, perSecond, cpu: µs of the server for each, offers}. */
async function load (tracker, mode, { path = tracker.path, count = SOCKETS, window = 1, rate = 0 } = {}) {
  const child = spawn(built('peers'), [mode, `127.0.0.1:${tracker.port}`, path, tracker.hash ?? HASH, count, SECONDS, window, rate].map(String), { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const first = (await lines.next()).value
  if (first !== 'ready') throw new Error(`the peers did not get ready: ${first}`)
  const before = seconds(tracker.pids())
  child.stdin.write('x')
  const said = JSON.parse((await lines.next()).value)
  const took = seconds(tracker.pids()) - before
  child.stdin.end()
  if (said.failures > 0 || said.announces === 0) throw new Error(`the peers say ${JSON.stringify(said)}`)
  return { ...said, perSecond: said.announces / said.seconds, cpu: took * 1e6 / said.announces }
}

/** Our instance, with a video and limits that a single address cannot reach. */
async function ours () {
  const site = await startInstance({ started: false })
  const limits = { address_sockets: 100000, address_messages: MOST, socket_messages: MOST, address_peers: 100000, peer_offers: MOST }
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', `{ "p2p", ${Object.entries(limits).map(([key, value]) => `${key} = ${value}`).join(', ')} }`])
  await site.start()
  const video = await site.upload(await clip('h264'))
  await site.published(video.uuid)
  const hash = await site.when('the video has its swarms', async () => (await run('sqlite3', ['-readonly', join(site.folder, 'shoal.sqlite3'),
    `SELECT lower(hex(hash)) FROM p2p_hash WHERE video_id = ${video.id} AND generation = 2 LIMIT 1`])).stdout.trim())
  return { site, port: site.port, path: '/tracker/socket', hash, pids: () => [site.server], stop: () => site.stop() }
}

/** A program that listens on a port, once it does. */
async function program (command, args, port) {
  const child = spawn(command, args, { stdio: 'ignore', cwd: folder })
  const ended = once(child, 'exit')
  for (let i = 0; ; i++) {
    const socket = connect(port, '127.0.0.1')
    const [is] = await Promise.race([once(socket, 'connect').then(() => [true]), once(socket, 'error').then(() => [false])]).catch(() => [false])
    socket.destroy()
    if (is) break
    if (i > 100) throw new Error(`${command} does not listen`)
    await sleep(100)
  }
  return { port, pids: () => [child.pid], stop: async () => { child.kill(); await ended } }
}

/** The tracker that PeerTube runs, in a process of its own, as PeerTube sets it up but without its checks. */
async function peerTube () {
  const place = resolve(build, 'bench-peers')
  if (!existsSync(join(place, 'node_modules/@peertube/bittorrent-tracker-server'))) {
    mkdirSync(place, { recursive: true })
    await run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', place, PEER], { cwd: place })
  }
  const script = join(place, 'tracker.mjs')
  writeFileSync(script, `import Server from '@peertube/bittorrent-tracker-server'
const server = new Server({ http: true, udp: false, ws: true, stats: false })
server.on('error', () => {})
server.on('warning', () => {})
server.listen(Number(process.argv[2]), '127.0.0.1')`)
  const port = await freePort()
  return { ...await program(process.execPath, [script, String(port)], port), path: '/' }
}

/** What receives and sends and nothing else, with as many threads as our loops. */
async function bare () {
  const port = await freePort()
  return { ...await program(built('bare'), [port, availableParallelism()].map(String), port), path: '/' }
}

async function openTracker () {
  await run('sh', ['-c', 'command -v opentracker || { apt-get update -qq; apt-get install -y -qq --no-install-recommends opentracker; }'], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  const port = await freePort()
  const isRoot = process.getuid() === 0 // then it locks itself into the folder
  writeFileSync(join(folder, 'whitelist'), `${HASH}\n`)
  return { ...await program('opentracker', ['-i', '127.0.0.1', '-p', String(port), '-P', String(port), '-d', folder, '-w', isRoot ? '/whitelist' : join(folder, 'whitelist'), '-u', isRoot ? 'nobody' : process.env.USER], port), path: '/announce' }
}

/** Compares what the servers need for announces, and how many they answer. */
async function compare (what, mine, theirs, mode, options = {}, goal) {
  const [a, b] = await turns(() => load(mine, mode, options), () => load(theirs, mode, options))
  const worth = list => list.map(each => 1e6 / each.cpu)
  ratio(`${what}: announces for a second of the server's CPU`, worth(a), worth(b), '/CPU s', goal)
  ratio(`${what}: announces a second`, a.map(each => each.perSecond), b.map(each => each.perSecond), '/s', goal)
  return middle(a.map(each => each.perSecond))
}

/** Plain announces and announces with 5 offers; then the API beside half of the most. */
async function announces () {
  const mine = await ours()
  const theirs = await peerTube()
  try {
    await compare('plain announces, a swarm of 10,000', mine, theirs, 'plain', { count: SWARM }, '≥ 8')
    await compare('the same, 4 under way on each socket', mine, theirs, 'plain', { count: SWARM, window: 4 }, '≥ 8')
    const most = await compare('plain announces, a swarm of 32', mine, theirs, 'plain', {}, '≥ 8')
    await compare('the same, 4 under way on each socket', mine, theirs, 'plain', { window: 4 }, '≥ 8')
    await compare('announces with 5 offers, a swarm of 10,000', mine, theirs, 'offers', { count: SWARM }, '≥ 5, aim 8')
    await compare('announces with 5 offers, a swarm of 32', mine, theirs, 'offers', {}, '≥ 5, aim 8')
    await floor(mine)
    await beside(mine.site, mine, most / 2)
  } finally { await theirs.stop(); await mine.stop() }
}

/** How near plain announces are to what the kernel takes for their messages alone. */
async function floor (mine) {
  const least = await bare()
  try {
    for (const count of [SWARM, SOCKETS]) await compare(`a swarm of ${count.toLocaleString('en')}, against a server that reads no announce`, mine, least, 'plain', { count })
  } finally { await least.stop() }
}

/** The API's slowest calls alone, and while the tracker answers. */
async function beside (site, tracker, rate) {
  const asked = async () => (await atRate(site, 200, SECONDS, () => ({ path: '/api/v1/videos' }))).p99
  const [with_, alone] = await turns(async () => {
    const [p99] = await Promise.all([asked(), load(tracker, 'plain', { rate })])
    return p99
  }, asked)
  ratio(`p99 of 200 API requests a second beside ${Math.round(rate)} announces a second, against the API alone`, with_, alone, 'ms', '≤ 2')
}

/** Memory of 10,000 peers that announced themselves and stay; what the kernel keeps for their sockets is not counted. */
async function connected () {
  const mine = await ours()
  try {
    const some = spawn(built('peers'), ['idle', `127.0.0.1:${mine.port}`, mine.path, mine.hash, '20', '0'], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(some.stdout, 'data')
    some.stdin.end()
    await once(some, 'exit')
    await sleep(1000)
    const before = memory(mine.site)
    const many = spawn(built('peers'), ['idle', `127.0.0.1:${mine.port}`, mine.path, mine.hash, '10000', '0'], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(many.stdout, 'data')
    await sleep(1000)
    number('one of 10,000 connected peers', (memory(mine.site) - before) / 10000 / 1024, 'KiB', '≤ 6 KiB')
    many.stdin.end()
    await once(many, 'exit')
  } finally { await mine.stop() }
}

/** HTTP announces, a connection for each. */
async function seedboxes () {
  const mine = await ours()
  const theirs = await openTracker()
  mine.path = '/tracker/announce'
  try {
    const [a, b] = await turns(() => load(mine, 'http'), () => load(theirs, 'http'))
    ratio('HTTP announces a second, against opentracker', a.map(each => each.perSecond), b.map(each => each.perSecond), '/s', '≥ 0.7')
    ratio('HTTP announces: CPU of the server for each', a.map(each => each.cpu), b.map(each => each.cpu), 'µs')
  } finally { await theirs.stop(); await mine.stop() }
}

export async function p2p () {
  await announces()
  await connected()
  await seedboxes()
  await viewers()
}
