// player_swarm.js - hls.js gets its segments from other viewers, where they have them, and else by HTTP.
// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Loaded when it is needed alone. It is put under a source that plays already, and taken away again,
// without an interruption.
import { SegmentFetch } from './player_fetch.js'
import { isDismissal, isElsewhere } from './player_rules.js'

const BAD_MAX = 5 // wrong segments until we no longer ask anybody
const AGAIN_MAX = 5 // quick tries to reach a tracker that went away
const AGAIN_CHANCE = 0.3 // of one in a second: not everybody comes at once
const GAP_S = 0.5 // between what is loaded and what follows it
const URGENT_S = 5 // with less to play than this nothing is tried that may be slow

/** What came from where, in bytes, and who is connected. */
class Counts {
  constructor() {
    this.fromPeers = 0
    this.fromServer = 0
    this.sent = 0
    this.bad = 0
    this.connected = 0
  }
}

export class Swarm {
  /**
   * source: an HlsSource; plan: {library, playlist, trackers, rtc, hashes, mirrors};
   * onChange(): the counts are others; onLost(): its tracker stays away, peers stay; onEnd(reason): it has
   * ended by itself.
   */
  constructor(source, plan, { onChange, onLost, onEnd }) {
    this.source = source
    this.plan = plan
    this.onChange = onChange
    this.onLost = onLost
    this.onEnd = onEnd
    this.counts = new Counts()
    this.banned = new Set()
    this.fetcher = new SegmentFetch({
      hashes: plan.hashes,
      mirrors: plan.mirrors,
      isUrgent: () => source.ahead < URGENT_S,
      onFail: () => this.end('trouble'),
    })
  }

  async start() {
    const { HlsJsP2PEngine } = await import(this.plan.library)
    if (this.isOver) {
      return
    }
    this.engine = new HlsJsP2PEngine({ core: this.configuration() })
    this.tellPosition()
    this.listen()
    this.bind()
    this.tries = new WeakMap()
    this.watch = setInterval(() => this.reachTrackers(), 1000)
  }

  configuration() {
    const { plan } = this
    const isSmall = (navigator.deviceMemory ?? 4) < 4
    return {
      swarmId: plan.playlist,
      announceTrackers: plan.trackers,
      rtcConfig: plan.rtc,
      segmentMemoryStorageLimit: isSmall ? 96 : 256,
      // What is fetched ahead is for the one who watches: peers may fill some minutes, the server less.
      highDemandTimeWindow: 10,
      httpDownloadTimeWindow: 60,
      p2pDownloadTimeWindow: 300,
      simultaneousHttpDownloads: 2,
      simultaneousP2PDownloads: 3,
      p2pNotReceivingBytesTimeoutMs: 2000,
      httpNotReceivingBytesTimeoutMs: 8000,
      validateP2PSegment: (url, range, data) => this.checkPeer(url, range, data),
      validateHTTPSegment: (url, range, data) => this.checkHttp(url, range, data),
      httpRequestSetup: this.fetcher.setUp,
    }
  }

  // The library meets a stranger who plays already: what the stranger knew before is told again.
  bind() {
    const { hls } = this.source
    const handlers = new Map()
    this.engine.bindHls({
      on: (name, handler) => {
        handlers.set(name, handler)
        hls.on(name, handler)
      },
      off: (name, handler) => hls.off(name, handler),
      get media() {
        return hls.media
      },
      config: hls.config,
      userConfig: hls.userConfig,
    })
    const { fLoader, pLoader } = this.engine.getConfigForHlsJs()
    new pLoader(hls.config) // from here on it listens
    const tell = (name, data) => handlers.get(name)?.(name, data)
    this.tellAgain = () => {
      if (this.source.manifest) {
        tell('hlsManifestLoaded', this.source.manifest)
      }
      hls.levels.forEach(level => level.details && tell('hlsLevelUpdated', { details: level.details }))
      hls.audioTracks.forEach(
        track => track.details && tell('hlsAudioTrackLoaded', { details: track.details }),
      )
    }
    this.tellAgain()
    // After an error of the picture the media is attached anew, and the library forgets everything.
    hls.on('hlsMediaAttached', this.tellAgain)
    hls.config.fLoader = fLoader
  }

  // It takes what is asked for first for what is shown now, and what follows for urgent: the server would
  // send what others have, where the film is loaded up to there already.
  tellPosition() {
    const { core } = this.engine
    const make = core.createNewHybridLoader
    core.createNewHybridLoader = segment => {
      const loader = make.call(core, segment)
      const { ahead, player } = this.source
      const { currentTime } = player.video
      if (ahead > 0 && segment.startTime <= currentTime + ahead + GAP_S) {
        loader.playback.position = Math.min(loader.playback.position, currentTime)
      }
      return loader
    }
  }

