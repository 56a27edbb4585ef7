// remote_watch.test.mjs - the watch page of videos of another server: lives that wait, run and end, nothing
// more to watch, and a server that is blocked.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { Peer, startFederating } from '../federation/peer.mjs'
import { startInstance } from '../kit/instance.mjs'
import { accessibility, launch, open, phone } from './chromium.mjs'

let site, peer, owner, browser, page

before(async () => {
  [site, peer, browser] = await Promise.all([startFederating(startInstance), Peer.start(), launch()])
  owner = peer.person('owner')
  peer.channel('films', owner)
  assert.equal((await site.post('/server/following', { token: true, json: { hosts: [peer.host] } })).status, 204)
  const { body: asked } = await peer.came('the Follow', body => body.type === 'Follow')
  assert.equal((await peer.instance.post(site, peer.instance.say('Accept', asked))).status, 204)
  page = await open(browser)
})
after(async () => {
  await browser?.close()
  await peer?.stop()
  await site?.stop()
})

/** A live of the peer in a state; told of, and known here. */
async function live (state, fields = {}, number = 1) {
  const uuid = `0a4f2f4e-6d0e-4a0c-9a6a-1f0f6b9a900${number}`
  const text = readFileSync(new URL('../../plugins/federation_videos/fixtures/video_6.json', import.meta.url), 'utf8')
    .replaceAll('0a4f2f4e-6d0e-4a0c-9a6a-1f0f6b9a7c01', uuid).replaceAll('https://six.example', peer.url)
    .replaceAll('/accounts/anna', '/accounts/owner').replaceAll('/video-channels/shores', '/video-channels/films')
  const made = { '@context': ['https://www.w3.org/ns/activitystreams'], ...JSON.parse(text), name: `Harbour ${number}`, isLiveBroadcast: true, duration: 'PT0S', state, ...fields }
  made.url = made.url.filter(link => state === 1 ? !/^video/.test(link.mediaType ?? '') : link.mediaType === 'text/html' || link.rel)
  peer.serve(`/videos/watch/${uuid}`, made)
  assert.equal((await owner.post(site, { ...owner.say('Create', made), to: made.to, cc: made.cc })).status, 204)
  const know = async () => (await site.get(`/videos/${uuid}`)).json
  await site.when('it is here', async () => (await know())?.state?.id === state && (await know()).permanentLive === made.permanentLive)
  return know()
}
const picture = async (shown, name) => process.env.SHOAL_PICTURES && shown.screenshot({ path: join(process.env.SHOAL_PICTURES, `${name}.png`) })
const chips = () => page.locator('.watch-facts .chip').allInnerTexts()

test('a live says whether it waits, is between two streams, runs, or has ended', async () => {
  for (const [state, permanentLive, wanted, note] of [
    [4, false, ['Waiting for the stream'], /has not begun yet/],
    [4, true, ['Waiting for the stream', 'Streams here again and again'], /Nothing is streamed just now/],
    [5, false, ['The stream has ended'], /has ended/],
    [1, true, ['Live', 'Streams here again and again'], null]
  ]) {
    const { shortUUID } = await live(state, { permanentLive })
    await page.goto(`${site.url}/w/${shortUUID}`)
    assert.deepEqual(await chips(), wanted)
    if (note) {
      await page.waitForSelector('[data-note]:not([hidden])')
      assert.match(await page.innerText('[data-note]'), note)
    }
    assert.deepEqual(await accessibility(page), [])
    await picture(page, `live-${state}-${permanentLive}`)
  }
})

test('a live that is announced says the day and the hour of here', async () => {
  const { shortUUID } = await live(4, { permanentLive: false, schedules: [{ startDate: '2031-05-04T12:30:00Z' }] }, 3)
  await page.goto(`${site.url}/w/${shortUUID}`)
  const hour = await page.evaluate(() => new Date('2031-05-04T12:30:00Z').getHours() % 12 || 12)
  assert.match((await chips())[1], new RegExp(`^Begins on\\s+May 4, 2031.* ${hour}:30`))
  assert.deepEqual(await accessibility(page), [])
  await picture(page, 'live-announced')
})

test('what begins while the page is open is played without a reload', async () => {
  const { shortUUID } = await live(4, { permanentLive: false })
  await page.clock.install()
  await page.goto(`${site.url}/w/${shortUUID}`)
  await page.waitForSelector('[data-note]:not([hidden])')
  await live(1, { permanentLive: false })
  await page.clock.fastForward(21000)
  await page.waitForFunction(() => !document.querySelector('.watch-facts .chip.state:not([hidden])'))
  await page.waitForFunction(() => !/has not begun/.test(document.querySelector('[data-note]').textContent))
})

test('nothing more to watch has no heading; one more has', async () => {
  const { shortUUID } = await live(1, { permanentLive: true })
  await page.goto(`${site.url}/w/${shortUUID}`)
  assert.equal(await page.locator('.watch-side h2').count(), 0)
  await picture(page, 'more-none')
  await live(1, { permanentLive: true }, 2)
  await page.goto(`${site.url}/w/${shortUUID}`)
  assert.equal(await page.innerText('.watch-side h2'), 'More to watch')
  assert.deepEqual(await page.locator('.watch-side .card-title a').allInnerTexts(), ['Harbour 2'])
  for (const [name, options] of [['phone', phone], ['dark', { colorScheme: 'dark' }]]) {
    const other = await open(browser, options)
    await other.goto(`${site.url}/w/${shortUUID}`)
    assert.deepEqual(await accessibility(other), [], name)
    await picture(other, `more-${name}`)
    await other.context().close()
  }
})

test('a blocked server is named as such, in the words of the visitor', async () => {
  const { shortUUID } = await live(1, { permanentLive: true })
  assert.equal((await site.post('/server/blocklist/servers', { token: true, json: { host: peer.host } })).status, 204)
  const french = await open(browser, { locale: 'fr-FR' })
  for (const [shown, words] of [[page, /administrators of this one have blocked/], [french, /administration de celui-ci a bloqué/]]) {
    assert.equal((await shown.goto(`${site.url}/w/${shortUUID}`)).status(), 403)
    assert.match(await shown.innerText('main'), words)
    assert.deepEqual(await accessibility(shown), [])
  }
  await picture(page, 'blocked')
  await page.goto(site.url)
  assert.equal(await page.locator('.card').count(), 0)
  assert.equal((await site.delete(`/server/blocklist/servers/${peer.host}`, { token: true })).status, 204)
  await page.goto(site.url)
  assert.equal(await page.locator('.card').count(), 2)
  await french.context().close()
})

test('what nobody here follows is said to be elsewhere, with the way there', async () => {
  const { shortUUID, url } = await live(1, { permanentLive: true })
  assert.equal((await site.delete(`/server/following/${peer.host}`, { token: true })).status, 204)
  assert.equal((await page.goto(`${site.url}/w/${shortUUID}`)).status(), 403)
  assert.match(await page.innerText('main'), /on another site, and nobody here follows/)
  assert.equal(await page.getAttribute('main .button.accent', 'href'), url)
  assert.deepEqual(await page.locator('main .button').allInnerTexts(), ['Watch it on its own site', 'Log in', 'To the start page'])
  assert.deepEqual(await accessibility(page), [])
  await picture(page, 'unfollowed')
  assert.deepEqual(page.problems.filter(problem => !/hls|network|manifest/i.test(problem)), [])
})
