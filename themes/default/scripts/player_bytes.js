// player_bytes.js - bytes since they were asked for the last time, out of counts that may also go down.
// SPDX-License-Identifier: AGPL-3.0-or-later

const NAMES = ['fromPeers', 'fromServer', 'sent']

export class Bytes {
  /**
   * counts: {fromPeers, fromServer, sent} of one swarm; another object is another swarm, which began at
   * nothing. What was thrown away after it was told is told again only once it is made up for.
   */
  since(counts) {
    if (counts !== this.counts) {
      this.counts = counts
      this.told = { fromPeers: 0, fromServer: 0, sent: 0 }
    }
    const grown = { fromPeers: 0, fromServer: 0, sent: 0 }
    for (const name of counts ? NAMES : []) {
      grown[name] = Math.max(0, Math.round(counts[name]) - this.told[name])
      this.told[name] += grown[name]
    }
    return grown
  }
}