  listen() {
    const { counts } = this
    const on = (name, listener) => this.engine.addEventListener(name, listener)
    on('onChunkDownloaded', (bytes, from) => {
      counts[from === 'p2p' ? 'fromPeers' : 'fromServer'] += bytes
      this.onChange()
    })
    on('onChunkUploaded', bytes => {
      counts.sent += bytes
      this.onChange()
    })
    // The library's own list is right only after it has told.
    const peersChanged = ({ peerId }) =>
      setTimeout(() => {
        if (this.banned.has(peerId)) {
          this.drop(peerId)
        }
        counts.connected = this.isOver ? 0 : this.countPeers()
        this.onChange()
      })
    on('onPeerConnect', peersChanged)
    on('onPeerClose', peersChanged)
    on('onTrackerWarning', ({ warning }) => {
      if (isDismissal(warning?.message)) {
        this.end('dismissed')
      } else if (isElsewhere(warning?.message)) {
        this.end('trouble')
      }
    })
    on('onSegmentError', ({ error, peerId }) => {
      if (error.type === 'p2p-segment-validation-failed') {
        this.blame(peerId)
      }
    })
  }

  async checkPeer(url, range, data) {
    const verdict = await this.plan.hashes.check(url, range, data)
    if (verdict !== 'right') {
      this.counts.fromPeers -= data.byteLength
    }
    return verdict === 'right'
  }

  // What a peer began and the server ended is mended in place; what the server alone sent is believed.
  async checkHttp(url, range, data) {
    if (range && data.byteLength !== range.end - range.start + 1) {
      return false
    }
    if ((await this.plan.hashes.check(url, range, data)) === 'right') {
      return true
    }
    const bytes = await this.fetcher.whole(url, range).catch(() => undefined)
    if (bytes?.byteLength !== data.byteLength) {
      return false
    }
    new Uint8Array(data).set(new Uint8Array(bytes))
    if ((await this.plan.hashes.check(url, range, bytes)) !== 'right') {
      this.end('list') // the list is not that of these files
    }
    return true
  }

  blame(peerId) {
    this.counts.bad++
    this.banned.add(peerId)
    if (this.counts.bad >= BAD_MAX) {
      this.end('bad')
    }
  }

  // The library has no word for closing one connection, nor tells which swarm it is of: its lists are read.
  *loaders() {
    const { mainStreamLoader, secondaryStreamLoader } = this.engine?.core ?? {}
    for (const stream of [mainStreamLoader, secondaryStreamLoader]) {
      for (const { loader } of stream?.p2pLoaders?.loaders?.values() ?? []) {
        yield loader
      }
    }
  }

  // The library stays away for minutes from a tracker that closed its socket. A server that starts anew is
  // back in seconds, and may say that nobody shares any more.
  reachTrackers() {
    for (const { trackerClient } of this.loaders()) {
      for (const tracker of trackerClient.client._trackers) {
        const tries = this.tries.get(tracker) ?? 0
        if (!tracker.reconnecting) {
          this.tries.delete(tracker)
        } else if (tracker.destroyed && tries < AGAIN_MAX && Math.random() < AGAIN_CHANCE) {
          this.tries.set(tracker, tries + 1)
          clearTimeout(tracker.reconnectTimer)
          tracker._openSocket()
        } else if (tries === AGAIN_MAX) {
          this.tries.set(tracker, tries + 1)
          this.onLost()
        }
      }
    }
  }

  isAt(trackers) {
    return String(trackers) === String(this.plan.trackers)
  }

  /** Whether a tracker was tried in vain: the library tries it again in its own time. */
  isLost() {
    const isLost = tracker => tracker.reconnecting && this.tries.get(tracker) > AGAIN_MAX
    return [...this.loaders()].some(each => each.trackerClient.client._trackers.some(isLost))
  }

  // A viewer is in a swarm for each quality that was played, so the largest swarm counts.
  countPeers() {
    return Math.max(0, ...[...this.loaders()].map(loader => loader.connectedPeerCount))
  }

  drop(peerId) {
    for (const { trackerClient } of this.loaders()) {
      trackerClient._peers.get(peerId)?.peer?.destroy()
    }
  }

  end(reason) {
    if (!this.isOver) {
      this.close()
      this.onEnd(reason)
    }
  }

  close() {
    if (this.isOver) {
      return // what stands in the source now may be another's
    }
    this.isOver = true
    clearInterval(this.watch)
    const { hls } = this.source
    if (this.tellAgain) {
      hls.off('hlsMediaAttached', this.tellAgain)
      hls.config.fLoader = undefined
    }
    this.engine?.destroy()
    this.counts.connected = 0
  }
}
