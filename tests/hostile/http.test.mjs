// http.test.mjs - a corpus of malformed and smuggling HTTP, sent raw to a whole server.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { answers, sentence, talk } from './kit.mjs'

let site

before(async () => { site = await startInstance() })
after(() => site?.stop())

const HOST = 'Host: x\r\n'
// What must never be read as a request of its own: its answer would be a second one.
const HIDDEN = `GET /health HTTP/1.1\r\n${HOST}\r\n`
const get = (more = '', line = 'GET /health HTTP/1.1') => `${line}\r\n${HOST}${more}\r\n`
const post = (more, body = '') => `POST /api/v1/users/token HTTP/1.1\r\n${HOST}Content-Type: application/x-www-form-urlencoded\r\n${more}\r\n${body}`
const CHUNKED = 'Transfer-Encoding: chunked\r\n'
const chunked = body => post(CHUNKED, body)

// [what, bytes, status, what the sentence says]
const refused = [
  // Request lines
  ['bytes of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
  ['nonsense', '\x00\x01\x02\x03\r\n\r\n', 400],
  ['no version (HTTP/0.9)', 'GET /health\r\n\r\n', 505, /HTTP\/1/],
  ['no target', `GET HTTP/1.1\r\n${HOST}\r\n`, 400],
  ['two spaces before the target', get('', 'GET  /health HTTP/1.1'), 400],
  ['two spaces behind the target', get('', 'GET /health  HTTP/1.1'), 400],
  ['tabs as spaces', get('', 'GET\t/health\tHTTP/1.1'), [400, 501]],
  ['a space behind the version', get('', 'GET /health HTTP/1.1 '), [400, 505]],
  ['a space in the target', get('', 'GET /health x HTTP/1.1'), 400],
  ['a space before the method', get('', ' GET /health HTTP/1.1'), 400],
  ['a method in lower case', get('', 'get /health HTTP/1.1'), 501, /method/],
  ['a method nobody knows', get('', 'BREW /health HTTP/1.1'), 501, /method/],
  ['a method with a separator', get('', 'GE:T /health HTTP/1.1'), [400, 501]],
  ['CONNECT', get('', 'CONNECT example.org:443 HTTP/1.1'), 501],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00', [501, 505]],
  ['HTTP/2.0', get('', 'GET /health HTTP/2.0'), 505, /HTTP\/1/],
  ['HTTP/1.2', get('', 'GET /health HTTP/1.2'), 505, /HTTP\/1/],
  ['HTTP/0.9 by its number', get('', 'GET /health HTTP/0.9'), 505, /HTTP\/1/],
  ['HTTP/11', get('', 'GET /health HTTP/11'), [400, 505]],
  ['HTTP/1.10', get('', 'GET /health HTTP/1.10'), [400, 505]],
  ['http/1.1', get('', 'GET /health http/1.1'), [400, 505]],
  ['another protocol', get('', 'GET /health ICE/1.0'), [400, 505]],
  ['a NUL in the target', get('', 'GET /hea\x00lth HTTP/1.1'), 400],
  ['a control character in the target', get('', 'GET /hea\x0blth HTTP/1.1'), 400],
  ['a fragment in the target', get('', 'GET /health#x HTTP/1.1'), 400],
  ['a target that is no path', get('', 'GET health HTTP/1.1'), 400],
  ['a star for another method', get('', 'GET * HTTP/1.1'), 400],
  ['an absolute target of another host', get('', 'GET http://other/health HTTP/1.1'), 400, /Host/],
  ['an absolute target with a user', get('', 'GET http://u@x/health HTTP/1.1'), 400],
  ['an absolute target of another scheme', get('', 'GET file:///etc/passwd HTTP/1.1'), 400],
  // Lines
  ['line feeds alone', `GET /health HTTP/1.1\n${'Host: x\n'}\n`, 400],
  ['one line feed alone', `GET /health HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n`, 400],
  ['a carriage return alone in a value', get('X-A: b\rX-B: c\r\n'), 400],
  ['CVE-2023-30589: a header that ends with a carriage return', `POST /api/v1/users/token HTTP/1.1\r\n${HOST}X-Abc:\rxTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n\r\n`, 400],
  ['CVE-2023-30589: a carriage return before the length', post('X-A: b\rContent-Length: 5\r\n', 'hello'), 400],
  ['two carriage returns', `GET /health HTTP/1.1\r\r\n${HOST}\r\n`, 400],
  ['a carriage return before the blank line', `GET /health HTTP/1.1\r\n${HOST}\r\r\n\r\n`, 400],
  ['a folded header', get('X-A: b\r\n c\r\n'), 400, /fold/],
  ['a header folded with a tab', get('X-A: b\r\n\tc\r\n'), 400, /fold/],
  ['a folded first header', `GET /health HTTP/1.1\r\n Host: x\r\n\r\n`, 400],
  ['a folded length', post('Content-Length:\r\n 5\r\n', 'hello'), 400],
  ['a NUL in a value', get('X-A: b\x00c\r\n'), 400],
  ['a NUL in a name', get('X\x00A: b\r\n'), 400],
  ['a vertical tab in a value', get('X-A: b\x0bc\r\n'), 400],
  ['a DEL in a value', get('X-A: b\x7f\r\n'), 400],
  ['a space before the colon', get('X-A : b\r\n'), 400],
  ['a tab before the colon', get('X-A\t: b\r\n'), 400],
  ['a name of nothing', get(': b\r\n'), 400],
  ['a line without a colon', get('X-A\r\n'), 400],
  ['a name with a separator', get('X(A): b\r\n'), 400],
  ['a name that is not ASCII', get('X-\xc3\xa4: b\r\n'), 400],
  // Host
  ['no Host', 'GET /health HTTP/1.1\r\n\r\n', 400, /Host/],
  ['no Host in HTTP/1.0', 'GET /health HTTP/1.0\r\n\r\n', 400, /Host/],
  ['an empty Host', 'GET /health HTTP/1.1\r\nHost:\r\n\r\n', 400, /Host/],
  ['two Hosts', get('Host: y\r\n'), 400, /Host/],
  ['the same Host twice', get(HOST), 400, /Host/],
  ['a Host with a path', 'GET /health HTTP/1.1\r\nHost: x/y\r\n\r\n', 400, /Host/],
  ['a Host with a user', 'GET /health HTTP/1.1\r\nHost: u@x\r\n\r\n', 400, /Host/],
  ['two Hosts in one', 'GET /health HTTP/1.1\r\nHost: x, y\r\n\r\n', 400, /Host/],
  ['a Host with markup', 'GET /health HTTP/1.1\r\nHost: x"><script>\r\n\r\n', 400, /Host/],
  // Content-Length
  ...['+5', '-5', '5 5', '5,5', '5, 5', '0x5', '5.0', '5e0', '', 'five', '5;', '\x0b5', '5\x00', '99999999999999999999', '18446744073709551621', '\xb2']
    .map(value => [`Content-Length: ${JSON.stringify(value)}`, post(`Content-Length: ${value}\r\n`, 'hello'), 400]),
  ['two lengths that agree', post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), 400, /Content-Length/],
  ['two lengths that differ', post(`Content-Length: 0\r\nContent-Length: ${HIDDEN.length}\r\n`), 400, /Content-Length/],
  ['two lengths in two cases', post(`content-length: 0\r\nCONTENT-LENGTH: ${HIDDEN.length}\r\n`), 400, /Content-Length/],
  ['a length with a space before its colon', post(`Content-Length : ${HIDDEN.length}\r\n`), 400],
  // Transfer-Encoding
  ['a length, then chunks', post(`Content-Length: 5\r\n${CHUNKED}`, '0\r\n\r\n'), 400, /Transfer-Encoding/],
  ['chunks, then a length', post(`${CHUNKED}Content-Length: 5\r\n`, '0\r\n\r\n'), 400, /Transfer-Encoding/],
  ['chunks in HTTP/1.0', `POST /api/v1/users/token HTTP/1.0\r\n${HOST}${CHUNKED}\r\n0\r\n\r\n`, 400, /Transfer-Encoding/],
  ['chunked twice', post(CHUNKED + CHUNKED, '0\r\n\r\n'), 400, /Transfer-Encoding/],
  ...['xchunked', 'chunkedx', 'chunked, chunked', 'gzip, chunked', 'chunked, identity', 'identity', 'gzip', '"chunked"', "'chunked'", 'chunked;q=1', ',chunked', 'chunked,', '', '\x0bchunked', 'chunked\x0b', '\x00chunked', 'chu\tnked', 'chun\xe7ed', 'chunKed\xff']
    .map(value => [`Transfer-Encoding: ${JSON.stringify(value)}`, post(`Transfer-Encoding: ${value}\r\n`, '0\r\n\r\n'), 400]),
  ['an encoding with a space before its colon', post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n'), 400],
  ['an encoding behind a lone carriage return', post('X: y\rTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
  ['an encoding behind a lone line feed', post('X: y\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
  ['an encoding that is folded', post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n'), 400],
  ['an encoding of each kind', post(`Transfer-Encoding: identity\r\n${CHUNKED}`, '0\r\n\r\n'), 400],
  // Chunks
  ...['', 'g', '-1', '+1', ' 1', '1 ', '0x1', '1\t', '1\x00', 'ffffffffffffffff', '10000000000000001', '1,']
    .map(size => [`a chunk of ${JSON.stringify(size)}`, chunked(`${size}\r\na\r\n0\r\n\r\n`), 400, /chunks/]),
  ['a chunk with a line feed', chunked('1\na\r\n0\r\n\r\n'), 400, /chunks/],
  ['a chunk with a carriage return', chunked('1\ra\r\n0\r\n\r\n'), 400, /chunks/],
  ['a chunk that is longer than it says', chunked('1\r\nab\r\n0\r\n\r\n'), 400, /chunks/],
  ['a chunk that ends with a line feed', chunked('1\r\na\n0\r\n\r\n'), 400, /chunks/],
  ['a lone line feed in an extension', chunked('1;a\nb\r\na\r\n0\r\n\r\n'), 400, /chunks/],
  ['a lone carriage return in an extension', chunked('1;a\rb\r\na\r\n0\r\n\r\n'), 400, /chunks/],
  ['a NUL in an extension', chunked('1;a\x00\r\na\r\n0\r\n\r\n'), 400, /chunks/],
  ['an extension without end', chunked(`1;${'a'.repeat(5000)}\r\na\r\n0\r\n\r\n`), 400, /chunks/],
  ['extensions without end', chunked(`${`1;${'a'.repeat(900)}\r\na\r\n`.repeat(20)}0\r\n\r\n`), 400, /chunks/],
  ['a folded trailer', chunked('0\r\n X: y\r\n\r\n'), 400, /chunks/],
  ['a trailer with a line feed', chunked('0\r\nX: y\n\r\n'), 400, /chunks/],
  ['trailers without end', chunked(`0\r\n${`X: ${'y'.repeat(900)}\r\n`.repeat(20)}\r\n`), 400, /chunks/],
  ['a last chunk without its line', chunked('0\r\nGET /health HTTP/1.1\n'), 400, /chunks/],
  // What else may frame
  ['an expectation that is not served', post('Content-Length: 5\r\nExpect: 200-maybe\r\n', 'hello'), 417, /100-continue/],
  ['a body where none is taken', get('Content-Length: 5\r\n') + 'hello', 413, /no body/],
  ['chunks where no body is taken', get(CHUNKED) + '0\r\n\r\n', 413, /no body/],
  // Too much
  ['a long request line', get('', `GET /${'a'.repeat(9000)} HTTP/1.1`), 414, /8 KiB/],
  ['a request line without end', `GET /${'a'.repeat(100000)}`, 414, /8 KiB/],
  ['a long header', get(`X-A: ${'a'.repeat(50000)}\r\n`), 431, /32 KiB/],
  ['a header without end', `GET /health HTTP/1.1\r\nX-A: ${'a'.repeat(100000)}`, 431, /32 KiB/],
  ['101 headers', get('X-A: b\r\n'.repeat(101)), 431, /100/],
  ['5000 empty headers', get('A:\r\n'.repeat(5000)), 431],
  ['a body larger than is taken', post('Content-Length: 600000\r\n'), 413, /larger/],
  ['chunks larger than are taken', chunked(`927c0\r\n${'a'.repeat(600000)}\r\n0\r\n\r\n`), 413, /larger/]
]

test('what proxies may read differently gets one answer, a reason, and the end', { timeout: 240000 }, async () => {
  const wrong = []
  const one = async ([what, bytes, status, says]) => {
    try {
      const { text, how } = await talk(site, bytes + HIDDEN + HIDDEN)
      assert.equal(how, 'closed')
      const all = answers(text)
      assert.equal(all.length, 1, `${all.length} answers: ${all.map(answer => answer.status)}`)
      assert.ok([status].flat().includes(all[0].status), `${all[0].status} instead of ${status}: ${all[0].body}`)
      assert.equal(all[0].headers.connection, 'close')
      if (says) assert.match(sentence(all[0]), says)
      else sentence(all[0])
    } catch (error) {
      wrong.push(`${what}: ${error.message}`)
    }
  }
  for (let i = 0; i < refused.length; i += 8) await Promise.all(refused.slice(i, i + 8).map(one))
  assert.deepEqual(wrong, [])
  assert.equal((await site.raw({ path: '/health' })).status, 200)
})

// What is odd, and allowed: it must be read in the one way that the standard knows.
test('what is allowed is read as the standard says, and what follows is a request of its own', async () => {
  const last = get('Connection: close\r\n')
  const wanted = [
    ['a length with spaces around it', post('Content-Length:   5  \r\n', 'hello'), 400],
    ['a length with zeros', post('Content-Length: 005\r\n', 'hello'), 400],
    ['chunks in another case', post('tRANSFER-eNCODING: \t CHUNKED \t\r\n', '5\r\nhello\r\n0\r\n\r\n'), 400],
    ['chunks with extensions and zeros', chunked('0005;a=b;c="d"\r\nhello\r\n000;x\r\n\r\n'), 400],
    ['trailers that look like framing', chunked(`5\r\nhello\r\n0\r\nContent-Length: ${last.length}\r\nTransfer-Encoding: chunked\r\nHost: y\r\n\r\n`), 400],
    ['a request in a body', post(`Content-Length: ${HIDDEN.length}\r\n`, HIDDEN), 400],
    ['a request in a chunk', chunked(`${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`), 400],
    ['an upgrade to h2c', get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'), 200],
    ['an upgrade to TLS', get('Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n'), 200],
    ['a WebSocket where none is', get('Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'), 200],
    ['names that other servers frame by', get('Content_Length: 5\r\nTransfer_Encoding: chunked\r\nX-Content-Length: 5\r\nProxy-Connection: close\r\n'), 200],
    ['an absolute target', get('', 'GET http://x/health HTTP/1.1'), 200],
    ['an old client that stays', `GET /health HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`, 200],
    ['blank lines before it', `\r\n\r\n${get()}`, 200],
    ['a length of nothing', get('Content-Length: 0\r\n'), 200],
    ['a connection header that names the length', post('Connection: Content-Length\r\nContent-Length: 5\r\n', 'hello'), 400],
    ['another method by a header', get('X-HTTP-Method-Override: DELETE\r\nX-Method-Override: POST\r\n'), 200],
    ['another path by a header', get('X-Original-URL: /api/v1/users/me\r\nX-Rewrite-URL: /api/v1/users/me\r\n'), 200]
  ]
  for (const [what, bytes, status] of wanted) {
    const { text, how } = await talk(site, bytes + last)
    const all = answers(text)
    assert.deepEqual([how, ...all.map(answer => answer.status)], ['closed', status, 200], what)
    if (status >= 400) sentence(all[0])
  }
})
