// hardening.test.mjs - what the release was built with, read from its files.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
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
    const symbols = read('--dyn-syms', path)
    assert.match(symbols, /__stack_chk_fail/)
    assert.match(symbols, /__\w+_chk\b/, 'calls that know their buffer check it')
  })
}

test('the program says no path of the machine it was built on to the loader', () => {
  assert.doesNotMatch(read('-d', program), /RPATH|RUNPATH/)
})
