// verbs.test.mjs - each verb of the command line: exit codes, JSON, help, and sentences that help.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { program, shoal, startInstance } from '../kit/instance.mjs'
import { badFile, clip } from '../kit/media.mjs'

const verbs = ['init', 'check', 'serve', 'reload', 'upgrade', 'stop', 'doctor', 'version', 'user add', 'user password', 'user list',
  'plugin list', 'plugin new', 'plugin check', 'plugin test', 'plugin add', 'plugin remove', 'plugin clear', 'hooks', 'routes',
  'jobs list', 'jobs retry', 'jobs cancel', 'backup', 'restore']

/** Runs the program with bytes on its input. */
function withInput (input, ...args) {
  return new Promise(resolve => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', data => { stdout += data })
    child.stderr.on('data', data => { stderr += data })
    child.on('close', code => resolve({ code, stdout, stderr }))
    child.stdin.end(input)
  })
}

describe('help', () => {
  test('names every verb, and ends with 0', async () => {
    for (const ask of [['--help'], ['-h'], ['help']]) {
      const { code, stdout, stderr } = await shoal(...ask)
      assert.equal(code, 0)
      assert.equal(stderr, '')
      for (const verb of verbs) assert.ok(stdout.includes(`  ${verb} `), `the help does not name ${verb}`)
      assert.ok(!/^ {2}sql/m.test(stdout))
    }
  })

  for (const verb of verbs) {
    test(`shoal ${verb} --help`, async () => {
      const { code, stdout, stderr } = await shoal(...verb.split(' '), '--help')
      assert.equal(code, 0)
      assert.equal(stderr, '')
      assert.ok(stdout.startsWith(`shoal ${verb}`), stdout)
      assert.equal(stdout, (await shoal('help', ...verb.split(' '))).stdout)
    })
  }

  test('nothing, an unknown verb and an unknown option are wrong usage: 2', async () => {
    const none = await shoal()
    assert.equal(none.code, 2)
    assert.match(none.stderr, /shoal init DIR/)
    const verb = await shoal('frobnicate')
    assert.equal(verb.code, 2)
    assert.match(verb.stderr, /there is no verb frobnicate/)
    const option = await shoal('version', '--loud')
    assert.equal(option.code, 2)
    assert.match(option.stderr, /shoal version has no option --loud/)
    const words = await shoal('check')
    assert.equal(words.code, 2)
    assert.match(words.stderr, /shoal check needs DIR/)
    const many = await shoal('check', 'a', 'b')
    assert.equal(many.code, 2)
    assert.match(many.stderr, /does not know what to do with "b"/)
  })

  test('a group of verbs is explained', async () => {
    const { code, stdout } = await shoal('jobs', '--help')
    assert.equal(code, 0)
    for (const verb of ['jobs list', 'jobs retry', 'jobs cancel']) assert.ok(stdout.includes(verb))
  })
})

test('version says the same in words and in JSON', async () => {
  const words = await shoal('version')
  assert.equal(words.code, 0)
  const { version, sdk, abi } = JSON.parse((await shoal('version', '--json')).stdout)
  assert.match(words.stdout, /^shoal \d+\.\d+\.\d+/)
  assert.ok(words.stdout.includes(version) && words.stdout.includes(sdk))
  assert.ok(Array.isArray(abi) && abi.every(Number.isInteger))
  assert.equal((await shoal('--version')).stdout, `shoal ${version}\n`)
})

