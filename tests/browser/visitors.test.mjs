// visitors.test.mjs - strangers, owners and others: who sees what, what goes wrong, and where forms lead.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { badFile, clip } from '../kit/media.mjs'
import { accessibility, follow, launch, logIn, open } from './chromium.mjs'

const html = { accept: 'text/html' }
let site, browser, video

before(async () => {
  site = await startInstance()
  browser = await launch()
  video = await site.upload(await clip('h264', { seconds: 3 }), { name: 'Seen by everybody' })
  await site.published(video.uuid)
})

after(async () => {
  await browser?.close()
  await site?.stop()
})

/** Logs in without a browser: the Cookie header of the session. */
async function cookieOf (username, password) {
  const body = new URLSearchParams({ username, password }).toString()
  const answer = await site.raw({ method: 'POST', path: '/login', body, headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length } })
  assert.equal(answer.status, 303)
  const [session] = [answer.headers['set-cookie']].flat().filter(each => each.startsWith('shoal_session='))
  assert.match(session, /HttpOnly/)
  assert.match(session, /SameSite=Lax/)
  return session.split(';')[0]
}

const post = (path, cookie, headers = {}, fields = {}) => {
  const body = new URLSearchParams(fields).toString()
  return site.raw({ method: 'POST', path, body, headers: { ...html, ...(cookie ? { cookie } : {}), 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length, ...headers } })
}

const plays = page => page.waitForFunction(() => document.querySelector('video').currentTime > 0.5, null, { timeout: 120000 })

async function pressPlay (page) {
  await page.evaluate(() => { document.querySelector('video').muted = true })
  await page.click('[data-button=big]', { timeout: 60000 })
  await plays(page)
}

