// hardening.test.mjs - what the release was built with, read from its files.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { build, program } from '../kit/instance.mjs'

const read = (option, path) => execFileSync('readelf', ['-W', option, path], { encoding: 'utf8', maxBuffer: 1 << 26 })
const objects = readdirSync(join(build, 'plugins'), { withFileTypes: true }).filter(entry => entry.isDirectory())
  .map(({ name }) => join(build, 'plugins', name, `${name}.so`))

for (const path of [program, ...objects]) {
  test(path.slice(build.length + 1), () => {
    const segments = read('-l', path)
    assert.match(read('-h', path), /Type:\s+DYN/, 'its place is random')
    assert.match(segments, /GNU_RELRO/)
    assert.match(segments, /GNU_STACK\s.*\sRW\s/, 'the stack is not executable')
    assert.doesNotMatch(segments, /LOAD.*\sRWE\s/, 'nothing is both written and executed')
    assert.match(read('-d', path), /BIND_NOW|FLAGS.*NOW/, 'tables are filled at the start and then read-only')
    // A small plugin may have no buffer to check: for those the way that they were compiled has to do.
    if (path === program) {
      const symbols = read('--dyn-syms', path)
      assert.match(symbols, /__stack_chk_fail/)
      assert.match(symbols, /__\w+_chk\b/, 'calls that know their buffer check it')
    }
  })
}

test('each file is compiled with guarded stacks and checked buffers', () => {
  const commands = JSON.parse(readFileSync(join(build, 'compile_commands.json'), 'utf8'))
  const ours = commands.filter(({ file }) => /\/(core|plugins)\/.*\.c$/.test(file))
  assert.ok(ours.length > 300, `${ours.length}`)
  assert.deepEqual(ours.filter(({ command }) => !/-fstack-protector-strong/.test(command) || !/_FORTIFY_SOURCE=[23]/.test(command)).map(({ file }) => file), [])
})

test('the program says no path of the machine it was built on to the loader', () => {
  assert.doesNotMatch(read('-d', program), /RPATH|RUNPATH/)
})
