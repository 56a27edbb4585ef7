// injected.test.mjs - calls of the system fail under each operation: no crash, no leak, no lie.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { program, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { archive, sha256 } from '../kit/plugins.mjs'
import { Faults, filesOf, intact, refused, settled, strays } from './kit.mjs'

// Each call, and what may come of it. A number: only that call, counted from the beginning.
const rules = ['write ENOSPC', 'write EDQUOT', 'write EIO', 'write ENOSPC 1', 'write ENOSPC 2', 'write EIO 3', 'write EIO 5', 'write ENOSPC 20%7',
  'sync EIO', 'sync ENOSPC', 'sync EIO 1', 'sync EIO 2', 'sync EIO 3', 'rename ENOSPC', 'rename EIO', 'rename EIO 2',
  'open EMFILE', 'make ENOSPC', 'open EMFILE 2', 'open EIO 30%3', 'mkdir ENOSPC', 'truncate EIO', 'link ENOSPC', 'read EIO', 'read EIO 2', 'unlink EIO', 'alloc ENOMEM']

const large = 'x'.repeat(450000)
let site, faults, file, bytes, picture, channelId, video, count = 0

before(async () => {
  site = await startInstance({ started: false, settings: ['video.delete_after=1s', 'transcode_ffmpeg.threads=1'] })
  faults = new Faults(join(site.home, 'faults'))
  site.environment = { ...faults.environment, SHOAL_DRILL_FULL: '500', SHOAL_DRILL_BACKOFF: '800' }
  await site.start()
  channelId = await site.channelId()
  file = await clip('h264', { seconds: 1, size: '128x72', rate: 10 })
  bytes = await readFile(file)
  // Behind its end anything may come: what is read of it is a large block.
  picture = { name: 'a.png', bytes: Buffer.concat([await readFile(await clip('png', { size: '640x360' })), Buffer.alloc(600000)]), mime: 'image/png' }
  video = await site.published((await site.upload(file, { name: 'Kept' })).uuid)
  await settled(site)
})
after(() => site?.stop())

const mine = async () => (await site.get('/users/me/videos?count=100', { token: true })).json.data
const named = async name => (await mine()).find(one => one.name === name)
const detail = async () => (await site.get(`/videos/${video.uuid}`, { token: true })).json
const avatar = async () => (await site.get('/users/me', { token: true })).json.account.avatars?.[0]?.path

/** What is uploaded is looked at and removed, or its transcoding would meet the next fault. */
async function forget (name) {
  const one = await named(name)
  if (!one) return false
  assert.equal((await site.delete(`/videos/${one.uuid}`, { token: true })).status, 204)
  return true
}

