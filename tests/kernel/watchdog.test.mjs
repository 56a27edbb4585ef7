// watchdog.test.mjs - a C plugin that never comes back from a request: the server does, and names it. One
// that never comes back from a stream ends the server that drained.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import { freePort, startInstance } from '../kit/instance.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

const sleeper = `#include <unistd.h>
#include <shoal/plugin.h>
static int hang(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call; (void)arg; (void)err;
    for (volatile int i = 0; i < 1000; i++) {
        sleep(1);
    }
    return shoal_answer_text(request, 200, "at last");
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route route = {.method = "GET", .path = "/sleeper", .handler = hang, .timeout_ms = 200};
    return shoal_route_add(self, &route, err);
}
SHOAL_PLUGIN(.name = "sleeper", .start = start);
`

async function holdsAWorker () {
  const site = await startInstance({ started: false })
  try {
    const pin = writePlugin(join(site.folder, 'plugins'), 'sleeper', { c: sleeper, manifest: { permissions: ['routes:/sleeper'] } })
    site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', line('sleeper', pin)])
    await site.start()
    const { server } = site
    const hung = site.raw({ path: '/sleeper' }).then(answer => answer.status, () => 'closed')
    for (let i = 0; i < 10; i++) assert.equal((await site.get('/videos')).status, 200)
    await site.when('the watchdog ends the server', () => site.log.includes('in plugin sleeper'), 60000)
    assert.ok(['closed', 503, 504].includes(await hung))
    await site.when('another server answers', async () => site.server && site.server !== server && (await site.raw({ path: '/health' }).catch(() => null))?.status === 200)
    const [crash] = site.status.crashes
    assert.equal(crash.plugin, 'sleeper')
    assert.match(crash.sentence, /holds a worker/)
    assert.equal((await site.get('/videos')).status, 200)
  } finally {
    await site.stop({ mayCrash: true })
  }
}

const spinner = `#include <shoal/plugin.h>
static int spin(struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg; (void)err;
    int64_t begun = shoal_tick_ms();
    while (shoal_tick_ms() - begun < 8000) {
        shoal_job_progress(call, job, 1); // so long it is well
        for (volatile int i = 0; i < 1000000; i++) { }
    }
    shoal_info("now it says no more");
    for (volatile int i = 1; i != 0; i = i < 1000 ? i + 1 : 1) { }
    return 0;
}
static int add(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    return shoal_job_add(arg, tx, "spin", json_null(), NULL, NULL, err);
}
static int begin(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    int code = shoal_tx(call, add, arg, err);
    return code < 0 ? code : shoal_answer_status(request, 204);
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_job_kind kind = {.kind = "spin", .run = spin};
    const struct shoal_route route = {.method = "GET", .path = "/spinner", .handler = begin, .arg = self};
    int code = shoal_job_kind_add(self, &kind, err);
    return code < 0 ? code : shoal_route_add(self, &route, err);
}
SHOAL_PLUGIN(.name = "spinner", .start = start);
`

async function computesWithoutAnEnd () {
  const site = await startInstance({ started: false })
  try {
    const pin = writePlugin(join(site.folder, 'plugins'), 'spinner', { c: spinner, manifest: { permissions: ['routes:/spinner', 'database'] } })
    site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', line('spinner', pin)])
    site.environment = { SHOAL_DRILL_SPIN: '3000' }
    await site.start()
    const { server } = site
    assert.equal((await site.raw({ path: '/spinner' })).status, 204)
    await site.when('the watchdog ends the server', () => site.log.includes('a job computes without an end in plugin spinner'), 150000)
    assert.ok(site.log.indexOf('now it says no more') < site.log.indexOf('computes without an end') && site.log.includes('now it says no more'), 'it was ended while it told of its progress')
    await site.when('another server answers', async () => site.server && site.server !== server && (await site.raw({ path: '/health' }).catch(() => null))?.status === 200)
    assert.equal(site.status.crashes[0].plugin, 'spinner')
    assert.equal((await site.get('/videos')).status, 200)
  } finally {
    await site.stop({ mayCrash: true })
  }
}

const dozer = `#include <unistd.h>
#include <shoal/plugin.h>
#include <shoal/stream.h>
static void opened(shoal_stream stream, void *state)
{
    (void)state;
    shoal_stream_stay(stream, true);
}
static void message(shoal_stream stream, void *state, const void *data, size_t length, bool is_text)
{
    (void)stream; (void)state; (void)data; (void)length; (void)is_text;
    for (volatile int i = 0; i < 1000; i++) {
        sleep(1);
    }
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_stream_ops ops = {.opened = opened, .message = message};
    return shoal_listen(self, SHOAL_LISTEN_TCP, "127.0.0.1:PORT", &ops, NULL, err);
}
SHOAL_PLUGIN(.name = "dozer", .start = start);
`

async function hangsWhileItDrains () {
  const site = await startInstance({ started: false })
  try {
    const port = await freePort()
    const pin = writePlugin(join(site.folder, 'plugins'), 'dozer', { c: dozer.replace('PORT', port), manifest: { permissions: [`listen:${port}`] } })
    site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', line('dozer', pin)])
    await site.start()
    const { server } = site
    const wire = connect(port, '127.0.0.1')
    wire.on('error', () => {})
    await once(wire, 'connect')
    process.kill(site.pid, 'SIGHUP')
    await site.when('the stream stays', () => site.log.includes('stay until their end'))
    assert.deepEqual(site.status.children.map(child => child.state), ['draining', 'ready'])
    const after = site.server
    wire.write('go to sleep')
    await site.when('the watchdog ends the old server', () => /watchdog: loop \d+ is silent/.test(site.log))
    await site.when('it is gone', () => site.status.children.length === 1)
    assert.throws(() => process.kill(server, 0))
    assert.equal(site.server, after)
    assert.equal((await site.get('/videos')).status, 200)
    assert.deepEqual(site.status.crashes, [])
    wire.destroy()
  } finally {
    await site.stop({ mayCrash: true })
  }
}

// Each waits for times of the watchdog with a server of its own: they wait together.
describe('the watchdog ends', { concurrency: true }, () => {
  test('a worker that a plugin holds far past its time', holdsAWorker)
  test('a job that computes without an end, and not one that says how far it is', computesWithoutAnEnd)
  test('a loop that hangs in a server that drains, where a stream stays for hours', hangsWhileItDrains)
})
