// talk.test.mjs - ratings and comments in a browser: accessible, light and dark, narrow, with and without scripts.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { accessibility, follow, launch, logIn, open, phone } from './chromium.mjs'
import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { withPlugins } from '../kit/plugins.mjs'

let site, browser, video, reviewed, ann

before(async () => {
  site = await startInstance({ started: false, settings: ['comments.per_minute=1000'] })
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', 'ratings', 'comments'])
  await site.start()
  browser = await launch()
  ann = await site.user('ann', { displayName: 'Ann of the long name that goes on' })
  const file = await clip('h264')
  video = await site.upload(file, { name: 'Low tide at the old harbour' })
  reviewed = await site.upload(file, { name: 'High tide', commentsPolicy: 3 })
  for (const one of [video, reviewed]) await site.published(one.uuid)
  const write = async (token, text, parent) => {
    const answer = await site.post(parent ? `/videos/${video.uuid}/comments/${parent}` : `/videos/${video.uuid}/comment-threads`, { token, json: { text } })
    assert.equal(answer.status, 200, answer.text)
    return answer.json.comment.id
  }
  const first = await write(ann.token, 'What a **calm** morning.\n\n- the boats\n- the gulls at 0:01\n\nhttps://example.org/a/rather/long/address/that/does/not/fit/on/a/phone/and/must/be/broken/somewhere')
  let parent = await write(true, 'Thank you! It was cold.', first)
  for (let i = 0; i < 5; i++) parent = await write(i % 2 ? true : ann.token, `And then it got warmer (${i}).`, parent)
  const gone = await write(ann.token, 'a mistake')
  await write(true, 'Was it?', gone)
  await site.delete(`/videos/${video.uuid}/comments/${gone}`, { token: ann.token })
  await write(ann.token, 'supercalifragilisticexpialidocious'.repeat(6))
  const waits = await site.post(`/videos/${reviewed.uuid}/comment-threads`, { token: ann.token, json: { text: 'May I come in?' } })
  assert.equal(waits.json.comment.heldForReview, true)
})
after(async () => {
  await browser?.close()
  await site?.stop()
})

for (const colorScheme of ['light', 'dark']) {
  for (const [name, size] of Object.entries({ desktop: {}, phone })) {
    test(`axe and the policy find nothing, ${colorScheme}, ${name}, and nothing sticks out`, async () => {
      const page = await open(browser, { ...size, colorScheme })
      const look = async path => {
        await page.goto(site.url + path)
        await page.evaluate(() => document.querySelectorAll('.comment-more').forEach(each => { each.open = true }))
        if (process.env.SHOAL_PICTURES) await page.screenshot({ path: join(process.env.SHOAL_PICTURES, `talk-${path.replaceAll(/\W/g, '_')}-${name}-${colorScheme}-${page.known ?? 'stranger'}.png`), fullPage: true })
        assert.deepEqual(await accessibility(page), [], path)
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, path)
      }
      await look(`/w/${video.shortUUID}`)
      await logIn(page, site)
      page.known = 'root'
      for (const path of [`/w/${video.shortUUID}`, '/my/comments', '/admin/comments?held=false', '/my/likes']) await look(path)
      assert.deepEqual(page.problems, [])
      await page.context().close()
    })
  }
}

test('without scripts: like, take it back, write, answer, approve, delete', async () => {
  const page = await open(browser, { javaScriptEnabled: false })
  await logIn(page, site)
  await page.goto(`${site.url}/w/${video.shortUUID}`)
  const count = which => page.locator(`[data-rate="${which}"] [data-count]`).textContent()
  await follow(page, '[data-rate="like"]')
  assert.deepEqual([await count('like'), await count('dislike')], ['1', '0'])
  assert.equal(await page.getAttribute('[data-rate="like"]', 'aria-pressed'), 'true')
  await follow(page, '[data-rate="dislike"]')
  assert.deepEqual([await count('like'), await count('dislike')], ['0', '1'])
  await follow(page, '[data-rate="dislike"]')
  assert.deepEqual([await count('like'), await count('dislike')], ['0', '0'])
  await page.fill('#comment-text', 'Written without a script')
  await follow(page, '.comments > .comment-form button')
  const mine = page.locator('.comment', { hasText: 'Written without a script' }).first()
  await mine.locator('summary', { hasText: 'Reply' }).click()
  await mine.locator('textarea').fill('And answered')
  await Promise.all([page.waitForNavigation(), mine.locator('.comment-form button').click()])
  assert.equal(await page.locator('.comment .comment', { hasText: 'And answered' }).count(), 1)
  const answer = page.locator('.comment .comment', { hasText: 'And answered' })
  await answer.locator('summary', { hasText: 'Delete' }).click()
  await Promise.all([page.waitForNavigation(), answer.locator('.comment-sure button').click()])
  assert.equal(await page.locator('.comment', { hasText: 'And answered' }).count(), 0)
  await page.goto(`${site.url}/my/comments`)
  await follow(page, 'form[action$="/approve"] button')
  assert.match(await page.textContent('[role=status]'), /Everybody can see/)
  await page.goto(`${site.url}/w/${reviewed.shortUUID}`)
  assert.match(await page.textContent('.comments'), /May I come in\?/)
  await page.context().close()
})

test('with scripts the same happens while the page stays', async () => {
  const page = await open(browser)
  await logIn(page, site)
  await page.goto(`${site.url}/w/${video.shortUUID}`)
  await page.evaluate(() => { window.sameOne = true })
  await page.click('[data-rate="like"]')
  await page.waitForSelector('[data-rate="like"][aria-pressed="true"]')
  assert.equal(await page.textContent('[data-rate="like"] [data-count]'), '1')
  assert.equal((await site.get(`/videos/${video.uuid}`)).json.likes, 1)
  await page.click('[data-rate="like"]')
  await page.waitForSelector('[data-rate="like"][aria-pressed="false"]')
  const before = await page.textContent('#comments-head')
  await page.fill('#comment-text', 'While it plays')
  await page.keyboard.press('Control+Enter')
  const mine = page.locator('.comment', { hasText: 'While it plays' })
  await mine.waitFor()
  assert.notEqual(await page.textContent('#comments-head'), before)
  assert.match(await page.evaluate(() => document.activeElement.id), /^comment-\d+$/)
  await mine.locator('summary', { hasText: 'Delete' }).click()
  await mine.locator('.comment-sure button').click()
  await mine.waitFor({ state: 'detached' })
  await page.click('.comments-sort a:last-child')
  await page.waitForFunction(() => location.search === '?sort=-totalReplies')
  await page.waitForSelector('.comments-sort a:last-child[aria-current]')
  assert.equal(await page.evaluate(() => window.sameOne), true)
  assert.deepEqual(page.problems, [])
  await page.context().close()
})
