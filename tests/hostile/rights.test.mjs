// rights.test.mjs - other sites' forms, stolen tokens, and uploads that pretend to be something else.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { settled } from '../crash/look.mjs'
import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

let site, file, video
before(async () => {
  site = await startInstance()
  file = await clip('h264', { seconds: 2 })
  video = await site.published((await site.upload(file, { name: 'Stays' })).uuid)
  await settled(site) // its storyboard too
})
after(() => site?.stop())

async function session () {
  const body = new URLSearchParams({ username: site.admin, password: site.password }).toString()
  const answer = await site.raw({ method: 'POST', path: '/login', body, headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length } })
  return [answer.headers['set-cookie']].flat().find(each => each.startsWith('shoal_session=')).split(';')[0]
}

test("another site's page changes nothing with the visitor's cookie, whatever it sends", async () => {
  const cookie = await session()
  const host = `127.0.0.1:${site.port}`
  const froms = [{}, { origin: 'https://evil.example' }, { origin: 'null' }, { origin: `http://${host}.evil.example` }, { origin: `http://evil.example/${host}` }, { origin: `https://${host}` },
    { origin: `http://127.0.0.1:${site.port + 1}` }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site', origin: `http://sub.${host}` }, { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site, same-origin' }, { referer: `http://${host}/` }, { 'x-shoal-csrf': '' }, { 'x-shoal-csrf': 'undefined' }, { 'x-shoal-csrf': '0'.repeat(64) }]
  const json = JSON.stringify({ displayName: 'Changed', name: 'Changed', username: 'planted', password: 'pass word 99', email: 'a@example.org' })
  const form = 'displayName=Changed&name=Changed&csrf=&csrf='
  const changes = [['PUT', '/api/v1/users/me'], ['POST', '/api/v1/users'], ['PUT', `/api/v1/videos/${video.uuid}`], ['DELETE', `/api/v1/videos/${video.uuid}`], ['POST', '/api/v1/video-channels'],
    ['PUT', '/api/v1/video-channels/root_channel'], ['POST', '/api/v1/users/revoke-token'], ['POST', `/my/videos/${video.shortUUID}`], ['POST', `/my/videos/${video.shortUUID}/delete`], ['POST', '/logout']]
  for (const from of froms) {
    for (const [type, body] of [['application/json', json], ['text/plain', json], ['application/x-www-form-urlencoded', form], ['multipart/form-data; boundary=b', '--b\r\nContent-Disposition: form-data; name="displayName"\r\n\r\nChanged\r\n--b--\r\n']]) {
      for (const [method, path] of changes) {
        const answer = await site.raw({ method, path, body, headers: { cookie, 'content-type': type, 'content-length': body.length, ...from } })
        const what = `${method} ${path} ${type} ${JSON.stringify(from)}: ${answer.status}`
        assert.ok(answer.status >= 400 && answer.status < 500, what)
        assert.ok(answer.text.length > 10, what)
      }
    }
  }
  const me = await site.get('/users/me', { token: true })
  assert.equal(me.json.account.displayName, 'root')
  assert.equal((await site.get(`/videos/${video.uuid}`)).json.name, 'Stays')
  assert.equal((await site.raw({ path: '/my/videos', headers: { accept: 'text/html', cookie } })).status, 200, 'the session lives')
  // And nothing is changed by asking for it.
  for (const path of [`/my/videos/${video.shortUUID}/delete`, '/logout', `/api/v1/videos/${video.uuid}?_method=DELETE`]) await site.raw({ path, headers: { accept: 'text/html', cookie, 'x-http-method-override': 'DELETE' } })
  assert.equal((await site.get(`/videos/${video.uuid}`)).status, 200)
  assert.equal((await site.raw({ path: '/my/videos', headers: { accept: 'text/html', cookie } })).status, 200)
})

/** Everything below a folder, by path, with what it holds; the database and its companions aside. */
function picture (folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile() && !/sqlite3|\.log$|serve\.json|\.lock/.test(entry.name))
    .map(entry => join(entry.parentPath ?? entry.path, entry.name)).map(path => `${path} ${statSync(path).size}`).sort()
}

