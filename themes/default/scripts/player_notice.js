// player_notice.js - tells a viewer once what sharing means, and takes the answer.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { text } from './shoal.js'

function button(label, className, onClick) {
  const element = document.createElement('button')
  element.type = 'button'
  element.textContent = label
  element.className = className
  element.addEventListener('click', onClick)
  return element
}

/** Returns a function that takes the notice away. */
export function showNotice(player, mode, onAnswer) {
  const notice = document.createElement('div')
  notice.className = 'player-notice'
  notice.setAttribute('role', 'region')
  notice.setAttribute('aria-label', text('sharing.title'))
  const words = document.createElement('p')
  words.setAttribute('role', 'status')
  const row = document.createElement('div')
  row.append(
    button(text('sharing.fine'), 'fine', () => onAnswer('yes')),
    button(text('sharing.without'), '', () => onAnswer('no')),
  )
  notice.append(words, row)
  player.element.append(notice)
  // What comes into a place that is there already is what a screen reader reads out.
  setTimeout(() => (words.textContent = text(mode === 'opt-in' ? 'sharing.ask' : 'sharing.tell')))
  return () => notice.remove()
}
