// clients.test.mjs - the answers as programs read them that were written for PeerTube.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

// What stands behind a shape: "?" may be null, [x] is an array of x, {} at least these keys.
const text = value => typeof value === 'string'
const number = value => Number.isInteger(value)
const real = value => typeof value === 'number'
const flag = value => typeof value === 'boolean'
const date = value => text(value) && /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/.test(value)
const address = value => text(value) && /^https?:\/\/[^/]+\/./.test(value)
const path = value => text(value) && /^\/[^/]/.test(value)
const maybe = shape => ({ maybe: shape })
const labelled = id => ({ id, label: text })

function check (shape, value, where) {
  if (typeof shape === 'function') {
    assert.ok(shape(value), `${where} is no ${shape.name}: ${JSON.stringify(value)}`)
  } else if (Array.isArray(shape)) {
    assert.ok(Array.isArray(value), `${where} is no array: ${JSON.stringify(value)}`)
    value.forEach((one, i) => check(shape[0], one, `${where}[${i}]`))
  } else if ('maybe' in shape) {
    if (value !== null) check(shape.maybe, value, where)
  } else {
    assert.ok(value !== null && typeof value === 'object', `${where} is no object: ${JSON.stringify(value)}`)
    for (const [key, inner] of Object.entries(shape)) {
      assert.ok(key in value, `${where}.${key} is missing`)
      check(inner, value[key], `${where}.${key}`)
    }
  }
}

const image = { path, fileUrl: address, width: number, height: number, createdAt: date, updatedAt: date }
const summary = { id: number, name: text, displayName: text, url: address, host: text, avatars: [image] }
const actor = { ...summary, followingCount: number, followersCount: number, createdAt: date, updatedAt: date, description: maybe(text) }
const account = { ...actor, userId: number }
const channel = { ...actor, support: maybe(text), isLocal: flag, banners: [image], ownerAccount: account, videosCount: number }
const listed = {
  id: number,
  uuid: text,
  shortUUID: text,
  url: address,
  name: text,
  category: labelled(maybe(number)),
  licence: labelled(maybe(number)),
  language: labelled(maybe(text)),
  privacy: labelled(number),
  nsfw: flag,
  nsfwFlags: number,
  nsfwSummary: maybe(text),
  description: maybe(text),
  truncatedDescription: maybe(text),
  isLocal: flag,
  isLive: flag,
  liveSchedules: [{}],
  duration: number,
  aspectRatio: real,
  views: number,
  viewers: number,
  likes: number,
  dislikes: number,
  comments: number,
  thumbnailPath: path,
  previewPath: path,
  thumbnails: [{ fileUrl: address, width: number, height: number }],
  embedPath: path,
  createdAt: date,
  updatedAt: date,
  publishedAt: date,
  originallyPublishedAt: maybe(date),
  account: summary,
  channel: summary
}
const file = {
  id: number,
  resolution: labelled(number),
  width: number,
  height: number,
  size: number,
  fps: number,
  fileUrl: address,
  fileDownloadUrl: address,
  metadataUrl: address,
  torrentUrl: text, // NewPipe and peertube-viewer read them as text and give the video up where they are null
  torrentDownloadUrl: text,
  magnetUri: text,
  hasAudio: flag,
  hasVideo: flag,
  storage: number
}
const detailed = {
  ...listed,
  support: maybe(text),
  account,
  channel,
  tags: [text],
  commentsPolicy: labelled(number),
  commentsEnabled: flag,
  downloadEnabled: flag,
  waitTranscoding: flag,
  state: labelled(number),
  trackerUrls: [text],
  descriptionPath: path,
  inputFileUpdatedAt: maybe(date),
  embedPrivacyPolicy: labelled(number),
  files: [file],
  streamingPlaylists: [{
    id: number,
    type: number,
    playlistUrl: address,
    segmentsSha256Url: address,
    redundancies: [{}],
    files: [{ ...file, playlistUrl: address }]
  }]
}
const user = {
  id: number,
  username: text,
  email: text,
  pendingEmail: maybe(text),
  emailVerified: flag,
  emailPublic: flag,
  nsfwPolicy: text,
  nsfwFlagsDisplayed: number,
  nsfwFlagsHidden: number,
  nsfwFlagsBlurred: number,
  nsfwFlagsWarned: number,
  adminFlags: number,
  autoPlayVideo: flag,
  autoPlayNextVideo: flag,
  autoPlayNextVideoPlaylist: flag,
  p2pEnabled: flag,
  videosHistoryEnabled: flag,
  videoLanguages: [text],
  language: text,
  role: labelled(number),
  videoQuota: number,
  videoQuotaDaily: number,
  theme: text,
  account,
  videoChannels: [{ ...channel, ownerAccountId: number }],
  blocked: flag,
  blockedReason: maybe(text),
  noInstanceConfigWarningModal: flag,
  noWelcomeModal: flag,
  noAccountSetupWarningModal: flag,
  createdAt: date,
  pluginAuth: maybe(text),
  lastLoginDate: maybe(date),
  twoFactorEnabled: flag,
  newFeaturesInfoRead: number
}
const page = shape => ({ total: number, data: [shape] })

