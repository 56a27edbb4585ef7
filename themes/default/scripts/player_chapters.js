// player_chapters.js - chapters: gaps in the seek bar, the title beside the clock, and the row below the player.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { showMoment } from './player_storyboard.js'

const PICTURE_WIDTH = 160

/** Reads what the API says: sorted, each with its end. */
export function readChapters(chapters, duration) {
  const list = (chapters ?? []).filter(({ timecode }) => timecode >= 0 && timecode < duration)
  return list.map((chapter, i) => ({
    start: chapter.timecode,
    end: list[i + 1]?.timecode ?? duration,
    title: chapter.title,
  }))
}

/** The chapter of a moment, if there is one. */
export const chapterAt = (chapters, time) => chapters.findLast(({ start }) => start <= time)

export function openChapters(player) {
  if (player.controls) {
    mark(player)
  }
  const list = document.querySelector('.chapters')
  if (list) {
    picture(player, list)
    follow(player, list)
  }
}

// A gap in the bar where a chapter begins, and the title of the one that plays.
function mark(player) {
  const { seek, clock } = player.controls
  const marks = document.createElement('span')
  marks.className = 'player-marks'
  marks.setAttribute('aria-hidden', 'true')
  for (const { start } of player.chapters.filter(each => each.start > 0)) {
    const gap = document.createElement('span')
    gap.style.insetInlineStart = `${(start / player.duration) * 100}%`
    marks.append(gap)
  }
  seek.after(marks)
  const title = document.createElement('span')
  title.className = 'player-chapter'
  clock.after(title)
  const show = () => {
    const found = chapterAt(player.chapters, player.time)?.title ?? ''
    if (title.textContent !== found) {
      title.textContent = found
    }
  }
  player.video.addEventListener('timeupdate', show)
  player.video.addEventListener('seeking', show)
  show()
}

function picture(player, list) {
  if (!player.storyboard) {
    return
  }
  for (const link of list.querySelectorAll('a[data-moment]')) {
    const place = document.createElement('span')
    place.className = 'chapter-picture'
    // A little behind the cut: what stands on it may still be the chapter before.
    showMoment(place, player.storyboard, Number(link.dataset.moment) + player.storyboard.every / 2, PICTURE_WIDTH)
    link.prepend(place)
  }
  list.classList.add('pictured')
}

function follow(player, list) {
  const links = [...list.querySelectorAll('a[data-moment]')]
  let current
  const show = () => {
    const now = links.findLast(link => Number(link.dataset.moment) <= player.time)
    if (now === current || player.video.readyState === 0) {
      return
    }
    current?.removeAttribute('aria-current')
    now?.setAttribute('aria-current', 'true')
    if (current && now) {
      bring(now, list)
    }
    current = now
  }
  player.video.addEventListener('timeupdate', show)
  player.video.addEventListener('seeking', show)
  list.addEventListener('click', event => {
    const link = event.target.closest('a[data-moment]')
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault()
      player.seek(Number(link.dataset.moment))
      player.play()
      player.element.scrollIntoView({ block: 'nearest' })
    }
  })
}

// Moves the row alone, never the page.
function bring(link, list) {
  const row = list.querySelector('ol')
  const box = link.getBoundingClientRect()
  const room = row.getBoundingClientRect()
  row.scrollBy({ left: box.left + box.width / 2 - (room.left + room.width / 2), behavior: 'smooth' })
}