describe('init', () => {
  let home

  before(() => {
    home = mkdtempSync(join(tmpdir(), 'shoal-init-'))
    chmodSync(home, 0o755)
  })
  after(() => rmSync(home, { recursive: true, force: true }))

  test('asks nothing when all is given, and the folder is not for everybody', async () => {
    const folder = join(home, 'all')
    const { code, stdout } = await withInput('', 'init', folder, '--listen', '127.0.0.1:9321', '--url', 'https://videos.example.org', '--admin', 'chief', '--password', 'long enough')
    assert.equal(code, 0)
    assert.match(stdout, /https:\/\/videos\.example\.org/)
    assert.match(stdout, /chief/)
    assert.ok(!stdout.includes('long enough'), 'a password that was given is shown')
    assert.match(readFileSync(join(folder, 'shoal.lua'), 'utf8'), /url = "https:\/\/videos\.example\.org"/)
    for (const path of ['', 'shoal.lua', 'shoal.sqlite3']) assert.equal(statSync(join(folder, path)).mode & 0o007, 0, path)
    if (process.getuid() === 0) assert.notEqual(statSync(join(folder, 'shoal.sqlite3')).uid, 0)
    assert.equal((await shoal('check', folder)).code, 0)
  })

  test('makes a password when none is given, and shows it once', async () => {
    const folder = join(home, 'made')
    const { code, stdout } = await withInput('', 'init', folder)
    assert.equal(code, 0)
    assert.match(stdout, /password {3}[A-Za-z0-9]{20}\n/)
  })

  test('refuses what cannot be, and leaves nothing behind', async () => {
    const bad = join(home, 'bad')
    const address = await shoal('init', bad, '--listen', 'nowhere')
    assert.equal(address.code, 2)
    assert.match(address.stderr, /"nowhere" is no address to listen on/)
    const url = await shoal('init', bad, '--url', 'ftp://example.org', '--password', 'long enough')
    assert.equal(url.code, 2)
    assert.match(url.stderr, /^shoal: --url ftp:\/\/example\.org: .*must look like/m)
    const word = await shoal('init', bad, '--password', 'short')
    assert.equal(word.code, 2)
    assert.match(word.stderr, /at least 6 characters/)
    const name = await shoal('init', bad, '--admin', 'Not A Name', '--password', 'long enough')
    assert.equal(name.code, 2)
    const taken = await shoal('init', join(bad, 'deeper'), '--admin', 'peertube', '--password', 'long enough')
    assert.equal(taken.code, 2)
    assert.match(taken.stderr, /the name peertube is taken/)
    assert.ok(!existsSync(bad), 'an empty folder is left')
    assert.equal((await shoal('init', bad, '--password', 'long enough')).code, 0, 'a second attempt must work')
    const again = await shoal('init', bad)
    assert.equal(again.code, 1)
    assert.match(again.stderr, /is an instance already/)
  })

  test('a folder that holds other things is left alone', async () => {
    const other = join(home, 'other')
    mkdirSync(other)
    writeFileSync(join(other, 'letters'), 'mine')
    const before = statSync(other)
    const { code, stderr } = await shoal('init', other, '--password', 'long enough')
    assert.equal(code, 1)
    assert.match(stderr, /is not empty \(letters is in it\)/)
    assert.deepEqual(readdirSync(other), ['letters'])
    assert.deepEqual([statSync(other).uid, statSync(other).mode], [before.uid, before.mode])
  })

  test('in a place that the server could not reach nothing is left', { skip: process.getuid() !== 0 }, async () => {
    const closed = join(home, 'closed')
    mkdirSync(closed, { mode: 0o700 })
    const { code, stderr } = await shoal('init', join(closed, 'a/b'), '--password', 'long enough')
    assert.equal(code, 1)
    assert.match(stderr, /cannot reach .*Permission denied/)
    assert.deepEqual(readdirSync(closed), [])
    // What was prepared there stays, and stays whose it was.
    mkdirSync(join(closed, 'prepared/media'), { recursive: true })
    assert.equal((await shoal('init', join(closed, 'prepared'), '--password', 'long enough')).code, 1)
    assert.deepEqual(readdirSync(join(closed, 'prepared')), ['media'])
    assert.equal(statSync(join(closed, 'prepared')).uid, 0)
  })

  test('made below folders that are not there yet', async () => {
    const { code, stderr } = await shoal('init', join(home, 'new/below'), '--password', 'long enough')
    assert.equal(code, 0, stderr)
    assert.equal((await shoal('check', join(home, 'new/below'))).code, 0)
  })

  test('tells a script what it made', async () => {
    const folder = join(home, 'told')
    const { code, stdout } = await withInput('', 'init', folder, '--listen', '0.0.0.0:9322', '--json')
    assert.equal(code, 0)
    const told = JSON.parse(stdout)
    assert.deepEqual({ ...told, password: '', owner: '' }, { folder, address: 'http://localhost:9322', name: 'root', password: '', owner: '' })
    assert.match(told.password, /^[A-Za-z0-9]{20}$/)
  })
})