let site, full, plain

before(async () => {
  site = await startInstance()
  const path = await clip('h264', { seconds: 4 })
  full = await site.upload(path, { name: 'All there is', tags: ['one', 'two'], category: 15, licence: 1, language: 'en', support: 'Send tea', description: 'y'.repeat(400) })
  plain = await site.upload(path, { name: 'A name alone' })
  for (const { uuid } of [full, plain]) await site.published(uuid)
})
after(() => site?.stop())

for (const [name, where, shape, token] of [
  ['videos', '/videos', page(listed)],
  ['one\'s own videos', '/users/me/videos', page({ ...listed, state: labelled(number), waitTranscoding: flag, scheduledUpdate: maybe({ updateAt: date }), blacklisted: flag, blacklistedReason: maybe(text) }), true],
  ['videos with files', '/videos?include=136', page({ ...listed, files: [file], streamingPlaylists: detailed.streamingPlaylists, tags: [text] })],
  ['oneself', '/users/me', { ...user, specialPlaylists: [{ id: number, name: text, type: number }], videoChannelCollaborations: [{}] }, true],
  ['users', '/users', page(user), true],
  ['a user', '/users/1', user, true],
  ['channels', '/video-channels', page(channel)],
  ['a channel', '/video-channels/root_channel', channel],
  ['accounts', '/accounts', page(account)],
  ['an account', '/accounts/root', account],
  ['the channels of an account', '/accounts/root/video-channels?withStats=true', page(channel)],
  ['the videos of an account', '/accounts/root/videos?sort=-createdAt&start=0&count=30&nsfw=both', page(listed)],
  ['the videos of a channel', '/video-channels/root_channel/videos?start=0&count=20&nsfw=false', page(listed)],
  ['the quota', '/users/me/video-quota-used', { videoQuotaUsed: number, videoQuotaUsedDaily: number }, true],
  ['the client of the instance', '/oauth-clients/local', { client_id: text, client_secret: text }],
  ['about', '/config/about', { instance: { name: text, shortDescription: text, description: text, terms: text, languages: [text], categories: [number], banners: [image], avatars: [image] } }]
]) {
  test(`${name}: each field is there and of its type`, async () => {
    const answer = await site.get(where, { token })
    assert.equal(answer.status, 200, answer.text)
    check(shape, answer.json, where)
    if (shape.data) assert.ok(answer.json.data.length > 0)
  })
}

test('a video: each field is there and of its type, whatever its owner filled in', async () => {
  for (const one of [full, plain]) {
    const { json } = await site.get(`/videos/${one.uuid}`)
    check(detailed, json, 'video')
    assert.ok(json.files.length > 0 && json.streamingPlaylists[0].files.length > 0)
  }
})

test('the configuration has what the web client reads without looking', async () => {
  const { json } = await site.get('/config')
  check({
    client: { newFeaturesInfo: flag, header: { hideInstanceName: flag }, videos: { miniature: { preferAuthorDisplayName: flag }, resumableUpload: { maxChunkSize: number } } },
    theme: { customization: { primaryColor: maybe(text), menuBorderRadius: maybe(text), inputBorderRadius: maybe(text) }, builtIn: [{ name: text }] },
    instance: { name: text, defaultNSFWPolicy: text },
    serverVersion: text
  }, json, 'config')
})

