// make.mjs - writes hooks.md from hooks.def, reference.md from the headers, lua.md from the bindings. node sdk/docs/make.mjs
// SPDX-License-Identifier: MIT
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const sdk = join(import.meta.dirname, '..')
const kinds = { TELL: 'tell', DURABLE: 'durable tell', FILTER: 'filter', DECIDE: 'decide' }
const failures = {
  NONE: 'nobody notices', OPEN: 'counts as a pass', CLOSED: 'counts as a refusal', HOLD: 'counts as a hold',
  SAME: 'the value goes on unchanged', AGAIN: 'delivered again with backoff, then parked'
}

/** The rows of hooks.def: SHOAL_HOOK("name", KIND, "owner", "since", cpu_ms, wall_ms, FAILURE, "moment", "payload"). */
export function readHooks () {
  const text = readFileSync(join(sdk, 'hooks.def'), 'utf8').replace(/^\/\/.*$/gm, '')
  const row = /SHOAL_HOOK\(\s*"([^"]+)",\s*(\w+),\s*"([^"]+)",\s*"([^"]+)",\s*(\d+),\s*(\d+),\s*(\w+),\s*((?:"[^"]*"\s*)+),\s*((?:"[^"]*"\s*)+)\)/g
  const join_ = texts => [...texts.matchAll(/"([^"]*)"/g)].map(each => each[1]).join('')
  return [...text.matchAll(row)].map(([, name, kind, owner, since, cpu, wall, failure, moment, payload]) =>
    ({ name, kind, owner, since, cpu, wall, failure, moment: join_(moment), payload: join_(payload) }))
}

export function hooksPage () {
  const lines = ['# Hooks', '', 'Made from `sdk/hooks.def`. A plugin lists the hooks that it uses in its manifest.', '']
  for (const hook of readHooks()) {
    lines.push(`## ${hook.name}`, '', `A **${kinds[hook.kind]}** of ${hook.owner}, since ${hook.since}: ${hook.moment}.`, '',
      `- Payload: ${hook.payload}`, `- Budget: ${hook.cpu} ms of CPU, ${hook.wall} ms in all`,
      `- A listener that fails: ${failures[hook.failure]}`, '')
  }
  return lines.join('\n')
}

/** Blocks of a header: a comment and the declarations below it, up to an empty line. */
function readBlocks (text) {
  return text.split(/\n\s*\n/).filter(block => /^\/\/[\/ ]/m.test(block) || /SHOAL_API|SHOAL_INLINE|^typedef|^(struct|enum) /m.test(block))
}

