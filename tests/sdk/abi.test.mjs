// abi.test.mjs - what was built with the headers of a released version still fits, loads and works.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'

import { program } from '../kit/instance.mjs'

const root = join(import.meta.dirname, '..', '..')
const today = join(root, 'sdk/include')
const folder = mkdtempSync(join(tmpdir(), 'shoal-abi-'))

after(() => rmSync(folder, { recursive: true, force: true }))

const headersOf = include => readdirSync(join(include, 'shoal'), { recursive: true }).filter(name => name.endsWith('.h')).sort()

const including = include => headersOf(include).map(name => `#include <shoal/${name}>\n`).join('') + '#include <stdio.h>\n'

/** What headers promise: names of functions with their declarations, of struct members, of constants. */
function readPromise (include) {
  const text = headersOf(include).map(name => readFileSync(join(include, 'shoal', name), 'utf8')).join('\n')
    .replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '').replace(/\\\n/g, ' ')
  const plain = text.replace(/^#.*$/gm, '')
  const functions = [...plain.matchAll(/SHOAL_API\s+([^;{]*?\b(shoal_\w+)\s*\([^;{]*\)[^;{]*);/g)].map(([, declaration, name]) => ({ name, declaration }))
  const structs = [...plain.matchAll(/\bstruct\s+(shoal_\w+)\s*\{([^{}]*)\}\s*;/g)].map(([, name, body]) => ({ name, members: membersOf(body) }))
  const expanded = execFileSync('gcc', ['-E', '-P', '-I', include, '-x', 'c', '-'], { input: including(include), encoding: 'utf8' })
  const enums = [...expanded.matchAll(/\benum(?:\s+\w+)?\s*\{([^{}]*)\}/g)].flatMap(([, body]) => [...body.matchAll(/(?:^|,)\s*(SHOAL_\w+)/g)].map(([, name]) => name))
  const macros = [...text.matchAll(/^#define (SHOAL_[A-Z0-9_]+)[ \t]+(\(?-?(?:\d\w*|0x\w+)(?:\s*<<\s*\d+\w*)?\)?|"[^"\n]*")[ \t]*$/gm)]
    .map(([, name, value]) => ({ name, isText: value.startsWith('"') })).filter(({ name }) => !/ABI_M|VERSION/.test(name))
  return { functions, structs, enums, macros }
}

function membersOf (body) {
  return body.split(';').flatMap(part => {
    const pointer = part.match(/\(\s*\*\s*(\w+)\s*\)\s*\(/)
    if (pointer) return [pointer[1]]
    return part.trim() ? part.split(',').map(each => each.replace(/\[.*?\]/g, '').match(/(\w+)\s*$/)[1]) : []
  })
}

/** Compiles C against some headers; its output when it runs. */
function runC (include, source) {
  const file = join(folder, 'probe.c')
  writeFileSync(file, source)
  const built = spawnSync('gcc', ['-std=gnu17', '-Werror', '-w', '-I', include, '-o', join(folder, 'probe'), file], { encoding: 'utf8' })
  assert.equal(built.status, 0, built.stderr)
  return execFileSync(join(folder, 'probe'), { encoding: 'utf8' })
}

/** Where every member lies and how large it is, and every constant, as lines. */
function layout (include, { structs, enums, macros }) {
  const lines = [
    ...structs.flatMap(({ name, members }) => [
      `printf("size ${name} %zu\\n", sizeof(struct ${name}));`,
      ...members.map(member => `printf("member ${name}.${member} %zu %zu\\n", offsetof(struct ${name}, ${member}), sizeof(((struct ${name} *)0)->${member}));`)
    ]),
    ...enums.map(name => `printf("constant ${name} %lld\\n", (long long)${name});`),
    ...macros.map(({ name, isText }) => isText ? `printf("constant ${name} %s\\n", ${name});` : `printf("constant ${name} %lld\\n", (long long)${name});`)
  ]
  return runC(include, `${including(include)}int main(void)\n{\n${lines.join('\n')}\nreturn 0;\n}\n`).trim().split('\n')
}

/** Structs whose size travels with every call that takes or fills them. */
const measured = new Set(readFileSync(join(today, 'shoal/sized.h'), 'utf8').match(/^struct shoal_\w+;/gm).map(line => line.slice(7, -1)))
/** Structs that the server makes and a plugin only reads. */
const served = new Set(['shoal_job', 'shoal_viewer', 'shoal_upload', 'shoal_transcode'])

const versions = readdirSync(join(root, 'sdk/abi'), { withFileTypes: true }).filter(entry => entry.isDirectory()).map(entry => entry.name)

test('there are released headers, and they are read whole', () => {
  assert.ok(versions.includes('1.0'))
  const { functions, structs, enums, macros } = readPromise(today)
  assert.ok(functions.length > 150 && structs.length > 25 && enums.length > 70 && macros.length > 0, `${functions.length} ${structs.length} ${enums.length} ${macros.length}`)
  const declared = headersOf(today).map(name => readFileSync(join(today, 'shoal', name), 'utf8')).join('').match(/^SHOAL_API /gm).length
  assert.equal(functions.length, declared)
})

for (const version of versions) {
  describe(`headers of ${version}`, () => {
    const include = join(root, 'sdk/abi', version, 'include')
    const old = readPromise(include)

    test('every function has the arguments and the result that it had', () => {
      const again = old.functions.map(({ declaration }) => `SHOAL_API ${declaration};`).join('\n')
      runC(today, `${including(today)}${again}\nint main(void)\n{\nreturn 0;\n}\n`)
    })

    test('members lie where they were, constants are what they were', () => {
      const now = new Set(layout(today, old))
      const growing = new Set(old.structs.filter(({ name, members }) => members[0] === 'size' || measured.has(name) || served.has(name))
        .map(({ name }) => `size ${name}`))
      const other = layout(include, old).filter(line => !now.has(line) && !growing.has(line.split(' ').slice(0, 2).join(' ')))
      assert.deepEqual(other, [])
    })

    test('a plugin that needs every function is loaded', () => {
      const path = join(folder, 'needy')
      spawnSync(program, ['plugin', 'new', 'needy', '--c', '--in', folder])
      writeFileSync(join(path, 'needy.c'), `${including(include)}
#include <shoal/plugin.h>
static void *const all[] = {${old.functions.map(({ name }) => `(void *)${name}`).join(', ')}};
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)self;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i] == NULL) { return shoal_fail(err, SHOAL_EINVAL, "function %zu is not there", i); }
    }
    return 0;
}
SHOAL_PLUGIN(.name = "needy", .start = start);
`)
      writeFileSync(join(path, 'tests/needy_test.lua'), 'test("starts", function() equal(1, 1) end)\n')
      build(path, 'needy')
      passes(path)
    })

    test('a plugin for which structs are shorter works all the same', () => {
      const shorter = join(folder, 'shorter')
      cpSync(include, shorter, { recursive: true })
      for (const [header, last] of [['http.h', 'bool cors;'], ['stream.h', 'bool any_origin;'], ['hooks.h', 'bool failed;'], ['process.h', 'bool timed_out;']]) {
        const path = join(shorter, 'shoal', header)
        const text = readFileSync(path, 'utf8')
        assert.ok(text.includes(last), `${header}: ${last}`)
        writeFileSync(path, text.replace(last, ''))
      }
      for (const name of ['line_chat', 'tcp_live']) {
        const path = join(folder, `${name}_shorter`, name)
        cpSync(join(root, 'sdk/examples', name), path, { recursive: true })
        build(path, name, shorter)
        passes(path)
      }
    })

    function build (path, name, include_ = include) {
      execFileSync('gcc', ['-std=gnu17', '-w', '-shared', '-fPIC', '-fvisibility=hidden', '-D_GNU_SOURCE', '-I', include_, '-o', join(path, `${name}.so`), join(path, `${name}.c`), '-ljansson'], { stdio: 'pipe' })
    }

    function passes (path) {
      const { status, stdout, stderr } = spawnSync(program, ['plugin', 'test', path], { encoding: 'utf8', timeout: 120000 })
      assert.equal(status, 0, stdout + stderr)
      assert.match(stdout, /^[1-9]\d* passed, 0 failed$/m)
    }

    for (const name of readdirSync(join(root, 'sdk/examples')).filter(name => existsSync(join(root, 'sdk/examples', name, `${name}.c`)))) {
      test(`the example ${name}, built with them, passes its tests`, () => {
        const path = join(folder, name)
        cpSync(join(root, 'sdk/examples', name), path, { recursive: true })
        build(path, name)
        passes(path)
      })
    }
  })
}
