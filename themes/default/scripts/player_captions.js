// player_captions.js - captions of the player: which language shows, remembered, and drawn above the bar.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { text } from './shoal.js'

const KEY = 'shoal.captions'

export function openCaptions(player) {
  return new Captions(player)
}

class Captions {
  constructor(player) {
    this.player = player
    this.video = player.video
    // Their lines are drawn here, so that the bar never covers them; the browser draws where this is not seen.
    this.box = document.createElement('div')
    this.box.className = 'player-captions'
    this.box.setAttribute('aria-hidden', 'true')
    player.note.before(this.box)
    this.language = ''
    this.listeners = new Set()
    this.draw = () => this.show()
    for (const track of this.tracks) {
      track.addEventListener('cuechange', this.draw)
    }
    this.watchOutside()
    this.choose(this.first())
  }

  get tracks() {
    return [...this.video.querySelectorAll('track')].map(element => element.track)
  }

  get languages() {
    return this.tracks.map(({ language, label }) => ({ id: language, label }))
  }

  onChange(listener) {
    this.listeners.add(listener)
  }

  // What shows at first: the link's choice, else the one of last time.
  first() {
    const asked = new URLSearchParams(location.search).get('subtitle')
    return asked ?? remembered().shown ?? ''
  }

  // The language that a button turns on: the one of last time, that of the page, or any.
  get likely() {
    const ids = this.languages.map(({ id }) => id)
    const wanted = [remembered().last, document.documentElement.lang, document.documentElement.lang.split('-')[0]]
    return wanted.find(id => ids.includes(id)) ?? ids[0] ?? ''
  }

  // Shows one language ('' for none); one that is not there is none, and nothing is remembered of that.
  choose(language, isChoice = false) {
    const track = this.tracks.find(each => each.language === language)
    this.language = track ? language : ''
    if (isChoice) {
      remember({ shown: this.language, last: this.language || remembered().last })
    }
    this.apply()
    this.listeners.forEach(listener => listener(this.language))
  }

  toggle() {
    this.choose(this.language ? '' : this.likely, true)
  }

  apply() {
    const isOutside = document.pictureInPictureElement === this.video || this.video.webkitDisplayingFullscreen
    for (const track of this.tracks) {
      const isChosen = this.language !== '' && track.language === this.language
      track.mode = !isChosen ? 'disabled' : isOutside ? 'showing' : 'hidden'
    }
    this.show()
  }

  // In a window of the system the page draws nothing.
  watchOutside() {
    for (const name of [
      'enterpictureinpicture',
      'leavepictureinpicture',
      'webkitbeginfullscreen',
      'webkitendfullscreen',
    ]) {
      this.video.addEventListener(name, () => this.apply())
    }
  }

  show() {
    const track = this.tracks.find(each => each.mode === 'hidden' && each.language === this.language)
    const lines = [...(track?.activeCues ?? [])].map(cue => {
      const line = document.createElement('p')
      line.dir = 'auto'
      line.append(cue.getCueAsHTML?.() ?? cue.text)
      line.classList.toggle('high', isHigh(cue))
      return line
    })
    this.box.lang = this.language
    this.box.replaceChildren(...lines)
    this.box.classList.toggle('high', lines.length > 0 && lines.every(line => line.matches('.high')))
  }

  // The rows of the menu.
  get rows() {
    return [{ id: '', label: text('player.captions_off') }, ...this.languages]
  }
}

// Whether a cue asks to stand in the upper half, so as not to hide what is written below.
function isHigh(cue) {
  return typeof cue.line === 'number' && (cue.snapToLines ? cue.line >= 0 && cue.line < 6 : cue.line < 50)
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') ?? {}
  } catch {
    return {}
  }
}

function remember(choice) {
  try {
    localStorage.setItem(KEY, JSON.stringify(choice))
  } catch {
    // nothing can be kept
  }
}
