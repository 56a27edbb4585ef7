// nquads.test.mjs - the N-Quads that we write from fixed shapes are those that real expansion and URDNA2015 give.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import jsonld from 'jsonld'

import { startInstance } from '../kit/instance.mjs'
import { pinOf, writePlugin } from '../kit/plugins.mjs'

const root = resolve(import.meta.dirname, '../..')
const read = path => JSON.parse(readFileSync(join(root, 'tests/node_modules', path), 'utf8'))
const documents = {
  'https://www.w3.org/ns/activitystreams': read('activitystreams-context/context.json'),
  'https://w3id.org/security/v1': read('security-context/contexts/security-v1.jsonld')
}
const documentLoader = async url => {
  assert.ok(documents[url], `${url} is a context that PeerTube would have to fetch`)
  return { contextUrl: null, documentUrl: url, document: documents[url] }
}
const canonize = document => jsonld.canonize(document, { algorithm: 'URDNA2015', format: 'application/n-quads', safe: true, documentLoader })

// A plugin made of the very source file, which answers with what it writes.
const c = `
#include <stdlib.h>
#include <string.h>
#include <shoal/plugin.h>
#include "${join(root, 'plugins/signatures/signatures_nquads.c')}"
static int quads(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call, (void)arg;
    json_t *body = shoal_request_body(request, err);
    char *text = body == NULL ? NULL : sig_nquads(body);
    int code = text == NULL ? shoal_fail(err, SHOAL_EUNSUPPORTED, "it is of no shape that is known")
                            : shoal_answer_bytes(request, 200, "text/plain", text, strlen(text));
    free(text);
    return code;
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route route = {.method = "POST", .path = "/quads", .handler = quads,
        .auth = SHOAL_AUTH_NONE, .body = SHOAL_BODY_DATA};
    return shoal_route_add(self, &route, err);
}
SHOAL_PLUGIN(.name = "quads", .start = start);
`

let site
before(async () => {
  site = await startInstance({ started: false })
  const folder = join(site.folder, 'plugins')
  writePlugin(folder, 'quads', { c, manifest: { permissions: ['routes:/quads'] }, flags: ['-D_GNU_SOURCE', '-I', join(root, 'plugins/signatures')] })
  site.config = site.config.replace(/plugins\s*=\s*\{/, match => `${match}\n  { "quads", sha256 = "${pinOf(join(folder, 'quads'))}" },\n`)
  await site.start()
})
after(() => site?.stop())

const base = ['https://www.w3.org/ns/activitystreams', 'https://w3id.org/security/v1', { RsaSignature2017: 'https://w3id.org/security#RsaSignature2017' }]
const source = readFileSync(join(root, 'plugins/identity/identity_context.c'), 'utf8')
/** The map that identity_context.c adds for a kind; its terms have to stand there. */
const mapOf = (kind, prefix, terms) => {
  for (const term of [kind, ...terms]) assert.ok(source.includes(`"${term}"`), term)
  return { pt: 'https://joinpeertube.org/ns#', sc: 'http://schema.org/', ...Object.fromEntries(terms.map(term => [term, `${prefix}:${term}`])) }
}

async function same (document, context = base) {
  const answer = await site.post('//quads', { json: document })
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.text, await canonize({ '@context': context, ...document }))
  return answer.text
}

const Public = 'https://www.w3.org/ns/activitystreams#Public'
const alice = 'https://a.example/accounts/alice'
const video = 'https://b.example/videos/watch/9c9de5e8-0a1e-484a-b099-e80766180a6d'
const note = {
  type: 'Note',
  id: `${video}/comments/17`,
  content: 'A "quoted" line\nwith \\ and ü, 魚 🐟\r\nand <b>more</b>',
  mediaType: 'text/markdown',
  inReplyTo: video,
  published: '2026-05-01T10:00:00.000Z',
  updated: '2026-05-02T10:00:00.000Z',
  url: `${video}/comments/17`,
  attributedTo: alice,
  tag: [],
  replyApproval: null,
  audience: 'https://b.example/video-channels/reef',
  to: [Public],
  cc: [`${alice}/followers`, 'https://b.example/accounts/bob']
}
const create = { type: 'Create', id: `${note.id}/activity`, actor: alice, object: note, published: note.published, to: note.to, cc: note.cc }
const comment = [...base, mapOf('Comment', 'pt', ['replyApproval'])]
const mention = (name, host = 'b.example') => ({ type: 'Mention', href: `https://${host}/accounts/${name}`, name: `@${name}@${host}` })