test('a private video plays for its owner and is refused to others', async () => {
  const name = 'Only for the family'
  const secret = await site.upload(await clip('h264', { seconds: 4 }), { name, privacy: 3 })
  const { streamingPlaylists } = await site.published(secret.uuid)
  const other = await site.user('stranger')
  const paths = [`/w/${secret.shortUUID}`, `/videos/embed/${secret.shortUUID}`]

  const page = await open(browser)
  await logIn(page, site)
  const asked = []
  page.on('request', request => asked.push(request.url()))
  for (const path of paths) {
    await page.goto(site.url + path)
    await pressPlay(page)
    assert.match(await page.evaluate(() => document.querySelector('video').currentSrc), /^blob:/)
  }
  const media = asked.filter(url => /\/static\//.test(url))
  assert.ok(media.length > 0 && media.every(url => /\/private\//.test(url) && /videoFileToken=/.test(url)), media.join(' '))
  assert.deepEqual(page.problems, [])
  await page.context().close()

  // Now that the owner has seen them: nothing of that may reach anybody else.
  const cookies = [undefined, await cookieOf(other.username, other.password)]
  for (const path of paths) {
    for (const cookie of cookies) {
      const answer = await site.raw({ path, headers: cookie ? { ...html, cookie } : html })
      assert.equal(answer.status, cookie ? 403 : 401, path)
      assert.match(answer.headers['content-type'], /html/)
      assert.doesNotMatch(answer.text, new RegExp(`${name}|videoFileToken|${secret.uuid}`))
    }
  }
  const playlist = await fetch(streamingPlaylists[0].playlistUrl)
  assert.ok([401, 403, 404].includes(playlist.status), String(playlist.status))
  const home = await site.raw({ path: '/', headers: html })
  assert.doesNotMatch(home.text, new RegExp(name))
})

test('a stranger at a private video finds the way to the login and back', async () => {
  const secret = await site.upload(await clip('h264', { seconds: 3 }), { name: 'Behind the door', privacy: 3 })
  await site.published(secret.uuid)
  const page = await open(browser)
  const answer = await page.goto(`${site.url}/w/${secret.shortUUID}`)
  assert.equal(answer.status(), 401)
  assert.deepEqual(await accessibility(page), [])
  await follow(page, 'main a[href^="/login"]')
  await page.fill('#username', site.admin)
  await page.fill('#password', site.password)
  await follow(page, 'main button[type=submit]')
  assert.equal(await page.textContent('h1'), 'Behind the door')
  await page.context().close()
})

test("anonymous pages are shared, and nobody's own page is", async () => {
  const cookie = await cookieOf(site.admin, site.password)
  for (const path of ['/', `/w/${video.shortUUID}`, '/about', '/c/root_channel']) {
    const own = await site.raw({ path, headers: { ...html, cookie } })
    assert.match(own.headers['cache-control'], /private/)
    assert.match(own.text, /@root</)
    assert.match(own.text, /name="csrf" value="[0-9a-f]{64}"/)
    const shared = await site.raw({ path, headers: html })
    assert.doesNotMatch(shared.headers['cache-control'], /private/)
    assert.equal(shared.headers['set-cookie'], undefined)
    assert.doesNotMatch(shared.text, /@root<|name="csrf" value="[0-9a-f]|csrf-token/)
    const again = await site.raw({ path, headers: { ...html, cookie } })
    assert.match(again.text, /@root</)
  }
})

test('languages do not mix in what is shared', async () => {
  for (const [wanted, lang] of [['fr', 'fr'], ['en', 'en'], ['de, fr;q=0.5', 'fr'], ['xx', 'en'], ['fr', 'fr']]) {
    const answer = await site.raw({ path: '/about', headers: { ...html, 'accept-language': wanted } })
    assert.match(answer.text, new RegExp(`<html lang="${lang}"`), wanted)
    assert.equal(answer.headers['content-language'], lang)
  }
  const page = await open(browser)
  await page.goto(`${site.url}/search?search=everybody`)
  await follow(page, 'footer a[hreflang=fr]')
  assert.equal(new URL(page.url()).search, '?search=everybody')
  assert.equal(await page.getAttribute('html', 'lang'), 'fr')
  await page.context().close()
})

test('logging out ends the session itself, not only the cookie', async () => {
  const page = await open(browser)
  await logIn(page, site)
  const [session] = (await page.context().cookies()).filter(each => each.name === 'shoal_session')
  assert.ok(session.httpOnly && session.sameSite === 'Lax')
  await page.click('details[data-menu] summary')
  await follow(page, 'details[data-menu] form button')
  await page.waitForSelector('header a[href^="/login"]')
  const answer = await site.raw({ path: '/my/videos', headers: { ...html, cookie: `shoal_session=${session.value}` } })
  assert.equal(answer.status, 302)
  assert.match(answer.headers.location, /\/login\?next=/)
  await page.context().close()
})

test('forms of other sites are refused', async () => {
  const cookie = await cookieOf(site.admin, site.password)
  const target = await site.upload(await clip('h264', { seconds: 2 }), { name: 'Stays where it is' })
  const path = `/my/videos/${target.shortUUID}/delete`
  for (const headers of [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }, { origin: 'null' }, {}]) {
    const answer = await post(path, cookie, headers, { csrf: 'f'.repeat(64) })
    assert.equal(answer.status, 403, JSON.stringify(headers))
    assert.match(answer.headers['content-type'], /html/)
  }
  assert.equal((await post(path, undefined)).status, 401)
  // Nor may they log somebody in under a name that is not theirs.
  const login = { username: site.admin, password: site.password }
  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
    const answer = await post('/login', undefined, headers, login)
    assert.equal(answer.status, 403)
    assert.equal(answer.headers['set-cookie'], undefined)
  }
  assert.equal((await site.get(`/videos/${target.uuid}`, { token: true })).status, 200)
  const page = await site.raw({ path, headers: { ...html, cookie } })
  const [, csrf] = page.text.match(/name="csrf" value="([0-9a-f]{64})"/)
  assert.equal((await post(path, cookie, {}, { csrf })).status, 303)
  assert.equal((await site.get(`/videos/${target.uuid}`)).status, 404)
})

test('the login leads nowhere else', async () => {
  for (const next of ['//evil.example', 'https://evil.example/', '/\\evil.example', 'javascript:alert(1)']) {
    const answer = await post('/login', undefined, {}, { username: site.admin, password: site.password, next })
    assert.equal(answer.status, 303)
    assert.equal(answer.headers.location, '/')
  }
  const answer = await post('/login', undefined, {}, { username: site.admin, password: site.password, next: '/my/videos?page=1' })
  assert.equal(answer.headers.location, '/my/videos?page=1')
})

test('a broken file is refused in words on the upload page, and the next one is taken', async () => {
  const page = await open(browser)
  await logIn(page, site)
  await page.goto(`${site.url}/upload`)
  for (const kind of ['text', 'truncated', 'empty']) {
    await page.setInputFiles('#videofile', await badFile(kind))
    await page.fill('#name', `A ${kind} file`)
    await page.click('[data-upload] button[type=submit]')
    await page.waitForFunction(() => /does not look like a video/.test(document.querySelector('[data-status]').textContent), null, { timeout: 120000 })
    assert.ok(await page.isVisible('[data-status]'))
    assert.ok(await page.isVisible('#videofile'), 'another file can be chosen')
    assert.equal(await page.inputValue('#name'), `A ${kind} file`)
    assert.deepEqual(await accessibility(page), [])
  }
  await page.setInputFiles('#videofile', await clip('h264', { seconds: 2 }))
  await page.click('[data-upload] button[type=submit]')
  await page.locator('[data-watch]').waitFor({ state: 'visible', timeout: 60000 })
  assert.deepEqual(page.problems, [])
  await page.context().close()

  const plain = await open(browser, { javaScriptEnabled: false })
  await logIn(plain, site)
  await plain.goto(`${site.url}/upload`)
  await plain.setInputFiles('#videofile', await badFile('text'))
  await plain.fill('#name', 'Sent without scripts')
  await follow(plain, 'main form.form button[type=submit]')
  assert.equal(await plain.locator('[role=alert]').count(), 1)
  assert.equal(await plain.inputValue('#name'), 'Sent without scripts')
  await plain.context().close()
})

test('an edit shows, with what was wrong in it first', async () => {
  const page = await open(browser)
  const one = await site.upload(await clip('h264', { seconds: 2 }), { name: 'Before the edit', tags: ['old'] })
  await site.published(one.uuid)
  await logIn(page, site)
  await page.goto(`${site.url}/my/videos`)
  await follow(page, `a[href="/my/videos/${one.shortUUID}/edit"]`)
  await page.evaluate(() => { document.querySelector('#tags').value = 'x' })
  await follow(page, 'main form.form button[type=submit]')
  assert.equal(await page.locator('[role=alert]').count(), 1)
  assert.deepEqual(await accessibility(page), [])
  await page.fill('#name', '<img src=x onerror=alert(1)> & friends')
  await page.fill('#description', '**bold** <script>alert(1)</script> [no](javascript:alert(1)) [yes](https://example.org)')
  await page.fill('#tags', 'tide pools, crabs')
  await follow(page, 'main form.form button[type=submit]')
  assert.match(page.url(), /saved=/)
  await page.goto(`${site.url}/w/${one.shortUUID}`)
  assert.equal(await page.textContent('h1'), '<img src=x onerror=alert(1)> & friends')
  assert.equal(await page.locator('.prose strong').textContent(), 'bold')
  assert.equal(await page.locator('.prose script, main img[onerror], .prose a[href^=javascript]').count(), 0)
  assert.equal(await page.locator('.prose a[href="https://example.org"]').count(), 1)
  assert.deepEqual(await page.locator('.tags a').allTextContents(), ['tide pools', 'crabs'])
  await follow(page, '.tags a >> nth=1')
  assert.equal(await page.locator('main .card').count(), 1)
  assert.deepEqual(page.problems, [])

  await page.goto(`${site.url}/my/videos/${one.shortUUID}/delete`)
  await follow(page, 'main form button[type=submit]')
  assert.match(page.url(), /deleted=1/)
  assert.equal((await page.goto(`${site.url}/w/${one.shortUUID}`)).status(), 404)
  await page.context().close()
})

test("nobody edits or deletes another's video", async () => {
  const other = await site.user('meddler')
  const cookie = await cookieOf(other.username, other.password)
  const sameSite = { 'sec-fetch-site': 'same-origin' }
  const edited = await post(`/my/videos/${video.shortUUID}/edit`, cookie, sameSite, { name: 'Taken over', privacy: '1', channelId: String(other.channelId) })
  const deleted = await post(`/my/videos/${video.shortUUID}/delete`, cookie, sameSite)
  assert.deepEqual([edited.status, deleted.status], [403, 403])
  assert.equal((await (await site.get(`/videos/${video.uuid}`)).json).name, 'Seen by everybody')
  // Nor are they shown a form that could only fail; whoever looks after the site is.
  const admin = await cookieOf(site.admin, site.password)
  const theirs = await site.upload(await clip('h264', { seconds: 2 }), { name: 'Of the meddler' }, other.token)
  for (const [who, id, status] of [[cookie, video.shortUUID, 403], [cookie, theirs.shortUUID, 200], [admin, theirs.shortUUID, 200]]) {
    for (const form of ['edit', 'delete']) {
      const page = await site.raw({ path: `/my/videos/${id}/${form}`, headers: { ...html, cookie: who } })
      assert.equal(page.status, status, `${form} ${id}`)
    }
  }
})

test('plays in a frame of another site', async () => {
  const host = createServer((request, answer) => {
    answer.setHeader('content-type', 'text/html')
    answer.end(`<!doctype html><title>x</title><iframe width=640 height=360 allow="autoplay" src="${site.url}/videos/embed/${video.uuid}"></iframe>`)
  })
  await new Promise(resolve => host.listen(0, '127.0.0.1', resolve))
  try {
    const page = await open(browser)
    await page.goto(`http://localhost:${host.address().port}/`)
    const frame = page.frames()[1]
    await frame.waitForSelector('[data-button=big]')
    await pressPlay(frame)
    assert.deepEqual(page.problems, [])
    // No other page may be framed.
    await page.setContent(`<iframe src="${site.url}/login"></iframe>`)
    await page.waitForTimeout(500)
    assert.equal(await page.frames()[1].locator('#username').count(), 0)
    await page.context().close()
  } finally {
    host.close()
  }
})

test('error pages are pages for people and problems for programs', async () => {
  const cases = [['GET', '/nowhere', 404], ['GET', '/w/nothing', 404], ['GET', '/c/nobody', 404], ['GET', '/a/nobody@example.org', 404], ['POST', '/', 405], ['POST', '/upload', 401]]
  for (const [method, path, status] of cases) {
    const page = await site.raw({ method, path, headers: html })
    assert.equal(page.status, status, path)
    assert.match(page.text, /<h1>/)
    assert.match(page.headers['content-security-policy'], /frame-ancestors 'none'/)
    const problem = await site.raw({ method, path, headers: { accept: 'application/json' } })
    assert.equal(problem.status, status)
    assert.match(problem.headers['content-type'], /problem\+json/)
  }
})

test('old and foreign addresses lead to pages', async () => {
  const { shortUUID } = video
  for (const [from, to] of [[`/videos/watch/${shortUUID}?start=3`, `/w/${shortUUID}?start=3`], ['/accounts/root', '/a/root'], ['/video-channels/root_channel', '/c/root_channel'], ['/@root', '/a/root'], ['/c/root_channel/videos', '/c/root_channel']]) {
    const answer = await site.raw({ path: from, headers: html })
    assert.ok([301, 302].includes(answer.status), from)
    assert.equal(answer.headers.location, to)
    assert.equal((await site.raw({ path: to, headers: html })).status, 200)
  }
})

test("an instance's own theme, and a page of it that fails", async () => {
  const own = await startInstance({ started: false, settings: ['web.theme=tide'] })
  const write = (name, text) => {
    const path = join(own.folder, 'themes', 'tide', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  write('theme.json', JSON.stringify({ name: 'tide', version: '1.0.0', parent: 'default', styles: ['style/tide.css'], pages: [{ name: 'loop', path: '/loop', template: 'pages/loop' }] }))
  write('style/tide.css', ':root { --accent: #402a6b; }')
  write('templates/partials/brand.mustache', '<a class="brand" href="/">Tide</a>')
  write('templates/pages/loop.mustache', '{{>pages/loop}}')
  try {
    await own.start()
    const home = await own.raw({ path: '/', headers: html })
    assert.match(home.text, /<a class="brand" href="\/">Tide<\/a>/)
    const [sheet] = home.text.match(/\/assets\/[0-9a-f]+\/style\/tide\.css/)
    assert.match((await own.raw({ path: sheet })).text, /402a6b/)
    assert.match((await own.raw({ path: sheet.replace('tide.css', 'base.css') })).headers['cache-control'], /immutable/)
    const broken = await own.raw({ path: '/loop', headers: html })
    assert.equal(broken.status, 500)
    assert.match(broken.headers['content-type'], /html/)
    const [, id] = broken.text.match(/<code>([0-9a-f]+)<\/code>/)
    await own.when('the log has it', () => own.log.includes(id))
    await own.says(new RegExp(`pages/loop.*${id}|${id}.*pages/loop`)) // more, under the number that the page shows
    assert.doesNotMatch(broken.text, /mustache|template/)
  } finally {
    await own.stop()
  }
})

test('a plugin fills a slot, changes the data of a page and adds to its head', async () => {
  const own = await startInstance({ started: false })
  const folder = join(own.folder, 'plugins', 'lighthouse')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'plugin.json'), JSON.stringify({
    name: 'lighthouse', version: '1.0.0', summary: 'for a test', licence: 'MIT', sdk: '>=1.0.0 <2.0.0', language: 'lua', hooks: ['page.data'], permissions: ['pages']
  }))
  writeFileSync(join(folder, 'lighthouse.lua'), `-- lighthouse.lua - for a test.
local shoal = require "shoal"

shoal.slot("home.top", function(data)
  return "<p id=light>" .. shoal.html_escape(data.instance.name) .. "</p>"
end)

shoal.filter("page.data", function(value)
  value.data.instance.name = "<Lighthouse>"
  value.head[#value.head + 1] = '<meta name="lighthouse" content="lit">'
  return value
end)
`)
  const config = join(own.folder, 'shoal.lua')
  const lines = readFileSync(config, 'utf8')
  const use = item => writeFileSync(config, lines.replace(/^ +"web",$/m, `"web", ${item},`))
  try {
    // Not from here, so it is pinned; the server says to what.
    use('"lighthouse"')
    await own.start()
    await own.kill()
    const [, pin] = own.log.match(/sha256 = "([0-9a-f]{64})"/)
    use(`{ "lighthouse", sha256 = "${pin}" }`)
    await own.start()
    const { text } = await own.raw({ path: '/', headers: html })
    assert.match(text, /<h1>&lt;Lighthouse&gt;<\/h1>/)
    assert.match(text, /<p id=light>&lt;Lighthouse&gt;<\/p>/)
    assert.match(text.split('</head>')[0], /<meta name="lighthouse" content="lit">/)
  } finally {
    await own.stop()
  }
})
