// reload.test.mjs - reload, upgrade and stop: no request in flight is lost, and nobody serves as root.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { chownSync, readdirSync, readFileSync } from 'node:fs'
import http from 'node:http'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { multipart } from '../kit/client.mjs'
import { freePort, shoal, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

/** Visitors that ask without a pause, on kept connections; stop() gives how many answers there were. */
function crowd (site, size) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: size })
  const counts = { answers: 0, wrong: [] }
  let isOver = false
  const ask = path => new Promise(resolve => {
    const request = http.get(site.url + path, { agent }, answer => {
      answer.resume()
      answer.on('end', () => {
        counts.answers++
        if (answer.statusCode !== 200) counts.wrong.push(`${path}: ${answer.statusCode}`)
        resolve()
      })
      answer.on('error', error => { counts.wrong.push(`${path}: ${error.message}`); resolve() })
    })
    request.on('error', error => {
      // A kept connection may be closed in the moment in which it is used again: a client asks anew.
      if (!(request.reusedSocket && error.code === 'ECONNRESET')) counts.wrong.push(`${path}: ${error.message}`)
      resolve()
    })
  })
  const paths = ['/api/v1/videos', '/health', '/', '/api/v1/config']
  const visitors = Array.from({ length: size }, async (_, i) => {
    while (!isOver) await ask(paths[i % paths.length])
  })
  return {
    async stop () {
      isOver = true
      await Promise.all(visitors)
      agent.destroy()
      return counts
    }
  }
}

/** An upload whose body takes its time: begun() when half is out, answer is the whole. */
function slowUpload (site, file, token, channelId, ms) {
  const { body, type } = multipart({ channelId, name: 'A slow one', privacy: 1, videofile: { name: 'slow.mp4', bytes: readFileSync(file), mime: 'video/mp4' } })
  const { hostname, port } = new URL(site.url)
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, method: 'POST', path: '/api/v1/videos/upload', agent: false, headers: { authorization: `Bearer ${token}`, 'content-type': type, 'content-length': body.length } }, answer => {
      let text = ''
      answer.on('data', data => { text += data })
      answer.on('end', () => resolve({ status: answer.statusCode, text }))
    })
    request.on('error', reject)
    const step = Math.ceil(body.length / 10)
    ;(async () => {
      for (let at = 0; at < body.length; at += step) {
        request.write(body.subarray(at, at + step))
        await sleep(ms / 10)
      }
      request.end()
    })()
  })
}

/** A download that is read slowly: resolves to how many bytes came, or to what went wrong. */
function slowDownload (site, path, ms) {
  return new Promise(resolve => {
    const request = http.get(site.url + path, { agent: false }, answer => {
      let bytes = 0
      const until = Date.now() + ms
      answer.on('data', data => {
        bytes += data.length
        if (Date.now() > until) return
        answer.pause()
        setTimeout(() => answer.resume(), 40)
      })
      answer.on('end', () => resolve(answer.statusCode === 200 ? bytes : `status ${answer.statusCode}`))
      answer.on('error', error => resolve(`${error.message} after ${bytes} bytes`))
    })
    request.on('error', error => resolve(error.message))
  })
}

const another = (site, before) => site.when('another child serves', () => site.server !== undefined && site.server !== before)