// NewPipe makes the playlist of a rendition from the name of its file when the master's name ends so.
test('NewPipe finds the playlist of a rendition by the name of its file', async () => {
  const { json } = await site.get(`/videos/${full.uuid}`)
  const [playlist] = json.streamingPlaylists
  assert.match(playlist.playlistUrl, /-master\.m3u8$/)
  for (const one of playlist.files) {
    const guessed = one.fileUrl.replace('-fragmented.mp4', '.m3u8')
    assert.notEqual(guessed, one.fileUrl)
    const answer = await site.raw({ path: new URL(guessed).pathname })
    assert.equal(answer.status, 200)
    assert.match(answer.text, /^#EXTM3U/)
  }
})

// yt-dlp knows PeerTube by this line, letter by letter; and every <video> in small letters is a film of
// its own to it, which it would fetch beside the one that the API tells of.
test('yt-dlp sees a video of PeerTube in the page, and one alone', async () => {
  for (const path of [`/w/${full.shortUUID}`, `/videos/watch/${full.uuid}`, `/videos/embed/${full.shortUUID}`]) {
    const answer = await site.raw({ path })
    const page = answer.status === 200 ? answer : await site.raw({ path: new URL(answer.headers.location, site.url).pathname })
    assert.match(page.text, /meta property="og:platform" content="PeerTube"/, path)
    assert.doesNotMatch(page.text, /<(video|audio)[\s>]/, path)
    assert.match(page.text, /<video[\s>]/i, path)
  }
})

// yt-dlp and NewPipe ask for the whole description when the one at hand may be cut.
test('a long description is whole in the video and on its own, and cut in lists', async () => {
  const video = (await site.get(`/videos/${full.shortUUID}`)).json
  assert.equal(video.description.length, 400)
  assert.equal((await site.get(`/videos/${full.shortUUID}/description`)).json.description.length, 400)
  const [{ description }] = (await site.get('/videos?search=all+there')).json.data
  assert.equal(description.length, 250)
  assert.ok(description.endsWith('...'))
})

test('a path may end in a slash, as old apps write it', async () => {
  for (const path of ['/videos/?start=0&count=2&sort=-publishedAt&nsfw=false', `/videos/${full.uuid}/`, '/config/']) {
    assert.equal((await site.get(path)).status, 200, path)
  }
})

test('what peertube-cli sends is taken', async () => {
  const answer = await site.send(await clip('h264'), {
    name: 'By hand', channelId: await site.channelId(), privacy: '1', category: '3', licence: undefined, language: 'fr', tags: ['a1', 'b2'], nsfw: 'false',
    commentsPolicy: '1', commentsEnabled: 'true', downloadEnabled: 'true', waitTranscoding: 'true', support: undefined, description: 'By hand'
  })
  assert.equal(answer.status, 200, answer.text)
  check({ video: { id: number, uuid: text, shortUUID: text } }, answer.json, 'upload')
})

test('what is not safe for work is listed as the instance and the user want it', async () => {
  const video = await site.upload(await clip('h264'), { name: 'Not for work', nsfw: 'true' })
  const reader = await site.user('reader')
  await site.published(video.uuid)
  const sees = async (query, token) => (await site.get(`/videos${query}`, { token })).json.data.some(one => one.name === 'Not for work')
  assert.equal(await sees(''), false) // instance.nsfw_policy is do_not_list
  assert.equal(await sees('?nsfw=both'), true)
  assert.equal(await sees('?nsfw=true'), true)
  assert.equal(await sees('', reader.token), false)
  await site.put('/users/me', { token: reader.token, json: { nsfwPolicy: 'blur' } })
  assert.equal(await sees('', reader.token), true)
  assert.equal(await sees('?nsfw=false', reader.token), false)
  assert.equal((await site.get('/users/me/videos', { token: true })).json.data.some(one => one.nsfw), true)
})
