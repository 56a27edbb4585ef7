// watchdog.test.mjs - a C plugin that never comes back from a request: the server does, and names it.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
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

test('a worker that a plugin holds far past its time', async () => {
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
})
