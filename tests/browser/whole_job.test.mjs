// whole_job.test.mjs - log in, choose a file, see the progress, watch it play, change the quality.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { accessibility, desktop, launch, logIn, open, phone } from './chromium.mjs'

let site, browser, file

before(async () => {
  site = await startInstance()
  browser = await launch()
  file = await clip('h264', { seconds: 8, size: '1280x720' })
})

after(async () => {
  await browser?.close()
  await site?.stop()
})

/** Presses the button in the middle of the picture. */
async function play (page) {
  await page.evaluate(() => { document.querySelector('video').muted = true })
  await page.click('[data-button=big]', { timeout: 120000 })
}

async function wholeJob (options, name) {
  const page = await open(browser, options)
  await logIn(page, site)
  await page.goto(`${site.url}/upload`)
  await page.setInputFiles('#videofile', file)
  assert.match(await page.textContent('[data-chosen]'), /\.mp4 · \d/)
  await page.fill('#name', name)
  await page.click('[data-upload] button[type=submit]')
  // The bar moves and the page says what happens to the video afterwards.
  await page.waitForSelector('[data-sending]:not([hidden])')
  await page.waitForFunction(() => document.querySelector('[data-progress]').value === 100, null, { timeout: 120000 })
  const watch = page.locator('[data-watch]')
  await watch.waitFor({ state: 'visible', timeout: 120000 })
  await watch.click()
  await page.waitForSelector('video')
  assert.equal(await page.textContent('h1'), name)

  // While it is prepared the page says so, and offers to play as soon as there is something.
  await play(page)
  await page.waitForFunction(() => document.querySelector('video').currentTime > 1, null, { timeout: 120000 })
  assert.deepEqual(await accessibility(page), [])
  assert.deepEqual(page.problems, [])
  return page
}

/** Waits until the ladder stands, so that the player has levels to choose from. */
async function untilPublished (page) {
  const id = page.url().split('/w/')[1].split(/[?#]/)[0]
  for (let i = 0; i < 240; i++) {
    const video = await (await fetch(`${site.url}/api/v1/videos/${id}`)).json()
    if (video.state?.id === 1 && video.streamingPlaylists[0]?.files.length > 1) return video
    await new Promise(resolve => setTimeout(resolve, 500))
  }
  throw new Error('the video was not published in two minutes')
}

async function changesQuality (page) {
  const video = await untilPublished(page)
  await page.reload()
  await play(page)
  await page.waitForFunction(() => document.querySelector('video').currentTime > 0.5, null, { timeout: 120000 })
  assert.match(await page.evaluate(() => document.querySelector('video').currentSrc), /^blob:/)
  const lowest = video.streamingPlaylists[0].files.map(each => each.resolution.id).sort((a, b) => a - b)[0]
  await page.locator('[data-player]').hover()
  await page.click('[data-button=settings]')
  const menu = page.locator('.player-menu fieldset', { hasText: 'Quality' })
  assert.ok(await menu.locator('input').count() > 2, 'the menu offers more than one quality, and to choose by itself')
  assert.deepEqual(await accessibility(page), [])
  await menu.getByLabel(`${lowest}p`, { exact: true }).check()
  await page.waitForFunction(resolution => {
    const v = document.querySelector('video')
    return Math.min(v.videoWidth, v.videoHeight) === resolution
  }, lowest, { timeout: 120000 })
  // To the end.
  await page.evaluate(() => { const v = document.querySelector('video'); v.currentTime = v.duration - 1.5; return v.play() })
  await page.waitForFunction(() => document.querySelector('video').ended, null, { timeout: 120000 })
}

test('the whole job at desktop width', async () => {
  const page = await wholeJob(desktop, 'A film from the desk')
  await changesQuality(page)
  await page.context().close()
})

test('the whole job at phone width', async () => {
  const page = await wholeJob(phone, 'A film from the phone')
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  assert.ok(overflow <= 0, 'nothing is wider than the phone')
  await changesQuality(page)
  await page.context().close()
})
