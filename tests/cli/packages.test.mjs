// packages.test.mjs - plugins come as packages of strangers: checked, shown, unpacked, and not loaded.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'

import { program, shoal, startInstance } from '../kit/instance.mjs'
import { archive, pinOf, sha256, withPlugins } from '../kit/plugins.mjs'

const code_ = 'local shoal = require "shoal"\nshoal.route { path = "/parcel", handler = function(request) request:json(200, { from = "a package" }) end }\n'
const manifest = JSON.stringify({ name: 'parcel', version: '1.2.0', summary: 'Comes in a package', licence: 'MIT', sdk: '>=1.0.0 <2.0.0', language: 'lua', permissions: ['routes:/parcel'] })
const good = [
  { name: 'parcel/', type: '5' },
  { name: 'parcel/plugin.json', data: manifest },
  { name: 'parcel/parcel.lua', data: code_ },
  { name: 'parcel/locales/en.json', data: '{}' }
]

describe('plugin packages', () => {
  let site, plugins, outside

  before(async () => {
    site = await startInstance()
    plugins = join(site.folder, 'plugins')
    outside = join(site.home, 'package')
  })
  after(() => site?.stop())

  const write = (entries, name = 'parcel.tar.gz') => {
    const path = join(site.home, name)
    const bytes = Buffer.isBuffer(entries) ? entries : archive(entries)
    writeFileSync(path, bytes)
    return { path, pin: sha256(bytes), bytes }
  }
  const add = (entries, ...options) => {
    const { path, pin } = write(entries)
    return shoal('plugin', 'add', site.folder, path, ...(options.length ? options : ['--sha256', pin]))
  }
  /** Refused with a sentence, and nothing is left of it anywhere. */
  const isRefused = async (answer, pattern, exit = 1) => {
    const { code, stderr } = await answer
    assert.equal(code, exit, stderr)
    assert.match(stderr, pattern)
    assert.deepEqual(readdirSync(plugins), [])
    assert.ok(!existsSync(outside))
    assert.ok(!existsSync(join(site.folder, 'evil')) && !existsSync(join(site.home, 'evil')) && !existsSync(join(tmpdir(), 'shoal-evil')))
  }

  test('without a pin or a signature nothing is taken', async () => {
    const { path } = write(good)
    await isRefused(shoal('plugin', 'add', site.folder, path), /needs --sha256 PIN, or --key KEY and --signature FILE/, 2)
  })
  test('a wrong pin', () => isRefused(add(good, '--sha256', 'ab'.repeat(32)), /not the package that the pin means: its SHA-256 is [0-9a-f]{64}/))
  test('a pin that is none', () => isRefused(add(good, '--sha256', 'abc'), /64 hexadecimal digits/))
  test('a package that is not there', async () => {
    await isRefused(shoal('plugin', 'add', site.folder, join(site.home, 'none.tar.gz'), '--sha256', 'ab'.repeat(32)), /none\.tar\.gz/)
  })

  for (const [what, entries, pattern] of [
    ['a name that climbs', [...good, { name: 'parcel/../../../evil', data: 'x' }], /a path that is not allowed/],
    ['a name that climbs at once', [{ name: '../evil', data: 'x' }], /not allowed/],
    ['an absolute name', [...good, { name: '/tmp/shoal-evil', data: 'x' }], /not allowed/],
    ['a symbolic link', [...good, { name: 'parcel/evil', type: '2', link: '/etc/passwd' }], /link or a device/],
    ['a symbolic link that is a folder, and a file through it', [...good, { name: 'parcel/out', type: '2', link: '../..' }, { name: 'parcel/out/evil', data: 'x' }], /link or a device/],
    ['a hard link', [...good, { name: 'parcel/evil', type: '1', link: 'parcel/plugin.json' }], /link or a device/],
    ['a device', [...good, { name: 'parcel/null', type: '3' }], /link or a device/],
    ['something beside its folder', [...good, { name: 'evil/file', data: 'x' }], /one folder/],
    ['a file twice', [...good, { name: 'parcel/parcel.lua', data: 'x' }], /twice/],
    ['a long name of GNU tar', [{ name: '././@LongLink', type: 'L', data: 'parcel/../../evil\0' }, ...good], /not allowed|link or a device/],
    ['no manifest', good.filter(({ name }) => !name.endsWith('.json')), /plugin\.json/],
    ['a manifest of another name', [{ name: 'parcel/', type: '5' }, { name: 'parcel/plugin.json', data: manifest.replace('"parcel"', '"other"') }, good[2]], /other|parcel/],
    ['a permission that does not exist', [good[0], { name: 'parcel/plugin.json', data: manifest.replace('routes:/parcel', 'everything') }, good[2]], /everything/],
    ['nothing', [], /empty/],
    ['no archive at all', Buffer.from('this is a text'), /damaged, or no \.tar\.gz/],
    ['half an archive', archive(good).subarray(0, 120), /damaged|ends too early|no \.tar\.gz/],
    ['a bomb', gzipSync(Buffer.concat([gzipHead(), Buffer.alloc(1 << 20)])), /damaged|ends too early|MiB/]
  ]) {
    test(`refused: ${what}`, () => isRefused(add(entries), pattern))
  }

  test('a signature of another key, and of another package', async () => {
    const key = generateKeyPairSync('ed25519')
    const other = generateKeyPairSync('ed25519')
    const hex = pair => pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
    const { path, bytes } = write(good)
    const signature = join(site.home, 'parcel.sig')
    writeFileSync(signature, sign(null, bytes, other.privateKey).toString('base64'))
    await isRefused(shoal('plugin', 'add', site.folder, path, '--key', hex(key), '--signature', signature), /does not fit/)
    writeFileSync(signature, sign(null, Buffer.concat([bytes, Buffer.from('x')]), key.privateKey).toString('base64'))
    await isRefused(shoal('plugin', 'add', site.folder, path, '--key', hex(key), '--signature', signature), /does not fit/)
    writeFileSync(signature, sign(null, bytes, key.privateKey).toString('base64'))
    const { code, stdout, stderr } = await shoal('plugin', 'add', site.folder, path, '--key', hex(key), '--signature', signature)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /parcel 1\.2\.0/)
    assert.equal((await shoal('plugin', 'remove', site.folder, 'parcel')).code, 0)
    assert.deepEqual(readdirSync(plugins), [])
  })

  test('a good one is unpacked, its permissions and its line are shown, and it is not loaded', async () => {
    const { code, stdout, stderr } = await add(good)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /parcel 1\.2\.0: Comes in a package/)
    assert.match(stdout, /answers requests below \/parcel/)
    assert.deepEqual(readdirSync(join(plugins, 'parcel')).sort(), ['locales', 'parcel.lua', 'plugin.json'])
    assert.equal(readFileSync(join(plugins, 'parcel/parcel.lua'), 'utf8'), code_)
    assert.equal(statSync(join(plugins, 'parcel/parcel.lua')).uid, statSync(site.folder).uid)
    assert.ok(!site.config.includes('parcel'))
    assert.equal((await site.raw({ path: '/parcel' })).status, 404)

    const line = stdout.match(/^ {2}(\{ "parcel", sha256 = "[0-9a-f]{64}" \}),$/m)[1]
    site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', line])
    assert.equal((await shoal('reload', site.folder)).code, 0)
    await site.when('it answers', async () => (await site.raw({ path: '/parcel' })).json?.from === 'a package')
  })

  test('one in use is not removed; taken out of the file it is', async () => {
    const used = await shoal('plugin', 'remove', site.folder, 'parcel')
    assert.equal(used.code, 1)
    assert.match(used.stderr, /parcel is in use: take it out of shoal\.lua \(line \d+\)/)
    site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web'])
    assert.equal((await shoal('reload', site.folder)).code, 0)
    const gone = await shoal('plugin', 'remove', site.folder, 'parcel')
    assert.equal(gone.code, 0, gone.stderr)
    assert.deepEqual(readdirSync(plugins), [])
    const none = await shoal('plugin', 'remove', site.folder, 'parcel')
    assert.equal(none.code, 1)
    assert.match(none.stderr, /there is no plugin parcel/)
    for (const name of ['..', '../media', '/etc', '.']) assert.equal((await shoal('plugin', 'remove', site.folder, name)).code, 2, name)
    await site.when('its route is gone', async () => (await site.raw({ path: '/parcel' })).status === 404)
  })

  const signer = generateKeyPairSync('ed25519')
  const signedLine = () => {
    const signature = sign(null, Buffer.from(pinOf(join(plugins, 'parcel'))), signer.privateKey).toString('hex')
    const key = signer.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')
    return `{ "parcel", signature = "${signature}", key = "${key}" }`
  }
  for (const [how, lineOf, pattern] of [
    ['pinned', answer => `{ "parcel", sha256 = "${answer.sha256}" }`, /shoal\.lua pins [0-9a-f]{64} and its files have/],
    ['signed', signedLine, /its files are not what the key in shoal\.lua signed/]
  ]) {
    test(`what changed in any file after it was ${how} is left out`, async () => {
      const { stdout } = await add(good, '--sha256', write(good).pin, '--json')
      const answer = JSON.parse(stdout)
      assert.deepEqual([answer.name, answer.permissions], ['parcel', ['routes:/parcel']])
      site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', lineOf(answer)])
      assert.equal((await shoal('check', site.folder)).code, 0)
      for (const path of ['parcel.lua', 'plugin.json', 'locales/en.json', 'migrations/001_new.sql']) {
        const file = join(plugins, 'parcel', path)
        const kept = existsSync(file) ? readFileSync(file) : null
        mkdirSync(dirname(file), { recursive: true })
        writeFileSync(file, Buffer.concat([kept ?? Buffer.from(''), Buffer.from('\n')]))
        const { code, stdout: told } = await shoal('check', site.folder)
        assert.equal(code, 3, path)
        assert.match(told, /^BAD +parcel$/m)
        assert.match(told, pattern)
        if (kept) writeFileSync(file, kept)
        else rmSync(file)
      }
      assert.equal((await shoal('check', site.folder)).code, 0)
      site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web'])
      assert.equal((await shoal('plugin', 'remove', site.folder, 'parcel')).code, 0)
    })
  }

  test('--dev is for who writes one: it starts all the same, with a warning', async () => {
    await site.kill()
    await add(good)
    site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', '"parcel"'].map(name => name.replaceAll('"', '')))
    const child = spawn(program, ['serve', site.folder, '--dev'], { stdio: ['ignore', 'pipe', 'pipe'] })
    let log = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', data => { log += data })
    try {
      await site.when('it answers', async () => (await site.raw({ path: '/parcel' }).catch(() => null))?.status === 200)
      assert.match(log, /is not pinned: .*it starts all the same: --dev/)
    } finally {
      child.kill()
      await new Promise(resolve => child.once('close', resolve))
    }
    await site.start()
    assert.equal((await site.raw({ path: '/parcel' })).status, 404)
    site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web'])
    assert.equal((await shoal('plugin', 'remove', site.folder, 'parcel')).code, 0)
  })
})