test('a comment, its edit and an approved reply', async () => {
  await same(create, comment)
  await same({ ...create, type: 'Update', id: `${note.id}/updates/2026-05-02` }, comment)
  await same({ ...create, object: { ...note, replyApproval: `${note.id}/approve-reply` } }, comment)
})

test('mentions, however many and in whatever order, also twice the same', async () => {
  const names = ['bob', 'carol', 'dave', 'eve', 'frank', 'grace', 'heidi', 'ivan', 'judy', 'mallory', 'niaj', 'olivia', 'peggy']
  for (let count = 1; count <= names.length; count++) {
    for (const order of [names.slice(0, count), names.slice(0, count).reverse()]) {
      await same({ ...create, object: { ...note, tag: order.map((name, i) => mention(name, i % 2 ? 'b.example' : 'c.example')) } }, comment)
    }
  }
  await same({ ...create, object: { ...note, tag: [mention('bob'), mention('carol'), mention('bob')] } }, comment)
})

test('authors as objects, and somebody named twice', async () => {
  await same({ ...create, object: { ...note, attributedTo: [{ type: 'Person', id: alice }], cc: [Public, Public, alice] } }, comment)
})

test('a deletion, by the id or with the id of the object', async () => {
  const removal = { type: 'Delete', id: `${note.id}/delete`, actor: alice, object: note.id, to: [Public], cc: [] }
  await same(removal)
  await same({ ...removal, object: { id: note.id } })
})

test('views, and how many watch', async () => {
  const view = { type: 'View', id: 'https://a.example/accounts/peertube/views/videos/17/abc', actor: 'https://a.example/accounts/peertube', object: video, to: [Public, 'https://b.example/accounts/bob/followers'], cc: [] }
  const context = [...base, mapOf('View', 'sc', ['WatchAction', 'InteractionCounter', 'interactionType', 'userInteractionCount'])]
  await same(view, context)
  await same({ ...view, expires: '2026-05-01T10:02:00.000Z' }, context)
  const text = await same({ ...view, expires: '2026-05-01T10:02:00.000Z', result: { type: 'InteractionCounter', interactionType: 'WatchAction', userInteractionCount: 17 } }, context)
  assert.match(text, /_:c14n0 <http:\/\/schema\.org\/userInteractionCount> "17"\^\^/)
})

test('the options of a signature', async () => {
  await same({ creator: alice, created: '2026-05-01T10:00:00.000Z' })
})

test('what has a member of no known meaning, a relative id or a text where a number belongs is not written', async () => {
  for (const document of [
    { ...create, nonsense: 1 },
    { ...create, object: { ...note, tag: [{ ...mention('bob'), icon: 'https://b.example/x' }] } },
    { ...create, type: 'Accept' },
    { ...create, actor: 'alice' },
    { ...create, actor: 'https://a.example/> <x' },
    { ...create, object: { ...note, content: 17 } },
    { ...create, result: { type: 'InteractionCounter', userInteractionCount: '17' } },
    { ...create, object: { ...note, tag: [{ ...mention('bob'), tag: [{ type: 'Mention' }] }] } },
    { ...create, object: { ...note, tag: Array.from({ length: 65 }, (_, i) => mention(`user${i}`)) } }
  ]) {
    const answer = await site.post('//quads', { json: document })
    assert.equal(answer.status, 501, JSON.stringify(document).slice(0, 300))
  }
})
