// respect.test.mjs - who is not asked, or cannot afford it, is left alone: on the watch page and in an embed.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'

import { logIn, open } from '../browser/chromium.mjs'
import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { withPlugins } from '../kit/plugins.mjs'
import { alone, launchViewers, leave, passes, state, until, viewer } from './viewers.mjs'

const settings = ['transcoding.resolutions=240', 'http.cache=0']
let site, browser, video
const hidden = {}

async function again (more = []) {
  await site.kill()
  site.settings.splice(0, site.settings.length, ...settings, ...more)
  await site.start()
}

before(async () => {
  site = await startInstance({ started: false, settings: [...settings] })
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', 'p2p'])
  await site.start()
  browser = await launchViewers()
  const publish = async (seconds, fields) => {
    const made = await site.upload(await clip('h264', { seconds, size: '426x240', rate: 10 }), fields)
    await site.published(made.uuid)
    return made
  }
  video = await publish(96, { name: 'Everybody' })
  hidden.private = await publish(32, { name: 'Private', privacy: 3 })
  hidden.internal = await publish(32, { name: 'Internal', privacy: 4 })
  hidden.password = await publish(32, { name: 'Password', privacy: 5, 'videoPasswords[0]': 'open sesame' })
  await hasTrackers(video)
})

after(async () => {
  await browser?.close()
  await site?.stop()
})

const trackersOf = async ({ uuid }) => (await site.get(`/videos/${uuid}`, { token: true })).json.trackerUrls
const hasTrackers = video => site.when('its trackers are named', async () => (await trackersOf(video)).some(url => url.startsWith('ws')))

/** Where a video plays: its page, and what other sites show. */
const placesOf = ({ shortUUID }) => ({ page: `${site.url}/w/${shortUUID}`, embed: `${site.url}/videos/embed/${shortUUID}` })
const places = () => Object.values(placesOf(video))

/** Opens each [address, options, reason, words]; all play, nobody is contacted or asked, and each says why. */
async function leftAlone (rows) {
  const pages = await Promise.all(rows.map(([address, options]) => viewer(browser, address, options)))
  await Promise.all(pages.map(page => passes(page, 2)))
  for (const [index, page] of pages.entries()) {
    await alone(page)
    const { state: how, reason } = await state(page)
    const [address, , why, words] = rows[index]
    assert.deepEqual([how, reason], ['off', why], address)
    if (words) {
      await page.click('[data-button=swarm]')
      assert.match(await page.locator('#player-swarm').innerText(), words)
    }
    assert.equal(await page.locator('.player-notice').count(), 0)
    assert.deepEqual(page.problems, [])
  }
  await leave(pages)
}

/** Waits for a viewer's announce; how things stand goes into the error. */
async function announces (page) {
  const is = () => page.announced > 0
  await site.when('it announces itself', is, 20000).catch(async error => {
    throw new Error(`${page.url()} ${JSON.stringify(await state(page))}: ${error.message}`)
  })
}

/** So short a film is not loaded at once: something is left to share when sharing begins late. */
const little = `
  const timer = setInterval(() => {
    const hls = window.shoal?.player?.source?.hls
    if (hls) {
      hls.config.maxMaxBufferLength = 12
      clearInterval(timer)
    }
  }, 5)`

/** Opens addresses of which each announces itself. */
async function announce (addresses, { script = '', ...options } = {}) {
  const pages = await Promise.all(addresses.map(address => viewer(browser, address, { ...options, script: { content: little + script } })))
  await Promise.all(pages.map(announces))
  return pages
}

/** What the browser tells of the device; window.device changes it. */
const device = ({ type = 'wifi', saveData = false, level = 1, charging = true }) => `
  window.device = {
    connection: Object.assign(new EventTarget(), { type: '${type}', saveData: ${saveData} }),
    battery: Object.assign(new EventTarget(), { level: ${level}, charging: ${charging} })
  }
  Object.defineProperty(navigator, 'connection', { value: window.device.connection })
  navigator.getBattery = async () => window.device.battery`

