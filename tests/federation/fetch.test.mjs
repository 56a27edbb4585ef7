// fetch.test.mjs - documents and collections of other servers, as plugins get them through the service `federation`.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { pinOf, writePlugin } from '../kit/plugins.mjs'
import { Peer, federating } from './peer.mjs'

const activityType = 'application/activity+json'

// Calls of the service, one a route; errors come out as problem+json.
const c = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <shoal/plugin.h>
#include <shoal/svc/federation.h>
static const struct shoal_svc_federation *enter(struct shoal_call *call, struct shoal_service *service)
{
    if (!shoal_service_find("federation", NULL, service)) {
        abort();
    }
    shoal_enter(call, service);
    return service->table;
}
static int give(struct shoal_request *request, json_t *value, struct shoal_err *err)
{
    return value == NULL ? err->code : shoal_answer_json(request, 200, value);
}
static int fetch(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    struct shoal_service service;
    const struct shoal_svc_federation *federation = enter(call, &service);
    json_t *value = federation->fetch(call, service.arg, shoal_request_query(request, "url"), err);
    shoal_leave(call);
    (void)arg;
    return give(request, value, err);
}
static bool each(struct shoal_call *call, const json_t *item, void *state)
{
    (void)call;
    json_array_append(state, (json_t *)(uintptr_t)item);
    return strcmp(json_is_string(item) ? json_string_value(item) : "", "stop") != 0;
}
static int crawl(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    struct shoal_service service;
    json_t *items = json_array();
    const char *most = shoal_request_query(request, "max");
    const struct shoal_svc_federation *federation = enter(call, &service);
    int code = federation->crawl(call, service.arg, shoal_request_query(request, "url"), most ? (int)strtol(most, NULL, 10) : 1000,
        each, items, err);
    shoal_leave(call);
    (void)arg;
    return shoal_answer_json(request, 200, json_pack("{s:i, s:o}", "code", code, "items", items));
}
static int actor(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    struct shoal_service service;
    struct shoal_actor found = {0};
    const char *age = shoal_request_query(request, "age");
    const struct shoal_svc_federation *federation = enter(call, &service);
    int code = federation->actor(call, service.arg, shoal_request_query(request, "url"), strtoll(age, NULL, 10), &found, err);
    shoal_leave(call);
    (void)arg;
    return code != 0 ? code : shoal_answer_json(request, 200, json_pack("{s:s, s:s, s:s?, s:s}", "url", found.url, "name",
        found.name, "displayName", found.display_name, "host", found.host));
}
static int resolve(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    struct shoal_service service;
    const struct shoal_svc_federation *federation = enter(call, &service);
    json_t *value = federation->resolve(call, service.arg, shoal_request_query(request, "what"), err);
    shoal_leave(call);
    (void)arg;
    return give(request, value, err);
}
static int answer(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    struct shoal_service service;
    json_t *noun = json_pack("{s:s}", "name", "a noun");
    const struct shoal_svc_federation *federation = enter(call, &service);
    int code = federation->answer(call, service.arg, request, "View", "Thing", noun,
        json_pack("{s:s, s:s}", "id", shoal_url(call, "/t/answer"), "type", "Thing"), err);
    shoal_leave(call);
    json_decref(noun);
    (void)arg;
    return code;
}
static int written(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    struct shoal_service service;
    json_t *object = json_pack("{s:s}", "type", "Thing"), *draft = json_pack("{s:s}", "name", "draft");
    const struct shoal_svc_federation *federation = enter(call, &service);
    federation->written(call, service.arg, "Thing", NULL, &object);
    federation->read(call, service.arg, "Thing", object, &draft);
    shoal_leave(call);
    (void)arg;
    (void)err;
    return shoal_answer_json(request, 200, json_pack("{s:o, s:o}", "object", object, "draft", draft));
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct {
        const char *path;
        shoal_handler_fn *handler;
    } routes[] = {{"/t/fetch", fetch}, {"/t/crawl", crawl}, {"/t/actor", actor}, {"/t/resolve", resolve}, {"/t/answer", answer}, {"/t/written", written}};
    int code = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && code == 0; i++) {
        const struct shoal_route route = {.method = "GET", .path = routes[i].path, .handler = routes[i].handler,
            .auth = SHOAL_AUTH_NONE, .timeout_ms = 100000};
        code = shoal_route_add(self, &route, err);
    }
    return code;
}
SHOAL_PLUGIN(.name = "asker", .start = start);
`
const lua = `
local shoal = require "shoal"
shoal.filter("federation.write", function(value)
  if value.type == "Thing" then
    value.object.added = value.noun and value.noun.name or "without a noun"
    value.context[#value.context + 1] = { added = "https://here.example/ns#added" }
  end
  return value
end)
shoal.filter("federation.read", function(value)
  value.draft.kept = value.object.added
  return value
end)
`

let site, peer, other

before(async () => {
  site = await startInstance({ started: false, settings: [...federating] })
  site.settings.push(`url=${site.url}`)
  const folder = join(site.folder, 'plugins')
  writePlugin(folder, 'asker', { c, manifest: { permissions: ['routes:/t', 'federation'], after: ['federation'] } })
  writePlugin(folder, 'adder', { lua, manifest: { hooks: ['federation.write', 'federation.read'], after: ['federation'] } })
  const lines = ['asker', 'adder'].map(name => `  { "${name}", sha256 = "${pinOf(join(folder, name))}" },\n`).join('')
  site.config = site.config.replace(/plugins\s*=\s*\{/, match => `${match}\n${site.config.includes('"federation"') ? '' : '  "federation",\n'}${lines}`)
  await site.start()
  peer = await Peer.start()
  other = await Peer.start({ address: '127.0.0.2' })
})
after(async () => {
  await Promise.all([peer, other].map(one => one?.stop()))
  await site?.stop()
})

const ask = (what, query) => site.raw({ path: `/t/${what}?${new URLSearchParams(query)}` })
const fetched = url => ask('fetch', { url })
const crawled = async (url, more = {}) => (await ask('crawl', { url, ...more })).json
const redirect = (path, location, status = 302) => peer.serve(path, (incoming, response) => {
  response.writeHead(status, { location })
  response.end()
})
const thing = (path, fields = {}) => peer.serve(path, { id: peer.url + path, type: 'Thing', ...fields })

test('T20 T24 a document is what its id says where it came from that id', async () => {
  const url = thing('/things/1', { name: 'one' })
  assert.equal((await fetched(url)).json.name, 'one')
  assert.equal((await fetched(`${url}#part`)).json.name, 'one')
  // Under another address of its host it is asked once more, and the answer there counts.
  peer.serve('/things/alias', { id: url, type: 'Thing', name: 'forged' })
  const asked = peer.asked.length
  assert.equal((await fetched(`${peer.url}/things/alias`)).json.name, 'one')
  assert.equal(peer.asked.length, asked + 2)
  // Of another host, of no host, a chain, and none.
  for (const id of [`${other.url}/things/1`, `${site.url}/accounts/root`, 'https://here.example/x', 'urn:x', '', undefined, 17, null, { id: url }, [url], `${peer.url}/things/chain`, `http://user@${peer.host}/things/1`]) {
    peer.serve('/things/forged', { id, type: 'Thing', name: 'forged' })
    peer.serve('/things/chain', { id: `${peer.url}/things/2`, type: 'Thing' })
    const answer = await fetched(`${peer.url}/things/forged`)
    assert.equal(answer.status, 403, `${id} ${answer.text}`)
  }
  assert.equal(other.asked.filter(entry => entry.path.startsWith('/things')).length, 0)
})

