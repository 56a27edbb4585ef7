// player.js - the player: one <video>, a source for it, our own controls, counted views.
// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Other scripts find it as shoal.player, or wait for it with `await shoal.ready`:
//   on(name, fn)      ready, play, pause, time, quality, ended, source; returns a function that stops
//   addButton({label, icon, onClick})   a button in the bar; returns the element
//   hold(reason)      stops playback and shows the reason; returns a function that lets go
//   time, duration, paused, volume, rate, video, element; play(), pause(), seek(s)
//   captions (languages, language, choose(id)), chapters [{start, end, title}]
//   levels [{id, resolution, label}], quality (an id, or 'auto')
import { openCaptions } from './player_captions.js'
import { openChapters, readChapters } from './player_chapters.js'
import { openControls } from './player_controls.js'
import { openSharing } from './player_p2p.js'
import { openSource } from './player_source.js'
import { readStoryboard } from './player_storyboard.js'
import { api, seconds, shoal, text } from './shoal.js'

const VISIBLE_STATES = new Set(['1', '4', '5'])
const FAILED_STATES = new Set(['7', '8', '11', '12'])
const POLL_MS = 4000
const LIVE_POLL_MS = 20000 // nobody knows when a stream begins

// A tab is one viewer: behind one address there may be a whole school. Forgotten with the tab.
function sessionOfTab() {
  const made = Array.from(crypto.getRandomValues(new Uint8Array(12)), byte => byte.toString(16)).join('')
  try {
    const session = sessionStorage.getItem('shoal.session') ?? made
    sessionStorage.setItem('shoal.session', session)
    return session
  } catch {
    return made // a frame that may keep nothing
  }
}

class Player {
  constructor(element) {
    this.element = element
    this.video = element.querySelector('video')
    this.note = element.querySelector('[data-note]')
    this.options = { ...element.dataset }
    this.events = new EventTarget()
    this.holds = new Set()
    const query = new URLSearchParams(location.search)
    this.start = seconds(query.get('start')) ?? 0
    this.stop = seconds(query.get('stop'))
    this.wantsPlay = /^(1|true)$/.test(query.get('autoplay') ?? '')
    this.isMutedByLink = /^(1|true)$/.test(query.get('muted') ?? '')
    this.video.loop = /^(1|true)$/.test(query.get('loop') ?? '')
    this.hasControls = !/^(0|false)$/.test(query.get('controls') ?? '')
    const ratio = Number(this.options.ratio)
    if (ratio > 0.2 && ratio < 5) {
      element.style.setProperty('--ratio', Math.max(ratio, 0.8))
    }
  }

  get time() {
    return this.video.currentTime
  }
  get duration() {
    return Number.isFinite(this.video.duration)
      ? this.video.duration
      : Number(this.options.duration) || 0
  }
  get paused() {
    return this.video.paused
  }
  get volume() {
    return this.video.volume
  }
  set volume(value) {
    this.video.volume = Math.min(1, Math.max(0, value))
  }
  get rate() {
    return this.video.playbackRate
  }
  set rate(value) {
    this.video.playbackRate = value
  }
  get levels() {
    return this.source?.levels ?? []
  }
  get quality() {
    return this.source?.quality ?? 'auto'
  }
  set quality(id) {
    this.source?.choose(id)
  }

  on(name, listener) {
    const call = event => listener(event.detail)
    this.events.addEventListener(name, call)
    return () => this.events.removeEventListener(name, call)
  }

  emit(name, detail = {}) {
    this.events.dispatchEvent(new CustomEvent(name, { detail }))
  }

  async play() {
    if (this.holds.size > 0) {
      return
    }
    if (this.stop !== undefined && this.time >= this.stop) {
      this.stop = undefined
    }
    try {
      await this.video.play()
    } catch (error) {
      // AbortError: another source came in between, and it starts by itself.
      if (error.name === 'NotAllowedError' && !this.video.muted && this.wantsPlay) {
        this.video.muted = true
        await this.video.play().catch(() => {})
      }
    }
  }

  pause() {
    this.video.pause()
  }

