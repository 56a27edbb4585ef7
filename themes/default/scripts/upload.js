// upload.js - sends the file in pieces, with progress, pauses and new tries.
// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The form works without this script as one plain POST. With it the file goes to
// /api/v1/videos/upload-resumable: a POST with what the fields say, then a PUT for each piece, each
// answered with 308 and the Range that the server has, until the last one is answered with 200.
import { api, ApiError, duration, formToken, shoal, text } from './shoal.js'

const ENDPOINT = '/api/v1/videos/upload-resumable'
const FIRST_CHUNK = 2 * 1024 * 1024
const LARGEST_CHUNK = 32 * 1024 * 1024
const PIECE_MS = 4000 // how long a piece should take
const PATIENCE = 12
const POLL_MS = 3000
const INTEGERS = new Set(['channelId', 'privacy', 'category', 'licence', 'commentsPolicy'])
const BOOLEANS = ['nsfw', 'downloadEnabled', 'waitTranscoding']

const form = document.querySelector('[data-upload]')
const at = name => form.querySelector(`[data-${name}]`)
const size = bytes =>
  new Intl.NumberFormat(document.documentElement.lang, {
    style: 'unit',
    unit: bytes > 999999 ? 'megabyte' : 'kilobyte',
    maximumFractionDigits: bytes > 999999 ? 1 : 0,
  }).format(bytes > 999999 ? bytes / 1e6 : bytes / 1e3)

// The fields in the words of the API.
function fields() {
  const body = {}
  for (const [name, value] of new FormData(form)) {
    if (value instanceof File || name === 'csrf' || name === 'tags') {
      continue
    }
    if (value === '' || value === 'null') {
      continue
    }
    const plugin = /^pluginData\[(\w+)\]\[(\w+)\]$/.exec(name)
    if (plugin) {
      body.pluginData ??= {}
      body.pluginData[plugin[1]] = { ...body.pluginData[plugin[1]], [plugin[2]]: value }
      continue
    }
    body[name] = INTEGERS.has(name) ? Number(value) : value
  }
  for (const name of BOOLEANS) {
    body[name] = form.elements[name]?.checked ?? false
  }
  const tags = (form.elements.tags?.value ?? '')
    .split(',')
    .map(tag => tag.trim())
    .filter(Boolean)
  if (tags.length > 0) {
    body.tags = tags.slice(0, 5)
  }
  return body
}

class Upload {
  constructor(file) {
    this.file = file
    this.sent = 0
    this.chunk = FIRST_CHUNK
    const most = Number(form.dataset.chunk)
    this.largest = most > 0 ? Math.min(most, LARGEST_CHUNK) : LARGEST_CHUNK
    this.speed = 0
    this.failures = 0
  }

  async run() {
    this.say('upload.starting')
    while (!this.isCancelled) {
      try {
        this.url ??= await this.begin()
        const video = await this.sendAll()
        if (video) {
          return video
        }
        await this.resumed()
      } catch (error) {
        await this.endure(error)
      }
    }
    return undefined
  }

  async begin() {
    const { file } = this
    const response = await fetch(ENDPOINT, {
      method: 'POST',
      credentials: 'same-origin',
      headers: {
        'content-type': 'application/json',
        'x-upload-content-length': String(file.size),
        'x-upload-content-type': file.type || 'application/octet-stream',
        ...formToken(),
      },
      body: JSON.stringify({ ...fields(), filename: file.name }),
    })
    if (response.status !== 200 && response.status !== 201) {
      throw new ApiError(response.status, await response.json().catch(() => undefined))
    }
    this.sent = this.rangeEnd(response.headers.get('range'))
    const there = new URL(response.headers.get('location'), location.href)
    return there.pathname + there.search
  }

  rangeEnd(range) {
    const match = /=0-(\d+)\s*$/.exec(range ?? '') // "bytes=0--1" is nothing
    return match ? Number(match[1]) + 1 : 0
  }

  // Returns the video, or undefined when it was paused.
  async sendAll() {
    while (!this.isPaused && !this.isCancelled) {
      const end = Math.min(this.sent + Math.min(this.chunk, this.largest), this.file.size)
      const began = performance.now()
      const from = this.sent
      const { status, body, range } = await this.put(from, end)
      if (status === 200) {
        return JSON.parse(body).video
      }
      if (status !== 308) {
        throw new ApiError(status, this.problem(body))
      }
      this.sent = range === null ? 0 : this.rangeEnd(range)
      this.failures = 0
      this.adapt(end - from, performance.now() - began)
    }
    return undefined
  }

