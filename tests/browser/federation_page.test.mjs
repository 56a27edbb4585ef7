// federation_page.test.mjs - the administrator's pages about other servers: followed, accepted, retried and
// blocked without scripts; accessible, light and dark, on a phone.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { Peer, startFederating } from '../federation/peer.mjs'
import { startInstance } from '../kit/instance.mjs'
import { accessibility, follow, launch, logIn, open, phone } from './chromium.mjs'

let site, peer, other, browser, page
const parts = ['', '/followers', '/hosts', '/blocked']

before(async () => {
  [site, peer, other, browser] = await Promise.all([
    startFederating(startInstance, { settings: ['federation.follow_instance=ask', 'delivery.pause=10m'] }),
    Peer.start(), Peer.start({ address: '127.0.0.2' }), launch()
  ])
  page = await open(browser, { javaScriptEnabled: false })
  await logIn(page, site)
})
after(async () => {
  await browser?.close()
  await peer?.stop()
  await other?.stop()
  await site?.stop()
})

const go = (part, query = '') => page.goto(`${site.url}/admin/federation${part}${query}`)
const lines = () => page.locator('.federation-list li').allInnerTexts()
const picture = async (shown, name) => process.env.SHOAL_PICTURES && shown.screenshot({ path: join(process.env.SHOAL_PICTURES, `${name}.png`), fullPage: true })

test('the menu leads there, and a server is followed and left', async () => {
  await page.goto(site.url)
  await page.click('summary.round')
  await follow(page, '.menu-list a[href="/admin/federation"]')
  assert.match(await page.innerText('main'), /follows no other one yet/)
  await page.fill('#name', 'not a server')
  await follow(page, '.form.boxed button')
  assert.match(await page.innerText('[role=alert]'), /videos\.example\.org/)
  assert.equal(await page.inputValue('#name'), 'not a server')
  for (const name of [peer.host, other.host]) {
    await page.fill('#name', name)
    await follow(page, '.form.boxed button')
    assert.match(await page.innerText('[role=status]'), /was asked/)
  }
  assert.equal((await lines()).length, 2)
  assert.match((await lines())[1], /asked/)
  const { body: asked } = await peer.came('the Follow', body => body.type === 'Follow')
  assert.equal((await peer.instance.post(site, peer.instance.say('Accept', asked))).status, 204)
  await site.when('it is accepted', async () => (await site.get('/server/following?state=accepted')).json.total === 1)
  await go('')
  assert.match((await lines())[1], /accepted/)
  await follow(page, `form[action$="${encodeURIComponent(other.host)}/remove"] button`)
  assert.match(await page.innerText('[role=status]'), /no longer followed/)
  assert.deepEqual((await lines()).length, 1)
})

test('a follower is accepted, refused and removed', async () => {
  const say = peer.instance.say('Follow', `${site.url}/accounts/peertube`)
  await peer.instance.post(site, say)
  await site.when('it asks', async () => (await site.get('/server/followers')).json.total === 1)
  await go('/followers')
  assert.match((await lines())[0], new RegExp(`${peer.host}[\\s\\S]*asked`))
  await follow(page, 'form[action$="/accept"] button')
  assert.match((await lines())[0], /accepted/)
  await peer.came('the Accept', body => body.type === 'Accept')
  assert.equal(await page.locator('form[action$="/accept"]').count(), 0)
  await follow(page, 'form[action$="/reject"] button')
  assert.match((await lines())[0], /refused/)
  await follow(page, 'form[action$="/remove"] button')
  assert.deepEqual(await lines(), [])
})

