// plugins.mjs - plugins made on the spot, put into an instance as an administrator would.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

export const sha256 = bytes => createHash('sha256').update(bytes).digest('hex')

/** Compiles C source to a shared object, against the SDK's headers alone. */
export function compile (source, path, flags = []) {
  const work = mkdtempSync(join(tmpdir(), 'shoal-plugin-'))
  try {
    writeFileSync(join(work, 'plugin.c'), source)
    execFileSync('gcc', ['-std=gnu17', '-shared', '-fPIC', '-g', '-O1', '-fvisibility=hidden', ...flags, '-I', join(root, 'sdk/include'), join(work, 'plugin.c'), '-o', path], { stdio: 'pipe' })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  chmodSync(path, 0o644)
}

/**
 * Writes a plugin into a folder of plugins: c or lua is its source, files {path: text} what else it has.
 * Returns its pin.
 */
export function writePlugin (plugins, name, { c, lua, manifest = {}, files = {}, flags } = {}) {
  const folder = join(plugins, name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const whole = { name, version: '1.0.0', summary: 'A plugin of the tests', licence: 'MIT', sdk: '>=1.0.0 <2.0.0', language: c === undefined ? 'lua' : 'c', ...manifest }
  writeFileSync(join(folder, 'plugin.json'), JSON.stringify(whole))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const code = join(folder, c === undefined ? `${name}.lua` : `${name}.so`)
  if (c === undefined) writeFileSync(code, lua)
  else compile(c, code, flags)
  return pinOf(folder)
}

/** The pin of a plugin's folder: its files but the hidden ones, by path. */
export function pinOf (folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .filter(path => !path.split('/').some(part => part.startsWith('.')))
  const lines = files.map(path => [Buffer.from(path), `${sha256(readFileSync(join(folder, path)))}  ${path}\n`])
  return sha256(lines.sort(([a], [b]) => Buffer.compare(a, b)).map(([, text]) => text).join(''))
}

/** The line of shoal.lua for a plugin with a pin and options (Lua text). */
export const line = (name, pin, options = '') => `{ "${name}", sha256 = "${pin}"${options && `, ${options}`} }`

/** Replaces the list of plugins in a shoal.lua. items: names, or lines as line() makes them. */
export function withPlugins (config, items) {
  const list = items.map(item => `  ${item.startsWith('{') ? item : JSON.stringify(item)},\n`).join('')
  return config.replace(/^plugins = \{\n[\s\S]*?^\}\n/m, `plugins = {\n${list}}\n`)
}

/** A tar header and its data. type: '0' file, '5' folder, '2' symbolic link, '1' hard link. */
function entry ({ name, data = '', type = '0', link = '' }) {
  const bytes = Buffer.from(data)
  const head = Buffer.alloc(512)
  head.write(name, 0, 100)
  head.write('0000644\0', 100)
  head.write('0000000\0', 108)
  head.write('0000000\0', 116)
  head.write(bytes.length.toString(8).padStart(11, '0') + '\0', 124)
  head.write('00000000000\0', 136)
  head.write('        ', 148)
  head.write(type, 156)
  head.write(link, 157, 100)
  head.write('ustar\x0000', 257)
  head.write([...head].reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0') + '\0 ', 148)
  return Buffer.concat([head, bytes, Buffer.alloc((512 - bytes.length % 512) % 512)])
}

/** A .tar.gz of entries, with names that no packer would write. */
export const archive = entries => gzipSync(Buffer.concat([...entries.map(entry), Buffer.alloc(1024)]))
