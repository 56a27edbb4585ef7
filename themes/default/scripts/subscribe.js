// subscribe.js - subscribing and its end without leaving the page: what is playing goes on.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { api } from './shoal.js'

for (const box of document.querySelectorAll('[data-subscribe]')) {
  const handle = box.dataset.subscribe
  const parts = [...box.querySelectorAll('[data-on]')]
  const path = '/api/v1/users/me/subscriptions'
  const one = `${path}/${encodeURIComponent(handle)}`

  const show = (isOn, isPending) => {
    for (const part of parts) {
      // Who was asked has not followed yet.
      const counts = part.localName === 'span'
      part.hidden = part.dataset.on !== String(counts ? isOn && !isPending : isOn)
    }
    const waits = box.querySelector('[data-pending]')
    if (waits) {
      waits.hidden = !isPending
    }
  }

  box.addEventListener('submit', async event => {
    const form = event.target
    if (form.dataset.on === undefined) {
      return
    }
    event.preventDefault()
    const button = form.querySelector('button')
    button.disabled = true
    try {
      if (form.dataset.on === 'false') {
        await api(path, { method: 'POST', body: { uri: handle } })
        const now = await api(one)
        show(true, now.subscription?.state === 'pending')
      } else {
        await api(one, { method: 'DELETE' })
        show(false, false)
      }
      box.querySelector('form:not([hidden]) button')?.focus()
    } catch {
      form.submit() // the page says what is wrong
    } finally {
      button.disabled = false
    }
  })
}
