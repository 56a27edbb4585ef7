// player_preview.js - what stands above the seek bar under a pointer: a picture, the chapter and the time.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { chapterAt } from './player_chapters.js'
import { showMoment } from './player_storyboard.js'
import { duration } from './shoal.js'

const EDGE = 6

export function openPreview(player, bar, seek) {
  const tip = document.createElement('span')
  const picture = document.createElement('span')
  const title = document.createElement('span')
  const clock = document.createElement('span')
  tip.className = 'player-tip'
  tip.hidden = true
  tip.setAttribute('aria-hidden', 'true')
  picture.className = 'player-tip-picture'
  title.className = 'player-tip-title'
  tip.append(picture, title, clock)
  bar.prepend(tip)

  const show = part => {
    const time = part * player.duration
    const { storyboard, chapters } = player
    picture.hidden = !storyboard
    if (storyboard) {
      showMoment(picture, storyboard, time)
    }
    title.textContent = chapterAt(chapters ?? [], time)?.title ?? ''
    title.hidden = title.textContent === ''
    clock.textContent = duration(time)
    tip.classList.toggle('pictured', Boolean(storyboard))
    tip.hidden = false
    place(part)
  }
  // Under the pointer, but inside the picture.
  const place = part => {
    const room = player.element.getBoundingClientRect()
    const box = seek.getBoundingClientRect()
    const half = tip.offsetWidth / 2
    const at = box.left - room.left + part * box.width
    tip.style.left = `${Math.max(half + EDGE, Math.min(room.width - half - EDGE, at))}px`
  }
  const hide = () => (tip.hidden = true)
  seek.addEventListener('pointermove', event => {
    const box = seek.getBoundingClientRect()
    show(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)))
  })
  seek.addEventListener('input', () => show(seek.value / 1000))
  for (const name of ['pointerleave', 'pointerup', 'pointercancel', 'change']) {
    seek.addEventListener(name, hide)
  }
}
