// slowly.mjs - a process of its own: COUNT downloads of URL, each of which takes 256 KiB a second.
// SPDX-License-Identifier: AGPL-3.0-or-later
import net from 'node:net'

const [url, count] = process.argv.slice(2)
const { port, pathname, host } = new URL(url)
const TURN_MS = 250
const TURN_BYTES = 64 * 1024

/** Takes its share of each turn, then leaves the rest where it is: in the socket, and then at the server. */
function download (i) {
  let left = 0
  const socket = net.connect({ port, host: '127.0.0.1', highWaterMark: 16384 })
  socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  socket.on('data', bytes => { left -= bytes.length; if (left <= 0) socket.pause() })
  socket.on('error', () => {})
  // Not all in the same moment: people do not start together.
  setTimeout(() => setInterval(() => { left = TURN_BYTES; socket.resume() }, TURN_MS), i * TURN_MS / count)
}

for (let i = 0; i < count; i++) download(i)
