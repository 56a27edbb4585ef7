// pages.test.mjs - every page: accessible, light, without scripts, in two languages, not heavy.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { accessibility, follow, launch, logIn, open, phone } from './chromium.mjs'

let site, browser, video

before(async () => {
  site = await startInstance()
  browser = await launch()
  video = await site.upload(await clip('h264', { seconds: 3 }), { name: 'Low tide at dawn', tags: ['sea'] })
  await site.published(video.uuid)
})

after(async () => {
  await browser?.close()
  await site?.stop()
})

const everybodys = () => ['/', '/search?search=tide', `/w/${video.shortUUID}`, `/videos/embed/${video.shortUUID}`,
  '/c/root_channel', '/a/root', '/about', '/login', '/no-such-page']
const mine = () => ['/upload', '/my/videos', `/my/videos/${video.shortUUID}/edit`, `/my/videos/${video.shortUUID}/delete`]

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing, ${colorScheme}, desktop and phone`, async () => {
    for (const size of [{}, phone]) {
      const page = await open(browser, { ...size, colorScheme })
      const found = {}
      for (const path of everybodys()) {
        await page.goto(site.url + path)
        const problems = await accessibility(page)
        if (problems.length) found[path] = problems
      }
      await logIn(page, site)
      for (const path of mine()) {
        await page.goto(site.url + path)
        const problems = await accessibility(page)
        if (problems.length) found[path] = problems
      }
      assert.deepEqual(found, {})
      assert.deepEqual(page.problems, [])
      await page.context().close()
    }
  })
}

test('the home page weighs under 60 KB on the wire, thumbnails aside', async () => {
  const page = await open(browser)
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  const kinds = new Map()
  let bytes = 0
  session.on('Network.responseReceived', event => kinds.set(event.requestId, event.response.url))
  session.on('Network.loadingFinished', event => {
    if (!/lazy-static/.test(kinds.get(event.requestId) ?? '')) bytes += event.encodedDataLength
  })
  await page.goto(site.url, { waitUntil: 'networkidle' })
  assert.ok(bytes > 1000 && bytes < 60000, `${bytes} bytes`)
  await page.context().close()
})

test('with nothing to show beside it the watch page is one column in the middle', async () => {
  const page = await open(browser)
  await page.goto(`${site.url}/w/${video.shortUUID}`)
  const boxes = await page.evaluate(() => Object.fromEntries(['main', '.watch-player', '.watch-text'].map(name => [name, document.querySelector(name).getBoundingClientRect().toJSON()])))
  const { main, '.watch-player': player, '.watch-text': words } = boxes
  assert.ok(Math.abs((player.left - main.left) - (main.right - player.right)) < 2, JSON.stringify(boxes))
  assert.equal(player.left, words.left)
  assert.equal(player.right, words.right)
  assert.equal(await page.locator('.watch-side').isVisible(), false)
  await page.context().close()
})

test('the player is loaded on the watch page alone', async () => {
  const page = await open(browser)
  const loaded = []
  page.on('request', request => loaded.push(request.url()))
  await page.goto(site.url, { waitUntil: 'networkidle' })
  assert.deepEqual(loaded.filter(url => /player|hls/.test(url)), [])
  await page.goto(`${site.url}/w/${video.shortUUID}`, { waitUntil: 'networkidle' })
  assert.ok(loaded.some(url => /player/.test(url)))
  await page.context().close()
})

test('everything but upload progress and HLS works without JavaScript', async () => {
  const page = await open(browser, { javaScriptEnabled: false })
  await page.goto(site.url)
  await follow(page, 'text=Low tide at dawn')
  assert.equal(await page.textContent('h1'), 'Low tide at dawn')
  assert.ok(await page.locator('video source[type="video/mp4"]').count() > 0)
  await page.goto(`${site.url}/my/videos`)
  assert.match(page.url(), /\/login/)
  await page.fill('#username', site.admin)
  await page.fill('#password', 'not the password')
  await follow(page, 'main button[type=submit]')
  assert.equal(await page.locator('[role=alert]').count(), 1)
  assert.equal(await page.inputValue('#username'), site.admin)
  await page.fill('#password', site.password)
  await follow(page, 'main button[type=submit]')
  assert.match(page.url(), /\/my\/videos/)
  await page.goto(`${site.url}/my/videos/${video.shortUUID}/edit`)
  await page.fill('#name', 'High tide at dusk')
  await follow(page, 'main form.form button[type=submit]')
  assert.match(page.url(), /saved=/)
  await page.goto(`${site.url}/w/${video.shortUUID}`)
  assert.equal(await page.textContent('h1'), 'High tide at dusk')
  await page.context().close()
})

test('a form upload without JavaScript arrives', async () => {
  const page = await open(browser, { javaScriptEnabled: false })
  await logIn(page, site)
  await page.goto(`${site.url}/upload`)
  await page.setInputFiles('#videofile', await clip('h264', { seconds: 2 }))
  await page.fill('#name', 'Sent as a plain form')
  await follow(page, 'main form.form button[type=submit]')
  assert.match(page.url(), /\/my\/videos/)
  assert.equal(await page.locator('text=Sent as a plain form').count() > 0, true)
  await page.context().close()
})

test('speaks French to those who prefer it, and to those who choose it', async () => {
  const page = await open(browser, { locale: 'fr-FR' })
  await page.goto(site.url)
  assert.equal(await page.getAttribute('html', 'lang'), 'fr')
  await page.context().close()
  const other = await open(browser)
  await other.goto(site.url)
  assert.equal(await other.getAttribute('html', 'lang'), 'en')
  await follow(other, 'footer a[hreflang=fr]')
  assert.equal(await other.getAttribute('html', 'lang'), 'fr')
  await other.goto(`${site.url}/about`)
  assert.equal(await other.getAttribute('html', 'lang'), 'fr')
  await other.context().close()
})

test('says what sharing sites and yt-dlp look for', async () => {
  const html = await (await fetch(`${site.url}/w/${video.shortUUID}`)).text()
  assert.match(html, /<meta property="og:platform" content="PeerTube">/)
  assert.match(html, /type="application\/json\+oembed"/)
  const oembed = await (await fetch(`${site.url}/services/oembed?url=${encodeURIComponent(`${site.url}/w/${video.shortUUID}`)}`)).json()
  assert.equal(oembed.type, 'video')
  assert.match(oembed.html, /<iframe/)
  const ld = JSON.parse(html.match(/<script type="application\/ld\+json">(.*?)<\/script>/s)[1])
  assert.equal(ld['@type'], 'VideoObject')
})

test('no inline script or style, and only the embed page may be framed', async () => {
  for (const path of everybodys()) {
    const answer = await fetch(site.url + path, { headers: { accept: 'text/html' } })
    const policy = answer.headers.get('content-security-policy')
    assert.doesNotMatch(policy, /unsafe/)
    assert.match(policy, path.includes('embed') ? /frame-ancestors \*/ : /frame-ancestors 'none'/)
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
  }
})

test('a shared extract starts and stops where it says', async () => {
  const page = await open(browser)
  await page.goto(`${site.url}/w/${video.shortUUID}?start=1&stop=2`)
  // On a slow machine the browser's own player would be through before ours is there.
  await page.evaluate(async () => {
    await window.shoal.ready
    document.querySelector('video').muted = true
  })
  await page.click('[data-button=big]')
  await page.waitForFunction(() => document.querySelector('video').currentTime > 1.1)
  await page.waitForFunction(() => document.querySelector('video').paused, null, { timeout: 20000 })
  const at = await page.evaluate(() => document.querySelector('video').currentTime)
  assert.ok(at >= 1.9 && at < 2.6, `stopped at ${at}`)
  await page.context().close()
})