test('T29 what is no address of another server is not asked', async () => {
  for (const url of ['file:///etc/passwd', 'data:application/activity+json,{}', 'gopher://127.0.0.1/', 'x', '', `http://user:pass@${peer.host}/things/1`, `${site.url}/accounts/peertube`, 'http://0x7f.1/x\u0000', 'http://a b/']) {
    const answer = await fetched(url)
    assert.equal(answer.status, 400, url)
  }
})

test('T29 redirects stay on their host, and are few', async () => {
  const url = thing('/things/3')
  redirect('/r/3', '/things/3')
  redirect('/r/2', `${peer.url}/r/3`, 301)
  redirect('/r/1', '/r/2', 308)
  redirect('/r/0', '/r/1', 307)
  assert.equal((await fetched(`${peer.url}/r/1`)).json.id, url)
  const signatures = peer.asked.slice(-3).map(entry => entry.headers.signature)
  assert.equal(new Set(signatures).size, 3, 'each of them is signed for itself')
  assert.equal((await fetched(`${peer.url}/r/0`)).status, 403)
  redirect('/r/away', `${other.url}/things/1`)
  assert.equal((await fetched(`${peer.url}/r/away`)).status, 403)
  redirect('/r/round', '/r/round')
  assert.equal((await fetched(`${peer.url}/r/round`)).status, 403)
  redirect('/r/nowhere', '')
  assert.equal((await fetched(`${peer.url}/r/nowhere`)).status, 403)
})

