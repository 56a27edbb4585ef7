// documents.mjs - what other servers read: a video and an actor as ActivityPub, against the API's answers of the same.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { federating } from '../federation/peer.mjs'
import { cpu, number, ratio, SECONDS, site200, turns, wrk } from './kit.mjs'

const headers = { Accept: 'application/activity+json' }
const seconds = Math.min(SECONDS, 2) // of each: there are many

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
      const [ours, theirs] = await turns(() => spent(site, () => wrk(site.url + path, { headers, seconds })), () => spent(site, () => wrk(site.url + api, { seconds })))
      ratio(`ActivityPub GET, ${name} (${sizes[0]} bytes), ${note}, against the API's (${sizes[1]} bytes)`, ours.map(each => each.got), theirs.map(each => each.got), 'requests/s', goal)
      if (settings.length) number(`the same: CPU of one answer`, ours.at(-1).each, 'µs', '', `the API's ${theirs.at(-1).each.toFixed(0)} µs`)
    }
  } finally { await site.stop() }
}

/** ActivityPub GETs as fast as the API's: from the cache, and made anew each time. */
export async function documents () {
  await compare([], 'from the cache', '≥ 1')
  await compare(['http.cache=0'], 'cache off', '≥ 1')
}
