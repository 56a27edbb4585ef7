// matrix.test.mjs - every plugin is optional: the core alone, each plugin alone, all but one, all.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { shoal, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { withPlugins } from '../kit/plugins.mjs'

const folder = resolve(dirname(fileURLToPath(import.meta.url)), '../../plugins')
const shipped = readdirSync(folder).filter(name => existsSync(join(folder, name, 'plugin.json')))
  .map(name => JSON.parse(readFileSync(join(folder, name, 'plugin.json'), 'utf8')))
const byName = new Map(shipped.map(manifest => [manifest.name, manifest]))

/** "api >=1.0" is api; a service is who provides it. */
const providers = need => {
  const name = need.split(/[ @]/)[0]
  return byName.has(name) ? [name] : shipped.filter(other => (other.provides ?? []).includes(name)).map(other => other.name).slice(0, 1)
}

/** A plugin and all that it needs, in an order that works. */
function closure (name, found = []) {
  if (found.includes(name)) return found
  for (const need of byName.get(name).needs ?? []) for (const provider of providers(need)) closure(provider, found)
  if (!found.includes(name)) found.push(name)
  return found
}
const everything = shipped.reduce((found, { name }) => closure(name, found), [])

const isProblem = answer => {
  assert.match(answer.headers['content-type'], /^application\/problem\+json/)
  assert.equal(answer.json.status, answer.status)
  assert.ok(answer.json.title.length > 0)
}

/** A call of the API that nobody answers is PeerTube's 400 with an empty object, like any unknown one. */
const isUnknown = answer => {
  if (/^\/api\/v1\//.test(answer.path)) {
    assert.equal(answer.status, 400, answer.path)
    assert.deepEqual(answer.json, {})
  } else {
    assert.equal(answer.status, 404, answer.path)
    isProblem(answer)
  }
}

/** What must be answered while a plugin runs: its own prefix, without a 404 of "no such route" or a 5xx. */
const proofs = {
  api: async site => assert.equal((await site.get('/config')).json.instance.name.length > 0, true),
  web: async site => assert.match((await site.raw({ path: '/', headers: { accept: 'text/html' } })).headers['content-type'], /text\/html/),
  media: async site => assert.equal((await site.raw({ path: '/static/web-videos/none.mp4' })).status, 404)
}

describe('the matrix of plugins', () => {
  let site, original

  const withOnly = async names => {
    await site.kill()
    site.config = withPlugins(original, names)
    await site.start()
    const health = (await site.raw({ path: '/health' })).json
    return health
  }

  before(async () => {
    site = await startInstance({ started: false })
    original = site.config
  })
  after(() => site?.stop())

  test('the core alone: healthy, and everything else is cleanly unknown', async () => {
    const health = await withOnly([])
    assert.equal(health.status, 'ok')
    assert.equal((await site.raw({ path: '/metrics' })).status, 200)
    for (const path of ['/', '/api/v1/config', '/api/v1/videos', '/static/web-videos/x.mp4', '/w/abc', '/about', '/nodeinfo/2.0.json', '/favicon.ico']) {
      isUnknown({ path, ...await site.raw({ path }) })
    }
    for (const method of ['POST', 'PUT', 'DELETE']) {
      for (const path of ['/api/v1/videos', '/somewhere']) isUnknown({ path, ...await site.raw({ method, path, headers: { 'content-length': 0 } }) })
    }
    assert.equal((await shoal('check', site.folder)).code, 0)
    assert.equal((await shoal('user', 'list', site.folder)).code, 0)
    assert.deepEqual(JSON.parse((await shoal('plugin', 'list', site.folder, '--json')).stdout), [])
  })

  for (const { name } of shipped) {
    test(`${name} with what it needs`, async () => {
      const names = closure(name)
      const health = await withOnly(names)
      assert.deepEqual(health.sentences, [], names.join())
      assert.equal(health.status, 'ok')
      for (const one of names) await proofs[one]?.(site)
      const rows = JSON.parse((await shoal('plugin', 'list', site.folder, '--json')).stdout)
      assert.deepEqual(rows.map(row => [row.name, row.state]), names.map(one => [one, 'running']))
    })
  }

  test('a plugin without what it needs is left out, named, and the rest serves', async () => {
    for (const { name, needs } of shipped.filter(manifest => manifest.needs?.length)) {
      const health = await withOnly([name])
      assert.equal(health.status, 'degraded', `${name} without ${needs}`)
      assert.ok(health.sentences.some(text => text.includes(name)))
      isUnknown({ path: '/api/v1/videos', ...await site.raw({ path: '/api/v1/videos' }) })
      await site.says(new RegExp(`${name}.*${needs[0]}`))
    }
  })

  for (const { name } of shipped) {
    test(`all but ${name}`, async () => {
      const names = everything.filter(one => one !== name)
      await withOnly(names)
      const running = JSON.parse((await shoal('plugin', 'list', site.folder, '--json')).stdout)
      for (const row of running) assert.equal(row.state === 'running', !closure(row.name).includes(name), `${row.name} is ${row.state}: ${row.sentence}`)
      for (const row of running.filter(row => row.state === 'running')) await proofs[row.name]?.(site)
      if (running.some(row => row.name === 'api' && row.state === 'running')) {
        assert.equal((await site.logIn()).status, 200)
        assert.equal((await site.get('/videos')).status, 200)
        const sent = await site.send(await clip('h264'), { name: `Without ${name}` })
        if (['storage_fs', 'transcode_ffmpeg'].includes(name)) {
          assert.ok(sent.status >= 400 && sent.status < 600 && sent.status !== 500, `${sent.status} ${sent.text}`)
          isProblem(sent)
        } else {
          assert.equal(sent.status, 200, sent.text)
          await site.published(sent.json.video.uuid)
        }
      }
      for (const path of ['/', '/w/none', '/static/web-videos/none.mp4', '/api/v1/videos/none']) assert.ok((await site.raw({ path })).status < 500, path)
    })
  }

  test('all of them', async () => {
    const health = await withOnly(everything)
    assert.deepEqual(health, { ...health, status: 'ok', sentences: [] })
    for (const prove of Object.values(proofs)) await prove(site)
    const { uuid } = await site.upload(await clip('h264'), { name: 'With everything' })
    const video = await site.published(uuid)
    assert.equal((await site.raw({ path: new URL(video.files[0].fileUrl).pathname })).status, 200)
    assert.match((await site.raw({ path: `/w/${video.shortUUID}` })).text, /With everything/)
  })
})
