// memory.test.mjs - a server under valgrind: no error while it works, nothing lost when it stops.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { program, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

test('no error, and nothing definitely lost', async () => {
  const site = await startInstance({ started: false })
  const logs = join(site.home, 'valgrind')
  mkdirSync(logs)
  chmodSync(logs, 0o777) // the server is another user
  const under = join(site.home, 'under.so')
  execFileSync('gcc', ['-D_GNU_SOURCE', '-shared', '-fPIC', '-o', under, join(import.meta.dirname, '../kit/under.c')])
  site.environment = {
    LD_PRELOAD: under,
    SHOAL_UNDER: `valgrind --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --log-file=${logs}/%p`,
    SHOAL_UNDER_PROGRAM: program
  }
  try {
    await site.start()
    const video = await site.upload(await clip('h264', { seconds: 2 }), { name: 'Under a magnifying glass' })
    const made = await site.published(video.uuid)
    for (const path of ['/', `/w/${video.shortUUID}`, `/videos/embed/${video.uuid}`, '/search?search=glass', '/nowhere']) {
      assert.ok((await site.raw({ path, headers: { accept: 'text/html' } })).status > 0)
    }
    const file = new URL(made.files[0].fileUrl).pathname
    assert.equal((await site.raw({ path: file, headers: { range: 'bytes=0-999' } })).status, 206)
    assert.equal((await site.put(`/videos/${video.uuid}`, { token: true, json: { name: 'Looked at' } })).status, 204)
    assert.equal((await site.delete(`/videos/${video.uuid}`, { token: true })).status, 204)
    const { code } = await site.kill('SIGTERM')
    assert.equal(code, 0, site.log.slice(-2000))
    const said = readdirSync(logs).map(name => readFileSync(join(logs, name), 'utf8'))
    assert.equal(said.length, 1, said.join('\n') + site.log)
    for (const text of said) assert.match(text, /ERROR SUMMARY: 0 errors/, text)
  } finally {
    await site.stop()
  }
})
