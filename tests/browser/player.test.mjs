// player.test.mjs - what the player does under fingers, keys, and when the network or the file goes away.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { accessibility, launch, open, phone } from './chromium.mjs'

let site, browser, video, address

before(async () => {
  site = await startInstance({ settings: ['transcoding.resolutions=144,240'] })
  browser = await launch()
  const description = 'Look at 0:12, not at 9:59 (too late) nor at 1:2 or `0:05`.'
  video = await site.upload(await clip('h264', { seconds: 40, size: '426x240', rate: 10 }), { name: 'Forty seconds', description })
  await site.published(video.uuid)
  address = `${site.url}/w/${video.shortUUID}`
})

after(async () => {
  await browser?.close()
  await site?.stop()
})

const state = page => page.evaluate(() => {
  const v = document.querySelector('video')
  return { time: v.currentTime, paused: v.paused, rate: v.playbackRate, volume: v.volume, muted: v.muted, idle: document.querySelector('[data-player]').classList.contains('idle') }
})
const until = (page, is, arg) => page.waitForFunction(is, arg, { timeout: 120000 })
const passes = (page, time) => until(page, t => document.querySelector('video').currentTime > t && !document.querySelector('video').seeking, time)

async function start (page, path = address) {
  await page.goto(path)
  await page.evaluate(() => { document.querySelector('video').muted = true })
  await page.click('[data-button=big]')
  await passes(page, 0.3)
}

test('a tap shows the bar and hides it, two taps at a side seek, the middle pauses', async () => {
  const page = await open(browser, phone)
  await start(page)
  await until(page, () => document.querySelector('[data-player].idle'))
  const box = await page.locator('video').boundingBox()
  const tap = part => page.touchscreen.tap(box.x + box.width * part, box.y + box.height * 0.3)
  await tap(0.5)
  assert.deepEqual([(await state(page)).paused, (await state(page)).idle], [false, false], 'the first tap shows the bar alone')
  await page.evaluate(() => {
    const v = document.querySelector('video')
    let last = v.currentTime
    window.jumps = []
    v.addEventListener('timeupdate', () => { if (!v.seeking) last = v.currentTime })
    v.addEventListener('seeking', () => window.jumps.push(Math.sign(v.currentTime - last)))
  })
  // Two taps may come too late to be one gesture on a busy machine: they are tried again then.
  for (const [part, way] of [[0.8, 1], [0.2, -1]]) {
    const jumped = () => page.evaluate(way => window.jumps.includes(way), way)
    for (let i = 0; i < 10 && !await jumped(); i++) {
      await page.waitForTimeout(500)
      await tap(part)
      await tap(part)
    }
    assert.ok(await jumped(), `${part}`)
  }
  assert.equal((await state(page)).paused, false)
  // The bar may have hidden itself again, and while the picture is waited for there is no button.
  while (!(await state(page)).paused) {
    await tap(0.5)
    await page.tap('[data-button=big]', { timeout: 1000 }).catch(() => {})
  }
  // The menu has room for all that it offers.
  await page.tap('[data-button=settings]')
  const fits = await page.evaluate(() => {
    const menu = document.querySelector('.player-menu')
    return menu.scrollHeight <= menu.clientHeight + 1 && menu.scrollWidth <= menu.clientWidth
  })
  assert.ok(fits)
  assert.deepEqual(await accessibility(page), [])
  await page.getByLabel('1.5×').check()
  assert.equal((await state(page)).rate, 1.5)
  assert.deepEqual(page.problems, [])
  await page.context().close()
})

test('keys work where nobody writes, and the volume is remembered', async () => {
  const page = await open(browser)
  await start(page)
  await page.keyboard.press('k')
  await until(page, () => document.querySelector('video').paused)
  await page.keyboard.press('5')
  await until(page, () => Math.abs(document.querySelector('video').currentTime - 20) < 0.5)
  await page.keyboard.press('l')
  await until(page, () => Math.abs(document.querySelector('video').currentTime - 30) < 0.5)
  await page.keyboard.press('ArrowLeft')
  await until(page, () => Math.abs(document.querySelector('video').currentTime - 25) < 0.5)
  for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowDown')
  const { volume, muted } = await state(page)
  assert.ok(Math.abs(volume - 0.8) < 0.01 && !muted, `${volume}`)
  await page.fill('#search', 'k')
  await page.keyboard.type('kl5')
  assert.ok(Math.abs((await state(page)).time - 25) < 0.5, 'a search is no command')
  await page.reload()
  await page.waitForSelector('[data-button=big]')
  assert.ok(Math.abs((await state(page)).volume - 0.8) < 0.01)
  await page.context().close()
})