describe('reload', () => {
  let site, file, token, channelId

  before(async () => {
    // A busy machine reads 64 downloads slowly; what is asked here is whether they are let end.
    site = await startInstance()
    file = await clip('h264', { seconds: 4 })
    token = await site.token()
    channelId = await site.channelId()
  })
  after(() => site?.stop())

  test('SIGHUP, three times, under load: no request is lost', async () => {
    const visitors = crowd(site, 12)
    for (let i = 0; i < 3; i++) {
      const before = site.server
      await sleep(300)
      process.kill(site.pid, 'SIGHUP')
      await another(site, before)
    }
    await sleep(300)
    const { answers, wrong } = await visitors.stop()
    assert.deepEqual(wrong, [])
    assert.ok(answers > 100, `${answers} answers`)
  })

  test('an upload that is under way goes on to its end', async () => {
    const before = site.server
    const upload = slowUpload(site, file, token, channelId, 2500)
    await sleep(600)
    process.kill(site.pid, 'SIGHUP')
    await another(site, before)
    const { status, text } = await upload
    assert.equal(status, 200, text)
    await site.published(JSON.parse(text).video.uuid)
  })

  test('64 downloads and 8 uploads that are under way lose nothing', async () => {
    const large = await site.published((await site.upload(await clip('noise', { seconds: 1, size: '640x360' }))).uuid)
    const [one] = large.files
    const before = site.server
    const downloads = Array.from({ length: 64 }, () => slowDownload(site, new URL(one.fileUrl).pathname, 3000))
    const uploads = Array.from({ length: 8 }, () => slowUpload(site, file, token, channelId, 3000))
    let ended = 0
    for (const download of downloads) download.then(() => ended++)
    await sleep(600)
    process.kill(site.pid, 'SIGHUP')
    await another(site, before)
    assert.ok(ended < 64, 'the downloads were over too soon for this test')
    assert.deepEqual(await Promise.all(downloads), Array(64).fill(one.size))
    for (const { status, text } of await Promise.all(uploads)) {
      assert.equal(status, 200, text)
      await site.published(JSON.parse(text).video.uuid)
    }
  })

  test('the verb does the same and takes up what changed', async () => {
    const before = site.server
    const second = await freePort()
    site.config = `${site.config.replace(/^listen = .*$/m, `listen = { "127.0.0.1:${site.port}", "127.0.0.1:${second}" }`)}instance = { name = "After the reload" }\n`
    const { code, stderr } = await shoal('reload', site.folder)
    assert.equal(code, 0, stderr)
    await another(site, before)
    // The old child takes connections until it is told to end, which is a moment later.
    await site.when('the new name is shown', async () => (await site.get('/config')).json.instance.name === 'After the reload')
    const other = await fetch(`http://127.0.0.1:${second}/health`)
    assert.equal(other.status, 200)
  })

  test('sockets that are no longer wanted take nobody in while the old server drains', async () => {
    const kept = site.config
    const second = await freePort()
    const takeUp = async config => {
      const before = site.server
      site.config = config
      process.kill(site.pid, 'SIGHUP')
      await another(site, before)
    }
    const isClosed = port => new Promise(resolve => {
      const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(false) })
      socket.on('error', () => resolve(true))
    })
    await takeUp(`${kept.replace(/^listen = .*$/m, `listen = { "127.0.0.1:${site.port}", "127.0.0.1:${second}" }`)}loops = 8\n`)
    assert.equal(await isClosed(second), false)
    // Of three generations the oldest has to hurry: the upload must not be there.
    await site.when('one server is left', () => site.status.children.length === 1)
    const upload = slowUpload(site, file, token, channelId, 10000)
    await sleep(600)
    await takeUp(`${kept}loops = 1\n`)
    await site.when('the port is closed', () => isClosed(second))
    const answers = await Promise.all(Array.from({ length: 32 }, () => site.raw({ path: '/health', timeout: 4000 }).then(answer => answer.status, error => error.message)))
    assert.ok(site.status.children.some(child => child.state === 'draining'), 'the old server was gone too soon for this test')
    assert.deepEqual(answers, Array(32).fill(200))
    assert.equal((await upload).status, 200)
    await takeUp(kept)
  })

  test('a broken shoal.lua keeps the old server and says why', async () => {
    const kept = site.config
    const { server } = site
    site.config = `${kept}lisen = {}\n`
    const wrong = new RegExp(`shoal\\.lua:${kept.split('\n').length}: .*"lisen".*"listen"`)
    process.kill(site.pid, 'SIGHUP')
    await site.when('the log says why', () => wrong.test(site.log))
    await sleep(300)
    assert.equal(site.server, server)
    assert.equal((await site.get('/config')).json.instance.name, 'After the reload')
    const { code, stderr } = await shoal('reload', site.folder)
    assert.equal(code, 1)
    assert.match(stderr, wrong)
    site.config = kept
    process.kill(site.pid, 'SIGHUP')
    await another(site, server)
  })

  test('a broken shoal.lua hurries nobody: an upload in the server of before ends in peace', async () => {
    const kept = site.config
    await site.when('one server is left', () => site.status.children.length === 1)
    const upload = slowUpload(site, file, token, channelId, 10000)
    await sleep(600)
    const { server } = site
    process.kill(site.pid, 'SIGHUP')
    await another(site, server)
    const wrongs = site.log.split('no reload:').length
    site.config = `${kept}lisen = {}\n`
    process.kill(site.pid, 'SIGHUP')
    await site.when('the log says why', () => site.log.split('no reload:').length > wrongs)
    site.config = kept
    const { status, text } = await upload
    assert.equal(status, 200, text)
  })

  test('an upgrade keeps the supervisor, its sockets and every request', async () => {
    const { pid, server } = site
    const visitors = crowd(site, 8)
    await sleep(200)
    assert.equal((await shoal('upgrade', site.folder)).code, 0)
    await another(site, server)
    await sleep(300)
    const { answers, wrong } = await visitors.stop()
    assert.deepEqual(wrong, [])
    assert.ok(answers > 50)
    assert.equal(site.status.pid, pid)
  })

  test('an upgrade while none serves: the next program tries again, as the last one would have', async () => {
    const kept = site.config
    await site.when('one server is left', () => site.status.children.length === 1)
    const { pid, server } = site
    site.config = `${kept}lisen = {}\n`
    process.kill(server, 'SIGKILL')
    await site.when('none is left', () => site.status.children.length === 0)
    process.kill(pid, 'SIGUSR2')
    await site.when('the next program is there', () => /upgrade: starting.*\n.*the server goes on as it was/s.test(site.log))
    site.config = kept
    await another(site, server)
    assert.equal(site.status.pid, pid)
    assert.equal((await site.raw({ path: '/health' })).status, 200)
  })

  test('SIGTERM lets an upload end, takes no new connection or order, and ends with 0', async () => {
    const upload = slowUpload(site, file, token, channelId, 2500)
    await sleep(600)
    process.kill(site.pid, 'SIGTERM')
    await site.when('no connection is taken', () => site.raw({ path: '/health', timeout: 1000 }).then(() => false, () => true))
    process.kill(site.pid, 'SIGHUP')
    process.kill(site.pid, 'SIGUSR2')
    const { status, text } = await upload
    assert.equal(status, 200, text)
    assert.deepEqual(await Promise.race([site.ended, sleep(30000, 'late', { ref: false })]), { code: 0, signal: null })
    await site.start()
    await site.published(JSON.parse(text).video.uuid)
  })
})