  seek(time) {
    this.video.currentTime = Math.min(Math.max(0, time), Math.max(0, this.duration - 0.05))
  }

  addButton(options) {
    return this.controls?.addButton(options)
  }

  hold(reason) {
    const hold = { reason, wasPlaying: !this.paused }
    this.holds.add(hold)
    this.pause()
    this.say(reason || text('player.held'))
    return () => {
      if (this.holds.delete(hold) && this.holds.size === 0) {
        this.say('')
        if (hold.wasPlaying) {
          this.play()
        }
      }
    }
  }

  // Shows a sentence over the picture; an empty one takes it away.
  say(sentence) {
    this.note.textContent = sentence
    this.note.hidden = sentence === ''
    this.note.classList.remove('busy')
  }

  async open() {
    this.rememberVolume()
    const beside = JSON.parse(this.element.querySelector('[data-beside]')?.textContent ?? '{}')
    this.storyboard = readStoryboard(beside.storyboard)
    this.chapters = readChapters(beside.chapters, this.duration)
    this.captions = openCaptions(this)
    if (this.hasControls) {
      this.controls = openControls(this)
    } else {
      this.video.controls = false
    }
    if (this.chapters.length > 0) {
      openChapters(this)
    }
    this.watchStop()
    this.countViews()
    this.forwardEvents()
    this.openSharing()
    await this.load()
    shoal.announce?.(this)
    this.emit('ready')
  }

  // Where the site offers it: segments from other viewers, what shows that, and what reports it.
  async openSharing() {
    this.sharing = openSharing(this)
    if (this.sharing) {
      const [{ openPanel }, { openReport }] = await Promise.all([
        import('./player_panel.js'),
        import('./player_report.js'),
      ])
      openReport(this, this.sharing)
      if (this.controls) {
        openPanel(this, this.sharing)
      }
    }
  }

  // What is said of a live that is not on the air; '' for everything else.
  get liveNote() {
    const { live, permanent, state } = this.options
    const notes = { 4: permanent === 'true' ? 'player.live_between' : 'player.live_waiting', 5: 'player.live_ended' }
    return live === 'true' ? (notes[state] ?? '') : ''
  }

  // Looks for something to play; while there is nothing yet, asks again.
  async load() {
    const { state, hls } = this.options
    if (this.liveNote) {
      this.say(text(this.liveNote))
      this.controls?.disable(true)
      if (state === '4') {
        setTimeout(() => this.poll(), LIVE_POLL_MS)
      }
      return
    }
    const files = [...this.video.querySelectorAll('source[type="video/mp4"]')]
    if (FAILED_STATES.has(state) && files.length === 0 && !hls) {
      this.say(text('player.failed_transcoding'))
      this.controls?.disable(true)
      return
    }
    if (files.length > 0 || hls) {
      await this.openSource()
      return
    }
    const isComing = !VISIBLE_STATES.has(state)
    this.say(text(isComing ? 'player.transcoding' : 'player.nothing'))
    this.controls?.disable(true)
    if (isComing) {
      this.note.classList.add('busy')
      setTimeout(() => this.poll(), POLL_MS)
    }
  }

  async openSource() {
    this.say('')
    this.controls?.disable(false)
    this.source?.close()
    this.source = await openSource(this)
    if (this.start > 0) {
      this.afterMetadata(() => this.seek(this.start))
    }
    this.emit('source', { kind: this.source?.kind })
    if (this.wantsPlay) {
      this.video.muted ||= this.isMutedByLink
      this.play()
    }
  }

  afterMetadata(run) {
    if (this.video.readyState >= HTMLMediaElement.HAVE_METADATA) {
      run()
    } else {
      this.video.addEventListener('loadedmetadata', run, { once: true })
    }
  }

  async poll() {
    try {
      this.take(await api(`videos/${this.options.video}`))
    } catch (error) {
      if (error.status === 404) {
        this.say(text('player.gone'))
        return
      }
      if (error.status === 401 || error.status === 403) {
        this.say(text('player.refused'))
        return
      }
      this.say(text('player.network'))
    }
    if (!this.source) {
      await this.load()
    }
  }

