// comments.js - writes, answers, deletes and turns pages while the video plays on. Without it the forms
// and links do the same with a new page.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { text } from './shoal.js'

const find = root => root.getElementById('comments')

/** The section as the server shows it now, in the place of the one that was there. */
function replace(section, html) {
  const fresh = find(new DOMParser().parseFromString(html, 'text/html'))
  if (!fresh) {
    throw new Error('the page has no comments')
  }
  const known = new Set([...section.querySelectorAll('.comment')].map(comment => comment.id))
  section.replaceWith(document.adoptNode(fresh))
  const added = [...fresh.querySelectorAll('.comment')].filter(comment => !known.has(comment.id))
  return { fresh, added }
}

async function load(section, address, options) {
  section.setAttribute('aria-busy', 'true')
  try {
    const answer = await fetch(address, { credentials: 'same-origin', headers: { accept: 'text/html' }, ...options })
    return replace(section, await answer.text())
  } catch {
    section.removeAttribute('aria-busy')
    section.querySelector('[data-comments-say]').textContent = text('comments.failed')
    return undefined
  }
}

async function send(section, form) {
  const shown = await load(section, form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) })
  if (!shown) {
    return
  }
  const refused = shown.fresh.querySelector('[role="alert"]')
  shown.fresh.querySelector('[data-comments-say]').textContent = refused?.textContent ?? text('comments.sent')
  const target = refused ? shown.fresh : shown.added.length === 1 ? shown.added[0] : shown.fresh
  target.focus({ preventScroll: target === shown.fresh })
  target.scrollIntoView({ block: 'nearest' })
}

async function turn(section, link) {
  const shown = await load(section, link.href)
  if (shown) {
    history.replaceState(null, '', link.href)
    shown.fresh.scrollIntoView()
    shown.fresh.focus({ preventScroll: true })
  }
}

document.addEventListener('submit', event => {
  const section = find(document)
  if (section?.contains(event.target) && event.target.method === 'post') {
    event.preventDefault()
    if (section.getAttribute('aria-busy') !== 'true') {
      send(section, event.target)
    }
  }
})

document.addEventListener('click', event => {
  const section = find(document)
  const link = event.target.closest?.('.comments-sort a, .pager a')
  if (link && section?.contains(link) && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault()
    turn(section, link)
  }
})

document.addEventListener('keydown', event => {
  const form = event.target.closest?.('.comment-form')
  if (form && event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    form.requestSubmit()
  }
})
