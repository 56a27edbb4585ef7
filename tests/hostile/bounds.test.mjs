// bounds.test.mjs - too much, too deep, out of the folder, and not UTF-8: refused in words.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { answers, sentence, talk } from './kit.mjs'

let site, video, token

before(async () => {
  site = await startInstance()
  token = await site.token()
  video = await site.published((await site.upload(await clip('h264', { seconds: 2 }))).uuid)
})
after(() => site?.stop())

const HOST = 'Host: x\r\n'
const lead = () => `Authorization: Bearer ${token}\r\n`

/** One request, raw; its only answer. */
async function ask (bytes) {
  const all = answers((await talk(site, bytes, { enough: text => /\r\n\r\n/.test(text) && answersOf(text) })).text)
  assert.equal(all.length, 1)
  return all[0]
}
const answersOf = text => {
  const end = text.indexOf('\r\n\r\n')
  return text.length >= end + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
}
const put = (type, body) => ask(Buffer.concat([Buffer.from(`PUT /api/v1/videos/${video.uuid} HTTP/1.1\r\n${HOST}${lead()}Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body, 'latin1')}\r\n\r\n`), Buffer.from(body, 'latin1')]))
const refuses = async (what, answer) => {
  assert.ok(answer.status >= 400 && answer.status < 500, `${what}: ${answer.status} ${answer.body.slice(0, 300)}`)
  sentence(answer)
  assert.equal((await site.get(`/videos/${video.uuid}`)).json.name, 'A video of the tests', what)
}

test('JSON that is too deep, too wide or none', async () => {
  const deep = (a, z, n) => a.repeat(n) + z.repeat(n)
  for (const [what, body] of Object.entries({
    'arrays in arrays': deep('[', ']', 100000),
    'objects in objects': `${'{"a":'.repeat(50000)}1${'}'.repeat(50000)}`,
    'only the beginnings': '['.repeat(100000),
    'a field that is deep': `{"name":"x","tags":${deep('[', ']', 5000)}}`,
    'a name twice': '{"name":"x","name":"y"}',
    'a comma behind the last': '{"name":"x",}',
    'a comment': '{"name":"x"/* y */}',
    'text behind it': '{"name":"x"} {"name":"y"}',
    'a number that is none': '{"name":"x","category":NaN}',
    'a number without bound': '{"name":"x","category":1e999}',
    'a large number': `{"name":"x","category":${'9'.repeat(400)}}`,
    'a NUL': '{"name":"x\\u0000y"}',
    'half a pair': '{"name":"x\\ud800y"}',
    'bytes that are no UTF-8': '{"name":"x\xff\xfe"}',
    'an overlong slash': '{"name":"x\xc0\xafy"}',
    'a surrogate in UTF-8': '{"name":"x\xed\xa0\x80"}',
    'UTF-16': '{\x00"\x00n\x00a\x00m\x00e\x00"\x00:\x00"\x00x\x00"\x00}\x00',
    'not an object': '"name"',
    'an array': '["name"]',
    nothing: '',
    'a name without end': JSON.stringify({ name: 'x'.repeat(100000) }),
    'no text': '{"name":{"toString":"x"}}',
    '10,000 tags': JSON.stringify({ name: 'x', tags: Array(10000).fill('tag') })
  })) {
    if (body === '') continue // a change of nothing
    await refuses(what, await put('application/json', body))
  }
})

test('forms with too many fields, and fields that are no text', async () => {
  const form = 'application/x-www-form-urlencoded'
  for (const [what, body] of Object.entries({
    '5,000 fields': Array.from({ length: 5000 }, (_, i) => `f${i}=1`).join('&'),
    '5,000 values of one': 'tags[]=x&'.repeat(5000),
    'brackets in brackets': `name=x&a${'[b]'.repeat(5000)}=1`,
    'a percent that is none': 'name=%zz',
    'half a percent': 'name=x%4',
    'bytes that are no UTF-8': 'name=x%ff',
    'an overlong slash': 'name=x%c0%af',
    'a NUL': 'name=x%00y'
  })) await refuses(what, await put(form, body))
})

