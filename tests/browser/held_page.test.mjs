// held_page.test.mjs - the page of what waits for moderators: shown, let through and refused without scripts;
// accessible, light and dark, on a phone.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, writePlugin } from '../kit/plugins.mjs'
import { accessibility, follow, launch, logIn, open, phone } from './chromium.mjs'

const example = join(import.meta.dirname, '../../sdk/examples/hold_long_lua')
const rule = `
local shoal = require "shoal"
shoal.decide("comment.create", function(event)
  if event.comment.text:find("http", 1, true) then return shoal.hold("it has a link, and its author is new here") end
end)
shoal.decide("follow.request", function(event)
  if event.follower.name == "carl" then return shoal.hold("it follows very many") end
end)
`

let site, browser, page, ann, mod, talk
before(async () => {
  browser = await launch()
  site = await startInstance({ started: false, settings: ['hold_long_lua.max=3s'] })
  const folder = join(site.folder, 'plugins')
  const pins = [
    ['hold_long_lua', writePlugin(folder, 'hold_long_lua', { lua: readFileSync(join(example, 'hold_long_lua.lua'), 'utf8'), manifest: JSON.parse(readFileSync(join(example, 'plugin.json'), 'utf8')) })],
    ['rule', writePlugin(folder, 'rule', { lua: rule, manifest: { hooks: ['comment.create', 'follow.request'] } })]
  ]
  site.config = site.config.replace(/^plugins = \{\n/m, match => match + pins.map(([name, pin]) => `  ${line(name, pin)},\n`).join(''))
  await site.start()
  ann = await site.user('ann', { displayName: 'Ann' })
  mod = await site.user('mod', { role: 1 })
  const carl = await site.user('carl')
  talk = await site.upload(await clip('h264'), { name: 'How the tide turns' }, ann.token)
  const long = await site.upload(await clip('h264', { seconds: 5 }), { name: 'Six hours of the tide coming in', description: 'Filmed from the pier. '.repeat(20) }, ann.token)
  await site.published(talk.uuid)
  await site.until(long.uuid, video => video.thumbnailPath && video.blacklisted)
  assert.equal((await site.post('/users/me/subscriptions', { token: carl.token, json: { uri: 'ann_channel' } })).status, 204)
  for (const text of ['See https://tides.example/table for the hours.\n\n- the **pier**\n- the beach', `http://${'long'.repeat(60)}.example`]) {
    assert.equal((await site.post(`/videos/${talk.uuid}/comment-threads`, { token: carl.token, json: { text } })).status, 200)
  }
  page = await open(browser, { javaScriptEnabled: false })
  await logIn(page, { url: site.url, admin: 'mod', password: mod.password })
})
after(async () => {
  await browser?.close()
  await site?.stop()
})

const go = query => page.goto(`${site.url}/admin/held${query ?? ''}`)
const items = () => page.locator('.held').allInnerTexts()
const total = async () => (await site.get('/held', { token: mod.token })).json.total
const picture = async (shown, name) => process.env.SHOAL_PICTURES && shown.screenshot({ path: join(process.env.SHOAL_PICTURES, `${name}.png`), fullPage: true })

for (const colorScheme of ['light', 'dark']) {
  for (const [name, size] of Object.entries({ desktop: {}, phone })) {
    test(`axe and the policy find nothing, ${colorScheme}, ${name}, and nothing sticks out`, async () => {
      const shown = await open(browser, { ...size, colorScheme })
      await logIn(shown, site)
      for (const part of ['', '?hook=upload.finish']) {
        await shown.goto(`${site.url}/admin/held${part}`)
        if (!part) await shown.click('.held-refuse summary >> nth=0')
        assert.deepEqual(await accessibility(shown), [], part)
        assert.equal(await shown.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, part)
        await picture(shown, `held_${colorScheme}_${name}${part ? '_none' : ''}`)
      }
      await shown.click('summary.round')
      assert.deepEqual(await accessibility(shown), [], 'the menu')
      await picture(shown, `held_${colorScheme}_${name}_menu`)
      assert.deepEqual(shown.problems, [])
      await shown.context().close()
    })
  }
}

test('a moderator sees how much waits, and the menu leads there', async () => {
  await page.goto(site.url)
  assert.match(await page.innerText('summary.round'), /4/)
  await page.click('summary.round')
  assert.match(await page.innerText('.menu-list a[href="/admin/held"]'), /Held back\s+4/)
  await follow(page, '.menu-list a[href="/admin/held"]')
  assert.match(await page.innerText('main'), /4 things wait until you let them through/)
  assert.equal(await page.getAttribute('.admin-nav a[href="/admin/held"]', 'aria-current'), 'page')
})

test('each says what it is, whose, why, and leads there', async () => {
  await go()
  const [video, who, comment] = await items()
  assert.match(video, /^0:05\s+Video[\s\S]*Six hours of the tide coming in\s+of Ann · Everyone\s+Filmed from the pier[\s\S]*longer than 0 minutes: a moderator will look at it[\s\S]*hold_long_lua/)
  assert.match(who, /^Follower[\s\S]*carl wants to follow Main ann channel\s+it follows very many/)
  assert.match(comment, /^Comment[\s\S]*How the tide turns[\s\S]*carl[\s\S]*the pier\n[\s\S]*it has a link, and its author is new here[\s\S]*rule/)
  await follow(page, '.held >> nth=0 >> h2 a')
  assert.match(await page.innerText('h1'), /Six hours/)
  await go()
  await follow(page, '.held >> nth=2 >> h2 a')
  assert.match(page.url(), new RegExp(`/w/${talk.shortUUID}#comment-`))
})

test('a comment is let through, and stands below its video for everybody', async () => {
  await go()
  await follow(page, '.held >> nth=2 >> form[action$="/release"] button')
  assert.match(await page.innerText('[role=status]'), /let through/)
  assert.equal(await total(), 3)
  assert.match((await site.raw({ path: `/w/${talk.shortUUID}`, headers: { accept: 'text/html' } })).text, /tides\.example\/table/)
})

test('what was answered, or has changed, by now is said', async () => {
  await go()
  const [, , { id }] = (await site.get('/held', { token: mod.token })).json.data
  assert.equal((await site.post(`/held/${id}/refuse`, { token: mod.token, json: {} })).status, 204)
  await follow(page, `form[action="/admin/held/${id}/release"] button`)
  assert.match(await page.innerText('[role=alert]'), /answered already/)
  assert.equal((await items()).length, 2)
})

test('a video is refused with a reason that its owner reads', async () => {
  await go()
  await page.click('.held-refuse summary >> nth=0')
  await page.fill('.held-refuse input[name=reason] >> nth=0', 'Please cut it')
  await follow(page, '.held-refuse button.danger >> nth=0')
  assert.match(await page.innerText('[role=status]'), /refused/)
  const owner = await open(browser)
  await logIn(owner, { url: site.url, admin: 'ann', password: ann.password })
  await owner.goto(`${site.url}/my/videos`)
  assert.match(await owner.innerText('.mine'), /Please cut it/)
  assert.equal(await owner.locator('.admin-nav, .menu-part, .tally').count(), 0)
  await owner.context().close()
})

test('when nothing waits the page says so, and no number is shown', async () => {
  await go()
  await follow(page, 'form[action$="/release"] button')
  assert.match(await page.innerText('main'), /Nothing waits for you/)
  assert.equal(await page.isVisible('[role=status]'), true)
  assert.equal(await page.locator('.tally').count(), 0)
  assert.equal((await site.get('/video-channels/ann_channel', { token: true })).json.followersCount, 1)
  await go('?done=elsewhere')
  assert.equal(await page.isVisible('[role=status]'), false)
})

test('what belongs to a plugin that is not enabled says so, and can be taken off the list alone', async () => {
  execFileSync('sqlite3', ['-cmd', '.timeout 20000', join(site.folder, 'shoal.sqlite3'),
    "INSERT INTO held (hook, subject, plugin, sentence, held_at) VALUES ('parcel.ask', 'parcel:1', 'rule', 'it ticks', 1764446000000);"])
  await go()
  assert.match((await items())[0], /parcel:1\s+it ticks[\s\S]*is not enabled: it cannot be let through/)
  assert.equal(await page.locator('form[action$="/release"]').count(), 0)
  const shown = await open(browser, phone)
  await logIn(shown, site)
  await shown.goto(`${site.url}/admin/held`)
  await shown.click('.held-refuse summary')
  assert.deepEqual(await accessibility(shown), [])
  await picture(shown, 'held_alone')
  await shown.context().close()
  await page.click('.held-refuse summary')
  assert.match(await page.innerText('.held-refuse form'), /It is taken off this list/)
  await follow(page, '.held-refuse button.danger')
  assert.match(await page.innerText('main'), /Nothing waits for you/)
})

test('strangers are sent to the login, other users are refused', async () => {
  const answer = await site.raw({ path: '/admin/held', headers: { accept: 'text/html' } })
  assert.equal(answer.status, 302)
  assert.match(answer.headers.location, /^\/login/)
  const shown = await open(browser)
  await logIn(shown, { url: site.url, admin: 'ann', password: ann.password })
  assert.equal((await shown.goto(`${site.url}/admin/held`)).status(), 403)
  await shown.context().close()
})