  problem(body) {
    try {
      return JSON.parse(body)
    } catch {
      return undefined
    }
  }

  // XMLHttpRequest, because fetch does not tell how much of a body has left.
  put(from, end) {
    return new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest()
      this.xhr = xhr
      xhr.open('PUT', this.url)
      xhr.setRequestHeader('content-type', 'application/octet-stream')
      xhr.setRequestHeader('content-range', `bytes ${from}-${end - 1}/${this.file.size}`)
      for (const [name, value] of Object.entries(formToken())) {
        xhr.setRequestHeader(name, value)
      }
      xhr.upload.onprogress = event => this.show(from + Math.min(event.loaded, end - from))
      xhr.upload.onload = () => end === this.file.size && this.say('upload.finishing')
      xhr.onload = () =>
        resolve({
          status: xhr.status,
          body: xhr.responseText,
          range: xhr.getResponseHeader('range'),
          retryAfter: xhr.getResponseHeader('retry-after'),
        })
      xhr.onerror = () => reject(new ApiError(0))
      xhr.onabort = () => reject(new ApiError(-1))
      xhr.send(this.file.slice(from, end))
    })
  }

  // Asks how much has arrived.
  async ask() {
    const response = await fetch(this.url, {
      method: 'PUT',
      credentials: 'same-origin',
      headers: { 'content-range': `bytes */${this.file.size}`, ...formToken() },
    })
    if (response.status === 308) {
      this.sent = this.rangeEnd(response.headers.get('range'))
    } else if (response.status === 404 || response.status === 410) {
      this.url = undefined
      this.sent = 0
    }
  }

  adapt(bytes, ms) {
    const speed = (bytes / Math.max(ms, 1)) * 1000
    this.speed = this.speed > 0 ? this.speed * 0.7 + speed * 0.3 : speed
    const wanted = (speed * PIECE_MS) / 1000
    this.chunk = Math.round(
      Math.min(this.largest, Math.max(256 * 1024, Math.min(wanted, this.chunk * 2))),
    )
  }

  // Waits and goes on after what may pass; throws what will not.
  async endure(error) {
    const status = error instanceof ApiError ? error.status : 0
    if (this.isCancelled || status === -1) {
      await this.resumed()
      return
    }
    const passes =
      status === 0 ||
      status === 401 ||
      status === 404 ||
      status === 409 ||
      status === 410 ||
      status === 423 ||
      status === 429 ||
      status >= 500
    if (!passes || ++this.failures > PATIENCE) {
      throw error
    }
    if (status === 401) {
      this.pause(true)
      this.say('upload.logged_out')
      await this.resumed()
    } else {
      const goesOn = () => !this.isCancelled && !this.isPaused
      for (let left = Math.min(30, 2 ** this.failures); left > 0 && goesOn(); left--) {
        this.say('upload.retrying', { seconds: left })
        await new Promise(resolve => setTimeout(resolve, 1000))
      }
    }
    await this.resumed()
    if (this.url) {
      await this.ask().catch(() => {})
    }
    if (!this.isPaused) {
      this.say('upload.sending')
    }
  }

  resumed() {
    return new Promise(resolve => {
      if (!this.isPaused || this.isCancelled) {
        resolve()
      } else {
        this.onResume = resolve
      }
    })
  }

  pause(isPaused) {
    this.isPaused = isPaused
    at('pause').textContent = text(isPaused ? 'upload.resume' : 'upload.pause')
    if (isPaused) {
      this.xhr?.abort()
      this.say('upload.paused')
    } else {
      this.say('upload.sending')
      const go = () => this.onResume?.()
      ;(this.url ? this.ask() : Promise.resolve()).then(go, go)
    }
  }

  async cancel() {
    this.isCancelled = true
    this.xhr?.abort()
    this.onResume?.()
    if (this.url) {
      await fetch(this.url, {
        method: 'DELETE',
        credentials: 'same-origin',
        headers: formToken(),
      }).catch(() => {})
    }
  }

  show(bytes) {
    const percent = this.file.size > 0 ? Math.floor((bytes / this.file.size) * 100) : 100
    at('progress').value = percent
    at('percent').textContent = `${percent} %`
    if (this.speed > 0) {
      const left = duration((this.file.size - bytes) / this.speed)
      at('speed').textContent = text('upload.speed', { speed: size(this.speed), left })
    }
    if (this.status === 'upload.starting') {
      this.say('upload.sending')
    }
  }

  say(key, values) {
    this.status = key
    at('status').textContent = text(key, values)
  }
}

