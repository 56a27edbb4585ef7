// answers.mjs - lists, videos and pages: from the cache, without it, and while others write.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { atRate, cpu, fixed, folder, number, ratio, run, SECONDS, site200, startNginx, turns, wrk } from './kit.mjs'

/** Answers against the same bytes as static files of nginx. */
async function against (settings, note, goal, each = async () => {}) {
  const { site, asked } = await site200(settings)
  const root = join(folder, 'www')
  const nginx = await startNginx(root)
  try {
    for (const [name, path] of asked) {
      const body = Buffer.from(await (await fetch(site.url + path)).arrayBuffer())
      writeFileSync(join(root, 'same'), body)
      const before = cpu(site)
      const [ours, peers] = await turns(() => wrk(site.url + path), () => wrk(`${nginx.url}/same`))
      ratio(`${name}, ${note} (${body.length} bytes), against nginx`, ours, peers, 'requests/s', goal)
      await each(site, name, path, before, ours)
    }
  } finally { nginx.stop(); await site.stop() }
}

export const cached = () => against([], 'from the cache', '≥ 0.5, aim 0.9')

/** Where the time goes: the server's CPU for a request, and the functions that perf finds, where it is allowed. */
async function where (site, name, path, before, ours) {
  const after = cpu(site)
  const requests = ours.reduce((sum, each) => sum + each * SECONDS, 0)
  number(`${name}, cache off: CPU of one answer`, (after.user + after.system - before.user - before.system) / requests * 1e6, 'µs', '', `${fixed((after.system - before.system) / (after.user + after.system - before.user - before.system) * 100)} % in the kernel`)
  const data = join(folder, 'perf.data')
  const load = wrk(site.url + path)
  try {
    await run('perf', ['record', '-q', '-F', '499', '-g', '-o', data, '-p', String(site.server), 'sleep', '2'])
    const { stdout } = await run('perf', ['report', '-i', data, '--no-children', '-g', 'none', '--sort', 'dso', '--stdio', '-q'], { maxBuffer: 1 << 26 })
    console.log(`  by library: ${stdout.trim().split('\n').slice(0, 7).map(text => text.trim().replace(/\s+/g, ' ')).join(' · ')}`)
    const names = await run('perf', ['report', '-i', data, '--no-children', '-g', 'none', '--sort', 'symbol', '--stdio', '-q'], { maxBuffer: 1 << 26 })
    console.log(`  by function: ${names.stdout.trim().split('\n').slice(0, 14).map(text => text.trim().replace(/\s+/g, ' ')).join(' · ')}`)
  } catch (error) {
    console.log(`  no profile: ${String(error.stderr ?? error.message).trim().split('\n')[0]}`)
  }
  await load
}

export const uncached = () => against(['http.cache=0'], 'cache off', '', where)

/**
 * The same while others watch and log in: 199 beats of players a second, half of them of a user, and one log-in, whose
 * password costs much CPU by design. Who sends them runs on the same cores.
 */
export async function written () {
  const { site, video, asked } = await site200()
  try {
    const { client_id, client_secret } = await site.client()
    const form = fields => new URLSearchParams({ client_id, client_secret, ...fields }).toString()
    const sent = { 'content-type': 'application/x-www-form-urlencoded' }
    const token = await site.token()
    const write = i => {
      if (i % 200 === 0) return { method: 'POST', path: '/api/v1/users/token', headers: sent, body: form({ grant_type: 'password', username: site.admin, password: site.password }) }
      const headers = { 'content-type': 'application/json', ...(i % 2 ? { authorization: `Bearer ${token}` } : {}) }
      return { method: 'POST', path: `/api/v1/videos/${video.uuid}/views`, headers, body: JSON.stringify({ currentTime: i % 3, sessionId: `viewer${i % 5000}` }) }
    }
    for (const [name, path] of asked) {
      const [busy, alone] = await turns(async () => {
        const writes = atRate(site, 200, SECONDS, write)
        const got = await wrk(site.url + path)
        const { faults } = await writes
        if (faults.length) throw new Error(`${faults.length} writes failed: ${faults[0]}`)
        return got
      }, () => wrk(site.url + path))
      ratio(`${name}, while 200 a second are written, against itself alone`, busy, alone, 'requests/s', '≥ 0.8')
    }
  } finally { await site.stop() }
}
