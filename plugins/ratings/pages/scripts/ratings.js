// ratings.js - rates without leaving the page; without it the form does the same.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { api, page, text } from './shoal.js'

const form = document.querySelector('form[data-ratings]')
const buttons = form ? [...form.querySelectorAll('button[data-rate]')] : []
const say = form?.querySelector('[data-ratings-say]')
const short = new Intl.NumberFormat(page.locale, { notation: 'compact', maximumFractionDigits: 1 })
const counts = { like: Number(form?.dataset.likes), dislike: Number(form?.dataset.dislikes) }
let mine = form?.dataset.rating || 'none'

function show() {
  for (const button of buttons) {
    const { rate } = button.dataset
    button.setAttribute('aria-pressed', String(rate === mine))
    button.value = rate === mine ? 'none' : rate
    button.querySelector('[data-count]').textContent = short.format(counts[rate])
  }
}

async function rate(rating) {
  const before = mine
  await api(`videos/${form.dataset.ratings}/rate`, { method: 'PUT', body: { rating } })
  for (const which of Object.keys(counts)) {
    counts[which] = Math.max(0, counts[which] + (rating === which) - (before === which))
  }
  mine = rating
  show()
  say.textContent = text(`ratings.said.${rating}`)
}

form?.addEventListener('submit', event => {
  event.preventDefault()
  if (form.getAttribute('aria-busy') === 'true') {
    return
  }
  form.setAttribute('aria-busy', 'true')
  rate(event.submitter.value)
    .catch(() => {
      say.textContent = text('ratings.failed')
    })
    .finally(() => form.removeAttribute('aria-busy'))
})
