// annotations.test.mjs - captions, chapters and the storyboard on the pages: shown, chosen, edited without scripts.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { accessibility, follow, launch, logIn, open, phone } from './chromium.mjs'

let site, browser, video, address, edit

before(async () => {
  site = await startInstance({ settings: ['transcoding.resolutions=144'] })
  browser = await launch()
  video = await site.upload(await clip('h264', { seconds: 40, size: '426x240', rate: 10 }), { name: 'Forty seconds' })
  await site.published(video.uuid)
  await site.when('there is a storyboard', async () => (await site.get(`/videos/${video.uuid}/storyboards`)).json.storyboards[0])
  address = `${site.url}/w/${video.shortUUID}`
  edit = `${site.url}/my/videos/${video.shortUUID}`
  const caption = (language, words) => site.put(`/videos/${video.uuid}/captions/${language}`, {
    token: true,
    fields: { captionfile: { name: 'c.vtt', bytes: `WEBVTT\n\n00:00.000 --> 00:20.000\n${words}\n\n00:20.000 --> 00:40.000 line:0\nAbove\n` } }
  })
  await caption('en', 'A <i>fish</i> &lt;b&gt; <img src=x onerror=alert(1)>')
  await caption('fr', 'Un poisson')
  await site.put(`/videos/${video.uuid}/chapters`, { token: true, json: { chapters: [{ timecode: 0, title: 'Shore' }, { timecode: 15, title: 'Rocks <b>and</b> crabs' }, { timecode: 30, title: 'Home' }, { timecode: 300, title: 'Past the end' }] } })
})
after(async () => {
  await browser?.close()
  await site?.stop()
})

const seek = async (page, time) => {
  await page.evaluate(time => { document.querySelector('video').currentTime = time }, time)
  await page.waitForFunction(time => !document.querySelector('video').seeking && document.querySelector('video').currentTime >= time, time)
}
const caption = page => page.locator('.player-captions').innerText()
const ready = page => page.waitForFunction(() => window.shoal?.player && document.querySelector('video').readyState > 0)

test('captions are chosen by button, key and menu, and the choice is kept', async () => {
  const page = await open(browser)
  await page.goto(address)
  await ready(page)
  assert.equal(await caption(page), '')
  await seek(page, 1)
  await page.click('[data-button=captions]')
  await page.waitForFunction(() => document.querySelector('.player-captions p'))
  assert.equal(await caption(page), 'A fish <b>')
  assert.equal(await page.locator('.player-captions i').innerText(), 'fish')
  assert.equal(await page.locator('.player-captions img').count(), 0)
  await page.click('[data-button=settings]')
  assert.deepEqual(await page.locator('.player-menu fieldset:last-child label').allInnerTexts(), ['Off', 'English', 'French'])
  await page.click('.player-menu >> text=French')
  await page.waitForFunction(() => document.querySelector('.player-captions').innerText === 'Un poisson')
  await page.reload()
  await ready(page)
  await seek(page, 1)
  await page.waitForFunction(() => document.querySelector('.player-captions').innerText === 'Un poisson')
  assert.equal(await page.getAttribute('[data-button=captions]', 'aria-pressed'), 'true')
  await page.keyboard.press('c')
  assert.equal(await caption(page), '')
  await page.reload()
  await ready(page)
  await seek(page, 1)
  await page.waitForTimeout(300)
  assert.equal(await caption(page), '')
  await page.keyboard.press('c') // French again: what was on last
  await page.waitForFunction(() => document.querySelector('.player-captions').innerText === 'Un poisson')
  await seek(page, 21)
  await page.waitForFunction(() => document.querySelector('.player-captions.high')?.innerText === 'Above')
  assert.deepEqual(page.problems, [])
  await page.context().close()
})

test('the link of an embed names the language, and captions stand above the bar', async () => {
  const page = await open(browser)
  await page.goto(`${site.url}/videos/embed/${video.shortUUID}?subtitle=en`)
  await ready(page)
  await seek(page, 1)
  await page.waitForFunction(() => document.querySelector('.player-captions p'))
  const text = await page.locator('.player-captions p').boundingBox()
  const bar = await page.locator('.player-bar').boundingBox()
  await page.waitForTimeout(300)
  assert.ok(text.y + text.height <= bar.y + 12, `${text.y + text.height} is not above ${bar.y}`)
  assert.deepEqual(page.problems, [])
  await page.context().close()
})

test('chapters lead to their moments and the one that plays is marked', async () => {
  const page = await open(browser)
  await page.goto(address)
  await ready(page)
  const links = page.locator('.chapters a')
  assert.deepEqual(await links.locator('time').allInnerTexts(), ['0:00', '0:15', '0:30', '5:00'])
  assert.equal(await links.nth(1).locator('span[dir]').innerText(), 'Rocks <b>and</b> crabs')
  assert.equal(await page.locator('.player-marks > span').count(), 2)
  await links.nth(1).click()
  await page.waitForFunction(() => document.querySelector('video').currentTime >= 15)
  await page.waitForFunction(() => document.querySelector('.chapters [aria-current] time')?.innerText === '0:15')
  assert.match(await page.locator('.player-chapter').innerText(), /Rocks <b>and<\/b> crabs/)
  await seek(page, 31)
  await page.waitForFunction(() => document.querySelector('.chapters [aria-current] time')?.innerText === '0:30')
  assert.deepEqual(page.problems, [])
  await page.context().close()
})

