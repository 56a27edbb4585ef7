// share.js - the link and the code follow the chosen extract.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { duration, seconds, shoal } from './shoal.js'

const share = document.querySelector('[data-share]')
if (share) {
  const link = share.querySelector('#share-link')
  const embed = share.querySelector('#share-embed')
  const start = share.querySelector('#share-start')
  const stop = share.querySelector('#share-stop')
  const plainLink = link.value
  const plainEmbed = embed.value

  const update = () => {
    const query = new URLSearchParams()
    const from = seconds(start.value)
    const until = seconds(stop.value)
    if (from > 0) {
      query.set('start', `${from}s`)
    }
    if (until > (from ?? 0)) {
      query.set('stop', `${until}s`)
    }
    const tail = query.size > 0 ? `?${query}` : ''
    link.value = plainLink + tail
    embed.value = plainEmbed.replace(/(src="[^"]*)"/, `$1${tail.replaceAll('&', '&amp;')}"`)
  }
  share.querySelector('[data-extract]').hidden = false
  start.addEventListener('input', update)
  stop.addEventListener('input', update)
  link.addEventListener('focus', () => link.select())
  embed.addEventListener('focus', () => embed.select())
  share.addEventListener('toggle', () => {
    const now = Math.floor(shoal.player?.time ?? 0)
    if (share.open && start.value === '' && now > 0) {
      start.value = duration(now)
      update()
    }
  })
}
