// kit.mjs - what the benches share: rows of the table, peers, load, memory, seeds.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { execFile, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { freePort, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

export const run = promisify(execFile)
export const folder = mkdtempSync(join(tmpdir(), 'shoal-bench-'))
chmodSync(folder, 0o755)
export const SECONDS = Number(process.env.SHOAL_BENCH_SECONDS ?? 4)
export const ROUNDS = Number(process.env.SHOAL_BENCH_ROUNDS ?? 3)
export const MiB = 1024 * 1024

export const clean = () => rmSync(folder, { recursive: true, force: true })
export const fixed = number => Math.abs(number) >= 100 ? Math.round(number).toString() : Math.abs(number) >= 0.1 || number === 0 ? number.toFixed(2) : number.toPrecision(2)
export const middle = list => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
const spread = list => list.length > 1 ? ` (${fixed(Math.min(...list))} to ${fixed(Math.max(...list))})` : ''

/** Where the results of a run go: {bench, what, ours, peer, result, goal}, all text. */
export const rows = []
let bench = ''
export const begin = name => { bench = name }

/** A number alone. */
export function number (what, ours, unit, goal = '', note = '') {
  rows.push({ bench, what, ours: `${fixed(ours)} ${unit}`, peer: note, result: '', goal })
  console.log(`${what}: ${fixed(ours)} ${unit}${goal ? ` (goal ${goal})` : ''}${note ? `, ${note}` : ''}`)
}

/** Two lists of numbers that were measured in turns. */
export function ratio (what, ours, peers, unit, goal = '') {
  const ratios = ours.map((each, i) => each / peers[i])
  const row = {
    bench, what, ours: `${fixed(middle(ours))} ${unit}`, peer: `${fixed(middle(peers))} ${unit}`,
    result: `${fixed(middle(ratios))}${spread(ratios)}`, goal
  }
  rows.push(row)
  console.log(`${what}: ${row.ours} against ${row.peer}, ratio ${row.result}${goal ? ` (goal ${goal})` : ''}`)
}

/** Runs two measurements in turns, A B A B, so that what else the machine does meets both. */
export async function turns (first, second, rounds = ROUNDS) {
  const a = []; const b = []
  for (let i = 0; i < rounds; i++) {
    a.push(await first(i))
    b.push(await second(i))
  }
  return [a, b]
}

/** Requests a second of wrk. */
export async function wrk (url, { connections = 64, script, seconds = SECONDS, headers = {} } = {}) {
  const said = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '20s', ...said, ...(script ? ['-s', script] : []), url])
  const errors = stdout.match(/Non-2xx or 3xx responses: (\d+)/)
  if (errors) throw new Error(`${url}: ${errors[0]}`)
  return Number(stdout.match(/Requests\/sec:\s+([\d.]+)/)[1])
}

/** nginx with one static folder, on loopback, one worker a core as Debian sets it up. */
export async function startNginx (root) {
  const port = await freePort()
  mkdirSync(root, { recursive: true })
  const user = process.getuid() === 0 ? 'user root;' : ''
  writeFileSync(join(folder, 'nginx.conf'), `worker_processes auto; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log; daemon off;
${user} events { worker_connections 2048; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/octet-stream;
client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
server { listen 127.0.0.1:${port}; root ${root}; } }`)
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf')], { stdio: 'ignore' })
  await sleep(700)
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill() }
}

/** The processes of an instance: the supervisor and its children. */
function processes (site) {
  return [site.pid, ...site.status.children.map(child => child.pid)].filter(Boolean)
}

/** Memory of an instance in bytes, shared pages divided among who has them (PSS), or the private part alone. */
export function memory (site, what = 'Pss') {
  let kilobytes = 0
  for (const pid of processes(site)) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    const names = what === 'Pss' ? ['Pss'] : ['Private_Clean', 'Private_Dirty']
    for (const name of names) kilobytes += Number(text.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))[1])
  }
  return kilobytes * 1024
}

/**
 * Memory of an instance in bytes by kind, shared pages divided (PSS): {allocated (heaps and what else has no file), stacks,
 * files (programs, libraries), index (of the database's log, a file that its processes share), total}.
 */
export function memoryKinds (site) {
  const kinds = { allocated: 0, stacks: 0, files: 0, index: 0, total: 0 }
  for (const pid of processes(site)) {
    let kind
    for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
      const [, from, to, name] = line.match(/^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ *(.*)$/) ?? []
      const isStack = name === '' && Number.parseInt(to, 16) - Number.parseInt(from, 16) === 8 * MiB // of a thread
      if (from) kind = name.endsWith('-shm') ? 'index' : name.startsWith('/') ? 'files' : name.startsWith('[stack') || isStack ? 'stacks' : 'allocated'
      const bytes = Number(line.match(/^Pss: +(\d+) kB/)?.[1] ?? 0) * 1024
      kinds[kind] += bytes
      kinds.total += bytes
    }
  }
  return kinds
}

