// markup.test.mjs - markup in every text that strangers write: it is shown as text, and nothing runs.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { launch, logIn, open } from '../browser/chromium.mjs'
import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

const html = { accept: 'text/html' }
// What ends an attribute, a script, a title, a comment, a textarea, a style, and a template's tag.
const evil = `"'></title></script></textarea></style>--><b data-evil onclick=evil()>x</b><img src=x data-evil onerror=evil()>{{{slots.head}}}{{&name}}]]>`
const long = `${evil}

<script data-evil>evil()</script> <svg data-evil onload=evil()> <iframe data-evil srcdoc="<script>parent.evil()</script>"></iframe>
[a](javascript:evil()) [b](JaVaScRiPt:evil()) [c](&#106;avascript:evil()) [d](data:text/html,<script>evil()</script>) [e](vbscript:evil) [f](//evil.example" onclick="evil())
![g](javascript:evil()) ![h](x" onerror="evil()) <javascript:evil()> <https://x" onmouseover="evil()>
<style data-evil>*{background:url(javascript:evil())}</style> <a href="java
script:evil()" data-evil>i</a> <form action=/login data-evil><input name=csrf>
<!--><script data-evil>evil()</script>-->
0:01<script data-evil>`
const short = '"\'><b data-evil>x</b>'
let site, browser, video, owner, pages

before(async () => {
  site = await startInstance({ settings: ['instance.name', 'instance.short_description', 'instance.description'].map((key, i) => `${key}=${JSON.stringify(i < 2 ? short : long)}`) })
  owner = await site.user('mallory')
  const me = await site.put('/users/me', { token: owner.token, json: { displayName: evil.slice(0, 120), description: long.slice(0, 1000) } })
  assert.equal(me.status, 204, me.text)
  const changed = await site.put(`/video-channels/${owner.channel}`, { token: owner.token, json: { displayName: evil.slice(0, 120), description: long.slice(0, 1000), support: long.slice(0, 1000) } })
  assert.equal(changed.status, 204, changed.text)
  video = await site.upload(await clip('h264', { seconds: 2 }), {
    name: evil.slice(0, 120), description: long, support: long.slice(0, 1000), tags: [short.slice(0, 30), '</script>', '{{csrf}}', 'javascript:evil()', '"onclick=evil()']
  }, owner.token)
  await site.published(video.uuid, owner.token)
  pages = ['/', `/w/${video.shortUUID}`, `/videos/embed/${video.shortUUID}`, `/c/${owner.channel}`, `/a/${owner.username}`, '/about',
    `/search?search=${encodeURIComponent(evil)}`, `/search?search=data-evil&sort=${encodeURIComponent(short)}`, `/login?next=${encodeURIComponent(evil)}`,
    `/${encodeURIComponent(evil.replaceAll('/', ''))}`, `/w/${encodeURIComponent(short.replaceAll('/', ''))}`, `/videos/embed/${encodeURIComponent(short.replaceAll('/', ''))}`,
    `/videos/embed/${video.shortUUID}?start=${encodeURIComponent(short)}&title=${encodeURIComponent(short)}`, `/?page=${encodeURIComponent(short)}`]
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await site?.stop()
})

async function look (page, path) {
  await page.goto(site.url + path, { waitUntil: 'load' })
  const found = await page.evaluate(() => ({
    evil: document.querySelectorAll('[data-evil], [onclick], [onerror], [onload], [onmouseover], body style, iframe[srcdoc]').length,
    links: [...document.querySelectorAll('[href], [src], [action]')].flatMap(one => ['href', 'src', 'action'].map(name => one.getAttribute(name)))
      .filter(value => value && /^\s*(javascript|vbscript|data:text)/i.test(value)),
    head: [...document.head.children].map(one => one.tagName).filter(name => !/^(META|TITLE|LINK|SCRIPT|NOSCRIPT)$/.test(name)),
    scripts: [...document.scripts].map(one => one.src || one.type).filter(what => !what.startsWith(location.origin) && !/^application\/(ld\+)?json$/.test(what)),
    json: [...document.querySelectorAll('script[type$=json]')].map(one => one.textContent),
    ran: 'ran' in window
  }))
  for (const text of found.json) JSON.parse(text)
  assert.deepEqual({ ...found, json: [] }, { evil: 0, links: [], head: [], scripts: [], json: [], ran: false }, path)
}

test('T05 and T06: no page makes markup of what somebody wrote', { timeout: 180000 }, async () => {
  const page = await open(browser)
  await page.addInitScript(() => { window.evil = () => { window.ran = true } })
  for (const path of pages) await look(page, path)
  assert.deepEqual(page.problems, [], 'the policy had nothing to stop: it is the second line')
  // Who looks after it sees it in forms.
  await logIn(page, site)
  for (const path of [...pages, `/my/videos/${video.shortUUID}`, `/my/videos/${video.shortUUID}/delete`, '/upload']) await look(page, path)
  assert.deepEqual(page.problems, [])
  await page.context().close()
  // All of it is there, as text.
  const shown = await site.raw({ path: `/w/${video.shortUUID}`, headers: html })
  assert.equal(shown.status, 200)
  assert.match(shown.text, /<meta property="og:title" content="&quot;/)
  assert.equal((await site.get(`/videos/${video.uuid}`)).json.name, evil.slice(0, 120))
})

test('oEmbed quotes what it tells', async () => {
  const answer = await site.raw({ path: `/services/oembed?url=${encodeURIComponent(`${site.url}/w/${video.shortUUID}?start=1"><b data-evil>&title="><b data-evil>`)}` })
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.json.title, evil.slice(0, 120))
  assert.match(answer.json.html, /^<iframe [^<>]*><\/iframe>$/)
  assert.match(answer.headers['content-type'], /^application\/json/)
  assert.equal(answer.headers['x-content-type-options'], 'nosniff')
})

test('every page says what may run and who may frame it, errors too', async () => {
  for (const path of [...pages, '/login', '/nothing/here', '/my/videos', '/w/none']) {
    const answer = await site.raw({ path, headers: html })
    const policy = answer.headers['content-security-policy']
    if (answer.status === 302 || answer.status === 301) continue
    assert.ok(policy, `${path} ${answer.status}`)
    assert.match(policy, /default-src 'none'|default-src 'self'/)
    assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval|script-src[^;]*(\*|data:|http)/, path)
    assert.match(policy, /base-uri 'none'|base-uri 'self'/)
    assert.match(policy, /form-action/)
    assert.equal(answer.headers['x-content-type-options'], 'nosniff')
    if (!path.startsWith('/videos/embed/')) {
      assert.match(policy, /frame-ancestors 'none'/, path)
      assert.equal(answer.headers['x-frame-options'], 'DENY', path)
    }
  }
})
