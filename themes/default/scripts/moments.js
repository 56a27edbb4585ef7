// moments.js - times in the description and below it ("1:02") lead to that moment of the video.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { seconds, shoal } from './shoal.js'

const TIME = /(?<![\d:.])(?:\d{1,2}:)?[0-5]?\d:[0-5]\d(?![\d:])/g

function link(word) {
  const anchor = document.createElement('a')
  anchor.href = `?start=${seconds(word)}s`
  anchor.dataset.moment = seconds(word)
  anchor.textContent = word
  return anchor
}

function linkMoments(root, longest) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
  const nodes = []
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest('a, code, pre')) {
      nodes.push(walker.currentNode)
    }
  }
  for (const node of nodes) {
    const parts = []
    let from = 0
    for (const { 0: word, index } of node.data.matchAll(TIME)) {
      if (seconds(word) <= longest) {
        parts.push(node.data.slice(from, index), link(word))
        from = index + word.length
      }
    }
    if (from > 0) {
      node.replaceWith(...parts, node.data.slice(from))
    }
  }
}

const { duration } = document.querySelector('[data-player]')?.dataset ?? {}
for (const prose of document.querySelectorAll('.watch-text .prose')) {
  linkMoments(prose, Number(duration) || 0)
  prose.addEventListener('click', event => {
    const moment = event.target.closest('[data-moment]')
    if (moment && shoal.player && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault()
      shoal.player.seek(Number(moment.dataset.moment))
      shoal.player.play()
      shoal.player.element.scrollIntoView({ block: 'nearest' })
    }
  })
}
