// deliveries.mjs - what goes out: to 500 servers of which 150 are dead, and with 100,000 deliveries waiting.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { createSign, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { Crowd, cry, follow, startCrier, waiting } from '../federation/crowd.mjs'
import { memoryKinds, MiB, number } from './kit.mjs'

const HOSTS = Number(process.env.SHOAL_BENCH_HOSTS ?? 500)
const FOLLOWERS = 20 // of each
const DEAD = Math.round(HOSTS / 10) // of each kind: refuse, hang, answer 500

const cpu = site => {
  const parts = readFileSync(`/proc/${site.server}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(parts[11]) + Number(parts[12])) / 100
}

/** Waits until `count` deliveries came; {seconds, cpu}. */
async function until (site, crowd, count, timeout = 300000) {
  const from = Date.now(); const before = cpu(site)
  while (crowd.count < count) {
    if (Date.now() - from > timeout) throw new Error(`${crowd.count} of ${count} came\n${site.log.slice(-2000)}`)
    await sleep(20)
  }
  return { seconds: (Date.now() - from) / 1000, cpu: cpu(site) - before }
}

/** A network of which 30 % are dead: {site, crowd, living}. */
async function network (shared) {
  const site = await startCrier()
  const crowd = new Crowd()
  crowd.isBlind = true
  for (const mode of ['refuse', 'hang', 500]) await crowd.add(mode, DEAD)
  const living = HOSTS - 3 * DEAD
  await crowd.add(202, living)
  crowd.hosts.sort(() => Math.random() - 0.5)
  for (const host of crowd.hosts) follow(site, host, FOLLOWERS, { shared })
  return { site, crowd, living }
}

/** Processor time of one signature in ms. */
function signing () {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const from = process.cpuUsage()
  for (let i = 0; i < 500; i++) createSign('sha256').update('x').sign(privateKey)
  const { user, system } = process.cpuUsage(from)
  return (user + system) / 1000 / 500
}

async function spread (shared) {
  const { site, crowd, living } = await network(shared)
  try {
    const each = shared ? 1 : FOLLOWERS
    await cry(site)
    const first = await until(site, crowd, living * each)
    const what = `${HOSTS * FOLLOWERS} followers, ${shared ? 'shared inboxes' : 'an inbox each'}`
    number(`${what}: the ${living} living of ${HOSTS} servers have it`, first.seconds, 's', '< 60')
    if (!shared) number('processor for one delivery', first.cpu * 1000 / (living * each), 'ms', '', `its signature alone takes ${signing().toFixed(2)} ms`)
    crowd.count = 0
    await cry(site)
    number(`${what}: the next one, with the dead known`, (await until(site, crowd, living * each)).seconds, 's')
  } finally {
    await crowd.stop()
    await site.stop()
  }
}

/** The least of twelve seconds: what is asked again now and then needs the caches of the database meanwhile. */
async function rested (site) {
  let least
  for (let i = 0; i < 24; i++, await sleep(500)) {
    const now = memoryKinds(site)
    if (!(now.total > least?.total)) least = now
  }
  return least
}

/** The most that was seen until something is done; a tenth of a second between two looks. */
async function most (site, work) {
  let is = memoryKinds(site); let isOver = false
  work = work.finally(() => { isOver = true })
  for (; !isOver; await sleep(100)) {
    const now = memoryKinds(site)
    if (now.total > is.total) is = now
  }
  return work.then(() => is)
}

/** Says how much more memory a full queue takes than a tenth of it, and of which kind; and than a hundredth. */
function grown (what, full, tenth, hundredth) {
  const mebibytes = (kind, before) => ((full[kind] - before[kind]) / MiB).toFixed(2)
  const kinds = ['allocated', 'stacks', 'files', 'index'].map(kind => `${kind === 'index' ? "the log's index" : kind} ${mebibytes(kind, tenth)}`)
  number(what, Number(mebibytes('total', tenth)), 'MiB', 'flat: ≤ 1',
    `${kinds.join(', ')}; than with 1,000: ${mebibytes('total', hundredth)}; ${(full.total / MiB).toFixed(1)} MiB in all`)
}

/** All servers answer again, and are asked at once. */
async function wake (site, { hosts }) {
  for (const host of hosts) host.mode = 202
  await Promise.all(hosts.map(host => host.listen(host.port)))
  for (const host of hosts) await site.post(`/federation/hosts/${host.host}/retry`, { token: true })
}

async function waits (site, count) {
  for (const from = Date.now(); waiting(site) < count; await sleep(100)) {
    if (Date.now() - from > 600000) throw new Error(`${waiting(site)} of ${count} wait`)
  }
}

/** For ten seconds so many wait at any time, of which hundreds are under way. */
async function flow (site, crowd, inboxes, level) {
  let said = crowd.count + waiting(site)
  for (const from = Date.now(); Date.now() - from < 10000; await sleep(20)) {
    if (said - crowd.count > level) continue
    await cry(site, { inboxes, count: level / 200 })
    said += level / 2
  }
}

/** The memory while so many come and go, and while so many wait and nothing goes on: {busy, rest}. */
async function level (site, crowd, inboxes, count) {
  await cry(site, { inboxes, count: Math.ceil((count - waiting(site)) / 100) })
  await waits(site, count)
  await wake(site, crowd)
  const busy = await most(site, flow(site, crowd, inboxes, count))
  await crowd.stop()
  await cry(site, { inboxes, count: Math.max(1, Math.ceil((count - waiting(site)) / 100)) })
  await waits(site, count)
  return { busy, rest: await rested(site) }
}

async function backlog () {
  const site = await startCrier({ settings: ['delivery.pause=1s'] })
  const crowd = new Crowd()
  crowd.isBlind = true
  try {
    await crowd.add('refuse', 100)
    const inboxes = crowd.hosts.map(host => `${host.url}/inbox`)
    const hundredth = await level(site, crowd, inboxes, 1000)
    const tenth = await level(site, crowd, inboxes, 10000)
    const more = 100000 - waiting(site)
    const from = Date.now()
    await cry(site, { inboxes, count: Math.ceil(more / 100) })
    const filling = await most(site, waits(site, 100000))
    number('queued in a second', more / ((Date.now() - from) / 1000), '/s')
    grown('memory with 100,000 waiting, at rest: more than with 10,000', await rested(site), tenth.rest, hundredth.rest)
    grown('memory while 100,000 are queued: more than while 10,000 come and go', filling, tenth.busy, hundredth.busy)
    crowd.count = 0
    await wake(site, crowd)
    await until(site, crowd, 10000)
    const before = { count: crowd.count, cpu: cpu(site), at: Date.now() }
    const leaving = await most(site, until(site, crowd, 90000))
    const count = crowd.count - before.count
    number('delivered in a second', count / ((Date.now() - before.at) / 1000), '/s', '', `all servers well again; ${((cpu(site) - before.cpu) * 1000 / count).toFixed(2)} ms of processor each`)
    grown('memory while 100,000 go out: more than while 10,000 come and go', leaving, tenth.busy, hundredth.busy)
  } finally {
    await crowd.stop()
    await site.stop()
  }
}

/** What goes out. */
export async function deliveries () {
  await spread(true)
  await spread(false)
  await backlog()
}
