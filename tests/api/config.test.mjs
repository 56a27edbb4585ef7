// config.test.mjs - what clients ask first: configuration, numbers, NodeInfo, oEmbed.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'

let site, video, closed

before(async () => {
  site = await startInstance({ settings: ['instance.name=Low tide', 'instance.description=About us'] })
  const file = await clip('h264')
  video = await site.upload(file, { name: 'Waves & "wind" <b>' })
  closed = await site.upload(file, { name: 'Not for all', privacy: 3 })
  await site.published(video.uuid)
  await site.published(closed.uuid)
})
after(() => site?.stop())

test('the configuration has every key that web clients read', async () => {
  const answer = await site.get('/config')
  assert.equal(answer.status, 200)
  const config = answer.json
  for (const path of ['serverVersion', 'client.videos.resumableUpload.maxChunkSize', 'client.videos.miniature.preferAuthorDisplayName', 'client.menu.login.redirectOnSingleExternalAuth',
    'defaults.publish.commentsPolicy', 'defaults.publish.privacy', 'defaults.p2p.webapp.enabled', 'defaults.p2p.embed.enabled', 'defaults.player.autoPlay', 'webadmin.configuration.edition.allowed',
    'instance.name', 'instance.shortDescription', 'instance.isNSFW', 'instance.defaultNSFWPolicy', 'instance.defaultClientRoute', 'instance.customizations.javascript', 'instance.avatars', 'instance.banners',
    'search.remoteUri.users', 'search.searchIndex.enabled', 'plugin.registered', 'plugin.registeredExternalAuths', 'plugin.registeredIdAndPassAuths', 'theme.registered', 'theme.builtIn', 'theme.default',
    'email.enabled', 'contactForm.enabled', 'signup.allowed', 'signup.allowedForCurrentIP', 'signup.requiresEmailVerification', 'signup.requiresApproval', 'signup.minimumAge',
    'transcoding.hls.enabled', 'transcoding.web_videos.enabled', 'transcoding.enabledResolutions', 'transcoding.profile', 'transcoding.availableProfiles', 'transcoding.remoteRunners.enabled',
    'live.enabled', 'live.allowReplay', 'live.latencySetting.enabled', 'live.maxDuration', 'live.transcoding.enabledResolutions', 'live.rtmp.port', 'videoStudio.enabled', 'videoStudio.remoteRunners.enabled',
    'videoFile.update.enabled', 'import.videos.http.enabled', 'import.videos.torrent.enabled', 'import.videoChannelSynchronization.enabled', 'import.users.enabled', 'export.users.enabled',
    'autoBlacklist.videos.ofUsers.enabled', 'avatar.file.size.max', 'avatar.file.extensions', 'banner.file.size.max', 'video.image.size.max', 'video.image.extensions', 'video.file.extensions',
    'videoCaption.file.size.max', 'videoCaption.file.extensions', 'user.videoQuota', 'user.videoQuotaDaily', 'videoChannels.maxPerUser', 'trending.videos.intervalDays', 'trending.videos.algorithms.enabled',
    'trending.videos.algorithms.default', 'tracker.enabled', 'followings.instance.autoFollowIndex.indexUrl', 'federation.enabled', 'broadcastMessage.enabled', 'homepage.enabled',
    'openTelemetry.metrics.enabled', 'openTelemetry.metrics.playbackStatsInterval', 'views.videos.remote.maxAge', 'views.videos.watchingInterval.anonymous', 'views.videos.watchingInterval.users',
    'storyboards.enabled', 'videoTranscription.enabled', 'webrtc.stunServers', 'nsfwFlagsSettings.enabled', 'fieldsConstraints.users.password.minLength']) {
    assert.notEqual(path.split('.').reduce((value, key) => value?.[key], config), undefined, path)
  }
  assert.match(config.serverVersion, /^\d+\.\d+\.\d+$/)
  assert.equal(config.instance.name, 'Low tide')
  assert.equal(config.transcoding.hls.enabled, true)
  assert.equal(config.live.enabled, false)
  assert.equal(answer.headers['x-powered-by'], 'PeerTube')
})

