// player.test.mjs - viewers in contexts of their own share a video; who does not want to is left alone.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'

import { accessibility, logIn, phone } from '../browser/chromium.mjs'
import { shoal, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { withPlugins } from '../kit/plugins.mjs'
import { announceHttp, offer, peer, torrentHash, settled } from './kit.mjs'
import { alone, ends, launchViewers, leave, passes, right, state, until, viewer } from './viewers.mjs'

const naming = readFileSync(new URL('../../themes/default/scripts/player_swarm_name.js', import.meta.url))
const { swarmName } = await import(`data:text/javascript;base64,${naming.toString('base64')}`)
let site, browser, video, address

async function again (settings) {
  await site.kill()
  site.settings.splice(0, site.settings.length, 'transcoding.resolutions=240', ...settings)
  await site.start()
}

before(async () => {
  site = await startInstance({ started: false, settings: ['transcoding.resolutions=240'] })
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', 'p2p', 'torrents', 'playback'])
  await site.start()
  browser = await launchViewers()
  video = await site.upload(await clip('h264', { seconds: 32, size: '426x240', rate: 10 }), { name: 'Half a minute' })
  await site.published(video.uuid)
  address = `${site.url}/w/${video.shortUUID}`
  await site.when('its trackers are named', async () => (await site.get(`/videos/${video.uuid}`)).json.trackerUrls.some(url => url.startsWith('ws')))
})

after(async () => {
  await browser?.close()
  await site?.stop()
})

/** Has the tracker nowhere to be found. */
function lost () {
  window.WebSocket = class extends window.WebSocket {
    constructor () { super('ws://192.0.2.1:9/tracker/socket') }
  }
}

/** Has the player wait for mirrors as long as it takes a busy machine. */
function patient () {
  const { setTimeout } = window
  window.setTimeout = (run, ms, ...more) => setTimeout(run, ms === 800 || ms === 2500 ? 60000 : ms, ...more)
}

/** Somebody who has the whole video and goes on being there. */
async function source (options) {
  const page = await viewer(browser, address, { rate: 8, ...options })
  await ends(page)
  return page
}

test('segments come from viewers, also when one of them dies in the middle, and the picture is right', async () => {
  const first = await source()
  const [second, third] = await Promise.all([1, 2].map(() => viewer(browser, address)))
  await Promise.all([second, third].map(page => until(page, () => window.shoal.player.sharing.counts?.fromPeers > 0)))
  assert.equal((await state(first)).sent > 0, true)
  await leave([first])
  await Promise.all([second, third].map(page => page.evaluate(() => { window.shoal.player.rate = 8 })))
  await Promise.all([second, third].map(ends))
  for (const page of [second, third]) {
    const now = await state(page)
    assert.ok(now.fromPeers > 0 && now.fromServer > 0, JSON.stringify(now))
    assert.equal(now.error, '')
    assert.equal(await right(page), 8)
    assert.ok(await page.evaluate(() => window.noted.candidates.some(each => / typ host /.test(each))))
    assert.deepEqual(await page.evaluate(() => window.noted.configurations.every(each => each.iceServers.length === 0)), true)
    assert.deepEqual(page.problems, [])
  }
  await leave([second, third])
})

test('what the server sends before sharing begins is all that it sends, and nothing of a file that is not played', async () => {
  const first = await source()
  const second = await viewer(browser, address, { answer: '' })
  await until(second, () => window.shoal.player.sharing.counts?.fromPeers > 0)
  const now = await state(second)
  assert.equal(now.fromServer, 0, JSON.stringify(now))
  assert.ok(await second.evaluate(() => window.noted.segments.length) > 2)
  for (const page of [first, second]) assert.deepEqual(page.asked.filter(url => /\.mp4/.test(url) && !/-fragmented\.mp4/.test(url)), [])
  await leave([first, second])
})

test('viewers who came by different names of the server share, as long as it has no public URL', async () => {
  const first = await source()
  const second = await viewer(browser, address.replace('127.0.0.1', 'localhost'))
  await until(second, () => window.shoal.player.sharing.counts?.fromPeers > 0)
  await second.evaluate(() => { window.shoal.player.rate = 8 })
  await ends(second)
  assert.equal(await right(second), 8)
  await leave([first, second])
})

test('who comes by a link into the middle, where nobody else is, sees it at once', async () => {
  const page = await viewer(browser, `${address}?start=16`)
  await passes(page, 16.5)
  assert.equal((await state(page)).state, 'on')
  await leave([page])
})

test('a viewer who sends wrong bytes is dropped, and nothing of them is shown', async () => {
  const evil = await source({ isEvil: true })
  const victim = await viewer(browser, address)
  await until(victim, () => window.shoal.player.sharing.counts?.bad > 0)
  assert.ok(await evil.evaluate(() => window.spoiled) > 0)
  await until(victim, () => window.shoal.player.sharing.counts.connected === 0)
  await victim.evaluate(() => { window.shoal.player.rate = 8 })
  await ends(victim)
  const now = await state(victim)
  assert.equal(await right(victim), 8)
  assert.equal(now.fromPeers, 0, 'what was thrown away does not count')
  assert.equal(now.error, '')
  await leave([evil, victim])
})

test('a mirror helps, and one that is slow, broken or lies is asked once', async () => {
  const asked = { good: 0, slow: 0, gone: 0, lies: 0 }
  const server = createServer(async (incoming, answer) => {
    const [, kind, name] = incoming.url.split('/')
    asked[kind]++
    const path = `/static/streaming-playlists/hls/${video.uuid}/${name}`
    const { status, headers, body } = await site.raw({ path, headers: { range: incoming.headers.range } })
    if (kind === 'slow') return
    const bytes = kind === 'lies' ? body.map(byte => byte ^ 1) : body
    answer.writeHead(kind === 'gone' ? 404 : status, { 'access-control-allow-origin': '*', 'content-range': headers['content-range'] })
    answer.end(bytes)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  try {
    const pages = await Promise.all(Object.keys(asked).map(async kind => {
      const mirrors = Array(30).fill({ baseUrl: `http://127.0.0.1:${port}/${kind}` }) // it is drawn nearly always
      const isGood = kind === 'good'
      const page = await viewer(browser, address, { rate: isGood ? 1 : 4, script: isGood ? [lost, patient] : lost, change: html => html.replace('"redundancies":[]', `"redundancies":${JSON.stringify(mirrors)}`) })
      if (isGood) { // who is in a hurry asks the origin
        await site.when('the good one is asked again and again', () => asked.good > 2)
        await page.evaluate(() => { window.shoal.player.rate = 4 })
      }
      await ends(page)
      assert.equal(await right(page), 8)
      return page
    }))
    // Two segments may be on their way at once.
    assert.ok([asked.slow, asked.gone, asked.lies].every(times => times > 0 && times < 3), JSON.stringify(asked))
    await leave(pages)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('a video of elsewhere is shared only under names that its origin told', async () => {
  const { playlistUrl } = (await site.get(`/videos/${video.uuid}`)).json.streamingPlaylists[0]
  const own = swarmName(playlistUrl, 'main-0')
  const elsewhere = names => html => html.replace('"isLocal":true', '"isLocal":false').replace(/"p2pMediaLoaderInfohashes":[^}]*\}/, `"p2pMediaLoaderInfohashes":${JSON.stringify(names)}}`)
  const wrong = [swarmName(playlistUrl, 'main-1'), swarmName(`${playlistUrl}?`, 'main-0'), own.slice(1), '0A0dY8ac0ECHjduOQb31']
  const [known, ...strangers] = await Promise.all([[own.toUpperCase(), wrong[0]], null, wrong].map(names => viewer(browser, address, { change: elsewhere(names) })))
  await Promise.all(strangers.map(async page => {
    await until(page, () => window.shoal.player.sharing.reason === 'foreign')
    await passes(page, 2)
    await alone(page)
    assert.deepEqual(page.problems, [])
  }))
  await site.when('it announces itself', () => known.announced > 0)
  await leave([...strangers, known])
})

test('a tracker that does not answer delays nothing', async () => {
  const page = await viewer(browser, address, { script: lost })
  await passes(page, 1)
  assert.equal((await state(page)).state, 'on')
  assert.ok(await page.evaluate(() => performance.now()) < 8000)
  await leave([page])
})

test('who said no, saves data, or came by a link that says so, contacts nobody', async () => {
  const saves = () => Object.defineProperty(navigator, 'connection', { value: { saveData: true } })
  const rows = [['no', '', undefined, 'no'], ['no', '?p2p=1', undefined, 'no'], ['yes', '?p2p=0', undefined, 'link'], ['yes', '', saves, 'data']]
  const pages = await Promise.all(rows.map(([answer, query, script]) => viewer(browser, address + query, { answer, script })))
  await Promise.all(pages.map(page => passes(page, 2)))
  for (const [index, page] of pages.entries()) {
    await alone(page)
    const { state: how, reason } = await state(page)
    assert.deepEqual([how, reason], ['off', rows[index][3]])
    assert.equal(await page.locator('.player-notice').count(), 0)
    assert.deepEqual(page.problems, [])
  }
  await leave(pages)
})

test('who changes his mind while sharing begins has one swarm, and none after a no', async () => {
  const page = await viewer(browser, address, { script: () => { // the list of hashes comes when it is let go
    window.sockets = []
    window.WebSocket = class extends window.WebSocket {
      constructor (...args) {
        super(...args)
        window.sockets.push(this)
      }
    }
    window.lists = []
    const plain = window.fetch
    window.fetch = async (url, ...rest) => {
      if (/sha256/.test(url)) await new Promise(resolve => window.lists.push(resolve))
      return plain(url, ...rest)
    }
  } })
  const heard = () => page.evaluate(() => {
    const { hls } = window.shoal.player.source
    return ['hlsManifestLoaded', 'hlsLevelUpdated', 'hlsMediaAttached'].map(name => hls.listenerCount(name))
  })
  await until(page, () => window.lists.length === 1)
  const before = await heard()
  await page.evaluate(() => ['no', 'yes'].forEach(answer => window.shoal.player.sharing.say(answer)))
  await until(page, () => window.lists.length === 2)
  await page.evaluate(() => window.lists.forEach(letGo => letGo()))
  await until(page, () => window.shoal.player.sharing.state === 'on' && window.sockets.length > 0)
  await passes(page, 1)
  await page.evaluate(() => window.shoal.player.sharing.say('no'))
  await until(page, () => window.sockets.every(socket => socket.readyState >= WebSocket.CLOSING))
  assert.equal(await page.evaluate(() => window.shoal.player.source.hls.config.fLoader), undefined)
  assert.deepEqual(await heard(), before, 'nothing listens on behind the picture')
  assert.deepEqual([(await state(page)).state, (await state(page)).reason], ['off', 'no'])
  assert.deepEqual(page.problems, [])
  await leave([page])
})

test('the notice comes once, and nothing begins before it stood there, whatever a link says', async () => {
  const page = await viewer(browser, `${address}?p2p=1`, { answer: '' })
  await page.waitForSelector('.player-notice')
  await until(page, () => /internet address/.test(document.querySelector('.player-notice p').textContent))
  await passes(page, 2)
  await alone(page)
  assert.deepEqual(await accessibility(page), [])
  await until(page, () => window.shoal.player.sharing.state === 'on')
  assert.ok(await page.isVisible('.player-notice'))
  await page.click('.player-notice .fine')
  assert.equal(await page.locator('.player-notice').count(), 0)
  assert.equal(await page.evaluate(() => localStorage.getItem('shoal.p2p')), 'yes')
  await page.reload()
  await until(page, () => window.shoal?.player?.sharing.state === 'on')
  assert.equal(await page.locator('.player-notice').count(), 0)
  assert.deepEqual(page.problems, [])
  await leave([page])
})

test('with an account the answer goes along with it', async () => {
  const page = await viewer(browser, address, { answer: '' })
  await logIn(page, site)
  await page.goto(address)
  await page.click('.player-notice button:not(.fine)')
  await site.when('the account says no', async () => (await site.get('/users/me', { token: true })).json.p2pEnabled === false)
  await page.evaluate(() => localStorage.clear())
  await page.goto(address)
  await until(page, () => window.shoal?.player?.sharing.reason === 'no')
  // That somebody said nothing in another page does not outweigh it.
  await page.evaluate(() => addEventListener('storage', () => { window.heard = true }))
  const other = await page.context().newPage()
  await other.goto(`${site.url}/about`)
  await other.evaluate(() => localStorage.setItem('shoal.p2p', 'told'))
  await until(page, () => window.heard)
  assert.deepEqual([(await state(page)).state, (await state(page)).reason], ['off', 'no'])
  await alone(page)
  // And back, in the panel.
  await page.click('[data-button=swarm]')
  await page.getByRole('switch').check()
  await site.when('the account says yes', async () => (await site.get('/users/me', { token: true })).json.p2pEnabled === true)
  await until(page, () => window.shoal.player.sharing.state === 'on')
  // And once more, in the same page.
  await page.getByRole('switch').uncheck()
  await site.when('the account says no again', async () => (await site.get('/users/me', { token: true })).json.p2pEnabled === false)
  await leave([page])
})

for (const [name, options] of Object.entries({ desktop: {}, phone, French: { locale: 'fr-FR' }, dark: { colorScheme: 'dark' } })) {
  test(`the panel can be read and used by keys, ${name}`, async () => {
    const page = await viewer(browser, address, { options })
    await until(page, () => window.shoal.player.sharing.state === 'on' && document.querySelector('[data-button=swarm]'))
    await passes(page, 0.3)
    await page.evaluate(() => window.shoal.player.pause())
    await page.focus('[data-button=swarm]')
    await page.keyboard.press('Enter')
    assert.equal(await page.getAttribute('[data-button=swarm]', 'aria-expanded'), 'true')
    const words = await page.locator('#player-swarm').innerText()
    assert.match(words, name === 'French' ? /Des spectateurs/ : /From viewers/)
    assert.doesNotMatch(words, /sharing\./)
    assert.deepEqual(await accessibility(page), [])
    assert.ok(await page.evaluate(() => {
      const { clientHeight, scrollHeight, clientWidth, scrollWidth } = document.querySelector('#player-swarm')
      return scrollHeight <= clientHeight + 1 && scrollWidth <= clientWidth
    }), 'it has room for all that it says')
    await page.keyboard.press('Space')
    await until(page, () => window.shoal.player.sharing.reason === 'no')
    assert.equal(await page.evaluate(() => window.shoal.player.paused), true, 'a space on the switch is no command of the player')
    await page.keyboard.press('Escape')
    assert.equal(await page.isVisible('#player-swarm'), false)
    assert.equal(await page.evaluate(() => document.activeElement.dataset.button), 'swarm')
    assert.deepEqual(page.problems, [])
    await leave([page])
  })
}

test('a no in one page of the site holds in those that are open already', async () => {
  const page = await viewer(browser, address)
  await until(page, () => window.shoal.player.sharing.state === 'on')
  const other = await page.context().newPage()
  await other.goto(address)
  await other.waitForFunction(() => window.shoal?.player?.source)
  await other.evaluate(() => window.shoal.player.sharing.say('no'))
  await until(page, () => window.shoal.player.sharing.reason === 'no')
  assert.equal((await state(page)).state, 'off')
  await other.evaluate(() => window.shoal.player.sharing.say('yes'))
  await until(page, () => window.shoal.player.sharing.state === 'on')
  await leave([page])
})

test('who saw less than the time between two reports is in the sums, by the end, a pause or leaving', async () => {
  const taken = async () => Number(/playback_reports_total\{result="taken"\} (\d+)/.exec((await site.raw({ path: '/metrics' })).body)[1])
  const bytes = async () => Number(/playback_reported_bytes_total\{source="server"\} (\d+)/.exec((await site.raw({ path: '/metrics' })).body)[1])
  for (const stop of [ends, page => page.evaluate(() => window.shoal.player.video.pause()), page => page.goto(`${site.url}/about`)]) {
    const page = await viewer(browser, address, { rate: 4, answer: 'no' })
    await passes(page, 1)
    const before = [await taken(), await bytes()]
    await stop(page)
    await site.when('a report came', async () => await taken() === before[0] + 1)
    assert.ok(await bytes() > before[1])
    await leave([page])
  }
  // What comes during a pause is told on leaving.
  const page = await viewer(browser, address, { answer: 'no' })
  await passes(page, 1)
  const before = await taken()
  await page.evaluate(() => window.shoal.player.video.pause())
  await site.when('a report came', async () => await taken() === before + 1)
  const told = await bytes()
  await page.evaluate(() => { window.shoal.player.source.tally.downloadedBytesHTTP += 54321 })
  await page.goto(`${site.url}/about`)
  await site.when('another one came', async () => await taken() === before + 2)
  assert.ok(await bytes() >= told + 54321)
  await leave([page])
})

test('players report bytes since the last time', async () => {
  const page = await viewer(browser, address)
  await page.context().close()
  const other = await viewer(browser, address, { script: () => { // fifteen seconds pass in one
    const plain = window.setInterval
    window.setInterval = (run, ms, ...rest) => plain(run, ms === 15000 ? 1000 : ms, ...rest)
  } })
  const sent = await Promise.all([1, 2].map(async n => {
    const answer = await other.waitForResponse(response => response.url().endsWith('/metrics/playback'))
    return [n, answer.status(), answer.request().postDataJSON(), await answer.text()]
  }))
  for (const [, status, body, text] of sent) {
    assert.equal(status, 204, text)
    assert.equal(body.playerMode, 'p2p-media-loader')
    assert.equal(body.videoId, video.uuid)
    assert.equal(body.resolution, 240)
    assert.ok(Number.isInteger(body.downloadedBytesHTTP) && Number.isInteger(body.downloadedBytesP2P))
  }
  // What came from viewers until sharing ended is believed, too.
  await until(other, () => window.shoal.player.sharing.state === 'on')
  const [last] = await Promise.all([
    other.waitForResponse(response => response.url().endsWith('/metrics/playback') && response.request().postDataJSON().downloadedBytesP2P > 0),
    other.evaluate(() => {
      const { sharing } = window.shoal.player
      sharing.counts.fromPeers += 5000
      sharing.say('no')
    })
  ])
  assert.deepEqual([last.status(), last.request().postDataJSON().p2pEnabled], [204, true])
  await leave([other])
})

test('owners switch it off for a video and for a channel', async () => {
  const trackers = async () => (await site.get(`/videos/${video.uuid}`)).json.trackerUrls
  const page = await viewer(browser, address, { answer: 'yes' })
  await logIn(page, site)
  await page.goto(`${site.url}/my/videos/${video.shortUUID}/edit`)
  await page.uncheck('#p2p-shared')
  await Promise.all([page.waitForNavigation(), page.click('form.form button[type=submit]')])
  assert.deepEqual(await trackers(), [])
  await page.goto(address)
  await until(page, () => window.shoal?.player?.sharing.reason === 'video')
  await page.goto(`${site.url}/my/videos/${video.shortUUID}/edit`)
  assert.equal(await page.isChecked('#p2p-shared'), false)
  await page.check('#p2p-shared')
  await Promise.all([page.waitForNavigation(), page.click('form.form button[type=submit]')])
  await site.when('its trackers are back', async () => (await trackers()).length > 0)
  await page.goto(`${site.url}/my/sharing`)
  assert.deepEqual(await accessibility(page), [])
  await Promise.all([page.waitForNavigation(), page.click('.p2p-channels button')])
  await site.when('the channel has none', async () => (await trackers()).length === 0)
  assert.equal((await site.put('/p2p/channels/root_channel', { json: { shared: true } })).status, 401)
  await Promise.all([page.waitForNavigation(), page.click('.p2p-channels button')])
  await site.when('the channel has them again', async () => (await trackers()).length > 0)
  assert.deepEqual(page.problems, [])
  await leave([page])
})

/** Two viewers who are connected hear that they may not share any more: they leave, and play on. */
async function dismissed (sendAway) {
  const pages = [await viewer(browser, address), await viewer(browser, address)]
  await Promise.all(pages.map(page => until(page, () => window.shoal.player.sharing.counts?.connected > 0)))
  await Promise.all(pages.map(page => passes(page, 1)))
  await Promise.all(pages.map(page => page.evaluate(() => { window.noted.waits = 0 })))
  await sendAway()
  await Promise.all(pages.map(async page => {
    await until(page, () => window.shoal.player.sharing.reason === 'dismissed')
    await until(page, () => window.noted.made.every(each => each.connectionState === 'closed'))
    const made = await page.evaluate(() => window.noted.made.length)
    const { connected, sent, time, ended } = await state(page)
    assert.deepEqual([connected, ended], [0, false], 'it was told in the middle')
    await passes(page, time + 3)
    assert.equal(await page.evaluate(() => window.noted.waits), 0, 'the picture never stood still')
    await page.evaluate(() => { window.shoal.player.rate = 8 })
    await ends(page)
    const after = await state(page)
    assert.deepEqual([after.reason, after.connected, after.sent, after.error], ['dismissed', 0, sent, ''])
    assert.equal(await page.evaluate(() => window.noted.made.length), made, 'nobody was asked again')
    assert.equal(await right(page), 8)
    assert.deepEqual(page.problems, [])
  }))
  await leave(pages)
}

test('who is connected is sent away when the owner says no, and the picture goes on', async () => {
  const form = more => site.put(`/videos/${video.uuid}`, { token: true, json: { pluginData: { p2p: { asked: 'true', ...more } } } })
  try {
    await dismissed(async () => assert.equal((await form({})).status, 204))
  } finally {
    assert.equal((await form({ shared: 'true' })).status, 204)
  }
  await site.when('its trackers are named again', async () => (await site.get(`/videos/${video.uuid}`)).json.trackerUrls.length > 0)
})

test('who is connected is sent away when the administrator switches it off', async () => {
  const { config } = site
  try {
    await dismissed(async () => {
      site.config = config.replace('"p2p"', '{ "p2p", viewers = "off" }')
      assert.equal((await shoal('reload', site.folder)).code, 0)
    })
  } finally {
    site.config = config
    await again([])
  }
})

test('opt-in waits for a yes; servers for connections and the rest are told as PeerTube names them', async () => {
  await again(['p2p.viewers=opt-in', 'p2p.stun=stun.example.org'])
  const { json: config } = await site.get('/config')
  assert.deepEqual([config.tracker.enabled, config.defaults.p2p.webapp.enabled, config.defaults.p2p.embed.enabled], [true, false, false])
  assert.deepEqual([config.webrtc.stunServers, config.webrtc.iceTransportPolicy], [['stun:stun.example.org'], 'all'])
  const page = await viewer(browser, address, { answer: '' })
  await page.waitForSelector('.player-notice')
  await passes(page, 6)
  await alone(page)
  await page.click('.player-notice .fine')
  await until(page, () => window.noted.connections > 0)
  assert.deepEqual(await page.evaluate(() => window.noted.configurations[0].iceServers), [{ urls: 'stun:stun.example.org' }])
  await leave([page])
})

test('a page names servers for connections while its video is shared, and none else', async () => {
  const isNamed = async () => (await site.raw({ path: new URL(address).pathname, headers: { accept: 'text/html' } })).text.includes('stun:stun.example.org')
  const say = async p2p => assert.equal((await site.put(`/videos/${video.uuid}`, { token: true, json: { pluginData: { p2p } } })).status, 204)
  assert.equal(await isNamed(), true)
  await say({ asked: 'true' })
  assert.equal(await isNamed(), false)
  await say({ asked: 'true', shared: 'true' })
  // What was told of both changes is heard by then, in whichever order.
  await settled(site)
  await site.when('it is shared again', isNamed)
})

test('relays alone, or nothing', async () => {
  const refusal = async () => {
    const browser = await peer(site)
    const heard = await browser.announced(await torrentHash(site, video))
    browser.destroy()
    return heard['failure reason']
  }
  await again(['p2p.relay_only=true', 'p2p.stun=stun.example.org', 'p2p.turn=[{"urls":"turn:turn.example.org","username":"u","credential":"c"}]'])
  const trackers = async () => (await site.get(`/videos/${video.uuid}`)).json.trackerUrls
  const enabled = async () => (await site.get('/config')).json.tracker.enabled
  assert.deepEqual([await trackers(), await enabled()], [[], false], 'players that cannot be told are left out')
  const page = await viewer(browser, address)
  await until(page, () => window.noted.connections > 0)
  const [{ iceServers, iceTransportPolicy }] = await page.evaluate(() => window.noted.configurations)
  assert.equal(iceTransportPolicy, 'relay')
  assert.deepEqual(iceServers.map(each => each.urls), ['turn:turn.example.org'])
  assert.equal((await site.get('/config')).json.webrtc.iceTransportPolicy, 'relay')
  await passes(page, 5)
  assert.deepEqual(await page.evaluate(() => window.noted.candidates.filter(each => !/ typ relay /.test(each))), [], 'no address of its own is offered')
  await leave([page])
  assert.match((await announceHttp(site, await torrentHash(site, video)))['failure reason'], /may not be joined/)
  assert.equal(await refusal(), undefined)
  const hash = await torrentHash(site, video)
  const heard = async kind => {
    const browser = await peer(site)
    const { 'failure reason': reason } = await browser.announced(hash, { offers: [offer('v=0'), offer(`v=0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ ${kind}\r\n`)] })
    await browser.leave()
    return reason
  }
  assert.equal(await heard('relay'), undefined)
  for (const kind of ['host', 'srflx', 'prflx']) assert.match(await heard(kind), /^not shared: .*relays alone/)
  const old = await viewer(browser, address, { change: html => html.replace('"relayOnly":true', '"relayOnly":false') })
  await until(old, () => window.shoal.player.sharing.reason === 'dismissed')
  // What is said in another page does not begin it anew; what is said here does.
  const hear = answer => old.evaluate(answer => {
    const { sharing } = window.shoal.player
    localStorage.setItem('shoal.p2p', answer)
    dispatchEvent(new StorageEvent('storage', { key: 'shoal.p2p' }))
    return [sharing.state, sharing.reason]
  }, answer)
  assert.deepEqual(await hear('no'), ['off', 'no'])
  assert.deepEqual(await hear('yes'), ['off', 'dismissed'])
  assert.equal(await old.evaluate(() => {
    window.shoal.player.sharing.say('yes')
    return window.shoal.player.sharing.state
  }), 'starting')
  await leave([old])
  // Its page's player may ask again what its page was told; whoever may not see a video is told nothing of it.
  const told = async ({ uuid }) => {
    const { status, json } = await site.get(`/p2p/videos/${uuid}`)
    return [status, json.swarm?.relayOnly, json.swarm?.trackers?.length]
  }
  assert.deepEqual(await told(video), [200, true, 2])
  const hidden = await site.upload(await clip('h264'), { name: 'hidden', privacy: 3 })
  assert.equal((await site.get(`/videos/${hidden.uuid}`)).status, 401)
  assert.deepEqual(await told(hidden), [401, undefined, undefined])
  assert.equal((await site.get(`/p2p/videos/${crypto.randomUUID()}`)).status, 404)
  await again(['p2p.relay_only=true', 'p2p.stun=stun.example.org'])
  assert.deepEqual([await trackers(), await enabled()], [[], false])
  const without = await viewer(browser, address)
  await passes(without, 1)
  await alone(without)
  assert.deepEqual((await site.get(`/p2p/videos/${video.uuid}`)).json, { swarm: null })
  assert.equal(await without.evaluate(() => window.shoal.player.sharing), undefined)
  await leave([without])
  assert.match(await refusal(), /do not share/)
  await again(['p2p.viewers=off'])
  const { json: config } = await site.get('/config')
  assert.deepEqual([config.tracker.enabled, config.webrtc.stunServers], [false, []])
  const other = await viewer(browser, address)
  await passes(other, 1)
  await alone(other)
  assert.equal(await other.evaluate(() => window.shoal.player.sharing), undefined)
  assert.equal(await other.locator('[data-button=swarm]').count(), 0)
  await leave([other])
})