test('times in the description lead into the video', async () => {
  const page = await open(browser)
  await page.goto(address)
  assert.deepEqual(await page.locator('[data-moment]').allTextContents(), ['0:12'])
  await page.click('[data-moment]')
  await passes(page, 12)
  assert.ok((await state(page)).time < 20)
  assert.equal(page.url(), address)
  await page.context().close()
})

test('a lost connection is said, and playing goes on when it is back', async () => {
  const page = await open(browser)
  let isLost = true
  await page.route(/fragmented\.mp4/, route => (isLost ? route.abort('connectionreset') : route.continue()))
  await page.goto(`${address}?start=20`)
  await page.evaluate(() => { document.querySelector('video').muted = true })
  await page.click('[data-button=big]')
  await until(page, () => /connection/i.test(document.querySelector('[data-note]').textContent))
  assert.ok(await page.isVisible('[data-note]'))
  isLost = false
  await passes(page, 20.5)
  assert.equal(await page.isVisible('[data-note]'), false)
  await page.context().close()
})

test('a file that broke off before anybody played it waits on', async () => {
  const page = await open(browser)
  await page.route(`**/w/${video.shortUUID}`, async route => { // as where there is no HLS
    const answer = await route.fetch()
    await route.fulfill({ response: answer, body: (await answer.text()).replace(/data-hls="[^"]*"/, 'data-hls=""') })
  })
  await page.goto(address)
  await page.waitForSelector('[data-button=big]')
  await until(page, () => document.querySelector('video').readyState >= 1)
  const isPaused = await page.evaluate(() => new Promise(resolve => {
    const v = document.querySelector('video')
    v.addEventListener('loadedmetadata', () => resolve(v.paused), { once: true })
    Object.defineProperty(v, 'error', { value: { code: MediaError.MEDIA_ERR_NETWORK } })
    v.dispatchEvent(new Event('error'))
  }))
  assert.equal(isPaused, true)
  await page.context().close()
})

test('a file that is gone is said', async () => {
  const page = await open(browser)
  await page.route(/\/static\//, route => route.fulfill({ status: 404, body: 'gone' }))
  await page.goto(address)
  await until(page, () => /can't be found/.test(document.querySelector('[data-note]').textContent))
  assert.equal(await page.getAttribute('[data-note]', 'role'), 'status')
  assert.deepEqual(await accessibility(page), [])
  await page.context().close()
})

test('a page that waits for its video says so, then plays it without being loaded again', async () => {
  const page = await open(browser)
  let isReady = false
  // What the site says while nothing can be played yet, put into the page and the answers on their way.
  await page.route(`**/w/${video.shortUUID}`, async route => {
    const answer = await route.fetch()
    const body = (await answer.text()).replace(/<source[^>]*>/g, '').replace(/data-hls="[^"]*"/, 'data-hls=""')
      .replace('data-state="1"', 'data-state="2"').replace(/poster="[^"]*"/, '')
      .replace('</time>', '</time> <span class="chip state" data-state="2">Being transcoded</span>')
    await route.fulfill({ response: answer, body })
  })
  await page.route(`**/api/v1/videos/${video.uuid}`, async route => {
    const answer = await route.fetch()
    const now = await answer.json()
    await route.fulfill({ response: answer, json: isReady ? now : { ...now, state: { id: 2, label: 'To transcode' }, files: [], streamingPlaylists: [] } })
  })
  await page.goto(address)
  await until(page, () => /being prepared/.test(document.querySelector('[data-note]').textContent))
  assert.equal(await page.isVisible('[data-button=big]'), false)
  assert.deepEqual(await accessibility(page), [])
  isReady = true
  await page.waitForSelector('[data-button=big]', { state: 'visible', timeout: 120000 })
  assert.equal(await page.isVisible('[data-note]'), false)
  assert.equal(await page.isVisible('.chip.state'), false)
  assert.match(await page.getAttribute('video', 'poster'), /previews/)
  await page.click('[data-button=big]')
  await passes(page, 0.3)
  assert.deepEqual(page.problems, [])
  await page.context().close()
})
