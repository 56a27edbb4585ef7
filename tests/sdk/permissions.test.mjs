// permissions.test.mjs - the closed list: in C and in Lua each works with its line of plugin.json alone.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { freePort, startInstance } from '../kit/instance.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

const root = join(import.meta.dirname, '..', '..')

// What each permission lets happen: C and Lua that do it, as a statement that leaves a number or an
// error in C, and a function that raises in Lua. at: "start" where it can only be asked for then.
// without: what the refusal says, where it does not name the missing line.
const NOWHERE = '00000000-0000-4000-8000-000000000000'
const probes = {
  'routes:/elsewhere/NAME': {
    at: 'start',
    c: 'struct shoal_route route = {.path = "/elsewhere/NAME/c", .handler = answer}; route.method = "GET"; code = shoal_route_add(self, &route, err);',
    lua: 'shoal.route { path = "/elsewhere/NAME/lua", handler = function() end }'
  },
  'routes:/sockets/NAME': {
    at: 'start',
    c: 'static const struct shoal_stream_ops ops; struct shoal_socket_route route = {.path = "/sockets/NAME", .ops = &ops}; code = shoal_socket_add(self, &route, err);'
  },
  pages: {
    at: 'start',
    c: 'code = shoal_slot_add(self, "footer", fill, NULL, err);',
    lua: 'shoal.slot("footer", function() return "" end)'
  },
  cli: {
    at: 'start',
    c: 'code = shoal_cli_add(self, "wave", "waves", wave, NULL); if (code < 0) { shoal_fail(err, code, "permission \\"cli\\""); }',
    lua: 'shoal.cli("wave", "waves", function() return "" end)'
  },
  'http:127.0.0.1': {
    c: 'struct shoal_fetch what = {.url = "http://127.0.0.1:1/"}; struct shoal_fetched got; code = shoal_fetch(call, &what, &got, err);',
    lua: 'local got, why = shoal.fetch { url = "http://127.0.0.1:1/" }; error(why)'
  },
  'listen:PORT': {
    at: 'start',
    c: 'static const struct shoal_stream_ops ops; code = shoal_listen(self, SHOAL_LISTEN_TCP, "127.0.0.1:PORT", &ops, NULL, err);'
  },
  'process:ffprobe': {
    c: 'struct shoal_process what = {.program = "ffprobe"}; code = shoal_process_start(call, &what, err);'
  },
  database: {
    c: 'code = shoal_db_exec(shoal_call_db(call), &own, SHOAL_NOARGS, NULL, err);',
    lua: 'shoal.query(own)',
    without: /may not use NAME_thing|no such table/
  },
  'read:videos': {
    c: 'json_t *all = shoal_video_list(call, NULL, err); code = all ? 0 : err->code; json_decref(all);',
    lua: 'local all, why = shoal.video_list {}; if not all then error(why) end'
  },
  'read:videos (the view)': {
    permission: 'read:videos',
    c: 'struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &videos, SHOAL_NOARGS, err); code = rows ? shoal_rows_close(rows, err) : err->code;',
    lua: 'shoal.query(videos)',
    without: /may not use v1_video/
  },
  'write:videos': {
    c: `code = shoal_video_delete(call, "${NOWHERE}", err);`,
    lua: `shoal.video_delete "${NOWHERE}"`
  },
  'write:videos (update)': {
    permission: 'write:videos',
    c: `json_t *none = json_object(); code = shoal_video_update(call, "${NOWHERE}", none, err); json_decref(none);`,
    lua: `shoal.video_update("${NOWHERE}", {})`
  },
  'read:users': {
    c: 'json_t *all = shoal_user_list(call, NULL, err); code = all ? 0 : err->code; json_decref(all);'
  },
  'write:users': {
    c: 'code = shoal_user_delete(call, 999999, err);'
  },
  'write:users (pictures)': {
    permission: 'write:users',
    c: 'json_t *none = shoal_actor_image(call, "avatar", NULL, NULL, err); code = none ? 0 : err->code; json_decref(none);'
  },
  'read:accounts': {
    c: 'json_t *one = shoal_account_get(call, "root", err); code = one ? 0 : err->code; json_decref(one);',
    lua: 'local one, why = shoal.account_get "root"; if not one then error(why) end'
  },
  'read:channels': {
    c: 'json_t *all = shoal_channel_list(call, NULL, err); code = all ? 0 : err->code; json_decref(all);',
    lua: 'local all, why = shoal.channel_list {}; if not all then error(why) end'
  },
  'write:channels': {
    c: 'code = shoal_channel_delete(call, "nobody_has_this", err);'
  },
  'write:channels (pictures)': {
    permission: 'write:channels',
    c: 'json_t *none = shoal_actor_image(call, "avatar", "nobody_has_this", NULL, err); code = none ? 0 : err->code; json_decref(none);'
  },
  media: {
    c: 'struct shoal_media_file file; code = shoal_media_find(call, "web_video", NULL, "none.mp4", &file, err);'
  },
  topics: {
    c: 'code = shoal_subscribe(self, "perm:NAME", hear, NULL) ? 0 : shoal_fail(err, SHOAL_EFORBIDDEN, "permission \\"topics\\"");',
    lua: 'shoal.publish("perm:NAME", {})'
  },
  'topics (events)': {
    permission: 'topics',
    c: 'if (shoal_request_query(request, "events")) { return shoal_answer_events(request, "perm:NAME", NULL, NULL, outer); } code = -1;',
    lua: 'if request:query "events" then request:events "perm:NAME" end',
    query: '?events=1'
  },
  'moderation.override': {
    c: 'struct shoal_decision said; json_t *none = json_object(); code = shoal_fire_decide(call, "NAME.ask", none, &said) == SHOAL_PASS ? 0 : shoal_fail(err, SHOAL_EFORBIDDEN, "%s", said.sentence); json_decref(none);',
    lua: 'local verdict, why = shoal.fire_decide("NAME.ask", {}); if verdict ~= "pass" then error(why) end',
    without: /./
  },
  'moderation.override (release)': {
    permission: 'moderation.override',
    c: 'shoal_tx(call, hold_one, NULL, NULL); code = shoal_release(call, "NAME.ask", "thing:1", NULL, err);'
  }
}