/** The head of a tar entry that promises far more than comes. */
function gzipHead () {
  const head = Buffer.alloc(512)
  head.write('parcel/plugin.json', 0)
  head.write('77777777777\0', 124)
  head.write('ustar\x0000', 257)
  head.write('0', 156)
  head.write('        ', 148)
  head.write([...head].reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0') + '\0 ', 148)
  return head
}

describe('plugin new and check', () => {
  let home

  before(() => {
    home = mkdtempSync(join(tmpdir(), 'shoal-new-'))
    chmodSync(home, 0o755)
  })
  after(() => rmSync(home, { recursive: true, force: true }))

  for (const language of ['lua', 'c']) {
    test(`a plugin in ${language} is begun, is fine, and is not begun twice`, async () => {
      const { code, stderr } = await shoal('plugin', 'new', `fresh_${language}`, `--${language}`, '--in', home)
      assert.equal(code, 0, stderr)
      const folder = join(home, `fresh_${language}`)
      const written = JSON.parse(readFileSync(join(folder, 'plugin.json'), 'utf8'))
      assert.equal(written.name, `fresh_${language}`)
      assert.equal(written.language, language)
      assert.ok(existsSync(join(folder, `fresh_${language}.${language}`)))
      assert.ok(!readFileSync(join(folder, `fresh_${language}.${language}`), 'utf8').includes('@NAME@'))
      if (language === 'c') {
        const unbuilt = await shoal('plugin', 'check', folder)
        assert.equal(unbuilt.code, 3)
        assert.match(unbuilt.stderr, /fresh_c is not built: there is no fresh_c\.so/)
        writeFileSync(join(folder, 'fresh_c.so'), 'as if it had been built')
      }
      const checked = await shoal('plugin', 'check', folder)
      assert.equal(checked.code, 0, checked.stderr)
      const json = JSON.parse((await shoal('plugin', 'check', folder, '--json')).stdout)
      assert.deepEqual([json.problem, json.name, json.language, json.permissions], [null, `fresh_${language}`, language, []])
      assert.equal(json.sha256, pinOf(folder))
      assert.ok(checked.stdout.includes(`sha256 = "${json.sha256}"`))
      assert.match(checked.stdout, new RegExp(`fresh_${language} 0\\.1\\.0 is fine`))
      const again = await shoal('plugin', 'new', `fresh_${language}`, `--${language}`, '--in', home)
      assert.equal(again.code, 1)
      assert.match(again.stderr, /fresh_/)
    })
  }

  test('a new one in Lua passes its own test', async () => {
    const { code, stdout, stderr } = await shoal('plugin', 'test', join(home, 'fresh_lua'))
    assert.equal(code, 0, stdout + stderr)
  })

  test('a name that cannot be one is refused', async () => {
    for (const name of ['Big', '1st', 'a b', '../up', '']) {
      const { code, stderr } = await shoal('plugin', 'new', name, '--in', home)
      assert.ok(code === 1 || code === 2, name)
      assert.match(stderr, /name/i)
    }
    assert.deepEqual(readdirSync(home).sort(), ['fresh_c', 'fresh_lua'])
  })

  test('check ends with 3 and says what is wrong with a manifest', async () => {
    const file = join(home, 'fresh_lua/plugin.json')
    const kept = readFileSync(file, 'utf8')
    for (const [text, pattern] of [
      [kept.replace('"licence"', '"licnce"'), /licnce.*licence/],
      [kept.replace('>=1.0.0 <2.0.0', '>=9.0.0'), />=9\.0\.0/],
      [kept.replace('"lua"', '"cobol"'), /cobol|language/],
      [kept.slice(0, -5), /plugin\.json/]
    ]) {
      writeFileSync(file, text)
      const { code, stderr } = await shoal('plugin', 'check', join(home, 'fresh_lua'))
      assert.equal(code, 3, stderr)
      assert.match(stderr, pattern)
      const json = await shoal('plugin', 'check', join(home, 'fresh_lua'), '--json')
      assert.equal(json.code, 3)
      assert.match(JSON.parse(json.stdout).problem, pattern)
    }
    writeFileSync(file, kept)
  })
})
