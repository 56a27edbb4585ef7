// player_source.js - gives a <video> something to play: HLS by hls.js, HLS by the browser, or files.
// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A source has: kind, levels [{id, resolution, label}], quality (an id or 'auto'), shown (what plays now),
// choose(id), close(). One of hls.js has also: hls, manifest and manifestLoaded, takeTally().
import { text } from './shoal.js'

const HLS_TYPE = 'application/vnd.apple.mpegurl'
const RETRIES = 6
const GATE_MS = 1000

export async function openSource(player) {
  const { hls, library } = player.options
  if (hls) {
    const hasMse = Boolean(window.MediaSource ?? window.ManagedMediaSource)
    if (hasMse && library) {
      try {
        const module = await import(library)
        const Hls = module.default ?? window.Hls
        if (Hls.isSupported()) {
          return new HlsSource(player, Hls)
        }
      } catch {
        // the library could not be loaded: the browser may know HLS, and there may be files
      }
    }
    if (player.video.canPlayType(HLS_TYPE)) {
      return new NativeSource(player)
    }
  }
  const files = new FileSource(player)
  if (files.levels.length === 0) {
    player.say(text('player.format'))
  }
  return files
}

// Levels are named by the short side, as files are: 1080 x 1920 is 1080p.
function sideOf(level) {
  return Math.min(level.width || 0, level.height || 0)
}

function labelOf(level) {
  const side = sideOf(level)
  if (side === 0) {
    return level.name || text('player.audio_only')
  }
  const fps = Math.round(Number(level.frameRate) || 0)
  return `${side}p${fps > 30 ? fps : ''}`
}

class HlsSource {
  kind = 'hls'
  levels = []
  indexes = new Map()
  quality = 'auto'
  shown = ''

  constructor(player, Hls) {
    this.player = player
    this.retries = RETRIES
    this.hls = new Hls({
      enableWorker: false,
      startLevel: -1,
      capLevelToPlayerSize: true,
      maxBufferLength: 40,
      backBufferLength: 60,
      startPosition: player.start > 0 ? player.start : -1,
      xhrSetup: (xhr, url) => this.openRequest(xhr, url),
    })
    this.keepCount(Hls)
    this.waitForSharing()
    this.hls.on(Hls.Events.MANIFEST_PARSED, () => this.takeLevels())
    this.hls.on(Hls.Events.LEVEL_SWITCHED, (name, { level }) => {
      this.shown = labelOf(this.hls.levels[level] ?? {})
      player.emit('quality', { quality: this.quality, shown: this.shown })
    })
    this.hls.on(Hls.Events.FRAG_BUFFERED, () => this.recover())
    this.hls.on(Hls.Events.ERROR, (name, error) =>
      error.fatal ? this.fail(error, Hls) : this.worry(error, Hls),
    )
    this.goOn = () => this.hls.startLoad(player.time)
    addEventListener('online', this.goOn)
    const wasPlaying = !player.paused // a new source pauses what somebody started already
    this.hls.loadSource(player.withToken(player.options.hls, true))
    this.hls.attachMedia(player.video)
    player.video.preload = 'auto'
    if (wasPlaying) {
      player.play()
    }
  }

  // The first segments wait for what may bring them from other viewers, though not for long.
  waitForSharing() {
    const { hls, player } = this
    const sharing = player.sharing?.open(this)
    if (sharing) {
      hls.config.autoStartLoad = false
      Promise.race([sharing, new Promise(resolve => setTimeout(resolve, GATE_MS))]).then(() =>
        hls.startLoad(hls.config.startPosition),
      )
    }
  }

  // What the manifest said as it came, in its own order, and what is counted for reports.
  keepCount(Hls) {
    this.emptyTally()
    this.manifestLoaded = new Promise(resolve =>
      this.hls.on(Hls.Events.MANIFEST_LOADED, (name, manifest) => {
        this.manifest = manifest
        resolve(manifest)
      }),
    )
    this.hls.on(Hls.Events.FRAG_LOADED, (name, { frag }) => {
      if (!this.hls.config.fLoader) {
        this.tally.downloadedBytesHTTP += frag.stats.loaded
      }
    })
    this.hls.on(Hls.Events.LEVEL_SWITCHED, () => {
      this.tally.resolutionChanges += this.hasSwitched ? 1 : 0
      this.hasSwitched = true
    })
    this.hls.on(Hls.Events.ERROR, (name, { details }) => {
      const isStall = details === Hls.ErrorDetails.BUFFER_STALLED_ERROR
      this.tally[isStall ? 'bufferStalled' : 'errors']++
    })
  }

