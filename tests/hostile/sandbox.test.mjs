// sandbox.test.mjs - an ffmpeg that has been taken over: it stays inside its limits, and the site serves.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

// Tries all that it can think of, tells of it in its own folder, and stays a while with what it got.
const taken = `
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
static FILE *report;
static void tell(const char *what, long result) { fprintf(report, "%s %s\\n", what, result < 0 ? "refused" : "WORKED"); fflush(report); }
int main(void) {
  report = fopen("report.part", "w");
  if (!report) return 3;
  pid_t pid = fork();
  if (pid == 0) { sleep(60); _exit(0); }
  tell("fork", pid);
  int wire = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(0x7f000001)};
  tell("connect", wire < 0 ? -1 : connect(wire, (struct sockaddr *)&to, sizeof to));
  int local = socket(AF_UNIX, SOCK_STREAM, 0);
  tell("unix", local);
  tell("config", open(FOLDER "/shoal.lua", O_RDONLY));
  tell("database", open(FOLDER "/shoal.sqlite3", O_RDWR));
  tell("list", opendir(FOLDER) ? 0 : -1);
  tell("passwd", open("/etc/passwd", O_RDONLY));
  tell("write", open("/tmp/" NAME, O_CREAT | O_WRONLY, 0666));
  tell("program", open(FAKE "/ffmpeg", O_WRONLY));
  tell("server", kill(getppid(), 0));
  tell("all", kill(-1, 0));
  tell("shell", execl("/bin/sh", "sh", "-c", "sleep 60", (char *)0));
  size_t eaten = 0;
  while (eaten < ((size_t)16 << 30)) {
    char *more = malloc(16 << 20);
    if (!more) break;
    memset(more, 1, 16 << 20);
    eaten += 16 << 20;
    if (eaten >= ((size_t)8 << 30)) { tell("memory", 1); break; }
  }
  fprintf(report, "done %zu\\n", eaten >> 20);
  fclose(report);
  rename("report.part", "report");
  sleep(3);
  return 1;
}
`
let site, spy, fake
let spied = 0

before(async () => {
  spy = createServer(wire => { spied++; wire.destroy() })
  await new Promise(resolve => spy.listen(0, '127.0.0.1', resolve))
  site = await startInstance({ started: false, settings: ['transcode_ffmpeg.memory=1G'] })
  fake = mkdtempSync(join(tmpdir(), 'shoal-taken-'))
  chmodSync(fake, 0o755)
  writeFileSync(join(fake, 'taken.c'), taken)
  execFileSync('gcc', ['-O1', `-DPORT=${spy.address().port}`, `-DFOLDER="${site.folder}"`, `-DFAKE="${fake}"`, `-DNAME="${mark()}"`, join(fake, 'taken.c'), '-o', join(fake, 'ffmpeg')])
  chmodSync(join(fake, 'ffmpeg'), 0o777) // whoever runs it: not the file's rights keep it from being changed
  site.environment = { PATH: `${fake}:${process.env.PATH}` }
  await site.start()
})
after(async () => {
  spy?.close()
  await site?.stop()
  if (fake) rmSync(fake, { recursive: true, force: true })
  rmSync(join('/tmp', mark()), { force: true })
})
const mark = () => `shoal-taken-${process.pid}`

/** The processes that run the program, with their parents. */
function running () {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).flatMap(pid => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      return readlinkSync(`/proc/${pid}/exe`) === join(fake, 'ffmpeg') ? [{ pid: Number(pid), parent: Number(/^PPid:\s+(\d+)/m.exec(status)[1]) }] : []
    } catch {
      return [] // gone meanwhile
    }
  })
}

const reports = () => readdirSync(site.folder, { recursive: true }).filter(path => path.split('/').pop() === 'report').flatMap(path => {
  try {
    return [readFileSync(join(site.folder, path), 'utf8')]
  } catch {
    return []
  }
})

test('T40 and T41: a program that was taken over gets nowhere, and the site serves meanwhile', { timeout: 180000 }, async t => {
  const video = await site.upload(await clip('h264', { seconds: 3 }))
  const seen = new Set()
  let most = 0
  for (const end = Date.now() + 60000; seen.size === 0 && Date.now() < end;) {
    for (const text of reports()) seen.add(text)
    const some = running()
    most = Math.max(most, some.length)
    const pids = new Set(some.map(one => one.pid))
    assert.ok(some.every(one => !pids.has(one.parent)), 'it has no children')
    assert.equal((await site.raw({ path: '/health' })).status, 200)
    assert.equal((await site.get('/videos')).status, 200)
    await sleep(50)
  }
  assert.ok(most > 0, 'it ran')
  assert.ok(seen.size > 0, `no report came\n${site.log.slice(-3000)}`)
  // Without Landlock (an old kernel) files are kept from it by their rights alone: doctor says so.
  const hasLandlock = existsSync('/sys/kernel/security/landlock') || /landlock/.test(existsSync('/sys/kernel/security/lsm') ? readFileSync('/sys/kernel/security/lsm', 'utf8') : '') || [...seen].every(text => /passwd refused/.test(text))
  for (const text of seen) {
    const lines = text.trim().split('\n')
    assert.match(lines.at(-1), /^done \d+$/, text)
    const worked = lines.filter(line => /WORKED/.test(line) && (hasLandlock || !/^(config|database|list|passwd|write|program)/.test(line)))
    assert.deepEqual(worked, [], text)
    assert.ok(Number(lines.at(-1).split(' ')[1]) < 1024, text)
  }
  if (!hasLandlock) t.diagnostic('this kernel has no Landlock')
  assert.equal(spied, 0, 'nobody was called')
  assert.ok(!existsSync(join('/tmp', mark())))
  // The video says that it failed; with the real program back, the next one is published.
  rmSync(join(fake, 'ffmpeg'))
  const next = await site.upload(await clip('h264', { seconds: 2 }), { name: 'After it' })
  await site.published(next.uuid)
  const now = (await site.get(`/videos/${video.uuid}`, { token: true })).json
  assert.ok([1, 2, 7].includes(now.state.id), JSON.stringify(now.state))
  assert.equal(site.status.crashes?.length ?? 0, 0)
})