test('a host that reads RFC 9421 alone is asked so at once, also by each of three that were refused together', async () => {
  const modern = await Peer.start({ address: '127.0.0.7' })
  try {
    const isModern = incoming => incoming.headers['signature-input'] !== undefined
    const refused = []
    const served = document => (incoming, response) => {
      if (isModern(incoming)) return response.writeHead(200, { 'content-type': activityType }).end(JSON.stringify(document))
      refused.push(response)
      if (refused.length < 3) return
      for (const each of refused) each.writeHead(401, { 'accept-signature': 'sig1=("@method" "@target-uri");created;keyid' }).end()
    }
    const urls = ['/things/one', '/things/two'].map(path => {
      const document = { id: `${modern.url}${path}`, type: 'Thing' }
      return modern.serve(path, served(document))
    })
    // The third is the key of one who says something, which is read by a job.
    const actor = modern.person('choosy')
    modern.serve('/accounts/choosy', served(actor.document))
    const followed = actor.post(site, actor.say('Follow', `${site.url}/accounts/peertube`))
    for (const answer of await Promise.all(urls.map(fetched))) assert.equal(answer.status, 200, answer.text)
    assert.equal((await followed).status, 204)
    assert.equal((await site.get(`/accounts/choosy@${modern.host}`)).status, 200)
    assert.equal(refused.length, 3)
    assert.equal(modern.asked.length, 6)
  } finally {
    await modern.stop()
  }
})

test('what another server answers becomes an error that says what it was', async () => {
  for (const [status, expected] of [[404, 404], [410, 410], [401, 403], [403, 403], [500, 502], [503, 502], [429, 502], [204, 502], [206, 502]]) {
    peer.serve('/status', {}, { status })
    assert.equal((await fetched(`${peer.url}/status`)).status, expected, `${status}`)
  }
  assert.equal((await fetched('http://127.0.0.1:9/x')).status, 502)
})

test('T14 T27 depth, number and size of a document are bounded', async () => {
  const path = '/large'
  const url = peer.url + path
  const nested = depth => `{"id":"${url}","a":${'['.repeat(depth)}${']'.repeat(depth)}}`
  peer.serve(path, nested(40))
  assert.equal((await fetched(url)).status, 200)
  for (const body of [nested(100), nested(500000), `{"id":"${url}","a":[${'0,'.repeat(60000)}0]}`, `{"id":"${url}","a":{${Array.from({ length: 60000 }, (_, i) => `"${i}":0`).join()}}}`]) {
    peer.serve(path, body)
    assert.ok([403, 413].includes((await fetched(url)).status), body.slice(0, 60))
  }
  peer.serve(path, `{"id":"${url}","a":"${'x'.repeat(3200 * 1024)}"}`)
  assert.equal((await fetched(url)).status, 413)
  peer.serve(path, `{"id":"${url}","a":"${'x'.repeat(2900 * 1024)}"}`)
  assert.equal((await fetched(url)).status, 200)
})

// --- collections ---

const collection = (path, pages, { root = {}, page = {} } = {}) => {
  const base = peer.url + path
  peer.serve(path, { id: base, type: 'OrderedCollection', totalItems: pages.flat().length, first: `${base}?page=1`, ...root })
  pages.forEach((items, i) => peer.serve(`${path}?page=${i + 1}`, { id: `${base}?page=${i + 1}`, type: 'OrderedCollectionPage', partOf: base, ...(i + 1 < pages.length ? { next: `${base}?page=${i + 2}` } : {}), orderedItems: items, ...page }))
  return base
}
const items = (from, count) => Array.from({ length: count }, (_, i) => `item ${from + i}`)

