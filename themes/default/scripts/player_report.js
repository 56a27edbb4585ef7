// player_report.js - tells the site how playing goes, so that its owner sees what sharing is worth.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { api } from './shoal.js'

const EVERY_MS = 15000

class Report {
  constructor(player, sharing) {
    this.player = player
    this.sharing = sharing
    this.before = { fromPeers: 0, fromServer: 0, sent: 0 }
    player.video.addEventListener('playing', () => this.run())
    player.video.addEventListener('pause', () => this.rest())
    player.video.addEventListener('ended', () => this.rest())
  }

  run() {
    this.timer ??= setInterval(() => this.send(), EVERY_MS)
  }

  rest() {
    clearInterval(this.timer)
    this.timer = undefined
  }

  // Bytes since the last report; with another swarm they begin anew.
  delta(name, now) {
    const last = this.before[name]
    this.before[name] = now
    return Math.max(0, Math.round(now >= last ? now - last : now))
  }

  send() {
    const { source, options } = this.player
    if (source?.kind !== 'hls') {
      return
    }
    const { counts, state } = this.sharing
    const body = {
      playerMode: 'p2p-media-loader',
      ...source.takeTally(),
      p2pEnabled: state === 'on',
      p2pPeers: counts?.connected ?? 0,
      uploadedBytesP2P: this.delta('sent', counts?.sent ?? 0),
      downloadedBytesP2P: this.delta('fromPeers', Math.max(0, counts?.fromPeers ?? 0)),
      videoId: options.video,
    }
    body.downloadedBytesHTTP += this.delta('fromServer', counts?.fromServer ?? 0)
    api('metrics/playback', { method: 'POST', body }).catch(() => {})
  }
}

export function openReport(player, sharing) {
  return new Report(player, sharing)
}
