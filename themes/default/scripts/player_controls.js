// player_controls.js - the bar under the picture: buttons, sliders, menu, keys.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { openPreview } from './player_preview.js'
import { duration, text } from './shoal.js'

const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2]
const IDLE_MS = 2500
const DOUBLE_TAP_MS = 350

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

export function openControls(player) {
  return new Controls(player)
}

class Controls {
  constructor(player) {
    this.player = player
    this.video = player.video
    this.root = player.element
    this.video.controls = false
    this.video.tabIndex = -1
    this.build()
    this.listen()
    this.listenToKeys()
    this.showAll()
  }

  // --- building

  icon(name) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
    const use = document.createElementNS('http://www.w3.org/2000/svg', 'use')
    svg.classList.add('icon')
    svg.setAttribute('aria-hidden', 'true')
    use.setAttribute('href', name.includes('#') ? name : `${this.player.options.icons}#${name}`)
    svg.append(use)
    return svg
  }

  button(id, icon, label, onClick) {
    const button = make('button', { type: 'button' }, this.icon(icon))
    button.dataset.button = id
    this.name(button, label)
    button.addEventListener('click', onClick)
    return button
  }

  name(button, label) {
    button.setAttribute('aria-label', label)
    button.title = label
  }

  show(button, icon, label) {
    button.querySelector('use').setAttribute('href', `${this.player.options.icons}#${icon}`)
    this.name(button, label)
  }

  slider(className, label, max, step) {
    const slider = make('input', { type: 'range', className, min: 0, max, step, value: 0 })
    slider.setAttribute('aria-label', label)
    return slider
  }

  build() {
    this.seek = this.slider('player-seek', text('player.seek'), 1000, 'any')
    this.playButton = this.button('play', 'play', text('player.play'), () => this.toggle())
    this.muteButton = this.button('mute', 'sound', text('player.mute'), () => this.mute())
    this.volume = this.slider('', text('player.volume'), 1, 0.05)
    this.clock = make('span', { className: 'player-time' })
    this.captionButton = this.button('captions', 'captions', text('player.captions'), () =>
      this.player.captions.toggle(),
    )
    this.gearButton = this.button('settings', 'gear', text('player.settings'), () =>
      this.openMenu(this.menu.hidden),
    )
    this.pipButton = this.button('pip', 'pip', text('player.pip'), () => this.togglePip())
    this.theatreButton = this.button('theatre', 'theatre', text('player.theatre'), () =>
      this.toggleTheatre(),
    )
    this.fullButton = this.button('full', 'full', text('player.full'), () => this.toggleFull())
    this.extra = make('span', { className: 'player-row' })
    this.row = make(
      'div',
      { className: 'player-row' },
      this.playButton,
      make('span', { className: 'player-volume' }, this.muteButton, this.volume),
      this.clock,
      make('span', { className: 'room' }),
      this.extra,
      this.captionButton,
      this.gearButton,
      this.pipButton,
      this.theatreButton,
      this.fullButton,
    )
    this.track = make('div', { className: 'player-track' }, this.seek)
    this.bar = make('div', { className: 'player-bar' }, this.track, this.row)
    openPreview(this.player, this.bar, this.seek)
    this.menu = make('div', { className: 'player-menu', hidden: true, id: 'player-menu' })
    this.gearButton.setAttribute('aria-expanded', 'false')
    this.gearButton.setAttribute('aria-controls', 'player-menu')
    this.big = this.button('big', 'play', text('player.play'), () => this.toggle())
    this.big.className = 'player-big'
    this.wait = make('div', { className: 'player-wait', hidden: true })
    this.shade = make('div', { className: 'player-shade' })
    this.captionButton.hidden = this.player.captions.languages.length === 0
    this.player.captions.onChange(() => this.showCaptions())
    this.pipButton.hidden = !document.pictureInPictureEnabled
    this.theatreButton.hidden = !this.root.closest('.watch')
    this.fullButton.hidden = !document.fullscreenEnabled && !this.video.webkitEnterFullscreen
    this.player.note.before(this.shade, this.big, this.wait)
    this.root.append(this.bar, this.menu)
  }

  addButton({ label, icon = 'fish', onClick }) {
    const button = this.button('extra', icon, label, event => onClick?.(this.player, event))
    this.extra.append(button)
    return button
  }

  disable(isOff) {
    this.bar.hidden = isOff
    this.big.hidden = isOff
    this.shade.hidden = isOff
  }

  // --- what the buttons do

  toggle() {
    if (this.video.ended) {
      this.player.seek(0)
    }
    return this.player.paused ? this.player.play() : this.player.pause()
  }

  mute() {
    this.video.muted = !this.video.muted
    if (!this.video.muted && this.video.volume === 0) {
      this.video.volume = 0.5
    }
  }

  togglePip() {
    const change = document.pictureInPictureElement
      ? document.exitPictureInPicture()
      : this.video.requestPictureInPicture()
    change.catch(() => {})
  }

  toggleTheatre() {
    const isOn = this.root.closest('.watch')?.classList.toggle('theatre') ?? false
    this.theatreButton.setAttribute('aria-pressed', String(isOn))
  }

  toggleFull() {
    if (document.fullscreenElement) {
      document.exitFullscreen()
    } else if (this.root.requestFullscreen) {
      this.root.requestFullscreen().catch(() => {})
    } else {
      this.video.webkitEnterFullscreen?.()
    }
  }

  // --- the menu of quality and speed

  openMenu(isOpen) {
    this.menu.hidden = !isOpen
    this.gearButton.setAttribute('aria-expanded', String(isOpen))
    if (isOpen) {
      this.fillMenu()
      this.menu.querySelector('input:checked')?.focus()
    }
  }

  group(label, name, rows, current, choose) {
    const set = make('fieldset', {}, make('legend', { textContent: label }))
    for (const row of rows) {
      const input = make('input', { type: 'radio', name, checked: row.id === current })
      input.addEventListener('change', () => choose(row.id))
      const line = make('label', {}, input, row.label)
      if (row.shown) {
        line.append(make('span', { className: 'player-shown', textContent: row.shown }))
      }
      set.append(line)
    }
    return set
  }

  fillMenu() {
    const { player } = this
    const groups = []
    if (player.levels.length > 0) {
      const auto = {
        id: 'auto',
        label: text('player.auto'),
        shown: player.quality === 'auto' ? player.source.shown : '',
      }
      const rows = player.source.kind === 'hls' ? [auto, ...player.levels] : player.levels
      groups.push(
        this.group(
          text('player.quality'),
          'quality',
          rows,
          player.quality,
          id => (player.quality = id),
        ),
      )
    }
    const rates = RATES.map(rate => ({
      id: rate,
      label: rate === 1 ? text('player.normal') : `${rate}×`,
    }))
    groups.push(
      this.group(text('player.speed'), 'speed', rates, player.rate, rate => (player.rate = rate)),
    )
    const { captions } = player
    if (captions.languages.length > 0) {
      const choose = id => captions.choose(id, true)
      groups.push(
        this.group(text('player.captions'), 'captions', captions.rows, captions.language, choose),
      )
    }
    this.menu.replaceChildren(...groups)
  }

  // --- showing what is

  showAll() {
    this.showCaptions()
    this.showPlay()
    this.showTime()
    this.showVolume()
  }

  showCaptions() {
    const { language } = this.player.captions
    this.captionButton.setAttribute('aria-pressed', String(language !== ''))
    if (!this.menu.hidden) {
      const row = this.menu.querySelectorAll('input[name=captions]')
      this.player.captions.rows.forEach(({ id }, i) => row[i] && (row[i].checked = id === language))
    }
  }

  showPlay() {
    const { paused, ended } = this.video
    const icon = ended ? 'again' : paused ? 'play' : 'pause'
    this.show(this.playButton, icon, text(`player.${icon}`))
    this.show(this.big, icon, text(`player.${icon}`))
    this.big.classList.toggle('playing', !paused)
    this.big.hidden = this.bar.hidden
    this.wake()
  }

  showTime() {
    const { time, duration: whole } = this.player
    const part = whole > 0 ? time / whole : 0
    if (!this.isDragging) {
      this.seek.value = part * 1000
    }
    const shown = this.isDragging ? this.seek.value / 1000 : part
    this.seek.style.setProperty('--played', `${shown * 100}%`)
    this.seek.style.setProperty('--buffered', `${Math.max(this.bufferedPart(whole), shown) * 100}%`)
    this.clock.textContent = `${duration(shown * whole)} / ${duration(whole)}`
    this.seek.setAttribute(
      'aria-valuetext',
      text('player.of', { at: duration(shown * whole), whole: duration(whole) }),
    )
  }

  bufferedPart(whole) {
    const { buffered, currentTime } = this.video
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) <= currentTime + 0.1 && currentTime <= buffered.end(i)) {
        return whole > 0 ? buffered.end(i) / whole : 0
      }
    }
    return 0
  }

  showVolume() {
    const { volume, muted } = this.video
    const isSilent = muted || volume === 0
    this.volume.value = isSilent ? 0 : volume
    this.volume.style.setProperty('--played', `${this.volume.value * 100}%`)
    this.show(
      this.muteButton,
      isSilent ? 'silent' : 'sound',
      text(isSilent ? 'player.unmute' : 'player.mute'),
    )
  }

  // The bar hides while the video plays and nothing moves.
  wake() {
    clearTimeout(this.idleTimer)
    this.root.classList.remove('idle')
    if (!this.video.paused && !this.root.querySelector('.player-menu:not([hidden])')) {
      this.idleTimer = setTimeout(() => this.root.classList.add('idle'), IDLE_MS)
    }
  }

  // --- listening

  listen() {
    const { video, seek, volume } = this
    for (const name of ['play', 'pause', 'ended', 'playing', 'emptied']) {
      video.addEventListener(name, () => this.showPlay())
    }
    for (const name of ['timeupdate', 'progress', 'durationchange', 'seeking']) {
      video.addEventListener(name, () => this.showTime())
    }
    for (const name of ['waiting', 'playing', 'pause', 'canplay', 'seeked']) {
      video.addEventListener(name, () => (this.wait.hidden = name !== 'waiting' || video.paused))
    }
    video.addEventListener('volumechange', () => this.showVolume())
    this.player.on('quality', () => !this.menu.hidden && this.fillMenu())
    seek.addEventListener('input', () => {
      this.isDragging = true
      this.showTime()
    })
    seek.addEventListener('change', () => {
      this.isDragging = false
      this.player.seek((seek.value / 1000) * this.player.duration)
    })
    volume.addEventListener('input', () => {
      video.muted = false
      this.player.volume = Number(volume.value)
    })
    this.listenToPointer()
    document.addEventListener('fullscreenchange', () => {
      const isFull = document.fullscreenElement === this.root
      this.show(
        this.fullButton,
        isFull ? 'unfull' : 'full',
        text(isFull ? 'player.unfull' : 'player.full'),
      )
    })
  }

  listenToPointer() {
    const { root, video } = this
    video.addEventListener('click', event => {
      if (!this.menu.hidden) {
        this.openMenu(false)
      } else if (this.isTouch) {
        this.tap(event)
        return
      } else {
        this.toggle()
      }
      this.wake()
    })
    video.addEventListener('dblclick', () => !this.isTouch && this.toggleFull())
    // What a finger touched: the tap itself wakes the bar, so how it was before is kept.
    root.addEventListener(
      'pointerdown',
      event => {
        this.isTouch = event.pointerType === 'touch'
        this.wasIdle = root.classList.contains('idle')
        root.classList.toggle('touch', this.isTouch)
      },
      { capture: true },
    )
    root.addEventListener('pointermove', () => this.wake())
    root.addEventListener('focusin', () => this.wake())
    // A finger leaves with each tap.
    root.addEventListener('pointerleave', event => {
      if (event.pointerType !== 'touch' && !video.paused && this.menu.hidden) {
        root.classList.add('idle')
      }
    })
    document.addEventListener('pointerdown', event => {
      const isInside = this.menu.contains(event.target) || this.gearButton.contains(event.target)
      if (!this.menu.hidden && !isInside) {
        this.openMenu(false)
      }
    })
  }

  // A finger shows the bar and hides it; a second tap on one side goes ten seconds back or on.
  tap(event) {
    const box = this.video.getBoundingClientRect()
    const part = (event.clientX - box.left) / box.width
    const isSecond = event.timeStamp - (this.lastTap ?? -Infinity) < DOUBLE_TAP_MS
    this.lastTap = event.timeStamp
    if (isSecond && (part < 0.35 || part > 0.65)) {
      this.player.seek(this.player.time + (part < 0.35 ? -10 : 10))
      this.wake()
    } else if (this.wasIdle || this.video.paused) {
      this.wake()
    } else {
      this.root.classList.add('idle')
    }
  }

  listenToKeys() {
    const keys = {
      ' ': () => this.toggle(),
      k: () => this.toggle(),
      j: () => this.player.seek(this.player.time - 10),
      l: () => this.player.seek(this.player.time + 10),
      ArrowLeft: () => this.player.seek(this.player.time - 5),
      ArrowRight: () => this.player.seek(this.player.time + 5),
      ArrowUp: () => this.louder(0.05),
      ArrowDown: () => this.louder(-0.05),
      f: () => this.toggleFull(),
      m: () => this.mute(),
      t: () => this.toggleTheatre(),
      c: () => this.player.captions.toggle(),
      Home: () => this.player.seek(0),
      End: () => this.player.seek(this.player.duration),
    }
    document.addEventListener('keydown', event => {
      const { target, key } = event
      if (event.ctrlKey || event.altKey || event.metaKey || this.bar.hidden) {
        return
      }
      if (key === 'Escape' && !this.menu.hidden) {
        this.openMenu(false)
        this.gearButton.focus()
        return
      }
      const isInside = this.root.contains(target)
      const writes = target.closest?.(
        'input:not([type=range]), textarea, select, [contenteditable]',
      )
      const isBusy =
        key === ' '
          ? target.closest?.('button, a, summary, input')
          : target.matches?.('input[type=range]') && /^(Arrow|Home|End)/.test(key)
      if (
        writes ||
        isBusy ||
        (!isInside && /^(Arrow|Home|End| )/.test(key) && target !== document.body)
      ) {
        return
      }
      const run = /^[0-9]$/.test(key)
        ? () => this.player.seek((Number(key) / 10) * this.player.duration)
        : keys[key]
      if (run) {
        event.preventDefault()
        run()
        this.wake()
      }
    })
    this.seek.addEventListener('keydown', event => {
      const steps = {
        ArrowLeft: -5,
        ArrowRight: 5,
        ArrowDown: -5,
        ArrowUp: 5,
        PageDown: -30,
        PageUp: 30,
      }
      if (steps[event.key]) {
        event.preventDefault()
        this.player.seek(this.player.time + steps[event.key])
      }
    })
  }

  louder(by) {
    this.video.muted = false
    this.player.volume = this.video.volume + by
  }
}