test('about tells what the administrator wrote', async () => {
  const { instance } = (await site.get('/config/about')).json
  assert.equal(instance.name, 'Low tide')
  assert.equal(instance.description, 'About us')
  for (const key of ['terms', 'codeOfConduct', 'hardwareInformation', 'creationReason', 'moderationInformation', 'administrator', 'maintenanceLifetime', 'businessModel']) assert.equal(typeof instance[key], 'string', key)
  for (const key of ['languages', 'categories', 'banners', 'avatars']) assert.ok(Array.isArray(instance[key]), key)
})

test('the numbers of the instance are numbers', async () => {
  const stats = (await site.get('/server/stats')).json
  for (const key of ['totalUsers', 'totalLocalVideos', 'totalVideos', 'totalLocalVideoViews', 'totalLocalVideoFilesSize', 'totalLocalVideoChannels', 'totalInstanceFollowers',
    'totalActivityPubMessagesProcessed', 'totalActivityPubCreateMessagesSuccesses', 'totalDailyActiveUsers', 'totalAbuses']) assert.equal(typeof stats[key], 'number', key)
  assert.equal(stats.totalUsers, 1)
  assert.ok(stats.totalLocalVideos >= 1)
  assert.ok(stats.totalLocalVideoFilesSize > 0)
  assert.deepEqual(stats.videosRedundancy, [])
})

test('ping answers pong', async () => {
  const answer = await site.get('/ping')
  assert.equal(answer.text, 'pong')
  assert.match(answer.headers['content-type'], /^text\/plain/)
})

test('NodeInfo leads to a document that names the software', async () => {
  const links = (await site.raw({ path: '/.well-known/nodeinfo' })).json.links
  const link = links.find(one => one.rel === 'http://nodeinfo.diaspora.software/ns/schema/2.0')
  assert.ok(link.href.startsWith(site.url))
  const info = (await site.raw({ path: new URL(link.href).pathname })).json
  assert.equal(info.version, '2.0')
  assert.equal(info.software.name, 'peertube')
  assert.match(info.software.version, /^\d+\.\d+\.\d+$/)
  assert.equal(info.openRegistrations, false)
  assert.equal(info.usage.users.total, 1)
  assert.equal(info.metadata.nodeName, 'Low tide')
})

const oembed = query => site.raw({ path: `/services/oembed?${new URLSearchParams(query)}` })

test('oEmbed describes a video of this site', async () => {
  const answer = await oembed({ url: `${site.url}/w/${video.shortUUID}?start=10s&evil=1`, format: 'json' })
  assert.equal(answer.status, 200)
  const { json } = answer
  assert.equal(json.type, 'video')
  assert.equal(json.version, '1.0')
  assert.equal(json.title, 'Waves & "wind" <b>')
  assert.ok(json.html.startsWith('<iframe '))
  assert.ok(json.html.includes(`/videos/embed/${video.shortUUID}?start=10s`))
  assert.ok(!json.html.includes('evil'))
  assert.ok(!json.html.includes('<b>'))
  assert.equal(json.width, 560)
  assert.ok(json.thumbnail_url.startsWith(site.url))
  const { thumbnails } = (await site.get(`/videos/${video.uuid}`)).json
  assert.ok(thumbnails.some(({ width, height }) => width === json.thumbnail_width && height === json.thumbnail_height))
  assert.equal(json.provider_url, site.url)
})

test('oEmbed keeps to the room that there is', async () => {
  const { json } = await oembed({ url: `${site.url}/videos/watch/${video.uuid}`, maxwidth: '200', maxheight: '50' })
  assert.ok(json.width <= 200 && json.height <= 50)
  assert.match(json.html, new RegExp(`width="${json.width}" height="${json.height}"`))
})

test('oEmbed refuses what it cannot show', async () => {
  assert.equal((await oembed({ url: `${site.url}/w/${video.shortUUID}`, format: 'xml' })).status, 501)
  assert.equal((await oembed({ url: 'https://other.example/w/abc' })).status, 400)
  assert.equal((await oembed({ url: `${site.url}/about` })).status, 400)
  assert.equal((await oembed({})).status, 400)
  assert.equal((await oembed({ url: `${site.url}/w/${video.shortUUID}`, maxwidth: 'wide' })).status, 400)
  assert.ok([403, 404].includes((await oembed({ url: `${site.url}/w/${closed.shortUUID}` })).status))
  assert.equal((await oembed({ url: `${site.url}/w/kkGMgK9ZtnKfYAgnEtQxbv` })).status, 404)
})
