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
const until = (page, is, arg) => page.waitForFunction(is, arg, { timeout: 30000 })
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
  await page.waitForTimeout(500)
  await tap(0.2)
  assert.deepEqual([(await state(page)).paused, (await state(page)).idle], [false, true], 'the next hides it')
  await page.waitForTimeout(500)
  await tap(0.8)
  await tap(0.8)
  await passes(page, 9)
  await page.waitForTimeout(500)
  await tap(0.2)
  await tap(0.2)
  await until(page, () => document.querySelector('video').currentTime < 6)
  await page.touchscreen.tap(box.x + box.width / 2, box.y + box.height / 2)
  await until(page, () => document.querySelector('video').paused)
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
  let isLost = false
  await page.route(/streaming-playlists/, route => (isLost ? route.abort('connectionreset') : route.continue()))
  await page.goto(address)
  await page.evaluate(() => { document.querySelector('video').muted = true })
  await page.waitForSelector('[data-button=big]')
  isLost = true
  await page.evaluate(() => { shoal.player.seek(38); shoal.player.play() })
  await until(page, () => /connection/i.test(document.querySelector('[data-note]').textContent))
  assert.ok(await page.isVisible('[data-note]'))
  isLost = false
  await passes(page, 38)
  assert.equal(await page.isVisible('[data-note]'), false)
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