export function referencePage () {
  const lines = ['# Reference', '', 'Made from the headers in `sdk/include/shoal`. In Lua the names are the same without `shoal_`.', '']
  const folder = join(sdk, 'include', 'shoal')
  const names = [...readdirSync(folder).filter(name => name.endsWith('.h') && name !== 'sized.h').sort(),
    ...readdirSync(join(folder, 'svc')).sort().map(name => `svc/${name}`)]
  for (const name of names) {
    const text = readFileSync(join(folder, name), 'utf8')
    const [first] = text.split('\n')
    lines.push(`## shoal/${name}`, '', `${first.replace(/^\/\/ \S+ - /, '').replace(/^./, letter => letter.toUpperCase())}`, '')
    for (const block of readBlocks(text)) {
      if (/^#|^\/\/ \S+ - /.test(block.trim())) continue
      const comment = block.split('\n').filter(line => line.startsWith('//')).map(line => line.replace(/^\/\/\/? ?/, ''))
      const code = block.split('\n').filter(line => !line.startsWith('//'))
      // An inline function is shown as the declaration that it is to a reader.
      const shown = code.join('\n').replace(/(SHOAL_INLINE [^{]*?)\n\{[^}]*\n\}/g, '$1;').replaceAll(/^SHOAL_(API|INLINE) /gm, '').trim()
      if (shown) lines.push('```c', shown, '```', '')
      if (comment.length) lines.push(comment.join('\n').trim(), '')
    }
  }
  return lines.join('\n').replace(/\n{3,}/g, '\n\n') + '\n'
}

/** The functions of the bindings: [{about, rows: [{name, comment}]}], a file of bindings each. */
function readBindings () {
  const core = join(sdk, '..', 'core')
  const files = [...readdirSync(join(core, 'host', 'lua')).filter(each => /^lua_\w+\.c$/.test(each) && !/_test\.c$|lua_string/.test(each)).sort().map(name => join(core, 'host', 'lua', name)),
    join(core, 'cli', 'plugin_kit.c')]
  return files.flatMap(path => {
    const text = readFileSync(path, 'utf8')
    const rowsOf = (table, prefix) => [...(text.match(new RegExp(`luaL_Reg ${table}\\[\\] = \\{([\\s\\S]*?)\\};`))?.[1] ?? '').matchAll(/\{"(\w+)",\s*(\w+)\}/g)]
      .map(([, word, fn]) => ({ word, name: prefix + word, comment: text.match(new RegExp(`((?:^///.*\\n)+)static int ${fn}\\(lua_State`, 'm'))?.[1].replace(/^\/\/\/ ?/gm, '').trimEnd() }))
    const about = text.match(/^\/\/ \S+ - (.*)/)[1]
    return path.endsWith('kit.c')
      ? [{ about: 'what tests get', rows: rowsOf('functions', 'kit.') }]
      : [{ about, rows: rowsOf('functions', 'shoal.') }, path.endsWith('lua_pages.c') ? { about: 'a metric', rows: rowsOf('methods', 'metric:') } : { about: 'a request', rows: rowsOf('methods', 'request:') }].filter(({ rows }) => rows.length)
  })
}

const hookFunctions = ['tell', 'filter', 'decide']

/** What an editor's Lua server reads: the names, their comments, the hooks. */
export function annotations () {
  const lines = ['---@meta', '-- Made by sdk/docs/make.mjs from hooks.def and the bindings: for editors, never loaded.', '',
    `---@alias shoal.hook ${readHooks().map(hook => `"${hook.name}"`).join('|')}`, '', '---@class shoal.request', 'local request = {}', '', '---@class shoal.metric', 'local metric = {}', '', '---@class shoal', '---@field null any JSON null', 'local shoal = {}', '']
  for (const { rows } of readBindings()) {
    for (const { word, name, comment } of rows.filter(row => !row.name.startsWith('kit.'))) {
      if (comment) lines.push(comment.replace(/^/gm, '--- '))
      if (hookFunctions.includes(word)) lines.push('---@param hook shoal.hook|string', '---@param fn function')
      lines.push(`function ${name}(${hookFunctions.includes(word) ? 'hook, fn' : '...'}) end`, '')
    }
  }
  return lines.join('\n') + '\nreturn shoal\n'
}

/** Everything that Lua has, on a page. */
export function luaPage () {
  const lines = ['# Lua by heart', '', 'Made from the bindings. `local shoal = require "shoal"` gives all of it; what is said of a function in',
    '[reference.md](reference.md) holds for the one of the same name here. Errors are raised: `pcall` catches them.', '']
  for (const { about, rows } of readBindings()) {
    lines.push(`## ${about.replace(/^(?!shoal\.)./, letter => letter.toUpperCase()).replace(/\.$/, '')}`, '')
    for (const { name, comment } of rows) {
      const text = (comment ?? `${name}(…)`).replace(/\n/g, ' ')
      const at = text.search(/: (?![^{(]*[})])/)
      lines.push(at < 0 ? `- \`${text.replace(/\.$/, '')}\`` : `- \`${text.slice(0, at)}\`: ${text.slice(at + 2)}`)
    }
    lines.push('')
  }
  return lines.join('\n')
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(join(sdk, 'lua', 'shoal.lua'), annotations())
  writeFileSync(join(import.meta.dirname, 'lua.md'), luaPage())
  writeFileSync(join(import.meta.dirname, 'hooks.md'), hooksPage())
  writeFileSync(join(import.meta.dirname, 'reference.md'), referencePage())
}