// What nothing in the SDK asks for yet, and the one that the site shows instead of a call.
const elsewhere = ['secrets', 'federation', 'scripts']
const permissionOf = key => probes[key].permission ?? key
const has = (key, language) => probes[key][language] !== undefined

function cSource (name, port) {
  const mine = Object.keys(probes).filter(key => has(key, 'c'))
  const fill = text => text.replaceAll('NAME', name).replaceAll('PORT', port)
  const cases = when => mine.filter(key => (probes[key].at ?? 'call') === when)
    .map(key => `    if (strcmp(what, "${mine.indexOf(key)}") == 0) { ${fill(probes[key].c)} }\n`).join('')
  return `#include <shoal/plugin.h>
#include <stdio.h>
#include <string.h>
SHOAL_SQL(own, "SELECT id FROM ${name}_thing");
SHOAL_SQL(videos, "SELECT id FROM v1_video");
static struct shoal_plugin *self;
static char kept[${mine.length}][300];
static enum shoal_verdict nod(struct shoal_call *call, json_t *event, void *arg) { (void)call; (void)event; (void)arg; return SHOAL_ACCEPT; }
static int fill(struct shoal_call *call, const char *slot, const json_t *data, struct shoal_buf *out, void *arg, struct shoal_err *err)
{ (void)call; (void)slot; (void)data; (void)out; (void)arg; (void)err; return 0; }
static int wave(struct shoal_call *call, int argc, const char *const *argv, void *arg) { (void)call; (void)argc; (void)argv; (void)arg; return 0; }
static void hear(const char *topic, const json_t *message, void *arg) { (void)topic; (void)message; (void)arg; }
static int hold_one(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct shoal_decision by = {.verdict = SHOAL_HOLD, .plugin = "somebody"};
    (void)call; (void)arg;
    return shoal_held_add(tx, "${name}.ask", "thing:1", &by, err);
}
static int answer(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *outer)
{
    struct shoal_err inner = {0}, *err = &inner;
    int code = 0;
    const char *what = shoal_request_param(request, "what");
    (void)arg; (void)outer;
    if (*kept[atoi(what)]) { return shoal_answer_json(request, 200, json_pack("{s:s}", "text", kept[atoi(what)])); }
${cases('call')}    return shoal_answer_json(request, 200, json_pack("{s:i, s:s}", "code", code, "text", inner.text));
}
static int start(struct shoal_plugin *plugin, struct shoal_err *outer)
{
    struct shoal_route own_route = {.method = "GET", .path = "/${name}/{what}", .handler = answer};
    self = plugin;
    for (int i = 0; i < ${mine.length}; i++) {
        struct shoal_err inner = {0}, *err = &inner;
        char what[8];
        int code = 0;
        snprintf(what, sizeof what, "%d", i);
    ${cases('start')}        snprintf(kept[i], sizeof kept[i], "%s", code < 0 ? inner.text : "");
    }
    shoal_decide(plugin, "${name}.ask", nod, NULL);
    return shoal_route_add(plugin, &own_route, outer);
}
SHOAL_PLUGIN(.name = "${name}", .start = start);
`
}