test('a server that fails is shown with its error, and tried again', async () => {
  await site.when('both were reached', async () => (await site.get('/federation/hosts', { token: true })).json.data.filter(host => host.lastReachedAt && !host.waiting).length === 2)
  peer.takes = 503
  assert.equal((await site.api('DELETE', `/server/following/${peer.host}`, { token: true })).status, 204)
  await site.when('it fails', async () => (await site.get('/federation/hosts', { token: true })).json.data[0].failures > 0)
  await go('/hosts')
  assert.match((await lines())[0], new RegExp(`${peer.host}[\\s\\S]*1 delivery waits[\\s\\S]*next try in [\\s\\S]*503`))
  assert.equal(await page.locator('form[action$="/retry"]').count(), 1, 'who is well need not be tried again')
  peer.takes = 202
  await follow(page, `form[action*="${encodeURIComponent(peer.host)}"] button`)
  assert.match(await page.innerText('[role=status]'), /asked again/)
  await peer.came('the Undo', body => body.type === 'Undo')
  await site.when('nothing waits', async () => (await site.get('/federation/hosts', { token: true })).json.data.every(host => host.waiting === 0))
  await go('/hosts')
  assert.match((await lines())[0], /well[\s\S]*nothing waits/)
  assert.equal(await page.locator('form[action$="/retry"]').count(), 0)
})

test('a server is blocked and let in again', async () => {
  await go('/blocked')
  await page.fill('#host', 'no such host')
  await follow(page, '.form.boxed button')
  assert.match(await page.innerText('[role=alert]'), /a host is a name/)
  await page.fill('#host', other.host)
  await follow(page, '.form.boxed button')
  assert.match((await lines())[0], new RegExp(`${other.host}[\\s\\S]*by root`))
  await go('')
  await page.fill('#name', other.host)
  await follow(page, '.form.boxed button')
  assert.equal(await page.locator('[role=alert]').count(), 1)
  await go('/blocked')
  await follow(page, '.federation-list form button')
  assert.deepEqual(await lines(), [])
  assert.equal((await site.get('/server/blocklist/servers', { token: true })).json.total, 0)
})

test('strangers are sent to the login, other users are refused', async () => {
  for (const part of parts) {
    const answer = await site.raw({ path: `/admin/federation${part}`, headers: { accept: 'text/html' } })
    assert.equal(answer.status, 302, part)
    assert.match(answer.headers.location, /^\/login/)
  }
  const bob = await site.user('bob')
  const shown = await open(browser)
  await logIn(shown, { url: site.url, admin: 'bob', password: bob.password })
  for (const part of parts) assert.equal((await shown.goto(`${site.url}/admin/federation${part}`)).status(), 403, part)
  await shown.context().close()
})

for (const colorScheme of ['light', 'dark']) {
  for (const [name, size] of Object.entries({ desktop: {}, phone })) {
    test(`axe and the policy find nothing, ${colorScheme}, ${name}, and nothing sticks out`, async () => {
      if (colorScheme === 'light' && name === 'desktop') {
        for (const host of [peer.host, other.host]) assert.equal((await site.post('/server/following', { token: true, json: { hosts: [host] } })).status, 204)
        await other.instance.post(site, other.instance.say('Follow', `${site.url}/accounts/peertube`))
        assert.equal((await site.post('/server/blocklist/servers', { token: true, json: { host: `${'long-'.repeat(11)}name.of-a-server.example` } })).status, 204)
        peer.takes = 503
        assert.equal((await site.api('DELETE', `/server/following/${peer.host}`, { token: true })).status, 204)
        await site.when('it fails', async () => (await site.get('/federation/hosts', { token: true })).json.data[0].failures > 0)
      }
      const shown = await open(browser, { ...size, colorScheme })
      await logIn(shown, site)
      for (const part of parts) {
        await shown.goto(`${site.url}/admin/federation${part}`)
        assert.ok(await shown.locator('.federation-list li').count() > 0, part)
        assert.deepEqual(await accessibility(shown), [], part)
        assert.equal(await shown.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, part)
        await picture(shown, `federation_${colorScheme}_${name}${part.replace('/', '_')}`)
      }
      assert.deepEqual(shown.problems, [])
      await shown.context().close()
    })
  }
}