test('the seek bar shows the moment, its chapter and its time, inside the player', async () => {
  const page = await open(browser)
  await page.goto(address)
  await ready(page)
  const bar = await page.locator('.player-seek').boundingBox()
  const player = await page.locator('.player').boundingBox()
  for (const [part, title] of [[0.01, 'Shore'], [0.5, 'Rocks <b>and</b> crabs'], [0.99, 'Home']]) {
    await page.mouse.move(bar.x + bar.width * part, bar.y + bar.height / 2)
    await page.waitForSelector('.player-tip:not([hidden])')
    assert.equal(await page.locator('.player-tip-title').innerText(), title)
    const tip = await page.locator('.player-tip').boundingBox()
    assert.ok(tip.x >= player.x && tip.x + tip.width <= player.x + player.width, `${part}: ${tip.x}`)
  }
  const moved = await page.locator('.player-tip-picture').evaluate(picture => picture.style.backgroundPosition)
  assert.equal(moved, '-1728px -324px') // the last of ten in the fourth row
  await page.mouse.move(player.x + 200, player.y + 50)
  assert.equal(await page.locator('.player-tip').isHidden(), true)
  assert.deepEqual(page.problems, [])
  await page.context().close()
})

test('an owner adds, replaces and removes captions, and writes chapters, without scripts', async () => {
  const page = await open(browser, { javaScriptEnabled: false })
  await logIn(page, site)
  await page.goto(`${edit}/edit`)
  await follow(page, '.tabs >> text=Captions')
  assert.deepEqual(await page.locator('.lines strong').allInnerTexts(), ['English', 'French'])
  const add = async (language, name, bytes) => {
    await page.selectOption('#language', language)
    await page.setInputFiles('#captionfile', { name, mimeType: 'text/plain', buffer: Buffer.from(bytes) })
    await follow(page, '.form button[type=submit]')
  }
  await add('de', 'film.srt', '1\n00:00:01,000 --> 00:00:02,000\nEin Fisch\n')
  assert.equal(new URL(page.url()).search, '?saved=1', await page.locator('main').innerText())
  assert.deepEqual(await page.locator('.lines strong').allInnerTexts(), ['German', 'English', 'French'])
  await add('de', 'film.vtt', 'nothing')
  assert.match(await page.locator('.field-error').innerText(), /WEBVTT/)
  assert.equal(await page.inputValue('#language'), 'de')
  await follow(page, '.lines li:first-child button')
  assert.deepEqual(await page.locator('.lines strong').allInnerTexts(), ['English', 'French'])
  await follow(page, '.tabs >> text=Chapters')
  assert.match(await page.inputValue('#chapters'), /^0:00 Shore\n0:15 Rocks <b>and<\/b> crabs\n0:30 Home\n5:00 Past the end\n$/)
  await page.fill('#chapters', '0:00 One\nwhat?')
  await follow(page, '.form button[type=submit]')
  assert.match(await page.locator('.field-error').innerText(), /^Line 2/)
  assert.equal(await page.inputValue('#chapters'), '0:00 One\nwhat?')
  await page.fill('#chapters', '0:00 One\n0:20 Two')
  await follow(page, '.form button[type=submit]')
  assert.equal(await page.inputValue('#chapters'), '0:00 One\n0:20 Two\n')
  assert.equal((await site.get(`/videos/${video.uuid}/chapters`)).json.chapters.length, 2)
  await page.goto(address)
  assert.deepEqual(await page.locator('.chapters time').allInnerTexts(), ['0:00', '0:20'])
  assert.equal(await page.locator('.chapters a').nth(1).getAttribute('href'), '?start=20s')
  await page.context().close()
})

test('somebody else gets neither page', async () => {
  const eve = await site.user('eve')
  const page = await open(browser)
  await page.goto(`${site.url}/login`)
  await page.fill('#username', eve.username)
  await page.fill('#password', eve.password)
  await follow(page, 'main button[type=submit]')
  for (const tab of ['captions', 'chapters']) {
    assert.equal((await page.goto(`${edit}/${tab}`)).status(), 403)
  }
  await page.context().close()
})

test('nothing is in the way of anybody', async () => {
  for (const options of [{}, phone, { colorScheme: 'dark' }]) {
    const page = await open(browser, options)
    await page.goto(`${address}?subtitle=en`)
    await ready(page)
    assert.deepEqual(await accessibility(page), [])
    await logIn(page, site)
    for (const tab of ['edit', 'captions', 'chapters']) {
      await page.goto(`${edit}/${tab}`)
      assert.deepEqual(await accessibility(page), [], tab)
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${tab} is too wide`)
    }
    assert.deepEqual(page.problems, [])
    await page.context().close()
  }
})