test('collections are walked page by page, to the end or as far as is wanted', async () => {
  const pages = [items(0, 10), items(10, 10), items(20, 3)]
  const url = collection('/list', pages)
  assert.deepEqual(await crawled(url), { code: 0, items: pages.flat() })
  assert.deepEqual((await crawled(url, { max: 15 })).items, items(0, 15))
  const asked = peer.asked.length
  assert.deepEqual((await crawled(url, { max: 10 })).items, items(0, 10))
  assert.ok(peer.asked.length <= asked + 2, 'no page more than is needed')
  assert.deepEqual((await crawled(collection('/stopped', [['a', 'stop', 'b'], ['c']]))).items, ['a', 'stop'])
  assert.deepEqual((await crawled(collection('/none', [], { root: { first: undefined } }))), { code: 0, items: [] })
  const inline = collection('/inline', [[], items(5, 2)], { root: { first: { type: 'OrderedCollectionPage', orderedItems: items(0, 5), next: `${peer.url}/inline?page=2` } } })
  assert.deepEqual((await crawled(inline)).items, items(0, 7))
  peer.serve('/plain', { id: `${peer.url}/plain`, type: 'Collection', items: items(0, 4) })
  assert.deepEqual((await crawled(`${peer.url}/plain`)).items, items(0, 4))
})

test('T07 a collection that turns in circles, or has no end, ends', async () => {
  const round = collection('/round', [['a'], ['b']])
  peer.serve('/round?page=2', { id: `${round}?page=2`, type: 'OrderedCollectionPage', orderedItems: ['b'], next: `${round}?page=1` })
  assert.deepEqual((await crawled(round)).items, ['a', 'b'])
  const own = collection('/own', [['a']], { page: { next: `${peer.url}/own?page=1` } })
  assert.deepEqual((await crawled(own)).items, ['a'])
  const root = collection('/toroot', [['a']], { page: { next: `${peer.url}/toroot` } })
  assert.deepEqual((await crawled(root)).items, ['a'])
  const itself = peer.serve('/itself', { id: `${peer.url}/itself`, type: 'OrderedCollection', totalItems: 1e15, first: `${peer.url}/itself` })
  assert.deepEqual((await crawled(itself)).items, [])
  // Always another page.
  let served = 0
  const endless = each => (incoming, response) => {
    served++
    const page = Number(new URL(incoming.url, peer.url).searchParams.get('page') ?? 0)
    response.writeHead(200, { 'content-type': activityType })
    response.end(JSON.stringify({ id: peer.url + incoming.url, type: 'OrderedCollectionPage', orderedItems: each(page), next: `${peer.url}/endless?page=${page + 1}` }))
  }
  peer.serve('/endless', endless(page => [`item ${page}`]))
  assert.ok((await crawled(`${peer.url}/endless`, { max: 100000 })).items.length <= 200)
  assert.ok(served <= 200, `${served} pages were asked for`)
  served = 0
  peer.serve('/endless', endless(() => []))
  assert.deepEqual((await crawled(`${peer.url}/endless`)).items, [])
  assert.ok(served <= 4, `${served} empty pages were asked for`)
  served = 0
  peer.serve('/endless', endless(page => items(page * 5000, 5000)))
  assert.equal((await crawled(`${peer.url}/endless`, { max: 12000 })).items.length, 12000)
  assert.equal(served, 3)
})

test('T07 pages lie on the host of their collection, and are what their address says', async () => {
  const away = collection('/away', [['a']], { page: { next: `${other.url}/list?page=1` } })
  other.serve('/list?page=1', { id: `${other.url}/list?page=1`, type: 'OrderedCollectionPage', orderedItems: ['away'] })
  assert.deepEqual((await crawled(away)).items, ['a'])
  const home = collection('/home', [['a']], { page: { next: `${site.url}/accounts/root/outbox?page=1` } })
  assert.deepEqual((await crawled(home)).items, ['a'])
  for (const next of [17, {}, [], 'x', 'file:///etc/passwd', null]) assert.deepEqual((await crawled(collection('/odd', [['a']], { page: { next } }))).items, ['a'])
  for (const orderedItems of [17, 'x', {}, null]) assert.deepEqual((await crawled(collection('/odd', [['a']], { page: { orderedItems } }))).items, [])
  assert.notEqual((await crawled(`${peer.url}/missing`)).code, 0)
})

// --- actors ---

