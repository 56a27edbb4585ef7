// catalogue.mjs - what many videos cost: the start of the server, a page of the list.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

import { request } from '../kit/client.mjs'
import { program, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { middle, number, ratio, seed, turns, wrk } from './kit.mjs'

async function seeded (count, settings = []) {
  const site = await startInstance({ settings })
  const video = await site.upload(await clip('h264', { seconds: 3 }), { name: 'Bench' })
  await site.published(video.uuid)
  await seed(site, video.uuid, count - 1)
  return site
}

/** From starting the program to the first answer of the API. */
export async function start () {
  const site = await seeded(10000)
  try {
    const times = []
    for (let i = 0; i < 7; i++) {
      await site.kill()
      const begun = performance.now()
      const child = spawn(program, ['serve', site.folder], { stdio: 'ignore' })
      const ended = new Promise(resolve => child.once('exit', resolve))
      for (;;) {
        const answer = await request(site.url, { path: '/api/v1/videos?count=15' }).catch(() => null)
        if (answer?.status === 200) break
        if (performance.now() - begun > 20000) throw new Error('it did not answer within 20 s')
        await sleep(1)
      }
      times.push(performance.now() - begun)
      child.kill()
      await ended
    }
    number('start to the first answer, 10,000 videos', middle(times), 'ms', '≤ 100 ms', `${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)}`)
  } finally { await site.stop() }
}

/** A page of the list without a cache, of 100,000 videos and of 100. */
export async function list () {
  const large = await seeded(100000, ['http.cache=0'])
  const small = await seeded(100, ['http.cache=0'])
  try {
    for (const [name, path] of [['first page', '/api/v1/videos?count=15'], ['first page by views', '/api/v1/videos?count=15&sort=-views'], ['fifth page', '/api/v1/videos?count=15&start=60']]) {
      const [ours, peers] = await turns(() => wrk(large.url + path, { connections: 8 }), () => wrk(small.url + path, { connections: 8 }))
      ratio(`list of 100,000 videos, cache off, ${name}: time of one against that with 100`, ours.map(each => 1e6 / each), peers.map(each => 1e6 / each), 'µs', '≤ 1.3')
    }
  } finally { await large.stop(); await small.stop() }
}