test('a mistyped verb is guessed, a wrong second word named, and the verb that failed explained', async () => {
  for (const [args, pattern] of [
    [['sevre', 'x'], /there is no verb sevre; did you mean serve\?/],
    [['jobs', 'lits', 'x'], /there is no verb jobs lits\nshoal jobs list DIR/],
    [['user', 'add'], /shoal user add needs DIR NAME\nshoal user add --help says more/]
  ]) {
    const { code, stdout, stderr } = await shoal(...args)
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.match(stderr, pattern)
  }
})

test('where there is no instance, each verb says so, and what to do', async () => {
  const home = mkdtempSync(join(tmpdir(), 'shoal-nowhere-'))
  const places = { none: /there is no instance at \S+ \(nor a folder\); `shoal init/, empty: /\(no shoal\.lua is in it\); `shoal init/, file: /is not a folder: an instance is named by the folder/ }
  mkdirSync(join(home, 'empty'))
  writeFileSync(join(home, 'file'), '')
  const lines = ['check', 'serve', 'reload', 'upgrade', 'stop', 'doctor', 'user add DIR somebody', 'user password DIR somebody', 'user list', 'plugin list',
    'plugin clear DIR xy', 'plugin remove DIR xy', 'hooks', 'routes', 'jobs list', 'jobs retry DIR 1', 'jobs cancel DIR 1', 'backup DIR copy', 'held list', 'federation status', 'seed-token']
  try {
    for (const [name, pattern] of Object.entries(places)) {
      const folder = join(home, name)
      for (const line of lines) {
        const words = (line.includes('DIR') ? line : `${line} DIR`).replace('DIR', folder).replace(' copy', ` ${join(home, 'copy')}`)
        const { code, stdout, stderr } = await shoal(...words.split(' '))
        assert.ok([1, 3].includes(code), `${line}: ${code}`)
        assert.match(stdout + stderr, pattern, line)
      }
      const other = await shoal('nobodys', 'list', folder)
      assert.equal(other.code, 2)
      assert.match(other.stderr, /there is no verb nobodys; if it is one of a plugin: /)
      assert.match(other.stderr, pattern)
      for (const verb of ['check', 'test']) assert.match((await shoal('plugin', verb, folder)).stderr, name === 'file' ? /Not a directory/ : /there is no plugin at .*plugin new/)
    }
    assert.deepEqual(readdirSync(home).sort(), ['empty', 'file'])
    assert.deepEqual(readdirSync(join(home, 'empty')), [])
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})

test('a verb of a plugin without a folder says what is missing', async () => {
  for (const [words, pattern] of [
    [['held'], /needed for plugin held; .*shoal held VERB DIR/],
    [['held', 'list'], /needed for plugin held; .*shoal held list DIR/],
    [['nobodys', 'list'], /there is no verb nobodys; .*shoal nobodys VERB DIR/]
  ]) {
    const { code, stderr } = await shoal(...words)
    assert.equal(code, 2)
    assert.match(stderr, pattern)
  }
})

describe('an instance', () => {
  let site

  before(async () => { site = await startInstance() })
  after(() => site?.stop())

  test('a wrong --set is named, not a line of the file, and nothing is served', async () => {
    for (const [set, pattern] of [
      ['api.chunk_mxa=1', /--set api\.chunk_mxa: plugin api has no setting "chunk_mxa"; did you mean "chunk_max"\?/],
      ['api.chunk_max=soon', /--set api\.chunk_max: plugin api: /],
      ['htpp.rate.api=1/1s', /--set htpp\.rate\.api: there is no such key and no such plugin/],
      ['url=nowhere', /--set url: .*must look like/],
      ['nonsense', /--set nonsense: it must look like PLUGIN\.KEY=VALUE/]
    ]) {
      const { code, stderr } = await shoal('serve', site.folder, '--set', set)
      assert.equal(code, 2, stderr)
      assert.match(stderr, pattern)
      assert.doesNotMatch(stderr, /shoal\.lua:/)
    }
  })

  describe('check', () => {
    const wrong = async (text, pattern) => {
      const kept = site.config
      try {
        site.config = text(kept)
        const { code, stderr, stdout } = await shoal('check', site.folder)
        assert.equal(code, 3, stdout)
        assert.match(stderr + stdout, pattern)
        const json = await shoal('check', site.folder, '--json')
        assert.equal(json.code, 3)
        const told = JSON.parse(json.stdout)
        assert.match(JSON.stringify([told.problem, ...told.plugins.map(row => row.problem)]).replaceAll('\\"', '"'), pattern)
      } finally {
        site.config = kept
      }
    }
    const lineOf = text => text.split('\n').length // of what is added behind it

    test('is content with what init wrote', async () => {
      const { code, stdout } = await shoal('check', site.folder)
      assert.equal(code, 0)
      assert.match(stdout, /The configuration is fine/)
      const json = JSON.parse((await shoal('check', site.folder, '--json')).stdout)
      assert.equal(json.problem, null)
      assert.deepEqual(json.plugins.map(row => row.problem), json.plugins.map(() => null))
    })
    test('an unknown key: file, line and the nearest key', () =>
      wrong(text => `${text}lisen = {}\n`, new RegExp(`shoal\\.lua:${lineOf(site.config)}: .*"lisen".*"listen"`)))
    test('an unknown key in a table', () =>
      wrong(text => `${text}instance = {\n  nam = "x" }\n`, new RegExp(`shoal\\.lua:${lineOf(site.config) + 1}: .*nam.*name`)))
    test('a type that does not fit', () =>
      wrong(text => `${text}signup = { enabled = "maybe" }\n`, new RegExp(`shoal\\.lua:${lineOf(site.config)}: .*signup\\.enabled`)))
    test('a syntax error', () => wrong(text => `${text}url = = "x"\n`, /shoal\.lua:\d+: /))
    test('a program in place of a configuration', () => wrong(text => `${text}os.execute("true")\n`, /shoal\.lua:\d+: .*os/))
    test('an endless configuration', () => wrong(text => `${text}while true do end\n`, /shoal\.lua/))
    test('an unknown option of a plugin', () =>
      wrong(text => text.replace('\n  "web",', '\n  { "web", them = "default" },'), /them.*theme/))
    test('a plugin that is not there', () => wrong(text => text.replace('\n  "web",', '\n  "web", "wbe",'), /wbe/))
    test('a folder without an instance', async () => {
      const { code, stderr } = await shoal('check', site.home)
      assert.equal(code, 3)
      assert.match(stderr, /shoal\.lua/)
      assert.equal((await shoal('check', join(site.home, 'nothing'))).code, 3)
    })
  })

  describe('people', () => {
    test('user add makes somebody who can log in', async () => {
      const { code, stdout } = await shoal('user', 'add', site.folder, 'berta', '--password', 'secret word', '--role', 'moderator', '--email', 'berta@example.org')
      assert.equal(code, 0)
      assert.match(stdout, /berta_channel/)
      assert.equal((await site.logIn('berta', 'secret word')).status, 200)
      const me = (await site.get('/users/me', { token: await site.token('berta', 'secret word') })).json
      assert.equal(me.role.id, 1)
      assert.equal(me.email, 'berta@example.org')
      assert.equal(me.videoChannels[0].name, 'berta_channel')
    })
    test('a password comes from the input too', async () => {
      assert.equal((await withInput('from the pipe\n', 'user', 'add', site.folder, 'carl')).code, 0)
      assert.equal((await site.logIn('carl', 'from the pipe')).status, 200)
      const { code, stderr } = await withInput('', 'user', 'add', site.folder, 'dora')
      assert.equal(code, 2)
      assert.match(stderr, /a password is needed/)
    })
    test('what cannot be added', async () => {
      for (const [name, pattern] of [['berta', /berta|exists|taken/i], ['peertube', /instance's own/], ['Not Valid', /name/i]]) {
        const { code, stderr } = await shoal('user', 'add', site.folder, name, '--password', 'secret word')
        assert.equal(code, 1, name)
        assert.match(stderr, pattern)
      }
      assert.equal((await shoal('user', 'add', site.folder, 'emil', '--password', 'secret word', '--role', 'king')).code, 2)
    })
    test('user password sets another, and ends the sessions of the old one', async () => {
      const old = (await site.logIn('berta', 'secret word')).json.access_token
      assert.equal((await shoal('user', 'password', site.folder, 'berta', '--password', 'other word')).code, 0)
      assert.equal((await site.logIn('berta', 'secret word')).status, 400)
      assert.equal((await site.logIn('berta', 'other word')).status, 200)
      assert.equal((await site.get('/users/me', { token: old })).status, 401)
      const { code, stderr } = await shoal('user', 'password', site.folder, 'nobody_here', '--password', 'other word')
      assert.equal(code, 1)
      assert.match(stderr, /there is no user nobody_here/)
    })
    test('user list, in columns and in JSON', async () => {
      const { code, stdout } = await shoal('user', 'list', site.folder)
      assert.equal(code, 0)
      for (const name of ['root', 'berta', 'carl']) assert.ok(stdout.includes(name))
      const rows = JSON.parse((await shoal('user', 'list', site.folder, '--json')).stdout)
      assert.deepEqual(rows.map(row => row.username).sort(), ['berta', 'carl', 'root'])
      assert.ok(!/password/i.test(JSON.stringify(rows)))
    })
  })

  describe('looking inside', () => {
    test('routes are those that answer, with their plugin', async () => {
      const rows = JSON.parse((await shoal('routes', site.folder, '--json')).stdout)
      const find = path => rows.find(row => row.path === path)
      assert.equal(find('/health').plugin, 'core')
      assert.equal(find('/api/v1/users/token').plugin, 'api')
      assert.ok(rows.some(row => row.plugin === 'media') && rows.some(row => row.plugin === 'web'))
      const only = JSON.parse((await shoal('routes', site.folder, '--plugin', 'media', '--json')).stdout)
      assert.ok(only.length > 0 && only.every(row => row.plugin === 'media'))
      assert.match((await shoal('routes', site.folder)).stdout, /^method +path +auth +produces +plugin\n/)
    })
    test('hooks are listed', async () => {
      const { code, stdout } = await shoal('hooks', site.folder, '--json')
      assert.equal(code, 0)
      assert.ok(Array.isArray(JSON.parse(stdout)))
      assert.match((await shoal('hooks', site.folder)).stdout, /^hook +kind +priority +plugin\n/)
    })
    test('plugin list', async () => {
      const rows = JSON.parse((await shoal('plugin', 'list', site.folder, '--json')).stdout)
      const starter = JSON.parse(readFileSync(join(import.meta.dirname, '../../plugins/starter.json'), 'utf8'))
      assert.deepEqual(rows.map(row => row.name).sort(), starter.sort())
      assert.ok(rows.every(row => row.state === 'running' && row.shipped === true))
      assert.match((await shoal('plugin', 'list', site.folder)).stdout, /^name +version +state +language +shipped +why\n/)
    })
  })

  describe('jobs', () => {
    const jobs = async (...args) => JSON.parse((await shoal('jobs', 'list', site.folder, '--json', ...args)).stdout)

    test('a job that runs is listed and cancelled', async () => {
      await site.upload(await clip('h264', { seconds: 20, size: '854x480' }), { name: 'To be given up' })
      const job = await site.when('a transcode runs', async () => (await jobs('--state', 'active')).find(row => /transcode/.test(row.kind)))
      const { code, stdout } = await shoal('jobs', 'cancel', site.folder, String(job.id))
      assert.equal(code, 0)
      assert.match(stdout, new RegExp(`Job ${job.id} is cancelled`))
      await site.when('it is cancelled', async () => (await jobs('--state', 'cancelled')).some(row => row.id === job.id))
      assert.match((await shoal('jobs', 'list', site.folder, '--state', 'cancelled')).stdout, new RegExp(`^${job.id} +.*cancelled`, 'm'))
    })
    test('retry and cancel of what cannot be are refused in a sentence', async () => {
      for (const verb of ['retry', 'cancel']) {
        const none = await shoal('jobs', verb, site.folder, '999999')
        assert.equal(none.code, 1)
        assert.match(none.stderr, /999999|no.* job/)
        const word = await shoal('jobs', verb, site.folder, 'first')
        assert.equal(word.code, 2)
        assert.match(word.stderr, /first is not the number of a job/)
      }
      const state = await shoal('jobs', 'list', site.folder, '--state', 'odd')
      assert.notEqual(state.code, 0)
      assert.match(state.stderr, /waiting, active, parked, done or cancelled/)
    })
    test('what was cancelled is tried again and done', async () => {
      const given = (await jobs('--state', 'cancelled')).find(row => /transcode/.test(row.kind))
      const { code, stdout, stderr } = await shoal('jobs', 'retry', site.folder, String(given.id))
      assert.equal(code, 0, stderr)
      assert.match(stdout, new RegExp(`Job ${given.id} will be tried again`))
      await site.when('it is done', async () => (await jobs('--state', 'done')).some(row => row.id === given.id), 90000)
      const { data } = (await site.get('/videos')).json
      const listed = data.find(video => video.name === 'To be given up')
      assert.ok(listed, 'it is not in the list')
      assert.equal((await site.get(`/videos/${listed.uuid}`)).json.state.id, 1)
      const again = await shoal('jobs', 'retry', site.folder, String(given.id))
      assert.equal(again.code, 1)
      assert.match(again.stderr, new RegExp(String(given.id)))
    })
  })

  test('a verb on an instance that is not there ends with 1 and names the folder', async () => {
    for (const verb of [['doctor'], ['user', 'list'], ['plugin', 'list'], ['hooks'], ['routes'], ['jobs', 'list'], ['serve'], ['reload'], ['stop']]) {
      const { code, stderr, stdout } = await shoal(...verb, join(site.home, 'nothing'))
      assert.equal(code, verb[0] === 'doctor' ? 3 : 1, verb.join(' '))
      assert.match(stderr + stdout, /nothing/)
    }
  })

  test('serve refuses a folder that is served, and names the process', async () => {
    const { code, stderr, stdout } = await shoal('serve', site.folder)
    assert.equal(code, 1)
    assert.match(stderr + stdout, new RegExp(`\\b${site.pid}\\b`))
  })

  test('serve refuses a port that somebody holds, in a sentence', async () => {
    const { code, stderr, stdout } = await shoal('init', join(site.home, 'second'), '--listen', `127.0.0.1:${site.port}`, '--password', 'long enough')
    assert.equal(code, 0, stderr + stdout)
    const serve = await shoal('serve', join(site.home, 'second'))
    assert.equal(serve.code, 1)
    assert.match(serve.stderr + serve.stdout, new RegExp(`${site.port}.*(use|taken|holds)`, 'i'))
  })

  test('stop ends the server, and then there is none', async () => {
    assert.equal((await shoal('stop', site.folder)).code, 0)
    assert.deepEqual(await site.ended, { code: 0, signal: null })
    const { code, stderr } = await shoal('stop', site.folder)
    assert.equal(code, 1)
    assert.match(stderr, /no server|does not run|not running|nobody serves/i)
    await site.start()
  })

  test('a bad file leaves no parked job', async () => {
    const answer = await site.send(await badFile('text'), { videofile: undefined })
    assert.notEqual(answer.status, 200)
    assert.deepEqual(JSON.parse((await shoal('jobs', 'list', site.folder, '--state', 'parked', '--json')).stdout), [])
  })
})
