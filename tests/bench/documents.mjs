// documents.mjs - what other servers read: a video and an actor as ActivityPub, against the API's answers of the same.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { federating } from '../federation/peer.mjs'
import { cpu, middle, number, ratio, ROUNDS, SECONDS, site200, turns, wrk } from './kit.mjs'

const headers = { Accept: 'application/activity+json' }
// Short turns, and many: both sides are close to each other, and what else the machine does lasts for seconds.
const seconds = Math.min(SECONDS, 1)
const rounds = ROUNDS * 3

/** Microseconds of CPU of one answer, from wrk's rates. */
async function spent (site, rate) {
  const before = cpu(site)
  const got = await rate()
  const after = cpu(site)
  return { got, each: (after.user + after.system - before.user - before.system) / (got * seconds) * 1e6 }
}

async function compare (settings, note, goal) {
  const { site, video } = await site200([...federating, 'http.rate.api=100000000/10s', 'http.rate.page=100000000/10s', ...settings], { federates: true })
  try {
    for (const [name, path, api] of [['video', `/videos/watch/${video.uuid}`, `/api/v1/videos/${video.uuid}`], ['account', '/accounts/root', '/api/v1/accounts/root'], ['channel', '/video-channels/root_channel', '/api/v1/video-channels/root_channel']]) {
      const sizes = []
      for (const [url, how] of [[path, { headers }], [api, {}]]) {
        const answer = await fetch(site.url + url, how)
        if (!answer.ok || /activity/.test(answer.headers.get('content-type')) !== (url === path)) throw new Error(`${url}: ${answer.status} ${answer.headers.get('content-type')}`)
        sizes.push((await answer.arrayBuffer()).byteLength)
      }
      const [ours, theirs] = await turns(() => spent(site, () => wrk(site.url + path, { headers, seconds })), () => spent(site, () => wrk(site.url + api, { seconds })), rounds)
      ratio(`ActivityPub GET, ${name} (${sizes[0]} bytes), ${note}, against the API's (${sizes[1]} bytes)`, ours.map(each => each.got), theirs.map(each => each.got), 'requests/s', goal)
      const [one, other] = [ours, theirs].map(list => middle(list.map(each => each.each)))
      number('the same: CPU of one answer', one, 'µs', '', `the API's ${other.toFixed(1)} µs; of a kB ${(one / sizes[0] * 1000).toFixed(1)} and ${(other / sizes[1] * 1000).toFixed(1)} µs`)
    }
  } finally { await site.stop() }
}

/** ActivityPub GETs as fast as the API's: from the cache, and made anew each time. */
export async function documents () {
  await compare([], 'from the cache', '≥ 1')
  await compare(['http.cache=0'], 'cache off', '≥ 1')
}
