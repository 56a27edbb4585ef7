// worth_page.test.mjs - the administrator's page in a browser: accessible, light and dark, narrow, without scripts.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { accessibility, launch, logIn, open, phone } from '../browser/chromium.mjs'
import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { withPlugins } from '../kit/plugins.mjs'

let site, browser

before(async () => {
  site = await startInstance({ started: false })
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', 'p2p'])
  await site.start()
  browser = await launch()
  const video = await site.upload(await clip('h264'), { name: 'A name that is long enough to be broken into lines where there is little room for it' })
  await site.published(video.uuid)
  const json = { videoId: video.uuid, resolution: 180, playerMode: 'p2p-media-loader', resolutionChanges: 0, errors: 0, p2pEnabled: true, downloadedBytesP2P: 30000, downloadedBytesHTTP: 10000, uploadedBytesP2P: 0 }
  assert.equal((await site.post('/metrics/playback', { json })).status, 204)
  await site.when('the report is written', async () => (await site.get('/p2p/worth', { token: true })).json.total.peerBytes === 30000)
})
after(async () => {
  await browser?.close()
  await site?.stop()
})

for (const colorScheme of ['light', 'dark']) {
  for (const [name, size] of Object.entries({ desktop: {}, phone })) {
    test(`axe and the policy find nothing, ${colorScheme}, ${name}, and nothing sticks out`, async () => {
      const page = await open(browser, { ...size, colorScheme })
      await logIn(page, site)
      for (const path of ['/admin/p2p', '/admin/p2p?days=365']) {
        await page.goto(site.url + path)
        await page.click('.p2p-days summary')
        assert.deepEqual(await accessibility(page), [])
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0)
      }
      assert.deepEqual(page.problems, [])
      await page.context().close()
    })
  }
}

test('without scripts: the bar of today is drawn, three quarters from peers', async () => {
  const page = await open(browser, { javaScriptEnabled: false })
  await logIn(page, site)
  await page.goto(`${site.url}/admin/p2p`)
  const box = selector => page.locator(`.p2p-chart g:last-of-type ${selector}`).boundingBox()
  const [peers, server] = [await box('.p2p-peers'), await box('.p2p-server')]
  assert.ok(peers.width > 5 && peers.height > 20)
  assert.ok(Math.abs(peers.height / (server.height - 1) - 3) < 0.3, `${peers.height} over ${server.height}`)
  assert.ok(Math.abs(peers.y + peers.height - server.y) < 2)
  assert.equal((await page.textContent('.p2p-saved dd')).trim(), '75%')
  await page.context().close()
})
