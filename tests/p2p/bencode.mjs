// bencode.mjs - reads bencode strictly: what a torrent says, and the bytes that it said it with.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'

function number (bytes, at, end) {
  const stop = bytes.indexOf(end, at)
  const text = bytes.toString('latin1', at, stop)
  assert.match(text, end === 'e' ? /^(0|-?[1-9]\d*)$/ : /^(0|[1-9]\d*)$/, `no number at ${at}`)
  return [Number(text), stop + 1]
}

function value (bytes, at, spans, path) {
  const start = at
  const kind = String.fromCharCode(bytes[at])
  let out
  if (kind === 'i') {
    [out, at] = number(bytes, at + 1, 'e')
  } else if (kind === 'l') {
    for (out = [], at++; bytes[at] !== 0x65;) {
      let item
      [item, at] = value(bytes, at, spans, [...path, out.length])
      out.push(item)
    }
    at++
  } else if (kind === 'd') {
    let last = null
    for (out = {}, at++; bytes[at] !== 0x65;) {
      let key, item
      [key, at] = value(bytes, at, spans, null)
      assert.ok(last === null || Buffer.compare(last, key) < 0, `the key ${key} is out of order`)
      last = key;
      [item, at] = value(bytes, at, spans, [...path ?? [], key.toString()])
      out[key] = item
    }
    at++
  } else {
    let length
    [length, at] = number(bytes, at, ':')
    assert.ok(at + length <= bytes.length, 'it ends too soon')
    out = bytes.subarray(at, at + length)
    at += length
  }
  if (path) spans[path.join('.')] = bytes.subarray(start, at)
  return [out, at]
}

/** {root, spans}: strings as Buffers, and the bytes of each value by its dotted path ("info"). */
export function bdecode (bytes) {
  const spans = {}
  const [root, end] = value(bytes, 0, spans, [])
  assert.equal(end, bytes.length, 'something hangs behind it')
  return { root, spans }
}