test('data that is saved, mobile data and a low battery mean not one announce', async () => {
  const rows = [['data', 'yes', { saveData: true }, /saves data/], ['mobile', 'told', { type: 'cellular' }, /mobile data/], ['battery', '', { level: 0.2, charging: false }, /battery/]]
  await leftAlone(rows.flatMap(([reason, answer, what, words]) => places().map(address => [address, { script: { content: device(what) }, answer }, reason, words])))
})

test('who unplugs the device or leaves the house is out of the swarm, and comes back', async () => {
  const pages = await announce(places(), { script: device({ level: 0.5, charging: false }) })
  const change = (page, what, name, event) => page.evaluate(([what, name, event]) => {
    Object.assign(window.device[name], what)
    window.device[name].dispatchEvent(new Event(event))
  }, [what, name, event])
  const isOut = async (page, why) => {
    await until(page, why => window.shoal.player.sharing.reason === why, why)
    await site.when('its socket is closed', () => page.sockets.every(socket => socket.isClosed()))
    assert.equal((await state(page)).state, 'off')
  }
  const isBack = async page => {
    const { length } = page.sockets
    await until(page, () => window.shoal.player.sharing.state === 'on')
    await site.when('it announces itself again', () => page.sockets.length > length)
  }
  await Promise.all(pages.map(async page => {
    await until(page, () => window.shoal.player.sharing.state === 'on')
    await change(page, { level: 0.24 }, 'battery', 'levelchange')
    await isOut(page, 'battery')
    await Promise.all([isBack(page), change(page, { charging: true }, 'battery', 'chargingchange')])
    await change(page, { type: 'cellular' }, 'connection', 'change')
    await isOut(page, 'mobile')
    await Promise.all([isBack(page), change(page, { type: 'wifi' }, 'connection', 'change')])
    assert.deepEqual(page.problems, [])
  }))
  await leave(pages)
})

test('where so many are to watch, nobody is contacted before they do', async () => {
  await again(['p2p.from_viewers=3'])
  const soon = `${little} // and a minute passes in half a second
    const plain = window.setTimeout
    window.setTimeout = (run, ms, ...rest) => plain(run, ms === 60000 ? 500 : ms, ...rest)`
  const viewers = async () => (await site.get(`/videos/${video.uuid}`)).json.viewers
  const pages = await Promise.all(places().map(address => viewer(browser, address, { script: { content: soon } })))
  await Promise.all(pages.map(page => passes(page, 2)))
  await site.when('both are counted', async () => await viewers() === 2)
  await passes(pages[0], 4)
  for (const page of pages) {
    await alone(page)
    assert.deepEqual([(await state(page)).state, (await state(page)).reason], ['off', 'few'])
  }
  // Who answers meanwhile goes on waiting for others.
  await pages[0].evaluate(() => window.shoal.player.sharing.say('yes'))
  assert.equal((await state(pages[0])).reason, 'few')
  // The third is somebody whose player is not ours.
  assert.equal((await site.post(`/videos/${video.uuid}/views`, { json: { currentTime: 1, sessionId: 'third' } })).status, 204)
  await Promise.all(pages.map(announces))
  assert.equal(await viewers(), 3)
  assert.equal((await site.get('/videos')).json.data.find(({ uuid }) => uuid === video.uuid).viewers, 3)
  // It goes on while some leave, ends when half have left, and begins anew when all are back.
  const [page] = pages
  let count = 3, looks = 0
  await page.route(`**/api/v1/videos/${video.uuid}`, async route => {
    const response = await route.fetch()
    looks++
    await route.fulfill({ response, json: { ...await response.json(), viewers: count } })
  })
  for (const [viewers, state, reason] of [[2, 'on', ''], [1, 'off', 'few'], [2, 'off', 'few'], [3, 'on', '']]) {
    count = viewers
    const before = looks
    await site.when('it looks again', () => looks > before + 1)
    await page.waitForFunction(([state, reason]) => window.shoal.player.sharing.state === state && window.shoal.player.sharing.reason === reason, [state, reason])
  }
  await page.unroute(`**/api/v1/videos/${video.uuid}`)
  // Who comes now is the fourth, and waits for nothing.
  await leave(await announce(places()))
  await leave(pages)
})