  // Takes up what the API says about the video now.
  take(video) {
    this.options.state = String(video.state?.id ?? 1)
    this.options.hls = video.streamingPlaylists?.[0]?.playlistUrl ?? ''
    this.options.duration = String(video.duration)
    this.options.live = String(video.isLive === true)
    this.video.poster ||= video.previewPath ?? ''
    this.sharing?.take(video)
    const chip = document.querySelector('.watch-facts .chip.state')
    if (chip) {
      chip.hidden = chip.dataset.state !== this.options.state
    }
    for (const source of this.video.querySelectorAll('source')) {
      source.remove()
    }
    for (const file of video.files?.filter(each => each.isReady !== false) ?? []) {
      const source = document.createElement('source')
      source.src = this.withToken(file.fileUrl)
      source.type = 'video/mp4'
      source.dataset.height = file.resolution.id
      source.dataset.label = file.resolution.label
      this.video.append(source)
    }
  }

  withToken(url, isPlaylist = false) {
    const { token } = this.options
    if (!token || url.includes('videoFileToken=')) {
      return url
    }
    const result = new URL(url, location.href)
    result.searchParams.set('videoFileToken', token)
    if (isPlaylist) {
      result.searchParams.set('reinjectVideoFileToken', 'true')
    }
    return result.href
  }

  rememberVolume() {
    try {
      const { volume = 1, muted = false } = JSON.parse(localStorage.getItem('shoal.volume') ?? '{}')
      this.video.volume = Math.min(1, Math.max(0, volume))
      this.video.muted = muted || this.isMutedByLink
    } catch {
      // nothing was kept
    }
    this.video.addEventListener('volumechange', () => {
      try {
        const { volume, muted } = this.video
        localStorage.setItem('shoal.volume', JSON.stringify({ volume, muted }))
      } catch {
        // nothing can be kept
      }
    })
  }

  // An extract pauses at its end once; going on from there is the viewer's choice.
  watchStop() {
    this.video.addEventListener('timeupdate', () => {
      if (this.stop !== undefined && this.time >= this.stop && !this.paused) {
        this.pause()
        this.seek(this.stop)
      }
    })
    this.video.addEventListener('play', () => {
      if (this.holds.size > 0) {
        this.pause()
      } else if (this.stop !== undefined && this.time >= this.stop) {
        this.stop = undefined
      }
    })
  }

  // The server counts from these: at the start, every few seconds of playing, and after a seek.
  countViews() {
    const everyMs = Math.max(1000, Number(this.options.interval) || 5000)
    let timer
    let hasStarted = false
    const sessionId = sessionOfTab()
    const tell = viewEvent => {
      // A live has no length.
      const most = Math.floor(Number(this.options.duration) || this.duration) || Infinity
      const currentTime = Math.max(0, Math.min(Math.floor(this.time), most))
      const body = { currentTime, sessionId, ...(viewEvent ? { viewEvent } : {}) }
      api(`videos/${this.options.video}/views`, { method: 'POST', body }).catch(() => {})
    }
    this.video.addEventListener('playing', () => {
      if (!hasStarted) {
        hasStarted = true
        tell()
      }
      clearInterval(timer)
      timer = setInterval(tell, everyMs)
    })
    this.video.addEventListener('pause', () => clearInterval(timer))
    this.video.addEventListener('ended', () => tell())
    this.video.addEventListener('seeked', () => hasStarted && tell('seek'))
  }

  forwardEvents() {
    const forward = (from, to, detail) =>
      this.video.addEventListener(from, () => this.emit(to, detail?.()))
    forward('play', 'play')
    forward('pause', 'pause')
    forward('ended', 'ended')
    forward('timeupdate', 'time', () => ({ time: this.time, duration: this.duration }))
  }
}

const title = document.querySelector('.embed-title')
if (title && /^(0|false)$/.test(new URLSearchParams(location.search).get('title') ?? '')) {
  title.hidden = true
}
for (const element of document.querySelectorAll('[data-player]')) {
  new Player(element).open()
}