function explain(error) {
  if (error.status === 413) {
    return text('upload.too_large')
  }
  if (error.status === 415 || error.status === 422) {
    return text('upload.not_video')
  }
  return text('upload.failed', { reason: error.message })
}

function warnBeforeLeaving(event) {
  event.preventDefault()
}

async function waitForTranscoding(video) {
  for (;;) {
    const now = await api(`videos/${video.uuid}`).catch(() => undefined)
    if (now?.state?.id === 1) {
      return 'upload.done'
    }
    if (now?.state?.id === 7) {
      return 'upload.failed_transcoding'
    }
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}

function showFieldErrors(problem) {
  for (const [name, { msg }] of Object.entries(problem?.['invalid-params'] ?? {})) {
    const field = form.elements[name.replace(/\[.*/, '')]
    if (field instanceof Element) {
      field.setAttribute('aria-invalid', 'true')
      let note = document.getElementById(`error-${name}`)
      if (!note) {
        note = Object.assign(document.createElement('p'), {
          className: 'field-error',
          id: `error-${name}`,
        })
        field.after(note)
        field.setAttribute('aria-describedby', note.id)
      }
      note.textContent = msg
    }
  }
  form.querySelector('[aria-invalid]')?.focus()
}

async function start(file) {
  const upload = new Upload(file)
  form.upload = upload
  at('file').textContent = form.elements.name.value || file.name
  at('sending').hidden = false
  at('sending').classList.remove('failed')
  at('cancel').hidden = false
  at('drop').hidden = true
  at('fields').hidden = true
  at('pause').onclick = () => upload.pause(!upload.isPaused)
  at('cancel').onclick = () => upload.cancel()
  addEventListener('beforeunload', warnBeforeLeaving)
  try {
    if (file.size === 0) {
      throw new ApiError(422)
    }
    const video = await upload.run()
    if (!video) {
      reset()
      return
    }
    upload.show(file.size)
    at('pause').hidden = true
    at('cancel').hidden = true
    at('speed').textContent = ''
    at('watch').href = `/w/${video.shortUUID}`
    at('watch').hidden = false
    at('again').hidden = false
    upload.say('upload.transcoding')
    removeEventListener('beforeunload', warnBeforeLeaving)
    upload.say(await waitForTranscoding(video))
  } catch (error) {
    at('status').textContent = explain(error)
    at('sending').classList.add('failed')
    at('fields').hidden = false
    at('drop').hidden = false
    at('pause').hidden = true
    at('cancel').hidden = true
    at('sending').scrollIntoView({ block: 'nearest' })
    showFieldErrors(error.problem)
  } finally {
    removeEventListener('beforeunload', warnBeforeLeaving)
  }
}

function reset() {
  at('sending').hidden = true
  at('drop').hidden = false
  at('fields').hidden = false
}

// Shows which file was taken, and lends the title its name.
function showChosen(file) {
  const name = form.elements.name
  at('chosen').hidden = !file
  if (file) {
    at('chosen').textContent = `${file.name} · ${size(file.size)}`
    at('choose').textContent = text('upload.other')
  }
  if (file && name.value.trim() === '') {
    name.value = file.name
      .replace(/\.[^.]+$/, '')
      .replaceAll('_', ' ')
      .slice(0, 120)
  }
}

function listenToDrops() {
  const drop = at('drop')
  const input = form.elements.videofile
  drop.classList.add('live')
  for (const name of ['dragenter', 'dragover']) {
    drop.addEventListener(name, event => {
      event.preventDefault()
      drop.classList.add('over')
    })
  }
  for (const name of ['dragleave', 'drop']) {
    drop.addEventListener(name, () => drop.classList.remove('over'))
  }
  drop.addEventListener('drop', event => {
    event.preventDefault()
    if (event.dataTransfer.files.length > 0) {
      input.files = event.dataTransfer.files
      showChosen(input.files[0])
    }
  })
  input.addEventListener('change', () => showChosen(input.files[0]))
}

if (form && shoal.user) {
  listenToDrops()
  form.addEventListener('submit', event => {
    const file = form.elements.videofile.files[0]
    if (file) {
      event.preventDefault()
      at('pause').hidden = false
      start(file)
    }
  })
}