test('private, internal and password videos are watched alone, unless it is allowed', async () => {
  await again()
  const owner = await open(browser)
  await logIn(owner, site)
  const options = { options: { storageState: await owner.context().storageState() } }
  const all = Object.values(hidden).flatMap(each => Object.values(placesOf(each)))
  await leftAlone(all.map(address => [address, options, 'video']))
  await again(['p2p.private=true'])
  for (const each of Object.values(hidden)) await hasTrackers(each)
  const pages = await announce(all, options)
  for (const page of pages) assert.deepEqual(page.problems, [])
  await leave(pages)
  await leave([owner])
})

test('an embed asks first, and a no holds in it', async () => {
  await again()
  const { page: watch, embed } = placesOf(video)
  await leftAlone([[embed, { answer: 'no' }, 'no'], [`${embed}?p2p=1`, { answer: 'no' }, 'no'], [`${embed}?p2p=0`, {}, 'link']])
  const page = await viewer(browser, embed, { answer: '' })
  await page.waitForSelector('.player-notice')
  await passes(page, 2)
  await alone(page)
  await page.click('.player-notice button:not(.fine)')
  await page.goto(embed)
  await until(page, () => window.shoal?.player?.sharing.reason === 'no')
  // On the page of the same site it is the same answer.
  await page.goto(watch)
  await until(page, () => window.shoal?.player?.sharing.reason === 'no')
  await alone(page)
  await leave([page])
})

test('within the page of another site nothing begins before the notice stood there', async () => {
  const host = createServer((request, answer) => {
    answer.setHeader('content-type', 'text/html')
    answer.end(`<!doctype html><title>x</title><iframe width=640 height=360 allow="autoplay" src="${placesOf(video).embed}"></iframe>`)
  })
  await new Promise(resolve => host.listen(0, '127.0.0.1', resolve))
  try {
    const page = await viewer(browser, `http://localhost:${host.address().port}/`, { answer: '', frame: 1 })
    const frame = page.frames()[1]
    await frame.waitForSelector('.player-notice')
    await passes(frame, 2)
    await alone(page)
    await frame.click('.player-notice .fine')
    await site.when('it announces itself', () => page.announced > 0)
    assert.deepEqual(page.problems, [])
    await leave([page])
  } finally {
    host.close()
  }
})

test('opt-in holds in an embed, and off is off everywhere', async () => {
  await again(['p2p.viewers=opt-in'])
  await leftAlone([...places().map(address => [address, { answer: 'told' }, 'no'])])
  const page = await viewer(browser, placesOf(video).embed, { answer: '' })
  await page.waitForSelector('.player-notice')
  await passes(page, 7)
  await alone(page)
  await page.click('.player-notice .fine')
  await announces(page)
  await leave([page])
  await again(['p2p.viewers=off'])
  const others = await Promise.all(places().map(address => viewer(browser, address)))
  await Promise.all(others.map(page => passes(page, 2)))
  for (const other of others) {
    await alone(other)
    assert.equal(await other.evaluate(() => window.shoal.player.sharing), undefined)
    assert.equal(await other.locator('[data-button=swarm]').count(), 0)
  }
  await leave(others)
})

test('what the owner of a channel keeps out of it is not shared in an embed either', async () => {
  await again()
  const share = shared => site.put('/p2p/channels/root_channel', { token: true, json: { shared } })
  assert.equal((await share(false)).status, 204)
  await site.when('it has no trackers', async () => (await trackersOf(video)).length === 0)
  await leftAlone(places().map(address => [address, {}, 'video']))
  assert.equal((await share(true)).status, 204)
  await hasTrackers(video)
  await leave(await announce(places()))
})
