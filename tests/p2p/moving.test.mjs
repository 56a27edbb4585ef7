// moving.test.mjs - a node is taken out while people watch its videos: they go on, and meet at another.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { shoal } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { withPlugins } from '../kit/plugins.mjs'
import { asNode, startNodes, videoOfEach } from './node_kit.mjs'
import { launchViewers, leave, right, state, until, viewer } from './viewers.mjs'

const others = ['transcode_ffmpeg', 'api', 'media', 'web']
let front, videos, browser

before(async () => {
  front = await startNodes(['a', 'b'], others)
  videos = await videoOfEach(front, () => clip('h264', { seconds: 120, size: '160x90', rate: 5 }))
  browser = await launchViewers()
})
after(async () => {
  await browser?.close()
  await front?.stop()
})

// Half a minute of rest is a second and a half, and a second a fifth of one.
const hasten = () => {
  const { setInterval, setTimeout } = window
  window.setInterval = (run, ms, ...more) => setInterval(run, ms === 1000 ? 200 : ms, ...more)
  window.setTimeout = (run, ms, ...more) => setTimeout(run, ms >= 15000 && ms <= 60000 ? ms / 20 : ms, ...more)
  // Little is loaded ahead, so that something is left to ask others for.
  addEventListener('DOMContentLoaded', function look () {
    const { hls } = window.shoal?.player?.source ?? {}
    hls ? Object.assign(hls.config, { maxBufferLength: 6, maxMaxBufferLength: 6 }) : setTimeout(look, 5)
  })
}

const joined = (page, node) => page.sockets.filter(socket => socket.url().endsWith(`/tracker/${node}/socket`)).length

/** A server reads another configuration: names of nodes, and more options. */
async function becomes (site, name, names, more) {
  const { server } = site
  site.config = withPlugins(site.config, [...others, ...asNode(front.folder, name, names, more)])
  if (!server) return site.start()
  assert.equal((await shoal('reload', site.folder)).code, 0)
  await site.when('another process serves', () => site.server && site.server !== server)
}

test('whose tracker is gone plays on, asks where it is now and shares there', async () => {
  const { a, b } = front.sites
  const address = `${front.url}/w/${videos.b.shortUUID}`
  const pages = await Promise.all([1, 2].map(() => viewer(browser, address, { script: hasten })))
  for (const page of pages) {
    await until(page, () => window.shoal.player.sharing.counts?.connected > 0)
    assert.deepEqual([joined(page, 'b'), joined(page, 'a')], [1, 0])
  }
  await b.kill()
  await becomes(a, 'a', ['a'])
  await a.when('both announce themselves at the other node', () => pages.every(page => joined(page, 'a') > 0))
  for (const page of pages) {
    await until(page, () => window.shoal.player.sharing.counts?.connected > 0)
    const { error, time, bad } = await state(page)
    assert.deepEqual([error, bad], ['', 0])
    assert.ok(time > 0)
    assert.ok(await right(page) > 0)
  }
  await leave(pages)
})

test('where relays alone may be used, whose tracker is gone asks as its page does', async () => {
  const { a, b } = front.sites
  const relayed = ', relay_only = true, turn = { { urls = "turn:127.0.0.1:9", username = "u", credential = "c" } }'
  await becomes(a, 'a', ['a', 'b'], relayed)
  await becomes(b, 'b', ['a', 'b'], relayed)
  const { uuid, shortUUID } = videos.b
  const page = await viewer(browser, `${front.url}/w/${shortUUID}`, { script: hasten })
  await until(page, () => window.shoal.player.sharing.state === 'on')
  await a.when('it announces itself', () => joined(page, 'b') > 0)
  assert.equal(joined(page, 'a'), 0)
  await b.kill()
  await becomes(a, 'a', ['a'], relayed)
  await a.when('it announces itself at the other node', () => joined(page, 'a') > 0)
  await until(page, () => window.shoal.player.sharing.state === 'on')
  assert.deepEqual((await a.get(`/videos/${uuid}`)).json.trackerUrls, [], 'nobody else is told')
  await leave([page])
})
