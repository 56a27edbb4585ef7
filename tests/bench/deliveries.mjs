// deliveries.mjs - what goes out: to 500 servers of which 150 are dead, and with 100,000 deliveries waiting.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { createSign, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { Crowd, cry, follow, startCrier, waiting } from '../federation/crowd.mjs'
import { memory, MiB, number } from './kit.mjs'

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
  let least = Infinity
  for (let i = 0; i < 24; i++, await sleep(500)) least = Math.min(least, memory(site))
  return least
}

async function backlog () {
  const site = await startCrier({ settings: ['delivery.pause=1s'] })
  const crowd = new Crowd()
  crowd.isBlind = true
  try {
    await crowd.add('refuse', 100)
    const inboxes = crowd.hosts.map(host => `${host.url}/inbox`)
    await cry(site, { inboxes, count: 10 })
    while (waiting(site) < 1000) await sleep(100)
    const before = await rested(site)
    const from = Date.now()
    await cry(site, { inboxes, count: 990 })
    let early = 0
    for (let count; (count = waiting(site)) < 100000;) {
      if (count > 20000 && !early) early = memory(site)
      if (Date.now() - from > 600000) throw new Error(`${count} of 100000 wait`)
      await sleep(200)
    }
    number('queued in a second', 99000 / ((Date.now() - from) / 1000), '/s')
    const queued = memory(site)
    number('100,000 deliveries waiting, at rest: memory more than with 1,000', (await rested(site) - before) / MiB, 'MiB', 'flat: ≤ 2', `${(before / MiB).toFixed(1)} MiB then`)
    number('the same while the last of them are queued, the caches of the database full', (queued - before) / MiB, 'MiB', '≤ 16')
    number('the same, more than with 20,000', (queued - early) / MiB, 'MiB', 'flat: ≤ 2')
    // They come back: all of it goes out.
    const ports = crowd.hosts.map(host => host.port)
    for (const host of crowd.hosts) host.mode = 202
    await Promise.all(crowd.hosts.map((host, i) => host.listen(ports[i])))
    for (const host of crowd.hosts) await site.post(`/federation/hosts/${host.host}/retry`, { token: true }) // not in its time
    await until(site, crowd, 20000)
    let peak = 0
    const some = crowd.count; const at = Date.now()
    while (crowd.count < 90000 && Date.now() - at < 60000) {
      peak = Math.max(peak, memory(site))
      await sleep(200)
    }
    number('delivered in a second', (crowd.count - some) / ((Date.now() - at) / 1000), '/s', '', 'all servers well again')
    number('memory while they go out, more than with 1,000 waiting', (peak - before) / MiB, 'MiB')
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