/** CPU of the serving process in seconds: {user, system}. */
export function cpu (site) {
  const parts = readFileSync(`/proc/${site.server}/stat`, 'utf8').split(') ')[1].split(' ')
  return { user: Number(parts[11]) / 100, system: Number(parts[12]) / 100 }
}

/** The largest of what a function says, looked at ten times a second while something runs. */
export async function peak (of, work) {
  let most = of()
  const timer = setInterval(() => { most = Math.max(most, of()) }, 100)
  try { return { result: await work(), most } } finally { clearInterval(timer) }
}

/**
 * Sends requests at a fixed rate, whatever the answers take; gives each one's milliseconds, counted from when it
 * was due. make(i) says what to send: {method, path, headers, body}.
 */
export async function atRate (site, perSecond, seconds, make, isGood = status => status < 400) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })
  const times = []
  const faults = []
  const under = []
  const start = performance.now()
  for (let i = 0; i < perSecond * seconds; i++) {
    const due = start + i * 1000 / perSecond
    while (performance.now() < due) await sleep(Math.max(1, due - performance.now()))
    const { method = 'GET', path, headers = {}, body } = make(i)
    under.push(new Promise(resolve => {
      const sent = http.request({ port: site.port, host: '127.0.0.1', method, path, agent, headers: { ...headers, ...(body ? { 'content-length': Buffer.byteLength(body) } : {}) } }, answer => {
        answer.resume().once('end', () => {
          if (!isGood(answer.statusCode)) faults.push(`${method} ${path}: ${answer.statusCode}`)
          times.push(performance.now() - due)
          resolve()
        })
      })
      sent.once('error', error => { faults.push(`${method} ${path}: ${error.message}`); resolve() })
      sent.end(body)
    }))
  }
  await Promise.all(under)
  agent.destroy()
  times.sort((a, b) => a - b)
  return { faults, p50: times[Math.floor(times.length / 2)], p99: times[Math.floor(times.length * 0.99)], perSecond: times.length / ((performance.now() - start) / 1000) }
}

/** Runs SQL on the database of an instance that is stopped. */
async function sql (site, text) {
  return (await run('sqlite3', ['-bail', join(site.folder, 'shoal.sqlite3'), text], { maxBuffer: 1 << 26 })).stdout
}

/** INSERT … SELECT of a row's copies: columns stand as they are but for those that are given. */
async function copies (site, table, where, count, changed) {
  const columns = (await sql(site, `SELECT name FROM pragma_table_info('${table}')`)).trim().split('\n')
  return `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${columns.map(name => changed[name] ?? `t.${name}`).join(', ')}
    FROM ${table} t, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n) n WHERE ${where};`
}

/** Copies of a published video, written into the database of the instance while it is stopped. */
export async function seed (site, uuid, count) {
  await site.kill()
  const video = `t.video_id = (SELECT id FROM catalog_video WHERE uuid = '${uuid}')`
  const text = ['PRAGMA foreign_keys = ON; BEGIN;',
    await copies(site, 'catalog_video', `t.uuid = '${uuid}'`, count, {
      id: '1000000 + i', uuid: "printf('%08x-0000-4000-8000-%012x', i, i)", name: "'Seeded ' || i", url: 'NULL',
      views: 'i % 1000', created: 't.created - i * 60000', published: 't.published - i * 60000'
    }),
    await copies(site, 'catalog_file', `${video} AND t.kind IN ('thumbnail', 'preview', 'web_video')`, count, { id: 'NULL', video_id: '1000000 + i', name: "i || '-' || t.name" }),
    await copies(site, 'catalog_video_tag', video, count, { id: 'NULL', video_id: '1000000 + i' }),
    'COMMIT;']
  await sql(site, text.join('\n'))
  await site.start()
}

/** An instance with 200 videos, and the three things that strangers ask for. federates: it has a fixed url. */
export async function site200 (settings = [], { federates = false } = {}) {
  const site = await startInstance({ settings, started: false })
  if (federates) site.settings.push(`url=${site.url}`)
  await site.start()
  const video = await site.upload(await clip('h264', { seconds: 3 }), { name: 'Bench' })
  await site.published(video.uuid)
  await seed(site, video.uuid, 199)
  return { site, video, asked: [['video list', '/api/v1/videos?count=15'], ['video', `/api/v1/videos/${video.uuid}`], ['watch page', `/w/${video.shortUUID}`]] }
}
