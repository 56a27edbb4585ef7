// annotations_remote.test.mjs - captions and storyboards of another server's video: fetched once, bounded, kept.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

const vtt = 'WEBVTT\n\n00:00.000 --> 00:01.000\nFrom afar\n'
let site, far, other, port, jpeg
const asked = []
const slow = []

before(async () => {
  jpeg = await readFile(await clip('jpeg', { size: '192x108' }))
  const take = (request, answer) => {
    asked.push(request.url)
    const answers = {
      '/good.vtt': () => setTimeout(() => answer.end(vtt), 300),
      '/good.jpg': () => answer.end(jpeg),
      '/page.vtt': () => answer.end('<html>'),
      '/page.jpg': () => answer.end('<html><script>alert(1)</script>'),
      '/bytes.vtt': () => answer.end(Buffer.from('WEBVTT\n\xff\xfe', 'latin1')),
      '/gone.vtt': () => answer.writeHead(404).end(),
      '/round.vtt': () => answer.writeHead(302, { location: '/good.vtt' }).end(),
      ...(request.url.startsWith('/slow-') && { [request.url]: () => slow.push(answer) }),
      '/home.vtt': () => answer.writeHead(302, { location: 'http://127.0.0.3:1/' }).end(),
      '/endless.vtt': () => {
        answer.write('WEBVTT\n')
        const more = () => { while (!answer.destroyed && answer.write(Buffer.alloc(1 << 20, 'a\n'))); }
        answer.on('drain', more)
        more()
      }
    }
    ;(answers[request.url] ?? (() => answer.writeHead(500).end()))()
  }
  far = createServer(take)
  other = createServer(take) // a host of its own: one that was slow is left alone for a while
  for (const server of [far, other]) await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  port = far.address().port
  site = await startInstance({ settings: ['fetch.private=127.0.0.1', 'workers=8'] })
  sql(`INSERT INTO catalog_actor (kind, name, host, url, created, updated) VALUES ('Person', 'anna', 'far.example', 'https://far.example/a', 1, 1), ('Group', 'sea', 'far.example', 'https://far.example/c', 1, 1);
    INSERT INTO catalog_account (actor_id, display_name) SELECT id, 'Anna' FROM catalog_actor WHERE name = 'anna';
    INSERT INTO catalog_channel (actor_id, account_id, display_name) SELECT x.id, a.id, 'Sea' FROM catalog_actor x, catalog_account a WHERE x.name = 'sea' AND a.display_name = 'Anna';`)
})
after(async () => {
  for (const server of [far, other]) {
    server?.closeAllConnections()
    server?.close()
  }
  await site?.stop()
})

const sql = text => execFileSync('sqlite3', ['-cmd', '.timeout 10000', join(site.folder, 'shoal.sqlite3'), text], { encoding: 'utf8' }).trim()
let made = 0

/** A remote video with a caption or storyboard that lies at a path over there; the address here. */
function remote (path) {
  const number = String(++made).padStart(12, '0')
  const uuid = `11111111-2222-4333-8444-${number}`
  const isBoard = path.endsWith('.jpg')
  const name = `aaaaaaaa-bbbb-4ccc-8ddd-${number}${isBoard ? '.jpg' : '-en.vtt'}`
  const url = /^\w+:/.test(path) ? path : `http://127.0.0.1:${port}${path}`
  sql(`INSERT INTO catalog_video (uuid, channel_id, origin_host, url, name, privacy, state, is_open, verdict, created, updated, published)
    SELECT '${uuid}', id, 'far.example', 'https://far.example/${uuid}', 'Far away', 1, 1, TRUE, 1, 1, 1, 1 FROM catalog_channel WHERE display_name = 'Sea';`)
  const id = sql(`SELECT id FROM catalog_video WHERE uuid = '${uuid}'`)
  sql(isBoard
    ? `INSERT INTO catalog_storyboard (video_id, name, url, width, height, tile_width, tile_height, tile_duration_s, updated) VALUES (${id}, '${name}', '${url}', 1920, 1080, 192, 108, 1, 1)`
    : `INSERT INTO catalog_caption (video_id, language, name, url, updated) VALUES (${id}, 'en', '${name}', '${url}', 1)`)
  return { uuid, path: `/lazy-static/${isBoard ? 'storyboards' : 'video-captions'}/${name}` }
}
const count = path => asked.filter(each => each === path).length
const get = path => site.raw({ path })

