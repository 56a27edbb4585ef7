// doctor.test.mjs - the doctor finds nothing on a healthy instance, and says what to do on a sick one.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'

import { program, shoal, startInstance } from '../kit/instance.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

/** {code, bad: [rows], findings}. */
async function doctor (site, env) {
  const { code, stdout, stderr } = await new Promise(resolve => {
    execFile(program, ['doctor', site.folder, '--json'], { env: { ...process.env, ...env }, timeout: 60000 }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }))
  })
  assert.ok(stdout.startsWith('{'), stdout + stderr)
  const { findings, bad } = JSON.parse(stdout)
  const rows = findings.filter(row => row.level === 'bad')
  assert.equal(bad, rows.length)
  return { code, bad: rows, findings }
}

const failing = `local shoal = require "shoal"
shoal.job("fails", function() error("it cannot work") end, { attempts = 1 })
shoal.route { path = "/failing", handler = function(request) shoal.job_add("fails", {}) request:json(200, {}) end }
`

describe('doctor', () => {
  let site

  before(async () => {
    site = await startInstance()
  })
  after(() => site?.stop())

  const isHealthy = async () => {
    const { code, bad, findings } = await doctor(site)
    assert.deepEqual(bad, [])
    assert.equal(code, 0)
    for (const about of ['instance', 'rights', 'disk', 'clock', 'ffmpeg', 'ffprobe', 'url', 'plugins', 'tables', 'jobs']) assert.ok(findings.some(row => row.about === about), `nothing about ${about}`)
    return findings
  }
  const hasBad = async (pattern, env) => {
    const { code, bad } = await doctor(site, env)
    assert.equal(code, 3)
    const found = bad.find(row => pattern.test(row.text))
    assert.ok(found, `${pattern} is not in ${JSON.stringify(bad)}`)
    assert.ok(found.do?.length > 5, `nothing to do about: ${found.text}`)
  }

  test('a healthy instance, while it serves and while it does not', async () => {
    assert.match((await isHealthy()).find(row => row.about === 'instance').text, /the server runs/)
    await site.kill()
    const findings = await isHealthy()
    assert.match(findings.find(row => row.about === 'instance').text, /does not run/)
    assert.ok(findings.some(row => row.about === 'port' && /is free/.test(row.text)))
    const words = await shoal('doctor', site.folder)
    assert.equal(words.code, 0)
    assert.match(words.stdout, /Nothing is wrong\./)
  })

  test('ffmpeg runs also below a server that is nice to others', async () => {
    const { stdout } = await promisify(execFile)('nice', ['-n', '15', program, 'doctor', site.folder, '--json'])
    assert.deepEqual(JSON.parse(stdout).findings.filter(row => row.level === 'bad'), [])
  })

  test('a port that somebody else holds', async () => {
    const other = createServer()
    await new Promise(resolve => other.listen(site.port, '127.0.0.1', resolve))
    await hasBad(new RegExp(String(site.port)))
    const words = await shoal('doctor', site.folder)
    assert.equal(words.code, 3)
    assert.match(words.stdout, /^BAD +port .*\n +-> .*ss -ltnp/m)
    await new Promise(resolve => other.close(resolve))
  })

  test('no ffmpeg to be found', async () => {
    const empty = join(site.home, 'empty')
    mkdirSync(empty, { recursive: true })
    await hasBad(/ffmpeg/, { PATH: empty })
  })

  test('rights that are too wide', async () => {
    const conf = join(site.folder, 'shoal.lua')
    const mode = statSync(conf).mode
    const folder = statSync(site.folder).mode
    chmodSync(conf, 0o644)
    chmodSync(site.folder, 0o755)
    await hasBad(/everybody on this machine may read .*shoal\.lua/)
    chmodSync(conf, mode & 0o777)
    chmodSync(site.folder, 0o777)
    await hasBad(/everybody on this machine may write/)
    chmodSync(site.folder, folder & 0o777)
    await isHealthy()
  })

  test('a part of the folder that belongs to somebody else', { skip: process.getuid() !== 0 && 'needs root' }, async () => {
    const tmp = join(site.folder, 'tmp')
    const { uid, gid } = statSync(tmp)
    chownSync(tmp, 0, 0)
    chmodSync(tmp, 0o700)
    await hasBad(/tmp may not be written/)
    chownSync(tmp, uid, gid)
    chmodSync(tmp, 0o750)
    await isHealthy()
  })

  test('a configuration that cannot be read', async () => {
    const kept = site.config
    site.config = `${kept}lisen = {}\n`
    await hasBad(/shoal\.lua:\d+: .*lisen.*listen/)
    site.config = kept
  })

  test('a certificate that is none', async () => {
    const kept = site.config
    writeFileSync(join(site.folder, 'not.pem'), 'not a certificate\n')
    site.config = `${kept}tls = { certificate = "not.pem", key = "not.pem" }\n`
    await hasBad(/not\.pem/)
    site.config = kept
  })

  test('a certificate that ends soon, and one that does not', async () => {
    const kept = site.config
    const make = days => {
      execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', days, '-subj', '/CN=localhost',
        '-keyout', join(site.folder, 'key.pem'), '-out', join(site.folder, 'cert.pem')], { stdio: 'pipe' })
      const { uid, gid } = statSync(site.folder)
      for (const name of ['key.pem', 'cert.pem']) {
        chmodSync(join(site.folder, name), 0o600)
        chownSync(join(site.folder, name), uid, gid)
      }
    }
    site.config = `${kept.replace(/^listen = .*$/m, `listen = { "127.0.0.1:${site.port} tls" }`)}tls = { certificate = "cert.pem", key = "key.pem" }\n`
    try {
      make('5')
      await hasBad(/it is good for [45] days/)
      make('200')
      const { code, findings } = await doctor(site)
      assert.equal(code, 0, JSON.stringify(findings))
      assert.match(findings.find(row => row.about === 'certificate').text, /(199|200) days/)
    } finally {
      site.config = kept
    }
  })

  test('a plugin that is not there, and one without a pin', async () => {
    const kept = site.config
    writePlugin(join(site.folder, 'plugins'), 'unpinned', { lua: 'local shoal = require "shoal"\n' })
    site.config = kept.replace('\n  "web",', '\n  "web", "wbe", "unpinned",')
    await hasBad(/wbe/)
    await hasBad(/unpinned.*sha256/)
    site.config = kept
    rmSync(join(site.folder, 'plugins', 'unpinned'), { recursive: true })
  })

  test('a migration that waits is a note', async () => {
    const kept = site.config
    const pin = writePlugin(join(site.folder, 'plugins'), 'waits', { lua: 'local shoal = require "shoal"\n', manifest: { permissions: ['database'] }, files: { 'migrations/001_start.sql': 'CREATE TABLE waits_one (id ID);\n' } })
    site.config = withPlugins(kept, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', line('waits', pin)])
    const { findings } = await doctor(site)
    assert.ok(findings.some(row => row.about === 'tables' && row.level === 'note' && /waits/.test(row.text)), JSON.stringify(findings))
    site.config = kept
    rmSync(join(site.folder, 'plugins', 'waits'), { recursive: true })
  })

  test('a job that was given up; retry tries it again, cancel forgets it', async () => {
    const kept = site.config
    const pin = writePlugin(join(site.folder, 'plugins'), 'failing', { lua: failing, manifest: { permissions: ['routes:/failing'] } })
    site.config = withPlugins(kept, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', line('failing', pin)])
    await site.start()
    assert.equal((await site.raw({ path: '/failing' })).status, 200)
    const parked = async () => JSON.parse((await shoal('jobs', 'list', site.folder, '--state', 'parked', '--json')).stdout)
    const [job] = await site.when('the job is parked', async () => { const rows = await parked(); return rows.length && rows })
    assert.match(job.kind, /failing\.fails/)
    assert.match(job.error, /it cannot work/)
    await hasBad(/were given up.*failing\.fails.*it cannot work/)
    await site.when('health is degraded', async () => (await site.raw({ path: '/health' })).json.status === 'degraded')

    const retried = await shoal('jobs', 'retry', site.folder, String(job.id))
    assert.equal(retried.code, 0, retried.stderr)
    assert.match(retried.stdout, /will be tried again/)
    await site.when('it was tried and is parked again', async () => (await parked()).some(row => row.id === job.id))
    const cancelled = await shoal('jobs', 'cancel', site.folder, String(job.id))
    assert.equal(cancelled.code, 0, cancelled.stderr)
    assert.deepEqual(await parked(), [])
    const again = await shoal('jobs', 'retry', site.folder, '999999')
    assert.equal(again.code, 1)
    await site.kill()
    site.config = kept
    await isHealthy()
  })

  test('a public address that does not reach this server', async () => {
    const kept = site.config
    const other = createServer((request, answer) => { answer.statusCode = 404; answer.end('another site') })
    await new Promise(resolve => other.listen(0, '127.0.0.1', resolve))
    site.config = `url = "http://127.0.0.1:${other.address().port}"\n${kept}`
    await site.start()
    await hasBad(/another server seems to stand there/)
    await new Promise(resolve => other.close(resolve))
    await hasBad(/does not answer/)
    await site.kill()
    site.config = kept
  })

  /** Serves behind a proxy. before(ask, answer): true where it answers itself; hostOf(ask): the Host that it sends. */
  async function behind ({ before = () => false, hostOf = ask => ask.headers.host }, run) {
    const kept = site.config
    const proxy = createServer((ask, answer) => {
      if (before(ask, answer)) return
      request({ host: '127.0.0.1', port: site.port, path: ask.url, headers: { host: hostOf(ask) } }, got => {
        answer.statusCode = got.statusCode
        got.pipe(answer)
      }).on('error', () => answer.destroy()).end()
    })
    await new Promise(resolve => proxy.listen(0, '127.0.0.1', resolve))
    site.config = `url = "http://127.0.0.1:${proxy.address().port}"\n${kept}`
    await site.start()
    await run()
    await new Promise(resolve => proxy.close(resolve))
    await site.kill()
    site.config = kept
  }

  test('a proxy in front that sends another Host', async () => {
    let host
    await behind({ hostOf: ask => host ?? ask.headers.host }, async () => {
      await isHealthy()
      host = 'inside.example'
      await hasBad(/arrive as http:\/\/inside\.example$/)
    })
  })

  test('an nginx in front that keeps connections to inboxes open', async () => {
    let connection = 'keep-alive'
    let server = 'nginx/1.22.1'
    let status = 405
    const before = (ask, answer) => {
      if (server) answer.setHeader('server', server)
      return ask.url === '/inbox' && answer.writeHead(status, { connection }).end()
    }
    await behind({ before }, async () => {
      await hasBad(/nginx keeps idle connections to inboxes open/)
      connection = 'close'
      assert.ok((await isHealthy()).some(row => row.about === 'inbox' && row.level === 'fine'))
      connection = 'keep-alive'
      for (const [front, answer] of [['nginx', 404], ['Caddy', 405], ['', 405]]) {
        server = front
        status = answer
        assert.ok(!(await isHealthy()).some(row => row.about === 'inbox'), `${front} ${answer}`)
      }
    })
  })
})