test('actors are kept, and read anew when they are old', async () => {
  const actor = peer.person('aging')
  const asked = () => peer.asked.filter(entry => entry.path === '/accounts/aging').length
  const get = async age => (await ask('actor', { url: actor.id, age })).json
  assert.equal((await get(0)).displayName, 'aging of the tests')
  assert.equal(asked(), 1)
  actor.document.name = 'Older'
  assert.equal((await get(0)).displayName, 'aging of the tests')
  assert.equal((await get(3600000)).displayName, 'aging of the tests')
  assert.equal(asked(), 1)
  assert.equal((await get(1)).displayName, 'Older')
  actor.document.name = 'Oldest'
  assert.equal((await get(-1)).displayName, 'Oldest')
  assert.equal(asked(), 3)
  // Who cannot be asked stays known.
  for (const status of [404, 500, 403]) {
    peer.serve('/accounts/aging', {}, { status })
    assert.equal((await get(-1)).displayName, 'Oldest')
  }
  assert.equal((await site.get(`/accounts/aging@${peer.host}`)).status, 200)
  peer.gone('/accounts/aging')
  assert.equal((await ask('actor', { url: actor.id, age: -1 })).status, 410)
  assert.equal((await site.get(`/accounts/aging@${peer.host}`)).status, 404)
})

test('actors of this server are found, not fetched', async () => {
  assert.equal((await ask('actor', { url: `${site.url}/accounts/root`, age: -1 })).json.name, 'root')
  assert.equal((await ask('actor', { url: `${site.url}/accounts/nobody`, age: -1 })).status, 404)
  assert.equal((await ask('resolve', { what: `@root@${new URL(site.url).host}` })).json.id, `${site.url}/accounts/root`)
})

test('handles lead to actors by WebFinger', async () => {
  const actor = peer.person('found')
  for (const what of [`found@${peer.host}`, `@found@${peer.host}`, `acct:found@${peer.host.toUpperCase()}`]) {
    const answer = await ask('resolve', { what })
    assert.equal(answer.json.id, actor.id, what)
  }
  for (const [what, status] of [[`nobody@${peer.host}`, 404], ['@', 400], ['x@', 400], [`@@${peer.host}`, 400], [`a b@${peer.host}`, 400], [`x@${peer.host}/y`, 400], ['x@user@host', 400], [`${'x'.repeat(500)}@${peer.host}`, 400], ['x@127.0.0.1:9', 502]]) {
    assert.equal((await ask('resolve', { what })).status, status, what)
  }
})

test('a link of one server to what lies on another leads there, and what is found speaks for its own host alone', async () => {
  const far = other.person('linked')
  redirect('/w/linked', far.id)
  assert.equal((await ask('resolve', { what: `${peer.url}/w/linked` })).json.id, far.id)
  other.serve('/accounts/liar', { ...far.document, id: `${peer.url}/accounts/liar` })
  redirect('/w/liar', `${other.url}/accounts/liar`)
  assert.equal((await ask('resolve', { what: `${peer.url}/w/liar` })).status, 403)
  redirect('/w/file', 'file:///etc/passwd')
  assert.equal((await ask('resolve', { what: `${peer.url}/w/file` })).status, 403)
  assert.equal((await fetched(`${peer.url}/w/linked`)).status, 403, 'what servers say is not followed so far')
})

test('T24 a handle of one host leads to an actor of another only if that one says the same', async () => {
  const far = other.person('split')
  // The peer's own WebFinger answers for its actors: this one lies elsewhere.
  peer.actors.push({ name: 'split', id: far.id })
  assert.equal((await ask('resolve', { what: `split@${peer.host}` })).status, 403)
  peer.actors.push({ name: 'ours', id: `${site.url}/accounts/root` })
  assert.equal((await ask('resolve', { what: `ours@${peer.host}` })).status, 403)
})

// --- what we say ---

test('the filters federation.write and federation.read add fields, and the terms for them', async () => {
  const { json, headers } = await ask('answer', {})
  assert.equal(headers['content-type'], 'application/activity+json; charset=utf-8')
  assert.equal(Object.keys(json)[0], '@context')
  assert.deepEqual(Object.keys(json).sort(), ['@context', 'added', 'id', 'type'])
  assert.equal(json.added, 'a noun')
  assert.equal(json['@context'].length, 5)
  assert.equal(json['@context'][3].userInteractionCount, 'sc:userInteractionCount')
  assert.deepEqual(json['@context'][4], { added: 'https://here.example/ns#added' })
  // What is embedded in an activity carries them itself.
  assert.deepEqual((await ask('written', {})).json, { object: { type: 'Thing', added: 'without a noun', '@context': [{ added: 'https://here.example/ns#added' }] }, draft: { name: 'draft', kept: 'without a noun' } })
  assert.equal((await site.raw({ path: '/accounts/peertube', headers: { accept: activityType } })).json['@context'].length, 4)
})
