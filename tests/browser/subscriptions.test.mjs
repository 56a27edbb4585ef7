// subscriptions.test.mjs - subscribing by the button, with and without scripts; the list, the feed, and
// the way to and from other servers.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'
import { accessibility, follow, launch, logIn, open, phone } from './chromium.mjs'

// Something that federates, so that pages tell this site's videos from others'.
const finder = `#include <shoal/plugin.h>
#include <shoal/svc/federation.h>
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_svc_federation table = {.size = sizeof table};
    return shoal_provide(self, "federation", &table, NULL, err);
}
SHOAL_PLUGIN(.name = "finder", .start = start);
`

let site, browser, bob, video, host

before(async () => {
  site = await startInstance({ started: false })
  const pin = writePlugin(join(site.folder, 'plugins'), 'finder', { c: finder, manifest: { provides: ['federation'] } })
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'p2p', 'playback', 'subscriptions', 'web', line('finder', pin)])
  await site.start()
  browser = await launch()
  bob = await site.user('bob')
  video = await site.upload(await clip('h264', { seconds: 3 }), { name: 'Kelp in the morning' }, bob.token)
  await site.published(video.uuid)
  ;({ host } = (await site.get('/video-channels/bob_channel')).json)
})
after(async () => {
  await browser?.close()
  await site?.stop()
})

const picture = async (page, name) => process.env.SHOAL_PICTURES && page.screenshot({ path: join(process.env.SHOAL_PICTURES, `${name}.png`) })
const followers = async () => (await site.get('/video-channels/bob_channel', { token: true })).json.followersCount

test('the button on the watch page works while the video goes on', async () => {
  const page = await open(browser)
  await logIn(page, site)
  await page.goto(`${site.url}/w/${video.shortUUID}`)
  const box = page.locator('[data-subscribe]')
  assert.match(await box.innerText(), /no followers yet/)
  await page.evaluate(() => { window.stays = true })
  await box.getByRole('button', { name: 'Subscribe' }).click()
  await box.getByRole('button', { name: 'Unsubscribe' }).waitFor()
  assert.match(await box.innerText(), /1 follower/)
  assert.equal(await followers(), 1)
  await picture(page, 'watch')
  await page.reload()
  assert.match(await box.innerText(), /1 follower[\s\S]*Unsubscribe/)
  await page.evaluate(() => { window.stays = true })
  await box.getByRole('button', { name: 'Unsubscribe' }).click()
  await box.getByRole('button', { name: /^Subscribe/ }).waitFor()
  assert.match(await box.innerText(), /no followers yet/)
  assert.equal(await page.evaluate(() => window.stays), true)
  assert.equal(await followers(), 0)
  assert.deepEqual(page.problems, [])
  await page.context().close()
})

test('without scripts: subscribed on the channel page, seen in the list and the feed, left', async () => {
  const page = await open(browser, { javaScriptEnabled: false })
  await logIn(page, site)
  await page.goto(`${site.url}/videos/subscriptions`)
  assert.match(await page.innerText('main'), /do not subscribe to anything yet/)
  await page.goto(`${site.url}/c/bob_channel`)
  await follow(page, '[data-subscribe] button:visible')
  assert.equal(new URL(page.url()).pathname, '/c/bob_channel')
  assert.match(await page.innerText('[data-subscribe]'), /1 follower[\s\S]*Unsubscribe/)
  await page.goto(`${site.url}/videos/subscriptions`)
  assert.match(await page.innerText('main'), /Kelp in the morning/)
  await picture(page, 'feed')
  await follow(page, 'main >> text=My subscriptions')
  assert.match(await page.innerText('main'), new RegExp(`@bob_channel@${host}`))
  await picture(page, 'list')
  await follow(page, '.subscriptions button')
  assert.match(await page.innerText('main'), /no longer subscribed/)
  assert.equal(await followers(), 0)

  await page.fill('#uri', `bob_channel@${host}`)
  await follow(page, 'main form[method=post] button')
  assert.match(await page.innerText('main'), /Subscribed/)
  await page.fill('#uri', 'not a handle')
  await follow(page, 'main .subscriptions-add button')
  assert.match(await page.innerText('[role=alert]'), /valid channel handle/)
  assert.equal(await page.inputValue('#uri'), 'not a handle')
  await page.goto(`${site.url}/my/subscriptions`)
  await follow(page, '.subscriptions button')
  await page.context().close()
})

test('a visitor with an account elsewhere is shown the way before it is gone', async () => {
  const page = await open(browser, { javaScriptEnabled: false })
  await page.goto(`${site.url}/c/bob_channel`)
  await page.click('[data-subscribe] summary')
  await picture(page, 'visitor')
  await page.fill('#subscribe-to', 'nonsense')
  await follow(page, '.subscribe .panel button')
  assert.match(await page.innerText('[role=alert]'), /not the address of a site/)
  await page.fill('#to', 'me@far.example')
  await follow(page, 'main form button')
  assert.match(await page.innerText('main'), /far\.example, which asks you to log in/)
  const href = await page.getAttribute('main a.accent', 'href')
  assert.equal(href, `https://far.example/remote-interaction?uri=${encodeURIComponent(`bob_channel@${host}`)}`)
  await picture(page, 'leave')
  await page.context().close()
})

