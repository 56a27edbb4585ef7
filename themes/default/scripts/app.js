// app.js - small comforts of every page: light or dark, menus that close, buttons that copy, hours of here.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { text } from './shoal.js'

const root = document.documentElement
const dark = matchMedia('(prefers-color-scheme: dark)')
const toggle = document.querySelector('[data-scheme-toggle]')

function scheme() {
  return root.dataset.scheme ?? (dark.matches ? 'dark' : 'light')
}

function showScheme() {
  const label = toggle.querySelector('[data-scheme-label]')
  label.textContent = text(scheme() === 'dark' ? 'scheme_light' : 'scheme_dark')
  toggle.title = label.textContent
}

if (toggle) {
  toggle.hidden = false
  showScheme()
  dark.addEventListener('change', showScheme)
  toggle.addEventListener('click', () => {
    root.dataset.scheme = scheme() === 'dark' ? 'light' : 'dark'
    try {
      localStorage.setItem('shoal.scheme', root.dataset.scheme)
    } catch {
      // it lasts for this page then
    }
    showScheme()
  })
}

const popups = 'details[data-menu], details.share'
document.addEventListener('click', event => {
  for (const details of document.querySelectorAll(popups)) {
    if (details.open && !details.contains(event.target)) {
      details.open = false
    }
  }
})
document.addEventListener(
  'toggle',
  ({ target }) =>
    target.open &&
    target.matches(popups) &&
    target.lastElementChild.scrollIntoView({ block: 'nearest' }),
  true,
)
document.addEventListener('keydown', event => {
  const open = event.target instanceof Element && event.target.closest(popups)
  if (event.key === 'Escape' && open?.open) {
    open.open = false
    open.querySelector('summary').focus()
  }
})

for (const button of document.querySelectorAll('[data-copy]')) {
  const label = button.textContent
  button.hidden = !navigator.clipboard
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value)
    button.textContent = text('copied')
    setTimeout(() => (button.textContent = label), 2000)
  })
}

// The server knows the day alone: the hour is the visitor's.
for (const time of document.querySelectorAll('time[data-hour]')) {
  const style = { dateStyle: 'long', timeStyle: 'short' }
  time.textContent = new Intl.DateTimeFormat(root.lang, style).format(new Date(time.dateTime))
}
