// peertube8.test.mjs - documents as PeerTube 8.2.1 sends them, word for word but for names and hosts.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { Peer, Public, startFederating } from './peer.mjs'

let site, peer, owner, guest, video, live

/** A document of it, at home on the peer, with its path. */
function sent (name) {
  const text = readFileSync(new URL(`peertube8/${name}.json`, import.meta.url), 'utf8')
    .replaceAll('wss://eight.example:443', peer.url.replace('http', 'ws'))
    .replaceAll('https%3A%2F%2Feight.example', encodeURIComponent(peer.url)).replaceAll('https://eight.example', peer.url)
  return JSON.parse(text)
}
const put = document => peer.serve(new URL(document.id).pathname, document)
const open = path => site.raw({ path, headers: { accept: 'text/html' } })
const seen = async ({ uuid }) => (await site.get(`/videos/${uuid}`, { token: true })).json
const tell = (type, object, who = owner) => who.post(site, { ...who.say(type, object), to: object.to, cc: object.cc })

before(async () => {
  [site, peer] = await Promise.all([
    startFederating(startInstance), Peer.start()
  ])
  await site.post('/server/following', { token: true, json: { hosts: [peer.host] } })
  const follow = await site.when('it asks to follow', () => peer.inbox.find(({ body }) => body.type === 'Follow')?.body)
  await peer.instance.post(site, peer.instance.say('Accept', follow))
  owner = peer.person('owner')
  guest = peer.person('guest')
  const { publicKey, ...channel } = sent('channel')
  peer.channel('films', owner, channel)
  video = sent('video')
  live = sent('live')
  for (const document of [video, live]) {
    put(document)
    for (const name of ['likes', 'dislikes', 'announces', 'comments']) {
      put({ '@context': document['@context'], id: `${document.id}/${name}`, type: 'OrderedCollection', totalItems: 0 })
    }
    put({ '@context': document['@context'], id: `${document.id}/chapters`, hasPart: [] })
    await tell('Create', document)
    await site.when('it is here', async () => (await seen(document)).uuid === document.uuid)
  }
})
after(async () => {
  await peer?.stop()
  await site?.stop()
})

test('a video with all that it says', async () => {
  const shown = await seen(video)
  assert.deepEqual([shown.name, shown.category.id, shown.licence.id, shown.language.id, shown.support, shown.tags, shown.duration],
    ['All of it eight', 11, 2, 'fr', 'Give [here](https://example.org)', ['one', 'two words'], 12])
  assert.deepEqual([shown.privacy.id, shown.state.id, shown.commentsPolicy.id, shown.downloadEnabled, shown.waitTranscoding, shown.nsfw, shown.isLive, shown.aspectRatio],
    [1, 1, 1, true, true, false, false, 1.775])
  assert.deepEqual([shown.originallyPublishedAt, shown.publishedAt, shown.embedPrivacyPolicy.id], ['2020-02-03T04:05:06.000Z', video.published, 1])
  assert.deepEqual([shown.account.name, shown.channel.name, shown.channel.displayName], ['owner', 'films', 'films'])
})

test('its files: one is sound alone, and the playlist has the swarm that it names', async () => {
  const shown = await seen(video)
  assert.deepEqual(shown.files.map(file => [file.resolution.id, file.hasVideo, file.hasAudio, file.fps]), [[240, true, true, 25], [0, false, true, 0]])
  const [playlist] = shown.streamingPlaylists
  assert.deepEqual([playlist.files.length, playlist.p2pMediaLoaderInfohashes], [1, ['52627655505066353072494450485770536c412f']])
  assert.match(playlist.files[0].playlistUrl, /-240\.m3u8$/)
  for (const file of [...shown.files, ...playlist.files]) assert.match(file.torrentUrl, new RegExp(`^${peer.url}/lazy-static/torrents/`))
  assert.deepEqual(shown.trackerUrls.map(url => new URL(url).pathname), ['/tracker/announce', '/tracker/socket'])
})

test('captions come as WebVTT, and not as the playlist beside it', async () => {
  for (const link of video.subtitleLanguage.flatMap(caption => caption.url)) peer.serve(new URL(link.href).pathname, `WEBVTT\n\n00:00.000 --> 00:02.000\n${link.mediaType}\n`, { type: link.mediaType })
  const captions = (await site.get(`/videos/${video.uuid}/captions`)).json.data
  assert.deepEqual(captions.map(caption => [caption.language.id, caption.automaticallyGenerated]), [['de', false], ['fr', false]])
  for (const { captionPath } of captions) {
    const text = await site.when('it was fetched', async () => { const answer = await site.raw({ path: captionPath }); return answer.status === 200 && answer.text })
    assert.match(text, /\ntext\/vtt\n/)
  }
})

