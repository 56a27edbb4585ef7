// player_fetch.js - how the P2P library gets a segment by HTTP: from a mirror that is quick, or the origin.
// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The library asks for a Request and gives it to window.fetch. It compares lengths that it has forgotten
// after a bad peer, and waits for a timeout where fetch fails; so its own requests, and only those, are
// answered here: with the bytes alone, after a second try.

const MIRROR_FIRST_MS = 800
const MIRROR_WHOLE_MS = 2500
const AGAIN_MS = 400

const ours = new WeakMap()
const plainFetch = window.fetch
window.fetch = function fetch(request, options) {
  const answer = ours.get(request)
  return answer ? answer() : plainFetch.call(window, request, options)
}

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))
const rangeHeader = range => (range ? { range: `bytes=${range.start}-${range.end ?? ''}` } : {})

/** The segment's address below another base: what stands before the last "/" is replaced. */
export function rebased(url, base) {
  return `${base.replace(/\/$/, '')}/${new URL(url, location.href).pathname.split('/').pop()}`
}

export class SegmentFetch {
  /** mirrors: base URLs. isUrgent(): there is little left to see. onFail(): the origin does not answer. */
  constructor({ hashes, mirrors = [], isUrgent, onFail }) {
    this.hashes = hashes
    this.isUrgent = isUrgent
    this.mirrors = mirrors.filter(base => /^https?:\/\//.test(base))
    this.onFail = onFail
    this.mirrorBytes = 0
  }

  /** For the library's httpRequestSetup. */
  setUp = async (url, segmentRange, signal, range) => {
    const request = new Request(url, { headers: rangeHeader(range), signal })
    ours.set(request, () => this.answer(url, segmentRange, signal, range))
    return request
  }

  async answer(url, segmentRange, signal, range) {
    const isWhole = (range?.start ?? 0) === (segmentRange?.start ?? 0)
    const options = [undefined, ...this.mirrors]
    const base = isWhole && !this.isUrgent() ? options[Math.floor(Math.random() * options.length)] : undefined
    if (base) {
      const bytes = await this.fromMirror(base, url, segmentRange, signal)
      if (bytes) {
        return new Response(bytes, { status: range ? 206 : 200 })
      }
    }
    return this.fromOrigin(url, range, signal)
  }

  // A mirror that fails, is slow or has other bytes is not asked again.
  async fromMirror(base, url, range, signal) {
    const stop = new AbortController()
    const abort = () => stop.abort()
    signal.addEventListener('abort', abort)
    const timers = [setTimeout(abort, MIRROR_FIRST_MS), setTimeout(abort, MIRROR_WHOLE_MS)]
    try {
      const response = await plainFetch(rebased(url, base), {
        headers: rangeHeader(range),
        signal: stop.signal,
        credentials: 'omit',
      })
      clearTimeout(timers[0])
      if (response.status !== (range ? 206 : 200)) {
        throw new Error(`HTTP ${response.status}`)
      }
      const bytes = await response.arrayBuffer()
      if ((await this.hashes.check(url, range, bytes)) !== 'right') {
        throw new Error('other bytes')
      }
      this.mirrorBytes += bytes.byteLength
      return bytes
    } catch {
      if (!signal.aborted) {
        this.mirrors = this.mirrors.filter(other => other !== base)
      }
      return undefined
    } finally {
      timers.forEach(clearTimeout)
      signal.removeEventListener('abort', abort)
    }
  }

  async fromOrigin(url, range, signal) {
    const ask = () => plainFetch(url, { headers: rangeHeader(range), signal })
    let response = await ask().catch(() => undefined)
    if (!signal.aborted && (!response || response.status >= 500)) {
      await sleep(AGAIN_MS)
      response = await ask().catch(() => undefined)
    }
    if (response?.status !== (range ? 206 : 200)) {
      if (!signal.aborted) {
        this.onFail()
      }
      throw new Error('the origin does not answer')
    }
    return new Response(response.body, { status: response.status })
  }

  /** The bytes of a segment, straight from the origin. */
  async whole(url, range) {
    const response = await plainFetch(url, { headers: rangeHeader(range) })
    return response.status === (range ? 206 : 200) ? response.arrayBuffer() : undefined
  }
}
