// client.mjs - speaks HTTP to an instance: exactly what is asked, nothing normalised on the way.
// SPDX-License-Identifier: AGPL-3.0-or-later
import http from 'node:http'

/**
 * One request. path goes out as it is ("/static/../x"), redirects are not followed.
 * Returns {status, message, headers, body (Buffer), text, json}.
 */
export function request (base, { method = 'GET', path = '/', headers = {}, body, timeout = 120000 } = {}) {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    const outgoing = http.request({ hostname, port, method, path, headers, agent: false, timeout }, answer => {
      const parts = []
      answer.on('data', part => parts.push(part))
      answer.on('error', reject)
      answer.on('end', () => {
        const bytes = Buffer.concat(parts)
        const text = bytes.toString('utf8')
        let json
        if (/json/.test(answer.headers['content-type'] ?? '') && text) json = JSON.parse(text)
        resolve({ status: answer.statusCode, message: answer.statusMessage, headers: answer.headers, body: bytes, text, json })
      })
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${path} took too long`)))
    outgoing.on('error', reject)
    if (body !== undefined) outgoing.write(body)
    outgoing.end()
  })
}

/** Fields and files as multipart/form-data: {body, type}. A file is {name, bytes, mime}. */
export function multipart (fields) {
  const boundary = `shoal${Math.random().toString(16).slice(2)}`
  const parts = []
  const add = (name, value) => {
    if (value === undefined) return
    if (Array.isArray(value)) {
      value.forEach((item, i) => add(`${name}[${i}]`, item))
    } else if (value && value.bytes !== undefined) {
      parts.push(Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${value.name}"\r\nContent-Type: ${value.mime ?? 'application/octet-stream'}\r\n\r\n`), Buffer.from(value.bytes), Buffer.from('\r\n'))
    } else if (value && typeof value === 'object') {
      for (const [key, item] of Object.entries(value)) add(`${name}[${key}]`, item)
    } else {
      parts.push(Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`))
    }
  }
  for (const [name, value] of Object.entries(fields)) add(name, value)
  parts.push(Buffer.from(`--${boundary}--\r\n`))
  return { body: Buffer.concat(parts), type: `multipart/form-data; boundary=${boundary}` }
}