  /** Seconds that can be played without anything more. */
  get ahead() {
    const { buffered, currentTime } = this.player.video
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) <= currentTime + 0.1 && currentTime <= buffered.end(i)) {
        return buffered.end(i) - currentTime
      }
    }
    return 0
  }

  emptyTally() {
    this.tally = { resolutionChanges: 0, errors: 0, bufferStalled: 0, downloadedBytesHTTP: 0 }
  }

  /** What happened since it was asked for the last time, and what plays now. */
  takeTally() {
    const level = this.hls.levels[this.hls.currentLevel] ?? {}
    const tally = { ...this.tally, resolution: sideOf(level), fps: Math.round(level.frameRate) || 0 }
    this.emptyTally()
    return tally
  }

  // Playlists name their children with the token; only what they lack is added here.
  openRequest(xhr, url) {
    const isOurs =
      new URL(url, location.href).origin === new URL(this.player.options.hls, location.href).origin
    xhr.open('GET', isOurs ? this.player.withToken(url, /\.m3u8(\?|$)/.test(url)) : url, true)
  }

  // The id is the resolution, or the label where two levels have the same.
  takeLevels() {
    const labels = new Map(this.hls.levels.map((level, index) => [labelOf(level), index]))
    this.indexes = new Map()
    this.levels = [...labels].map(([label, index]) => {
      const resolution = sideOf(this.hls.levels[index])
      const id = this.indexes.has(resolution) ? label : resolution
      this.indexes.set(id, index)
      return { id, resolution, label }
    })
    this.levels.sort((a, b) => b.resolution - a.resolution)
    this.player.emit('quality', { quality: this.quality, shown: this.shown })
  }

  choose(id) {
    this.quality = this.indexes.has(id) ? id : 'auto'
    this.hls.nextLevel = this.indexes.get(id) ?? -1
    this.player.emit('quality', { quality: this.quality, shown: this.shown })
  }

  recover() {
    if (this.retries < RETRIES || this.isWorried) {
      this.retries = RETRIES
      this.isWorried = false
      this.player.say('')
    }
  }

  // The library tries again by itself for half a minute: whoever has nothing left to see is told.
  worry(error, Hls) {
    const { player } = this
    const waits = !player.paused && player.video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA
    if (error.type === Hls.ErrorTypes.NETWORK_ERROR && waits && player.holds.size === 0) {
      this.isWorried = true
      player.say(text('player.network'))
    }
  }

  fail(error, Hls) {
    const { player, hls } = this
    const status = error.response?.code
    if (status === 401 || status === 403) {
      player.say(text('player.refused'))
    } else if (error.type === Hls.ErrorTypes.NETWORK_ERROR && status === 404) {
      this.giveWay()
    } else if (this.retries-- <= 0) {
      this.giveWay()
    } else if (error.type === Hls.ErrorTypes.MEDIA_ERROR) {
      hls.recoverMediaError()
    } else {
      player.say(text('player.network'))
      setTimeout(() => {
        if (hls.levels.length === 0) {
          hls.loadSource(player.withToken(player.options.hls, true))
        } else {
          hls.startLoad(player.time)
        }
      }, 2000)
    }
  }

  // Files stand in for a playlist that does not work.
  giveWay() {
    const { player } = this
    const time = player.time
    this.close()
    if (!player.video.querySelector('source[type="video/mp4"]')) {
      player.say(text('player.gone'))
      return
    }
    player.say('')
    player.source = new FileSource(player)
    player.afterMetadata(() => player.seek(time))
    player.emit('source', { kind: 'file' })
  }

  close() {
    removeEventListener('online', this.goOn)
    this.player.sharing?.stop('video')
    this.hls.destroy()
  }
}

class NativeSource {
  kind = 'native'
  levels = []
  quality = 'auto'
  shown = ''

  constructor(player) {
    const wasPlaying = !player.paused
    this.player = player
    player.video.src = player.withToken(player.options.hls, true)
    player.video.preload = 'metadata'
    watchErrors(player)
    if (wasPlaying) {
      player.play()
    }
  }

  choose() {}
  close() {}
}

class FileSource {
  kind = 'file'
  shown = ''

  constructor(player) {
    this.player = player
    this.files = [...player.video.querySelectorAll('source[type="video/mp4"]')]
    this.levels = this.files.map(file => {
      const resolution = Number(file.dataset.height)
      return { id: resolution, resolution, label: file.dataset.label || `${resolution}p` }
    })
    this.quality = this.levels[0]?.id
    if (this.files.length > 0) {
      this.use(this.quality)
      watchErrors(player)
    }
  }

  use(id) {
    const index = this.levels.findIndex(level => level.id === id)
    this.quality = id
    this.shown = this.levels[index].label
    this.player.video.src = this.player.withToken(this.files[index].src)
    this.player.video.preload = 'metadata'
    this.player.emit('quality', { quality: id, shown: this.shown })
  }

  choose(id) {
    const { player } = this
    const { time, paused, rate } = player
    if (!this.levels.some(level => level.id === id)) {
      return
    }
    this.use(id)
    player.afterMetadata(() => {
      player.seek(time)
      player.rate = rate
      if (!paused) {
        player.play()
      }
    })
  }

  close() {}
}

// The browser gives one code for a file that it cannot read and one that is not there: the site knows.
async function reasonOf(player) {
  const code = player.video.error?.code
  if (code !== MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED) {
    return { 2: 'network', 3: 'format' }[code]
  }
  const { status } = await fetch(player.video.src, { method: 'HEAD' }).catch(() => ({}))
  return { 401: 'refused', 403: 'refused', 404: 'gone', 410: 'gone' }[status] ?? 'format'
}

function watchErrors(player) {
  player.video.addEventListener('error', async () => {
    const key = await reasonOf(player)
    if (key) {
      player.say(text(`player.${key}`))
    }
    if (key === 'network') {
      setTimeout(() => tryAgain(player), 2000)
    }
  })
  player.video.addEventListener('playing', () => player.holds.size === 0 && player.say(''))
}

// Loads a file that broke off once more and goes on where it was, also with its pause.
function tryAgain(player) {
  const { time, paused, video } = player
  video.load()
  player.afterMetadata(() => player.seek(time))
  if (!paused) {
    player.play()
  }
}