test("a stolen administrator's token installs nothing and puts no script on the site", async () => {
  const token = await site.token()
  const config = site.config
  const loaded = (await site.raw({ path: '/health' })).text
  const files = picture(site.folder)
  const script = { name: 'peertube-plugin-evil', npmName: 'peertube-plugin-evil', path: '/tmp/evil', pluginVersion: '1.0.0', url: 'https://evil.example/x.tar.gz', settings: { script: '<script>evil()</script>' } }
  const custom = { instance: { name: '<script>evil()</script>', customizations: { javascript: 'evil()', css: '}</style><script>evil()</script>' } }, plugins: [{ name: 'evil' }], theme: { default: 'evil' } }
  for (const [method, path, json] of [
    ['POST', '/plugins/install', script], ['POST', '/plugins/update', script], ['POST', '/plugins/uninstall', { npmName: 'web' }], ['PUT', '/plugins/peertube-plugin-evil/settings', script], ['PUT', '/plugins/web/settings', script],
    ['GET', '/plugins/available'], ['PUT', '/config/custom', custom], ['DELETE', '/config/custom'], ['PUT', '/config', custom], ['PUT', '/custom-pages/homepage/instance', { content: '<script>evil()</script>' }],
    ['POST', '/config/instance-banner/pick', {}], ['POST', '/server/debug/run-command', { command: 'remove-dandling-resumable-uploads' }], ['POST', '/jobs/pause', {}], ['POST', '/runners/registration-tokens/generate', {}],
    ['POST', '/server/following', { hosts: ['evil.example'] }], ['POST', '/videos/imports', { targetUrl: 'https://evil.example/x.mp4' }], ['PUT', '/settings', custom], ['POST', '/reload', {}]
  ]) {
    const answer = await site.api(method, path, { token, json })
    assert.ok(answer.status >= 400 && answer.status < 500, `${method} ${path}: ${answer.status} ${answer.text}`)
  }
  // What an administrator may write is text as from everybody.
  const evil = '</script><script data-evil>evil()</script>'
  assert.equal((await site.put('/users/me', { token, json: { displayName: evil, description: evil } })).status, 204)
  assert.equal((await site.put('/video-channels/root_channel', { token, json: { displayName: evil, description: evil, support: evil } })).status, 204)
  for (const path of ['/', '/about', '/c/root_channel', '/a/root', `/w/${video.shortUUID}`, `/videos/embed/${video.shortUUID}`]) {
    const page = await site.raw({ path, headers: { accept: 'text/html' } })
    assert.equal(page.status, 200, path)
    assert.doesNotMatch(page.text, /<script data-evil|evil\.example/, path)
    for (const [, tag] of page.text.matchAll(/<script([^>]*)>/g)) assert.match(tag, /type="application\/(ld\+)?json"|src="\/[^/]/, `${path} ${tag}`)
  }
  assert.equal(site.config, config, 'the composition is a file that no request writes')
  assert.equal((await site.raw({ path: '/health' })).text, loaded)
  assert.deepEqual(picture(site.folder).filter(line => !files.includes(line)), [])
  assert.equal((await site.get('/config')).json.instance.customizations.javascript, '')
})

test('T04 no body gives more than its sender has', async () => {
  const user = await site.user('climber')
  const more = { role: { id: 0 }, roleId: 0, isAdmin: true, blocked: false, videoQuota: -1, videoQuotaDaily: -1, adminFlags: 1, emailVerified: true, isPendingEmail: false, pendingEmail: 'x@evil.example', pluginAuth: 'evil', id: 1, userId: 1, accountId: 1, account: { id: 1 }, ownerAccount: { id: 1 }, uuid: video.uuid, url: 'https://evil.example/', host: 'evil.example', isLocal: false, publicKey: 'x', privateKey: 'x', createdAt: '2001-01-01T00:00:00.000Z', views: 10000, likes: 10000, state: 1, blacklisted: false }
  const before = (await site.get('/users/me', { token: user.token })).json
  for (const role of [0, '0', null]) await site.put('/users/me', { token: user.token, json: { ...more, role } })
  const made = await site.post('/video-channels', { token: user.token, json: { ...more, name: 'climbing', displayName: 'Climbing' } })
  assert.equal(made.status, 200, made.text)
  await site.put('/video-channels/climbing', { token: user.token, json: { ...more, displayName: 'Climbing' } })
  const mine = await site.upload(file, { name: 'Mine' }, user.token)
  await site.put(`/videos/${mine.uuid}`, { token: user.token, json: { ...more, channelId: await site.channelId() } })
  await site.put(`/videos/${mine.uuid}`, { token: user.token, json: { ...more, channelId: user.channelId } })
  const now = (await site.get('/users/me', { token: user.token })).json
  for (const key of ['id', 'role', 'blocked', 'adminFlags', 'videoQuota', 'videoQuotaDaily', 'email', 'emailVerified', 'pendingEmail', 'pluginAuth', 'createdAt']) assert.deepEqual(now[key], before[key], key)
  const channel = (await site.get('/video-channels/climbing')).json
  assert.equal(channel.ownerAccount.name, 'climber')
  assert.equal(channel.isLocal, true)
  assert.doesNotMatch(channel.url, /evil/)
  const shown = (await site.get(`/videos/${mine.uuid}`, { token: user.token })).json
  assert.deepEqual([shown.views, shown.likes, shown.isLocal, shown.account.name, shown.channel.name], [0, 0, true, 'climber', 'climber_channel'])
  for (const [method, path, json] of [['POST', '/users', { username: 'second', password: 'pass word 99', email: 's@example.org', role: 0 }], ['PUT', '/users/1', { role: 2, password: 'pass word 99' }], ['DELETE', '/users/1'], ['POST', '/users/1/block', {}], ['GET', '/users']]) {
    assert.equal((await site.api(method, path, { token: user.token, json })).status, 403, `${method} ${path}`)
  }
})

test('T33 what a log-out or a new password ends is dead everywhere', async () => {
  const user = await site.user('leaver')
  const secret = await site.published((await site.upload(file, { privacy: 3 }, user.token)).uuid, user.token)
  const path = new URL(secret.files[0].fileUrl).pathname
  const ways = token => [['GET', '/api/v1/users/me'], ['GET', `/api/v1/videos/${secret.uuid}`], ['PUT', '/api/v1/users/me'], ['POST', '/api/v1/videos/upload'], ['POST', '/api/v1/videos/upload-resumable'], ['GET', path]]
    .map(([method, path]) => site.raw({ method, path, headers: { authorization: `Bearer ${token}` } }))
  const second = (await site.logIn(user.username, user.password)).json
  assert.equal((await site.post('/users/revoke-token', { token: second.access_token })).status, 200)
  for (const answer of await Promise.all(ways(second.access_token))) assert.ok([401, 403].includes(answer.status), String(answer.status))
  const again = await site.post('/users/token', { form: { ...await site.client(), grant_type: 'refresh_token', refresh_token: second.refresh_token } })
  assert.ok([400, 401].includes(again.status))
  assert.equal((await site.get('/users/me', { token: user.token })).status, 200, 'the other session lives')
  const changed = await site.put('/users/me', { token: user.token, json: { currentPassword: user.password, password: 'another horse 8' } })
  assert.equal(changed.status, 204, changed.text)
  const third = (await site.logIn(user.username, 'another horse 8')).json.access_token
  assert.equal((await site.get('/users/me', { token: third })).status, 200)
  assert.notEqual((await site.logIn(user.username, user.password)).status, 200)
})

test('T21 nothing that a user sends comes back as a page, a script or an actor', async () => {
  const user = await site.user('forger')
  const page = '<!doctype html><html><script>evil()</script>'
  const svg = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="evil()"/>'
  const actor = JSON.stringify({ '@context': 'https://www.w3.org/ns/activitystreams', id: `${site.url}/accounts/root`, type: 'Person', inbox: 'https://evil.example/', publicKey: { id: 'x', owner: `${site.url}/accounts/root`, publicKeyPem: 'x' } })
  const mimes = ['application/activity+json', 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"', 'application/json', 'text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/javascript', 'video/mp4', 'image/jpeg']
  for (const bytes of [page, svg, actor]) {
    for (const mime of mimes) {
      for (const name of ['x.json', 'x.html', 'x.svg', 'x.mp4', 'x.mp4.html', 'x.html\0.mp4']) {
        const sent = await site.send(file, { videofile: { name, bytes, mime } }, user.token)
        assert.ok(sent.status >= 400 && sent.status < 500, `${name} ${mime}: ${sent.status}`)
      }
      const picked = await site.post(`/video-channels/${user.channel}/avatar/pick`, { token: user.token, fields: { avatarfile: { name: 'x.png', bytes, mime } } })
      assert.ok(picked.status >= 400 && picked.status < 500, `avatar ${mime}: ${picked.status}`)
    }
  }
  // A video that can be watched, and begins as a page: what is stored keeps the name and the type we give.
  const whole = readFileSync(file)
  const text = Buffer.from(`${page}${actor}${svg}`)
  const box = Buffer.alloc(8)
  box.writeUInt32BE(8 + text.length)
  box.write('free', 4)
  const ids = []
  for (const [name, mime] of [['x.mp4', 'video/mp4'], ['actor.json.mp4', 'video/mp4'], ['x.html', 'video/mp4'], ['x.mp4', 'text/html'], ['x.mp4', 'application/activity+json']]) {
    const sent = await site.send(file, { name: actor.slice(0, 120), description: actor, videofile: { name, bytes: Buffer.concat([whole, box, text]), mime } }, user.token)
    assert.ok([200, 400, 415, 422].includes(sent.status), `${name} ${mime}: ${sent.status} ${sent.text}`)
    if (sent.status === 200) ids.push(sent.json.video)
  }
  assert.ok(ids.length > 0)
  const accepts = ['*/*', 'application/activity+json', 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"', 'text/html']
  for (const { uuid, shortUUID } of ids) {
    const now = await site.published(uuid, user.token)
    const every = [...now.files, ...now.streamingPlaylists.flatMap(each => each.files)]
    const media = [...every.flatMap(each => [each.fileUrl, each.fileDownloadUrl]), ...now.streamingPlaylists.flatMap(each => [each.playlistUrl, each.segmentsSha256Url])].filter(Boolean).map(url => new URL(url).pathname)
      .concat([now.thumbnailPath, now.previewPath].filter(Boolean))
    for (const accept of accepts) {
      for (const path of media) {
        const answer = await site.raw({ path, headers: path.endsWith('.json') ? { accept } : { accept, range: 'bytes=0-99' } })
        assert.ok([200, 206].includes(answer.status), `${path} ${answer.status}`)
        assert.match(answer.headers['content-type'], /^(video|audio)\/|^image\/jpeg$|^application\/(vnd\.apple\.mpegurl|json; charset=utf-8)$/, path)
        assert.equal(answer.headers['x-content-type-options'], 'nosniff', path)
        assert.match(answer.headers['content-security-policy'], /default-src 'none'.*sandbox/, path)
        if (path.startsWith('/download/')) assert.match(answer.headers['content-disposition'], /^attachment/)
      }
      for (const path of [`/w/${shortUUID}`, `/videos/watch/${uuid}`, '/a/forger', '/accounts/forger', `/c/${user.channel}`, `/video-channels/${user.channel}`, `/api/v1/videos/${uuid}`, '/api/v1/accounts/forger']) {
        const answer = await site.raw({ path, headers: { accept } }).catch(error => ({ headers: {}, error }))
        assert.doesNotMatch(answer.headers['content-type'] ?? '', /activity\+json|ld\+json/, `${path} for ${accept}`)
      }
    }
  }
})
