// my_videos.js - keeps the states of unfinished videos up to date.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { api } from './shoal.js'

const SETTLED = new Set(['1', '5', '7', '8', '11', '12'])
const POLL_MS = 5000

async function look() {
  let isUnsettled = false
  for (const row of document.querySelectorAll('[data-video][data-state]')) {
    if (SETTLED.has(row.dataset.state)) {
      continue
    }
    const video = await api(`videos/${row.dataset.video}`).catch(() => undefined)
    const state = String(video?.state?.id ?? row.dataset.state)
    if (state !== row.dataset.state) {
      location.reload()
      return
    }
    isUnsettled = true
  }
  if (isUnsettled) {
    setTimeout(look, POLL_MS)
  }
}

setTimeout(look, POLL_MS)