test('who comes from another server logs in and follows', async () => {
  const page = await open(browser, { javaScriptEnabled: false })
  await page.goto(`${site.url}/remote-interaction?uri=${encodeURIComponent(`${site.url}/video-channels/bob_channel`)}`)
  assert.equal(new URL(page.url()).pathname, '/login')
  await page.fill('#username', site.admin)
  await page.fill('#password', site.password)
  await follow(page, 'main button[type=submit]')
  assert.equal(new URL(page.url()).pathname, '/remote-interaction')
  assert.match(await page.innerText('main'), /Main bob channel/)
  await picture(page, 'arrive')
  await follow(page, 'main form button')
  assert.equal(new URL(page.url()).pathname, '/c/bob_channel')
  assert.equal(await followers(), 1)
  const lost = await page.goto(`${site.url}/remote-interaction?uri=nobody`)
  assert.equal(lost.status(), 404)
  await site.delete('/users/me/subscriptions/bob_channel', { token: true })
  await page.context().close()
})

test('a creator sees who follows, and the site whom it follows', async () => {
  const page = await open(browser)
  await site.post('/users/me/subscriptions', { token: bob.token, json: { uri: 'root_channel' } })
  await logIn(page, site)
  await page.goto(`${site.url}/my/followers`)
  assert.match(await page.innerText('main'), /My followers 1[\s\S]*@bob@[\s\S]*follows root_channel/)
  await picture(page, 'followers')
  await page.goto(`${site.url}/my/followers?search=nobody`)
  assert.match(await page.innerText('main'), /None of your followers matches/)
  await page.goto(`${site.url}/about`)
  await follow(page, 'text=Sites that follow each other')
  assert.match(await page.innerText('main'), /Followed from here[\s\S]*Nobody yet/)
  await picture(page, 'about-follows')
  await page.context().close()
})

test('lists are of all sites or of this one', async () => {
  const page = await open(browser, { javaScriptEnabled: false })
  await page.goto(site.url)
  assert.equal(await page.innerText('.scope [aria-current]'), 'All sites')
  await picture(page, 'home')
  await follow(page, 'text=This site alone')
  assert.equal(new URL(page.url()).search, '?isLocal=true')
  assert.equal(await page.innerText('.scope [aria-current]'), 'This site alone')
  assert.match(await page.innerText('main'), /Kelp in the morning/)
  await page.goto(`${site.url}/search?search=kelp`)
  await follow(page, 'text=This site alone')
  assert.equal(new URL(page.url()).search, '?search=kelp&isLocal=true')
  assert.match(await page.innerText('main'), /Kelp in the morning/)
  await page.goto(`${site.url}/videos/local`)
  assert.equal(new URL(page.url()).search, '?isLocal=true')
  await page.context().close()
})

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing, ${colorScheme}, desktop and phone`, async () => {
    await site.post('/users/me/subscriptions', { token: true, json: { uri: 'bob_channel' } })
    await site.post('/users/me/subscriptions', { token: true, json: { uri: 'bob' } })
    for (const size of [{}, phone]) {
      const page = await open(browser, { ...size, colorScheme })
      const found = {}
      const look = async (path, name) => {
        await page.goto(site.url + path)
        const summary = page.locator('[data-subscribe] summary')
        if (await summary.count() > 0) await summary.click()
        const problems = await accessibility(page)
        if (problems.length) found[path] = problems
        await picture(page, `${name}-${colorScheme}-${size.isMobile ? 'phone' : 'desktop'}`)
        if (size.isMobile) assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, `${path} is wider than the phone`)
      }
      for (const [path, name] of [['/c/bob_channel', 'visitor-channel'], [`/w/${video.shortUUID}`, 'visitor-watch'], ['/', 'visitor-home'],
        [`/remote-subscribe?uri=bob_channel@${host}&to=far.example`, 'visitor-leave']]) await look(path, name)
      await logIn(page, site)
      for (const [path, name] of [['/c/bob_channel', 'channel'], ['/a/bob', 'account'], [`/w/${video.shortUUID}`, 'watch'], ['/my/subscriptions', 'list'],
        ['/videos/subscriptions', 'feed'], ['/my/followers', 'followers'], ['/about/follows', 'about-follows'], ['/remote-interaction?uri=bob_channel', 'arrive'], ['/remote-interaction', 'arrive-empty']]) await look(path, name)
      assert.deepEqual(found, {})
      assert.deepEqual(page.problems, [])
      await page.context().close()
    }
  })
}
