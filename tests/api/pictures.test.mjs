// pictures.test.mjs - avatars of people and channels, banners of channels.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

let site, alice, bob, wide, small

before(async () => {
  site = await startInstance()
  alice = await site.user('alice')
  bob = await site.user('bob')
  wide = await readFile(await clip('png', { size: '1000x400' }))
  small = await readFile(await clip('jpeg', { size: '60x80' }))
})
after(() => site?.stop())

const pick = (where, kind, bytes, token) => site.post(`${where}/${kind}/pick`, { token, fields: { [`${kind}file`]: { name: 'p.png', bytes, mime: 'image/png' } } })
const sizes = images => images.map(one => `${one.width}x${one.height}`)

/** The size that a JPEG itself says. */
function sizeOf (bytes) {
  assert.equal(bytes.readUInt16BE(0), 0xffd8)
  for (let at = 2; ; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes[at + 1]
    if (marker >= 0xc0 && marker <= 0xc3) return `${bytes.readUInt16BE(at + 7)}x${bytes.readUInt16BE(at + 5)}`
  }
}

test('an avatar is square, in several sizes, and stands wherever its owner does', async () => {
  const answer = await pick('/users/me', 'avatar', wide, alice.token)
  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual(Object.keys(answer.json), ['avatars'])
  const { avatars } = answer.json
  assert.deepEqual(sizes(avatars), ['120x120', '400x400']) // 400 high: nothing is made larger
  for (const one of avatars) {
    assert.match(one.path, /^\/lazy-static\/avatars\/[0-9a-f-]{36}\.jpg$/)
    assert.equal(one.fileUrl, `${site.url}${one.path}`)
    const file = await site.raw({ path: one.path })
    assert.equal(file.status, 200)
    assert.equal(file.headers['content-type'], 'image/jpeg')
    assert.match(file.headers['cache-control'], /immutable/)
    assert.equal(sizeOf(file.body), `${one.width}x${one.height}`)
  }
  assert.deepEqual((await site.get('/users/me', { token: alice.token })).json.account.avatars, avatars)
  assert.deepEqual((await site.get('/accounts/alice')).json.avatars, avatars)
  assert.deepEqual((await site.get('/accounts/alice/video-channels')).json.data[0].ownerAccount.avatars, avatars)
  assert.deepEqual((await site.get('/video-channels/alice_channel')).json.avatars, [])
})

test('a channel has a banner and an avatar of its own', async () => {
  const where = '/video-channels/alice_channel'
  const avatar = await pick(where, 'avatar', small, alice.token)
  assert.deepEqual(sizes(avatar.json.avatars), ['60x60'])
  const banner = await pick(where, 'banner', wide, alice.token)
  assert.deepEqual(sizes(banner.json.banners), ['600x100', '1000x165'])
  const channel = (await site.get(where)).json
  assert.deepEqual(channel.avatars, avatar.json.avatars)
  assert.deepEqual(channel.banners, banner.json.banners)
  const video = await site.upload(await clip('h264'), { channelId: alice.channelId }, alice.token)
  const shown = (await site.published(video.uuid, alice.token))
  assert.deepEqual(shown.channel.avatars, avatar.json.avatars)
  assert.deepEqual((await site.get('/videos')).json.data[0].channel.avatars, avatar.json.avatars)
})

test('another picture takes the place of the one before, and none of none', async () => {
  const [before] = (await site.get('/accounts/alice')).json.avatars
  const { avatars } = (await pick('/users/me', 'avatar', small, alice.token)).json
  assert.equal(avatars.length, 1)
  assert.notEqual(avatars[0].path, before.path)
  assert.equal((await site.raw({ path: before.path })).status, 404)
  assert.equal((await site.delete('/users/me/avatar', { token: alice.token })).status, 204)
  assert.deepEqual((await site.get('/accounts/alice')).json.avatars, [])
  assert.equal((await site.raw({ path: avatars[0].path })).status, 404)
  assert.equal((await site.delete('/users/me/avatar', { token: alice.token })).status, 204)
  assert.equal((await site.delete('/video-channels/alice_channel/banner', { token: alice.token })).status, 204)
  assert.deepEqual((await site.get('/video-channels/alice_channel')).json.banners, [])
})

test('nobody changes the pictures of others', async () => {
  const where = '/video-channels/alice_channel'
  const [before] = (await site.get(where)).json.avatars
  assert.equal((await pick(where, 'avatar', small, bob.token)).status, 403)
  assert.equal((await pick(where, 'banner', small, bob.token)).status, 403)
  assert.equal((await site.delete(`${where}/avatar`, { token: bob.token })).status, 403)
  assert.equal((await pick(where, 'avatar', small)).status, 401)
  assert.equal((await pick('/users/me', 'avatar', small)).status, 401)
  assert.equal((await pick('/video-channels/nobody_there', 'avatar', small, bob.token)).status, 404)
  assert.deepEqual((await site.get(where)).json.avatars[0], before)
})

for (const [what, bytes] of [
  ['no picture', () => Buffer.from('<html>no picture</html>')],
  ['a picture that says where it was taken and is cut off', async () => (await readFile(await clip('jpeg', { size: '640x360' }))).subarray(0, 300)],
  ['an SVG with a script', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')],
  ['nothing', () => Buffer.alloc(0)],
  ['more than 4 MiB', () => Buffer.alloc((4 << 20) + 10, 1)]
]) {
  test(`${what} is refused by the name of the field`, async () => {
    const answer = await pick('/users/me', 'avatar', await bytes(), bob.token)
    assert.equal(answer.status, 400, answer.text)
    assert.equal(answer.json.detail, 'Incorrect request parameters: avatarfile')
    assert.ok(answer.json['invalid-params'].avatarfile.msg.length > 10)
    assert.deepEqual((await site.get('/accounts/bob')).json.avatars, [])
  })
}

test('far more than that is not even read', async () => {
  const answer = await pick('/users/me', 'avatar', Buffer.alloc(20 << 20), bob.token).catch(() => ({ status: 413 }))
  assert.equal(answer.status, 413)
})

test('a channel may be called as a picture is', async () => {
  for (const name of ['banner', 'avatar']) {
    await site.post('/video-channels', { token: bob.token, json: { name, displayName: name } })
    const where = `/video-channels/${name}`
    assert.deepEqual(Object.keys((await pick(where, 'avatar', small, bob.token)).json), ['avatars'])
    assert.deepEqual(Object.keys((await pick(where, 'banner', wide, bob.token)).json), ['banners'])
    assert.equal((await site.delete(`${where}/avatar`, { token: bob.token })).status, 204)
    const channel = (await site.get(where)).json
    assert.equal(channel.avatars.length, 0)
    assert.equal(channel.banners.length, 2)
  }
})

test('pictures go with their owner', async () => {
  const carol = await site.user('carol')
  const [mine] = (await pick('/users/me', 'avatar', small, carol.token)).json.avatars
  const [banner] = (await pick('/video-channels/carol_channel', 'banner', wide, carol.token)).json.banners
  assert.equal((await site.delete(`/users/${carol.id}`, { token: true })).status, 204)
  for (const { path } of [mine, banner]) assert.equal((await site.raw({ path })).status, 404)
})