/** The value of a line of /proc/PID/status. */
const statusOf = (pid, name) => readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${name}:\\s*(.*)$`, 'm'))[1]

describe('started as root', { skip: process.getuid() !== 0 && 'needs root' }, () => {
  let site

  before(async () => { site = await startInstance() })
  after(() => site?.stop())

  test('supervisor, server and ffmpeg run as the owner of the folder, without root\'s rights', async () => {
    await site.upload(await clip('h264', { seconds: 8, size: '640x360' }))
    const children = pid => readdirSync('/proc').filter(name => /^\d+$/.test(name)).filter(name => {
      try { return Number(statusOf(name, 'PPid')) === pid } catch { return false }
    }).map(Number)
    const mine = await site.when('ffmpeg works', () => {
      const pids = [site.pid, ...children(site.pid)]
      const family = [...pids, ...pids.slice(1).flatMap(children)]
      return family.some(pid => { try { return statusOf(pid, 'Name') === 'ffmpeg' } catch { return false } }) && family
    })
    let seen = 0
    for (const pid of mine) {
      let uids, gids, rights
      try {
        uids = statusOf(pid, 'Uid').split('\t')
        gids = statusOf(pid, 'Gid').split('\t')
        rights = BigInt(`0x${statusOf(pid, 'CapEff')}`) | BigInt(`0x${statusOf(pid, 'CapPrm')}`)
      } catch { continue } // it ended meanwhile
      seen++
      assert.ok(!uids.includes('0'), `${pid} has the user ids ${uids}`)
      assert.ok(!gids.includes('0'), `${pid} has the group ids ${gids}`)
      assert.equal(rights & ~(1n << 10n), 0n, `${pid} has more than the right to low ports`)
    }
    assert.ok(seen >= 2)
  })

  test('a folder of root is refused', async () => {
    await site.kill()
    chownSync(site.folder, 0, 0)
    const { code, stderr, stdout } = await shoal('serve', site.folder)
    assert.equal(code, 1)
    assert.match(stderr + stdout, /belongs to root.*chown/s)
  })
})