test('the square picture for players of podcasts is nobody\'s preview', async () => {
  const shapes = icons => icons.map(icon => [icon.width, icon.height])
  assert.ok(shapes(video.icon).some(([width, height]) => width === 1400 && height === 1400), 'it is sent')
  // Without the largest one the square would be the widest.
  const fewer = { ...video, icon: video.icon.filter(icon => icon.width !== 1920), updated: new Date().toISOString(), name: 'Fewer pictures' }
  await tell('Update', fewer)
  await site.when('it changed', async () => (await seen(video)).name === 'Fewer pictures')
  peer.asked.length = 0
  await open((await seen(video)).previewPath)
  const wide = new Set(fewer.icon.filter(icon => icon.width > icon.height).map(icon => new URL(icon.url).pathname))
  assert.deepEqual(peer.asked.map(({ path }) => path).filter(path => path.includes('/thumbnails/') && !wide.has(path)), [])
  assert.ok(peer.asked.some(({ path }) => path === new URL(fewer.icon.find(icon => icon.width === 1280).url).pathname))
})

test('a live says when it begins, and how far back one can wind', async () => {
  const startAt = live.schedules[0].startDate
  const shown = await seen(live)
  assert.deepEqual([shown.isLive, shown.state.id, shown.permanentLive, shown.liveSchedules, shown.streamingPlaylists], [true, 4, true, [{ startAt }], []])
  assert.deepEqual((await site.get(`/videos/live/${live.uuid}`)).json,
    { saveReplay: false, permanentLive: true, latencyMode: 1, dvrWindow: 3600, schedules: [{ startAt }] })
  assert.match((await open(`/w/${shown.shortUUID}`)).text, new RegExp(`<time datetime="${startAt}" data-hour>`))
  assert.equal(shown.inputFileUpdatedAt, null)
  const uploadDate = new Date(Date.now() - 60000).toISOString()
  await tell('Update', { ...live, schedules: [], dvrWindow: 'PT0S', uploadDate, updated: new Date().toISOString() })
  await site.when('it has no time any more', async () => (await seen(live)).liveSchedules.length === 0)
  assert.deepEqual([(await site.get(`/videos/live/${live.uuid}`)).json.dvrWindow, (await seen(live)).inputFileUpdatedAt], [0, uploadDate])
})

test('what its server lets only some sites show is shown by none of ours', async () => {
  const { shortUUID, embedPath } = await seen(video)
  const oembed = () => open(`/services/oembed?url=${encodeURIComponent(`${site.url}/w/${shortUUID}`)}`)
  const page = async () => (await open(`/w/${shortUUID}`)).text
  assert.deepEqual([(await open(embedPath)).status, (await oembed()).status], [200, 200])
  assert.match(await page(), /id="share-embed"/)
  await tell('Update', { ...video, embedUrl: null, updated: new Date().toISOString() })
  await site.when('it changed', async () => (await seen(video)).embedPrivacyPolicy.id === 3)
  assert.deepEqual([(await open(embedPath)).status, (await oembed()).status], [403, 403])
  assert.doesNotMatch(await page(), /share-embed|og:video|twitter:player|embedUrl|oembed/)
  await tell('Update', { ...video, updated: new Date().toISOString() })
  await site.when('it changed back', async () => (await seen(video)).embedPrivacyPolicy.id === 1)
})

test('a comment that was approved where it was made', async () => {
  const comment = { ...sent('comment'), inReplyTo: video.id }
  put(comment)
  put({ '@context': comment['@context'], type: 'ApproveReply', id: comment.replyApproval, actor: owner.id, object: comment.id, inReplyTo: video.id })
  await tell('Create', comment, guest)
  const threads = async () => (await site.get(`/videos/${video.uuid}/comment-threads`, { token: true })).json.data
  await site.when('it is here', async () => (await threads()).length === 1)
  const [shown] = await threads()
  assert.deepEqual([shown.text, shown.account.name, shown.isDeleted], [comment.content, 'guest', false])
})

test('settings of its player and playlists are taken and left alone', async () => {
  for (const [type, name] of [['Update', 'player_settings'], ['Create', 'playlist'], ['Update', 'playlist']]) {
    const object = sent(name)
    put(object)
    assert.equal((await owner.post(site, { ...owner.say(type, object), to: [Public], cc: [] })).status, 204)
  }
  await tell('Update', { ...video, name: 'After all that', updated: new Date().toISOString() })
  await site.when('what comes after them is heard', async () => (await seen(video)).name === 'After all that')
})
