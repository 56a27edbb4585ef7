// viewers.mjs - how much of a clip viewers get from each other: three Chromium contexts, one server.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { withPlugins } from '../kit/plugins.mjs'
import { launchViewers, leave, state, viewer } from '../p2p/viewers.mjs'
import { MiB, middle, number, ROUNDS } from './kit.mjs'

const CLIP_S = 90
const GOAL = '≥ 60 %'

async function site90 () {
  const site = await startInstance({ started: false })
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', 'p2p', 'playback'])
  await site.start()
  const { uuid, shortUUID } = await site.upload(await clip('h264', { seconds: CLIP_S, size: '854x480', rate: 25 }), { name: 'Ninety seconds' })
  const video = await site.published(uuid)
  await site.until(uuid, one => one.trackerUrls.some(url => url.startsWith('ws')), null)
  const size = Math.max(...video.streamingPlaylists[0].files.map(file => file.size))
  return { site, address: `${site.url}/w/${shortUUID}`, size }
}

/** Bytes of files that the server sent since it started: all that a page asks for, also what nobody plays. */
async function sent (site) {
  const { text } = await site.get('//metrics')
  return Number(text.match(/^shoal_http_sent_bytes_total\{of="files"\} (\d+)/m)[1])
}

const ended = page => page.waitForFunction(() => document.querySelector('video').ended, null, { timeout: 4 * CLIP_S * 1000, polling: 500 })

/**
 * The first viewer has all of the clip; then a second and a third come at once, and play to the end as people do.
 * answer: what they said of sharing before ('' is who is here for the first time). Percent of their bytes.
 */
async function round (browser, { site, address, size }, answer) {
  const first = await viewer(browser, address, { rate: 4 })
  await ended(first)
  const has = await state(first)
  if (has.fromServer < size * 0.9) throw new Error(`the first viewer has ${has.fromServer} bytes of ${size}`)
  const before = await sent(site)
  const others = await Promise.all([1, 2].map(() => viewer(browser, address, { answer })))
  await Promise.all(others.map(ended))
  const states = await Promise.all(others.map(state))
  const fromServer = await sent(site) - before
  const fromPeers = states.reduce((sum, each) => sum + each.fromPeers, 0)
  await leave([first, ...others])
  return { percent: 100 * fromPeers / (fromPeers + fromServer), bytes: fromPeers + fromServer }
}

export async function viewers () {
  const made = await site90()
  const browser = await launchViewers()
  try {
    for (const [who, answer] of [['who shared before', 'yes'], ['who are here for the first time', '']]) {
      const rounds = []
      for (let i = 0; i < ROUNDS; i++) rounds.push(await round(browser, made, answer))
      const percents = rounds.map(each => each.percent)
      number(`2nd and 3rd viewer's bytes from peers, ${CLIP_S} s clip, first viewer fully loaded (${who})`, middle(percents), '%', GOAL,
        `${percents.map(each => Math.round(each)).join(', ')} % of ${(middle(rounds.map(each => each.bytes)) / MiB).toFixed(1)} MiB`)
    }
  } finally {
    await browser.close()
    await made.site.stop()
  }
}