function luaSource (name) {
  const mine = Object.keys(probes).filter(key => has(key, 'lua'))
  const functions = mine.map(key => `probes[${mine.indexOf(key)}] = function(request) ${probes[key].lua.replaceAll('NAME', name)} end\n`).join('')
  const early = mine.filter(key => probes[key].at === 'start').map(key => mine.indexOf(key))
  return `local shoal = require "shoal"
local own, videos = shoal.sql "SELECT id FROM ${name}_thing", shoal.sql "SELECT id FROM v1_video"
local probes, kept = {}, {}
${functions}
for _, at in ipairs { ${early.join(', ')} } do
  local ok, why = pcall(probes[at])
  kept[at] = ok and "" or tostring(why)
end
shoal.decide("${name}.ask", function() return shoal.accept() end)
shoal.route { path = "/${name}/{what}", handler = function(request)
  local at = tonumber(request:param "what")
  if kept[at] then return { text = kept[at] } end
  local ok, why = pcall(probes[at], request)
  if not request:query "events" or not ok then request:json(200, { code = ok and 0 or -1, text = ok and "" or tostring(why) }) end
end }
`
}

const fires = name => [{ name: `${name}.ask`, kind: 'decide', failure: 'closed', moment: 'before a probe' }]

test('every permission of the list is tried here', () => {
  const source = readFileSync(join(root, 'core/host/permissions.c'), 'utf8')
  const names = [...source.matchAll(/^ {4}\{"([a-z.]+)", VALUE_/gm)].map(([, name]) => name)
  assert.ok(names.length >= 15)
  const tried = new Set([...Object.keys(probes).map(key => permissionOf(key).split(':')[0]), ...elsewhere])
  assert.deepEqual(names.filter(name => !tried.has(name)), [])
})

for (const allowed of [false, true]) {
  describe(allowed ? 'with its line in plugin.json' : 'without its line in plugin.json', () => {
    let site
    before(async () => {
      site = await startInstance({ started: false })
      const plugins = join(site.folder, 'plugins')
      const lines = []
      for (const language of ['c', 'lua']) {
        const name = `perm_${language}`
        const port = await freePort()
        const wanted = Object.keys(probes).filter(key => has(key, language)).map(permissionOf)
        const manifest = {
          permissions: [`routes:/${name}`, ...allowed ? new Set([...wanted, ...elsewhere]) : ['pages']].map(text => text.replace('NAME', name).replace('PORT', port)),
          fires: fires(name),
          hooks: [`${name}.ask`]
        }
        if (!allowed) manifest.permissions = manifest.permissions.filter(text => text !== 'pages')
        const files = {
          ...allowed ? { 'migrations/001_thing.sql': `CREATE TABLE ${name}_thing (id ID);\n` } : {},
          'pages/theme.json': JSON.stringify({ pages: [{ name: `${name}.page`, path: `/${name}_page`, template: `${name}/page`, styles: ['style/x.css'] }] }),
          [`pages/templates/${name}/page.mustache`]: '{{<layout}}{{$main}}<p>here</p>{{/main}}{{/layout}}',
          'pages/style/x.css': 'p { color: teal }',
          'pages/scripts/x.js': 'export {}'
        }
        const source = language === 'c' ? { c: cSource(name, port) } : { lua: luaSource(name) }
        lines.push(line(name, writePlugin(plugins, name, { ...source, manifest, files })))
      }
      site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', ...lines])
      await site.start()
    })
    after(() => site?.stop())

    for (const language of ['c', 'lua']) {
      const mine = Object.keys(probes).filter(key => has(key, language))
      for (const key of mine) {
        test(`${language}: ${key}`, async () => {
          const name = `perm_${language}`
          const { query = '', without = /permission/ } = probes[key]
          const events = allowed && query
          const path = `/${name}/${mine.indexOf(key)}${query}`
          if (events) {
            const answer = await fetch(site.url + path)
            assert.match(answer.headers.get('content-type') ?? '', /event-stream/)
            await answer.body.cancel()
            return
          }
          const answer = await site.raw({ path })
          if (!allowed && answer.status === 403) return assert.match(answer.text, /permission/)
          assert.equal(answer.status, 200, answer.text)
          const { text } = answer.json
          if (allowed) assert.doesNotMatch(text, /permission|may not use|may not start/)
          else assert.match(text, new RegExp(without.source.replaceAll('NAME', name)))
        })
      }

      test(`${language}: scripts`, async () => {
        const name = `perm_${language}`
        const page = await site.raw({ path: `/${name}_page`, headers: { accept: 'text/html' } })
        if (!allowed) return assert.equal(page.status, 404) // not even a page
        const href = page.text.match(/href="([^"]*style\/x\.css)"/)[1]
        assert.equal((await site.raw({ path: href.replace('style/x.css', 'scripts/x.js') })).status, 200)
      })
    }
  })
}
