// kit.mjs - speaks to a server as nobody should: bytes as they are, and all that comes back.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { connect } from 'node:net'

/**
 * Sends bytes (a string is latin1) and gives {text, ended}: all that came until the server closed, or
 * until enough() says so. stay: keep our side open after the bytes; else it is half-closed by nobody.
 */
export function talk (site, bytes, { port = site.port, enough = () => false, timeout = 60000 } = {}) {
  return new Promise((resolve, reject) => {
    const wire = connect(port, '127.0.0.1', () => wire.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes))
    let text = ''
    let how = 'closed'
    wire.setTimeout(timeout, () => { how = 'silent'; wire.destroy() })
    wire.on('data', data => {
      text += data.toString('latin1')
      if (enough(text)) { how = 'enough'; wire.destroy() }
    })
    wire.on('error', error => { if (!text) reject(error) }) // a reset behind the answer
    wire.on('close', () => resolve({ text, how }))
  })
}

/** Takes answers apart: [{status, headers, body}], as a client that believes Content-Length does. */
export function answers (text) {
  const found = []
  for (let rest = text; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n')
    assert.match(rest, /^HTTP\/1\.1 \d{3} /, 'what comes is an answer and nothing else')
    const [first, ...lines] = rest.slice(0, end).split('\r\n')
    const headers = Object.fromEntries(lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
    const length = Number(headers['content-length'] ?? 0)
    found.push({ status: Number(first.split(' ')[1]), headers, body: rest.slice(end + 4, end + 4 + length) })
    rest = rest.slice(end + 4 + length)
  }
  return found
}

/** The sentence of an answer that refuses. */
export function sentence (answer) {
  assert.match(answer.headers['content-type'] ?? '', /^application\/(problem\+)?json/, `${answer.status}: ${answer.body.slice(0, 200)}`)
  const body = JSON.parse(answer.body)
  const text = body.detail ?? body.error ?? ''
  assert.ok(text.length > 5, `${answer.status} says nothing: ${answer.body}`)
  return text
}