test('a caption is fetched once, whoever asks at the same time', async () => {
  const { uuid, path } = remote('/good.vtt')
  const listed = (await site.get(`/videos/${uuid}/captions`, { token: true })).json
  assert.equal(listed.data[0].captionPath, path)
  assert.equal(count('/good.vtt'), 0)
  const answers = await Promise.all(Array.from({ length: 6 }, () => get(path)))
  for (const answer of answers) {
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.text, vtt)
    assert.equal(answer.headers['content-type'], 'text/vtt; charset=utf-8')
  }
  assert.equal((await get(path)).text, vtt)
  assert.equal(count('/good.vtt'), 1)
})

test('a storyboard too', async () => {
  const { uuid, path } = remote('/good.jpg')
  assert.equal((await site.get(`/videos/${uuid}/storyboards`, { token: true })).json.storyboards[0].storyboardPath, path)
  const answer = await get(path)
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.body, jpeg)
  assert.equal((await get(path)).headers['content-type'], 'image/jpeg')
  assert.equal(count('/good.jpg'), 1)
})

test('a redirect is followed as far as the guard lets it', async () => {
  assert.equal((await get(remote('/round.vtt').path)).text, vtt)
  assert.equal((await get(remote('/home.vtt').path)).status, 502)
})

for (const bad of ['/page.vtt', '/page.jpg', '/bytes.vtt', '/gone.vtt', '/endless.vtt']) {
  test(`${bad} is no file of ours, and is not asked for again at once`, async () => {
    const { path } = remote(bad)
    for (let i = 0; i < 3; i++) {
      const answer = await get(path)
      assert.equal(answer.status, bad.endsWith('.jpg') ? 404 : 502, answer.text) // something plain stands for a picture
      assert.doesNotMatch(answer.text, /script|127\.0/)
    }
    assert.equal(count(bad), 1)
    assert.equal(sql(`SELECT COUNT(*) FROM catalog_file WHERE name = '${path.split('/').pop()}'`), '0')
  })
}

test('one on this machine or its network is not asked at all', async () => {
  assert.equal((await get(remote('http://127.0.0.2:1/a.vtt').path)).status, 502)
  assert.equal((await get(remote('http://10.0.0.1/a.vtt').path)).status, 502)
  assert.equal((await get(remote('file:///etc/passwd').path)).status, 502)
})

test('files of a slow server keep no page of ours waiting', async () => {
  for (const [kind, make] of [
    ['captions', number => remote(`/slow-${number}.vtt`).path],
    ['pictures', number => {
      const { uuid } = remote('/good.vtt')
      const name = `bbbbbbbb-bbbb-4ccc-8ddd-${String(number).padStart(12, '0')}.jpg`
      sql(`INSERT INTO catalog_file (video_id, kind, name, mime, storage, storage_key, created, origin_url) SELECT id, 'thumbnail', '${name}', 'image/jpeg', '', '', 1, 'http://127.0.0.1:${other.address().port}/slow-${number}.jpg' FROM catalog_video WHERE uuid = '${uuid}'`)
      return `/lazy-static/thumbnails/${name}`
    }]
  ]) {
    const paths = Array.from({ length: 16 }, (_, number) => make(number))
    let answered = 0
    const waiting = paths.map(path => get(path).finally(() => answered++))
    await site.when('it is asked for as many as it is at once', () => slow.length >= 6)
    assert.equal((await site.get('/config')).status, 200)
    assert.ok(paths.length - answered >= 8, `${kind}: ${answered} were answered first, so that a worker was free`)
    for (const answer of slow.splice(0)) answer.destroy()
    for (const one of waiting) assert.ok((await one).status >= 400)
  }
})

test('nothing is left in the folder for work', () => {
  assert.deepEqual(execFileSync('find', [join(site.folder, 'tmp'), '-mindepth', '1'], { encoding: 'utf8' }).split('\n').filter(Boolean), [])
})
