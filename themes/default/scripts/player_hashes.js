// player_hashes.js - the SHA-256 list of a video: no byte that came from elsewhere is used without it.
// SPDX-License-Identifier: AGPL-3.0-or-later

const AGAIN_MS = 5000 // the list is asked for again when it lacks a file, but not more often

async function sha256(bytes) {
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('')
}

export class Hashes {
  constructor(url) {
    this.url = url
    this.list = {}
    this.loadedAt = -Infinity
  }

  /** Resolves to whether there is a list. */
  async load() {
    this.loadedAt = performance.now()
    const response = await fetch(this.url)
    const list = response.ok ? await response.json() : undefined
    if (list === null || typeof list !== 'object') {
      return false
    }
    this.list = list
    return true
  }

  /** 'right', 'wrong', or 'unknown' when the list does not have the piece. range: inclusive. */
  async check(url, range, bytes) {
    const name = new URL(url, location.href).pathname.split('/').pop()
    if (!Object.hasOwn(this.list, name) && performance.now() - this.loadedAt > AGAIN_MS) {
      await this.load().catch(() => {})
    }
    const entry = Object.hasOwn(this.list, name) ? this.list[name] : undefined
    const key = range && `${range.start}-${range.end}`
    const wanted = range && entry && Object.hasOwn(entry, key) ? entry[key] : range ? undefined : entry
    if (typeof wanted !== 'string') {
      return 'unknown'
    }
    return (await sha256(bytes)) === wanted ? 'right' : 'wrong'
  }
}