test('multipart that is too much or none', async () => {
  const type = 'multipart/form-data; boundary=b'
  const part = (head, body) => `--b\r\n${head}\r\n\r\n${body}\r\n`
  const field = (name, body) => part(`Content-Disposition: form-data; name="${name}"`, body)
  const end = '--b--\r\n'
  for (const [what, [kind, body]] of Object.entries({
    'no boundary': ['multipart/form-data', field('name', 'x') + end],
    'an empty boundary': ['multipart/form-data; boundary=', field('name', 'x') + end],
    'a boundary without end': [`multipart/form-data; boundary=${'b'.repeat(500)}`, field('name', 'x') + end],
    'another boundary': [type, '--c\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n--c--\r\n'],
    'no end': [type, field('name', 'x')],
    'no name': [type, part('Content-Disposition: form-data', 'x') + end],
    'no head': [type, '--b\r\n\r\nx\r\n' + end],
    'a head without end': [type, part(`Content-Disposition: form-data; name="name"\r\nX: ${'y'.repeat(100000)}`, 'x') + end],
    'a name without end': [type, field('n'.repeat(100000), 'x') + end],
    '2,000 parts': [type, field('tags[]', 'x').repeat(2000) + end],
    'a field as large as a file': [type, field('name', 'x'.repeat(400000)) + end],
    'bytes that are no UTF-8': [type, field('name', 'x\xff\xfe') + end],
    'a NUL in a name': [type, field('na\x00me', 'x') + end]
  })) await refuses(what, await put(kind, body))
})

test('queries with too much in them', async () => {
  const get = target => ask(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`)
  for (const [what, query] of Object.entries({
    '2,000 parameters': Array.from({ length: 1000 }, (_, i) => `a${i}=1`).join('&').slice(0, 8000),
    'a percent that is none': 'search=%zz',
    'half a percent': 'search=%4',
    'bytes that are no UTF-8': 'search=%ff%fe',
    'an overlong slash': 'search=%c0%af',
    'a NUL': 'search=%00',
    'a number that is none': 'count=x',
    'a number below zero': 'start=-1',
    'a number without bound': `count=${'9'.repeat(400)}`,
    'an order nobody knows': 'sort=password'
  })) {
    const answer = await get(`/api/v1/videos?${query}`)
    assert.equal(answer.status, 400, `${what}: ${answer.status} ${answer.body.slice(0, 200)}`)
    sentence(answer)
  }
})

test('T12 and T41: no path leads out of anything', async () => {
  const ups = ['..', '%2e%2e', '.%2e', '%2E.', '%252e%252e', '..%00', '..;', '%c0%ae%c0%ae', '%e0%80%ae%e0%80%ae', '%uff0e%uff0e', '..%5c', '..\\', '....', '%ef%bc%8e%ef%bc%8e']
  const slashes = ['/', '%2f', '%5c', '\\', '%c0%af', '%252f', '//', '/./', '%ef%bc%8f']
  const below = ['/static/web-videos/', `/static/streaming-playlists/hls/${video.uuid}/`, '/static/streaming-playlists/hls/private/', '/lazy-static/thumbnails/', '/lazy-static/avatars/', '/download/videos/',
    '/client/', '/theme/', '/plugins/web/', '/.well-known/', '/api/v1/videos/', '/']
  const targets = ['shoal.lua', 'shoal.sqlite3', 'etc/passwd']
  const asked = new Set()
  for (const start of below) {
    for (const up of ups) for (const slash of slashes) for (const target of targets) asked.add(start + (up + slash).repeat(4) + target.replaceAll('/', slash))
    for (const target of [...targets, '/etc/passwd', '%2fetc%2fpasswd', 'file:///etc/passwd', 'C:%5cwindows', 'con', 'x%00.mp4', 'x%0a.mp4', '.', '%2e', ' ', '%20', '~root/.ssh', '-v', '--help']) asked.add(start + target)
  }
  const all = [...asked]
  const line = (target, more) => `GET ${target} HTTP/1.1\r\n${HOST}${more}\r\n`
  for (let i = 0; i < all.length; i += 50) {
    const some = all.slice(i, i + 50)
    const { text } = await talk(site, some.map((target, at) => line(target, at === some.length - 1 ? 'Connection: close\r\n' : '')).join(''))
    assert.doesNotMatch(text, /root:x:0|SQLite format 3|plugins = \{/, some.join(' '))
    assert.doesNotMatch(text, /^HTTP\/1\.1 5/m, some.join(' '))
    for (const [at, answer] of answers(text).entries()) {
      const is = some[at]
      if (answer.status === 200) assert.match(answer.headers['content-type'], /^text\/html|^application\/json/, `${is} ${answer.headers['content-type']}`)
    }
  }
  assert.ok(all.length > 1000)
  assert.equal((await site.raw({ path: '/health' })).status, 200)
})
