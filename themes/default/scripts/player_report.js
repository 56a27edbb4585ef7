// player_report.js - tells the site how playing goes, so that its owner sees what sharing is worth.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { Bytes } from './player_bytes.js'
import { api } from './shoal.js'

const EVERY_MS = 15000

class Report {
  constructor(player, sharing) {
    this.player = player
    this.sharing = sharing
    this.bytes = new Bytes()
    player.video.addEventListener('playing', () => this.run())
    player.video.addEventListener('pause', () => this.rest())
    player.video.addEventListener('ended', () => this.rest())
    window.addEventListener('pagehide', () => this.leave())
  }

  run() {
    this.hasPlayed = true
    this.timer ??= setInterval(() => this.send(), EVERY_MS)
  }

  rest() {
    if (this.timer) {
      clearInterval(this.timer)
      this.timer = undefined
      this.send()
    }
  }

  // Who saw less than it takes counts too, and what came and went since a pause.
  leave() {
    if (this.timer) {
      this.rest()
    } else if (this.hasPlayed) {
      this.send(true)
    }
  }

  /** onlyNew: where no bytes came or went, nothing is said. */
  send(onlyNew = false) {
    const { source, options } = this.player
    if (source?.kind !== 'hls') {
      return
    }
    const { counts, state } = this.sharing
    const { fromPeers, fromServer, sent } = this.bytes.since(counts)
    const body = {
      playerMode: 'p2p-media-loader',
      ...source.takeTally(),
      p2pEnabled: state === 'on' || fromPeers > 0 || sent > 0, // it may have ended meanwhile
      p2pPeers: counts?.connected ?? 0,
      uploadedBytesP2P: sent,
      downloadedBytesP2P: fromPeers,
      videoId: options.video,
    }
    body.downloadedBytesHTTP += fromServer
    if (onlyNew && body.downloadedBytesHTTP + fromPeers + sent === 0) {
      return
    }
    api('metrics/playback', { method: 'POST', body, keepalive: true }).catch(() => {})
  }
}

export function openReport(player, sharing) {
  return new Report(player, sharing)
}
