// shoal.js - what scripts of pages and plugins share: page, user, texts, api, topic, player.
// SPDX-License-Identifier: AGPL-3.0-or-later

const data = JSON.parse(document.getElementById('shoal-data')?.textContent ?? '{}')

/** A failed API call: status, the problem's code, and its sentence as the message. */
export class ApiError extends Error {
  constructor(status, problem) {
    const [wrong] = Object.values(problem?.['invalid-params'] ?? {})
    super(wrong?.msg ?? problem?.detail ?? problem?.error ?? `HTTP ${status}`)
    this.status = status
    this.code = problem?.code
    this.problem = problem
  }
}

/**
 * Calls the API as the visitor. `body` becomes JSON unless it is a FormData. keepalive: also when the page is
 * being left. Resolves to the answer.
 */
export async function api(path, { method = 'GET', body, headers = {}, signal, keepalive = false } = {}) {
  const isForm = body instanceof FormData
  const response = await fetch(path.startsWith('/') ? path : `/api/v1/${path}`, {
    method,
    signal,
    keepalive,
    credentials: 'same-origin',
    headers: {
      accept: 'application/json',
      ...(body !== undefined && !isForm ? { 'content-type': 'application/json' } : {}),
      ...formToken(),
      ...headers,
    },
    body: body === undefined || isForm ? body : JSON.stringify(body),
  })
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  const answer = isJson ? await response.json().catch(() => undefined) : await response.text()
  if (!response.ok) {
    throw new ApiError(response.status, isJson ? answer : undefined)
  }
  return answer
}

/** The header that shows that a request comes from our own page. */
export function formToken() {
  const token = document.querySelector('meta[name="csrf-token"]')?.content
  return token ? { 'x-shoal-csrf': token } : {}
}

/** Listens to a topic; returns a function that stops it. Does nothing where there are no topics. */
export function topic(name, listener) {
  if (!data.page?.topics) {
    return () => {}
  }
  const source = new EventSource(`${data.page.topics}${encodeURIComponent(name)}`)
  source.addEventListener('message', event => {
    let value = event.data
    try {
      value = JSON.parse(event.data)
    } catch {
      // plain text is fine too
    }
    listener(value)
  })
  return () => source.close()
}

/** The text of a key under "scripts", its {names} replaced. */
export function text(key, values = {}) {
  const found = key.split('.').reduce((tree, part) => tree?.[part], data.texts)
  return typeof found === 'string'
    ? found.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all)
    : key
}

/** 62 becomes 1:02. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor((seconds || 0) + 0.05))
  const two = number => String(number).padStart(2, '0')
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor(whole / 60) % 60
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}

/** 62, "62", "1:02" and "1m2s" become 62; anything else undefined. */
export function seconds(value) {
  const word = String(value ?? '').trim()
  const units = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$/.exec(word)
  if (word !== '' && units) {
    return Number(units[1] ?? 0) * 3600 + Number(units[2] ?? 0) * 60 + Number(units[3] ?? 0)
  }
  if (/^\d+(:\d{1,2}){1,2}$/.test(word)) {
    return word.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
  }
  return undefined
}

export const page = Object.freeze(data.page ?? {})
export const user = data.user ? Object.freeze(data.user) : undefined

/** `shoal.player` is set by the player's script; `shoal.ready` resolves to it. */
export const shoal = (window.shoal = { page, user, api, topic, text, player: undefined })
shoal.ready = new Promise(resolve => {
  shoal.announce = player => {
    shoal.player = player
    delete shoal.announce
    resolve(player)
  }
})
