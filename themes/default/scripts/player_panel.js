// player_panel.js - where the bytes come from and how many are connected: a button and a small panel.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { text } from './shoal.js'

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte']

/** 1234567 becomes "1.2 MB", in the page's language. */
export function bytesText(bytes, locale = document.documentElement.lang || 'en') {
  const step = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** step
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: UNITS[step],
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value)
}

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

class Panel {
  constructor(player, sharing) {
    this.player = player
    this.sharing = sharing
    this.button = player.addButton({
      label: text('sharing.title'),
      icon: 'swarm',
      onClick: () => this.open(this.root.hidden),
    })
    this.button.dataset.button = 'swarm'
    this.button.setAttribute('aria-expanded', 'false')
    this.button.setAttribute('aria-controls', 'player-swarm')
    this.build()
    this.listen()
    this.show()
  }

  build() {
    this.status = make('p', { className: 'player-swarm-state' })
    this.status.setAttribute('role', 'status')
    this.fromPeers = make('span', { className: 'peers' })
    this.bar = make('div', { className: 'player-swarm-bar' }, this.fromPeers)
    this.bar.setAttribute('role', 'img')
    this.numbers = {}
    const list = make('dl')
    for (const name of ['connected', 'peers', 'server', 'sent']) {
      this.numbers[name] = make('dd')
      const label = make('dt', { textContent: text(`sharing.${name}`) })
      list.append(make('div', { className: name }, label, this.numbers[name]))
    }
    this.box = make('input', { type: 'checkbox' })
    this.box.setAttribute('role', 'switch')
    this.facts = make('div', {}, this.bar, list)
    this.root = make(
      'div',
      { className: 'player-menu player-swarm', id: 'player-swarm', hidden: true },
      make('p', { className: 'player-swarm-title', textContent: text('sharing.title') }),
      this.status,
      this.facts,
      make('label', {}, this.box, text('sharing.switch')),
      make('p', { className: 'player-swarm-note', textContent: text('sharing.meaning') }),
    )
    this.root.setAttribute('role', 'group')
    this.root.setAttribute('aria-label', text('sharing.title'))
    this.player.element.append(this.root)
  }

  listen() {
    this.box.addEventListener('change', () => this.sharing.say(this.box.checked ? 'yes' : 'no'))
    let isDue = false
    this.sharing.onChange(() => {
      if (!isDue) {
        isDue = true
        setTimeout(() => {
          isDue = false
          this.show()
        }, 250)
      }
    })
    this.root.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        event.stopPropagation()
        this.open(false)
        this.button.focus()
      }
    })
    document.addEventListener('pointerdown', event => {
      const isInside = this.root.contains(event.target) || this.button.contains(event.target)
      if (!this.root.hidden && !isInside) {
        this.open(false)
      }
    })
  }

  open(isOpen) {
    this.root.hidden = !isOpen
    this.button.setAttribute('aria-expanded', String(isOpen))
    if (isOpen) {
      this.player.controls.openMenu(false)
      this.show()
      this.box.focus()
    }
  }

  statusText() {
    const { state, reason, counts } = this.sharing
    if (state === 'off') {
      return text(`sharing.off.${reason || 'video'}`)
    }
    return text(state === 'on' && counts?.connected > 0 ? 'sharing.on_now' : `sharing.${state}`)
  }

  show() {
    const { state, reason, counts, answer } = this.sharing
    this.button.classList.toggle('shares', state === 'on' && counts?.connected > 0)
    if (this.root.hidden) {
      return
    }
    const words = this.statusText()
    if (this.status.textContent !== words) {
      this.status.textContent = words
    }
    this.box.checked = answer !== 'no' && reason !== 'no' && reason !== 'link'
    this.box.disabled = ['site', 'browser', 'video'].includes(reason)
    this.showNumbers(counts)
  }

  showNumbers(counts) {
    const fromPeers = Math.max(0, counts?.fromPeers ?? 0)
    const fromServer = counts?.fromServer ?? 0
    const whole = fromPeers + fromServer
    const percent = whole > 0 ? Math.round((fromPeers / whole) * 100) : 0
    this.facts.hidden = !counts
    this.fromPeers.style.inlineSize = `${percent}%`
    this.bar.setAttribute('aria-label', text('sharing.part', { percent }))
    this.bar.classList.toggle('empty', whole === 0)
    this.numbers.connected.textContent = String(counts?.connected ?? 0)
    this.numbers.peers.textContent = bytesText(fromPeers)
    this.numbers.server.textContent = bytesText(fromServer)
    this.numbers.sent.textContent = bytesText(counts?.sent ?? 0)
  }
}

export function openPanel(player, sharing) {
  return new Panel(player, sharing)
}