const begin = name => site.post('/videos/upload-resumable', {
  token: true,
  json: { filename: 'a.mp4', name, channelId, privacy: 1 },
  headers: { 'x-upload-content-length': String(bytes.length), 'x-upload-content-type': 'video/mp4' }
})
const chunk = (path, from, to) => site.put(path, { token: true, body: bytes.subarray(from, to), headers: { 'content-type': 'application/octet-stream', 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` } })
const asked = path => site.put(path, { token: true, headers: { 'content-range': `bytes */${bytes.length}`, 'content-length': '0' } })

/** An upload that has begun, and so many bytes of it. */
async function begun (name, length) {
  const answer = await begin(name)
  assert.equal(answer.status, 201, answer.text)
  const path = answer.headers.location.slice(`${site.url}/api/v1`.length)
  if (length > 0) assert.equal((await chunk(path, 0, length)).status, 308)
  return path
}

/** Each: prepare (without faults), run (with them) and check, which gets what run answered and whether it went well. */
const operations = {
  'an upload': {
    run: name => site.send(file, { name, channelId }),
    check: async (name, went) => assert.equal(await forget(name), went)
  },
  'the beginning of pieces': {
    run: begin,
    check: async (name, went, answer) => {
      const path = (went ? answer : await begin(name)).headers.location.slice(`${site.url}/api/v1`.length)
      assert.equal((await chunk(path, 0, 1000)).status, 308)
      await site.delete(path, { token: true })
    }
  },
  'a piece': {
    prepare: name => begun(name, 1000),
    run: (name, path) => chunk(path, 1000, bytes.length - 1000),
    check: async (name, went, answer, path) => {
      const answered = await asked(path)
      assert.equal(answered.status, 308, answered.text)
      const there = Number(answered.headers.range.split('-').pop()) + 1
      if (went) assert.equal(there, bytes.length - 1000)
      assert.equal((await chunk(path, there, bytes.length - 500)).status, 308)
      await site.delete(path, { token: true })
    }
  },
  'the last piece': {
    rules: rules.filter(rule => !/^unlink/.test(rule)), // what stays then is removed with its row, a day later
    prepare: name => begun(name, bytes.length - 1000),
    run: (name, path) => chunk(path, bytes.length - 1000, bytes.length),
    check: async (name, went, answer, path) => {
      if (went) return assert.ok(await forget(name))
      assert.ok(!await forget(name), 'a refused upload is there')
      // What could not be made durable is gone: then it is begun anew.
      const again = await asked(path)
      if (again.status === 308) await chunk(path, Number(again.headers.range.split('-').pop()) + 1, bytes.length)
      else if (again.status !== 200) {
        assert.ok([404, 410].includes(again.status), again.text)
        await chunk(await begun(name, 0), 0, bytes.length)
      }
      assert.ok(await forget(name))
    }
  },
  'a change': {
    prepare: detail,
    run: name => site.put(`/videos/${video.uuid}`, { token: true, json: { name, tags: [`t${count}`, 'fish'], description: 'x'.repeat(5000), nothing: large } }),
    check: async (name, went, answer, old) => {
      const now = await detail()
      assert.equal(now.name, went ? name : old.name)
      assert.deepEqual(now.tags.sort(), went ? ['fish', `t${count}`] : old.tags.sort())
    }
  },
  'a change by a form': {
    prepare: detail,
    run: name => site.api('PUT', `/videos/${video.uuid}`, { token: true, fields: { name, nothing: large } }),
    check: async (name, went, answer, old) => {
      assert.equal((await detail()).name, went ? name : old.name)
    }
  },
  'a change by an encoded form': {
    prepare: detail,
    run: name => site.put(`/videos/${video.uuid}`, { token: true, form: { name, nothing: large } }),
    check: async (name, went, answer, old) => assert.equal((await detail()).name, went ? name : old.name)
  },
  'a change with a picture': {
    prepare: detail,
    run: name => site.api('PUT', `/videos/${video.uuid}`, { token: true, fields: { name, thumbnailfile: picture } }),
    check: async (name, went, answer, old) => {
      const now = await detail()
      assert.equal(now.name, went ? name : old.name)
      assert.equal(now.thumbnailPath !== old.thumbnailPath, went)
      assert.equal((await site.raw({ path: now.thumbnailPath })).status, 200)
    }
  },
  'a removal': {
    rules: rules.filter(rule => /^(write|sync|read|alloc|unlink) E(IO|NOSPC|NOMEM)( [12])?$/.test(rule)),
    prepare: async name => (await site.upload(file, { name, channelId })).uuid,
    run: (name, uuid) => site.delete(`/videos/${uuid}`, { token: true }),
    check: async (name, went) => assert.equal(await forget(name), !went)
  },
  'a picture': {
    prepare: avatar,
    run: () => site.post('/users/me/avatar/pick', { token: true, fields: { avatarfile: picture } }),
    check: async (name, went, answer, old) => {
      const now = await avatar()
      if (went) assert.equal(now, answer.json.avatars[0].path)
      else assert.equal(now, old)
      if (now) assert.equal((await site.raw({ path: now })).status, 200)
    }
  },
  settings: {
    prepare: async () => (await site.get('/users/me', { token: true })).json.account.displayName,
    run: name => site.put('/users/me', { token: true, json: { displayName: name } }),
    check: async (name, went, answer, old) => assert.equal((await site.get('/users/me', { token: true })).json.account.displayName, went ? name : old)
  },
  'a log-in': {
    prepare: () => site.client(),
    run: (name, client) => site.post('/users/token', { form: { ...client, grant_type: 'password', username: site.admin, password: site.password } }),
    check: async (name, went, answer) => went && assert.equal((await site.get('/users/me', { token: answer.json.access_token })).status, 200)
  }
}

describe('calls that fail', { skip: !Faults.possible() && 'only the program of the tests has calls that can fail' }, () => {
  for (const [what, { rules: some = rules, prepare, run, check }] of Object.entries(operations)) {
    test(`under ${what}`, async () => {
      const { server } = site
      const seen = []
      let hits = 0
      for (const rule of some) {
        const name = `Fish ${++count}`
        const prepared = await prepare?.(name)
        faults.on(rule)
        const answer = await run(name, prepared)
        faults.off()
        hits += faults.hits.length
        const went = answer.status < 400
        seen.push(`${rule}: ${answer.status}`)
        if (!went) refused(answer, /ENOSPC|EDQUOT/.test(rule) ? 507 : [500, 503, 507], `${what}, ${rule} (${faults.hits.join(', ')})`)
        try {
          await check(name, went, answer, prepared)
        } catch (error) {
          error.message = `${what}, ${rule}, ${answer.status} (${faults.hits.join(', ')}): ${error.message}`
          throw error
        }
        assert.equal(site.server, server, `${what}, ${rule}: the server is another one`)
      }
      assert.ok(hits > 0, 'no call failed')
      assert.ok(seen.some(one => /: 5/.test(one)), seen.join('\n'))
    })
  }

  test('under the work on a video', async () => {
    const { server } = site
    for (const rule of ['write ENOSPC', 'sync EIO', 'rename EDQUOT', 'open EMFILE', 'read EIO', 'alloc ENOMEM']) {
      const { uuid } = await site.upload(file, { name: rule, channelId })
      faults.on(rule)
      for (let i = 0; i < 20 && faults.hits.length === 0; i++) await sleep(50)
      await sleep(250)
      faults.off()
      await site.published(uuid)
    }
    assert.equal(site.server, server)
  })

  const command = (args, env) => {
    try {
      return { code: 0, text: execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe', env: { ...process.env, ...env } }) }
    } catch (error) {
      return { code: error.status, text: `${error.stdout}${error.stderr}` }
    }
  }

  test('under a backup', () => {
    const target = join(site.folder, '..', 'copies', 'instance')
    for (const rule of ['write ENOSPC', 'sync EIO', 'rename EIO', 'open EMFILE', 'write EIO 9', 'rename EIO 3', 'sync EIO 2', 'mkdir ENOSPC', 'read EIO']) {
      rmSync(target, { recursive: true, force: true })
      faults.on(`${rule}${/\d$/.test(rule) ? '' : ' all'} /copies/`)
      const ended = command(['backup', site.folder, target], faults.environment)
      faults.off()
      if (ended.code !== 0) {
        assert.ok(ended.code === 1 && ended.text.length > 20, `${rule}: ${ended.code} ${ended.text}`)
        const manifest = join(target, 'backup.json')
        if (existsSync(manifest)) assert.equal(JSON.parse(readFileSync(manifest)).state, 'unfinished')
      }
      assert.ok(ended.code !== 0 || faults.hits.length === 0, `${rule}: ${faults.hits} and yet complete`)
      assert.doesNotMatch(ended.text, /Sanitizer|runtime error/)
      const again = command(['backup', site.folder, target], {})
      assert.equal(again.code, 0, again.text)
      const left = readdirSync(target, { recursive: true }).filter(path => /\.new$|shoal-copy$|-journal$|-wal$/.test(path))
      assert.deepEqual(left, [], rule)
      intact(join(target, 'shoal.sqlite3'))
    }
  })

  test('under a plugin that is added', () => {
    const package_ = archive([{ name: 'guest/', type: '5' }, { name: 'guest/plugin.json', data: JSON.stringify({ name: 'guest', version: '1.0.0', summary: 'A guest', licence: 'MIT', sdk: '^1.0.0', language: 'lua' }) }, { name: 'guest/guest.lua', data: 'local shoal = require "shoal"\n' }])
    const path = join(site.home, 'guest.tar.gz')
    writeFileSync(path, package_)
    const add = env => command(['plugin', 'add', site.folder, path, '--sha256', sha256(package_)], env)
    for (const rule of ['write ENOSPC', 'sync EIO', 'rename EIO', 'rename EIO 2', 'open EMFILE 3', 'mkdir ENOSPC', 'read EIO']) {
      const had = existsSync(join(site.folder, 'plugins/guest/plugin.json'))
      faults.on(`${rule}${/\d$/.test(rule) ? '' : ' all'} /plugins/`)
      const ended = add(faults.environment)
      faults.off()
      assert.doesNotMatch(ended.text, /Sanitizer|runtime error/)
      assert.ok(ended.code !== 0 || faults.hits.length === 0, `${rule}: ${faults.hits} and yet added`)
      assert.equal(existsSync(join(site.folder, 'plugins/guest/plugin.json')), had, `${rule}: half of it`)
      assert.equal(add({}).code, 0)
      assert.deepEqual(readdirSync(join(site.folder, 'plugins')).filter(name => name !== 'guest'), [], rule)
    }
  })

  test('in the end nothing is lost, and nothing is left', async () => {
    await settled(site)
    const all = await filesOf(site)
    await site.kill()
    intact(join(site.folder, 'shoal.sqlite3'))
    site.environment = { SHOAL_DRILL_SWEEP: '1500' }
    await site.start()
    const avatars = (await site.get('/users/me', { token: true })).json.account.avatars.map(one => one.path.split('/').pop())
    const known = new Set([...all, ...avatars])
    await site.when('nothing is left that nobody knows', () => strays(site, known).length === 0).catch(error => {
      throw new Error(`these are left: ${strays(site, known).join(' ')}\n${error.message}`)
    })
  })
})
