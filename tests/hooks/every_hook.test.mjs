// every_hook.test.mjs - each hook of sdk/hooks.def is heard when its moment comes, by real actions.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'
import { Peer, Public, context, federating } from '../federation/peer.mjs'
import { addHash, announceHttp, bytes20 } from '../p2p/kit.mjs'

const root = join(import.meta.dirname, '..', '..')
const rows = [...readFileSync(join(root, 'sdk/hooks.def'), 'utf8').matchAll(/^SHOAL_HOOK\("([a-z.]+)", ([A-Z]+),/gm)]
  .map(([, name, kind]) => ({ name, kind }))
const words = { TELL: 'tell', DURABLE: 'tell', FILTER: 'filter', DECIDE: 'decide' }

/** Writes one line into the log for each hook that it hears: its name and the keys of what came. */
const witness = `
local shoal = require "shoal"
local function note(name, event)
  local keys = {}
  for key in pairs(event) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  shoal.log("info", "heard " .. name .. " {" .. table.concat(keys, ",") .. "}")
end
${rows.map(({ name, kind }) => `shoal.${words[kind]}("${name}", function(event)
  note("${name}", event)${{
    'upload.begin': `
  if event.video.name == "Refuse me" then return shoal.refuse("this name is refused") end`,
    'embed.show': `
  if event.referrer_host == "other.example" then return shoal.refuse("not on other.example") end`,
    'media.place': `
  if event.file.kind == "preview" then event.storage = "nowhere" end
  if event.file.kind == "thumbnail" then event.storage = "second" end`
  }[name] ?? ''}
end)`).join('\n')}
`

/** Changes a setting as a page for administrators would, and registers whoever asks. */
const changer = `#include <shoal/plugin.h>
static int change(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    json_t *value = json_string("green");
    int code = shoal_setting_set(call, "changer", "colour", value, err);
    json_decref(value);
    return code != 0 ? code : shoal_answer_text(request, 200, "changed");
}
static int sign_up(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    json_t *body = shoal_request_body(request, err);
    json_t *made = body ? shoal_user_create(call, body, "register", err) : NULL;
    json_decref(made);
    return made ? shoal_answer_text(request, 200, "welcome") : err->code;
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route routes[] = {
        {.method = "GET", .path = "/changer", .handler = change},
        {.method = "POST", .path = "/changer/users", .handler = sign_up, .body = SHOAL_BODY_DATA},
    };
    int code = shoal_route_add(self, &routes[0], err);
    return code != 0 ? code : shoal_route_add(self, &routes[1], err);
}
SHOAL_PLUGIN(.name = "changer", .start = start);
`

/** A storage of one folder, beside the default one. */
const second = `#include <shoal/plugin.h>
#include <shoal/svc/storage.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static struct shoal_plugin *plugin;
struct put { FILE *file; };
static const char *path_of(struct shoal_call *call, const char *key)
{
    char *name = shoal_arena_strdup(shoal_call_arena(call), key);
    for (char *at = name; *at; at++) { if (*at == '/') { *at = '_'; } }
    return shoal_arena_printf(shoal_call_arena(call), "%s/second-%s", shoal_instance_path("tmp"), name);
}
static int put_begin(struct shoal_call *call, void *arg, const char *key, const char *mime, int64_t size, void **put, struct shoal_err *err)
{
    (void)arg; (void)mime; (void)size;
    struct put *made = shoal_arena_alloc(shoal_call_arena(call), sizeof *made);
    made->file = fopen(path_of(call, key), "w");
    *put = made;
    return made->file ? 0 : shoal_fail(err, SHOAL_EIO, "%s: %s", path_of(call, key), strerror(errno));
}
static int put_write(struct shoal_call *call, void *put, const void *data, size_t length, struct shoal_err *err)
{
    (void)call;
    return fwrite(data, 1, length, ((struct put *)put)->file) == length ? 0 : shoal_fail(err, SHOAL_EIO, "full");
}
static int put_commit(struct shoal_call *call, void *put, struct shoal_err *err)
{
    (void)call;
    return fclose(((struct put *)put)->file) == 0 ? 0 : shoal_fail(err, SHOAL_EIO, "full");
}
static void put_abort(struct shoal_call *call, void *put)
{
    (void)call;
    fclose(((struct put *)put)->file);
}
static int64_t read_at(struct shoal_call *call, void *arg, const char *key, uint64_t offset, void *out, size_t length, struct shoal_err *err)
{
    (void)arg;
    FILE *file = fopen(path_of(call, key), "r");
    if (!file) { return shoal_fail(err, SHOAL_ENOTFOUND, "not here"); }
    fseek(file, (long)offset, SEEK_SET);
    size_t got = fread(out, 1, length, file);
    fclose(file);
    return (int64_t)got;
}
static int64_t size_at(struct shoal_call *call, void *arg, const char *key, struct shoal_err *err)
{
    (void)arg;
    struct stat info;
    return stat(path_of(call, key), &info) == 0 ? (int64_t)info.st_size : shoal_fail(err, SHOAL_ENOTFOUND, "not here");
}
static int remove_at(struct shoal_call *call, void *arg, const char *key, struct shoal_err *err)
{
    (void)arg; (void)err;
    unlink(path_of(call, key));
    return 0;
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_svc_storage storage = {.size = sizeof storage, .put_begin = put_begin, .put_write = put_write,
        .put_commit = put_commit, .put_abort = put_abort, .read = read_at, .stat = size_at, .remove = remove_at};
    plugin = self;
    return shoal_provide(self, "storage", &storage, NULL, err);
}
SHOAL_PLUGIN(.name = "second", .start = start);
`

let site, video
const heard = name => site.log.includes(`heard ${name} `)
const hear = name => site.when(`${name} is heard`, () => heard(name))

before(async () => {
  site = await startInstance({ started: false, settings: ['storage=storage_fs', 'playback.count_every=1s', ...federating] })
  site.settings.push(`url=${site.url}`)
  site.environment = { SHOAL_DRILL_SWEEP: '3000' }
  const folder = join(site.folder, 'plugins')
  const pins = {
    witness: writePlugin(folder, 'witness', { lua: witness, manifest: { hooks: rows.map(row => row.name), permissions: ['read:videos', 'read:users', 'media'] } }),
    second: writePlugin(folder, 'second', { c: second, manifest: { provides: ['storage'], permissions: ['media'] } }),
    changer: writePlugin(folder, 'changer', { c: changer, manifest: { permissions: ['routes:/changer', 'write:users'], settings: [{ name: 'colour', type: 'text', default: 'red', help: 'A colour' }] } }),
    broken: writePlugin(folder, 'broken', { lua: 'error "it does not start"' })
  }
  const list = Object.entries(pins).map(([name, pin]) => line(name, pin))
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', 'playback', 'p2p', 'subscriptions', 'ratings', 'comments', 'signatures', 'identity', 'delivery', 'federation', 'federation_videos', ...list])
  await site.start()
})
after(() => site?.stop())

test('starting, and a plugin that does not', async () => {
  await hear('instance.started')
  await hear('health.changed')
})

test('users come, log in and make channels', async () => {
  const made = await site.post('//changer/users', { json: { username: 'carol', password: 'pass word 99', email: 'carol@example.org' } })
  assert.equal(made.status, 200, made.text)
  await hear('user.register')
  const token = await site.token('carol', 'pass word 99')
  await hear('user.login')
  await hear('user.changed')
  assert.equal((await site.get('/users/me', { token })).status, 200)
  await hear('user.view')
  assert.equal((await site.post('/video-channels', { token, json: { name: 'carol_films', displayName: 'Films' } })).status, 200)
  await hear('channel.changed')
  assert.equal((await site.post('/users/me/subscriptions', { token: true, json: { uri: 'carol_films' } })).status, 204)
  await hear('follow.request')
  await hear('follow.changed')
})

test('a video goes all its way', async () => {
  video = await site.upload(await clip('h264', { seconds: 2 }), { privacy: 1 })
  for (const name of ['upload.begin', 'video.fill', 'upload.finish']) await hear(name)
  const now = await site.published(video.uuid)
  for (const name of ['transcode.plan', 'transcode.encode', 'media.place', 'video.publish', 'video.published', 'video.files', 'video.state']) await hear(name)
  assert.equal(now.streamingPlaylists.length, 1)
})

test('media.place chooses a storage; a name that is none falls back and is told', async () => {
  const now = await site.until(video.uuid, video => video.thumbnailPath && video.previewPath, true)
  for (const path of [now.thumbnailPath, now.previewPath]) {
    const picture = await site.raw({ path })
    assert.equal(picture.status, 200)
    assert.deepEqual([...picture.body.subarray(0, 2)], [0xff, 0xd8])
  }
  const lies = name => readdirSync(site.folder, { recursive: true }).filter(path => path.includes(name))
  const [thumbnail] = lies(now.thumbnailPath.split('/').pop())
  assert.match(thumbnail, /^tmp\/second-thumbnails_/)
  assert.match(lies(now.previewPath.split('/').pop())[0], /^media\//)
  await site.says(/media\.place: there is no storage \\?"nowhere\\?" for the preview of video [0-9a-f-]{36}; it goes to storage_fs/)
})

test('it is listed, shown and read', async () => {
  assert.equal((await site.get('/videos')).json.total, 1)
  await hear('list.query')
  await hear('video.view')
  assert.equal((await site.get('/config')).status, 200)
  await hear('instance.view')
  assert.equal((await site.post(`/videos/${video.uuid}/token`, { token: true })).status, 200)
  await hear('media.read')
  await hear('route.enter')
  assert.equal((await site.raw({ path: `/w/${video.uuid}`, headers: { accept: 'text/html' } })).status, 200)
  await hear('page.data')
})

test('embed.show knows the site around it, and may refuse it', async () => {
  const embed = referer => site.raw({ path: `/videos/embed/${video.uuid}`, headers: { accept: 'text/html', ...referer && { referer } } })
  assert.equal((await embed('https://friend.example/page')).status, 200)
  await hear('embed.show')
  const refused = await embed('https://other.example/page?x=https://friend.example/')
  assert.equal(refused.status, 403)
  assert.ok(!/<video/i.test(refused.text))
  assert.equal((await embed('https://friend.example/page')).status, 200)
  assert.equal((await embed()).status, 200)
})

test('it is watched', async () => {
  for (const currentTime of [0, 1, 2]) {
    assert.equal((await site.post(`/videos/${video.uuid}/views`, { json: { currentTime } })).status, 204)
    await sleep(700)
  }
  await hear('video.viewed')
  const report = { videoId: video.uuid, resolution: 180, playerMode: 'p2p-media-loader', resolutionChanges: 0, errors: 0, p2pEnabled: true, downloadedBytesP2P: 5, downloadedBytesHTTP: 5, uploadedBytesP2P: 0 }
  assert.equal((await site.post('/metrics/playback', { json: report })).status, 204)
  await hear('swarm.counted')
})

test('it is rated and talked about', async () => {
  assert.equal((await site.put(`/videos/${video.uuid}/rate`, { token: true, json: { rating: 'like' } })).status, 204)
  await hear('rating.changed')
  assert.equal((await site.post(`/videos/${video.uuid}/comment-threads`, { token: true, json: { text: 'Well done' } })).status, 200)
  await hear('comment.create')
  await hear('comment.changed')
})

test('its viewers meet', async () => {
  const hash = bytes20()
  addHash(site, hash, video)
  assert.equal((await announceHttp(site, hash)).incomplete, 1)
  await hear('swarm.join')
})

test('another server follows, reads, answers, and is answered', async () => {
  const peer = await Peer.start()
  try {
    const ann = peer.person('ann')
    const id = `${site.url}/videos/watch/${video.uuid}`
    assert.equal((await ann.post(site, ann.say('Follow', `${site.url}/accounts/root`))).status, 204)
    await hear('federation.inbound')
    await peer.came('the Accept', body => body.type === 'Accept')
    await hear('federation.outbound')
    assert.equal((await ann.get(site, `/videos/watch/${video.uuid}`)).status, 200)
    await hear('federation.write')
    const note = { id: `${ann.id}/notes/1`, type: 'Note', attributedTo: ann.id, inReplyTo: id, content: '<p>seen</p>', published: new Date().toISOString(), to: [Public], cc: [] }
    peer.serve(new URL(note.id).pathname, { '@context': context, ...note })
    assert.equal((await ann.post(site, ann.say('Create', note))).status, 204)
    await hear('federation.read')
    const nobody = peer.person('nobody')
    const followed = nobody.say('Follow', `${site.url}/accounts/root`)
    assert.equal((await nobody.post(site, followed)).status, 204)
    assert.equal((await nobody.post(site, nobody.say('Undo', followed))).status, 204)
    const sql = text => execFileSync('sqlite3', ['-cmd', '.timeout 10000', join(site.folder, 'shoal.sqlite3'), text], { encoding: 'utf8' }).trim()
    const here = "FROM catalog_actor x WHERE x.name = 'nobody'"
    await site.when('nobody follows', () => sql(`SELECT COUNT(*) ${here} AND NOT EXISTS (SELECT 1 FROM catalog_follow WHERE follower_id = x.id)`) === '1')
    sql("UPDATE catalog_actor SET needed = 1 WHERE name = 'nobody'")
    await hear('actor.forget')
    assert.equal((await site.post('/server/blocklist/servers', { token: true, json: { host: peer.host } })).status, 204)
    await hear('host.hidden')
  } finally {
    await peer.stop()
  }
})

test('it changes, hides and goes', async () => {
  assert.equal((await site.put(`/videos/${video.uuid}`, { token: true, json: { name: 'Another name' } })).status, 204)
  await hear('video.changed')
  assert.equal((await site.put(`/videos/${video.uuid}`, { token: true, json: { privacy: 3 } })).status, 204)
  await hear('video.hidden')
  assert.equal((await site.delete(`/videos/${video.uuid}`, { token: true })).status, 204)
  await hear('video.deleted')
})

test('a refusal is told', async () => {
  const sent = await site.send(await clip('h264', { seconds: 2 }), { name: 'Refuse me' })
  assert.equal(sent.status, 403)
  assert.match(sent.json.detail, /this name is refused/)
  await hear('verdict.given')
})

test('a setting changes', async () => {
  assert.equal((await site.raw({ path: '/changer' })).text, 'changed')
  await hear('settings.changed')
})

test('views that were counted just before the end are in the database, and the end is heard', async () => {
  const last = await site.upload(await clip('h264', { seconds: 2 }), { privacy: 1 })
  await site.published(last.uuid)
  for (const currentTime of [0, 1, 2]) {
    await site.post(`/videos/${last.uuid}/views`, { json: { currentTime } })
    await sleep(100)
  }
  await site.kill()
  await hear('instance.stopping')
  await site.start()
  assert.equal((await site.get(`/videos/${last.uuid}`)).json.views, 1)
})

test('nothing in hooks.def was silent', () => {
  assert.ok(rows.length >= 31)
  assert.deepEqual(rows.filter(row => !heard(row.name)).map(row => row.name), [])
})
