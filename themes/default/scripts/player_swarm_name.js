// player_swarm_name.js - the names under which trackers know our swarms: MD5 and base64, as ASCII.
// SPDX-License-Identifier: AGPL-3.0-or-later

const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
]
const SINES = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0)

function mixed(round, b, c, d) {
  return [(b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)][round]
}

function placeOf(round, i) {
  return [i, 5 * i + 1, 3 * i + 5, 7 * i][round] % 16
}

/** MD5 (RFC 1321): browsers have it nowhere, and the swarms' names are made of it. */
export function md5(bytes) {
  const words = new Int32Array((((bytes.length + 8) >> 6) + 1) * 16)
  bytes.forEach((byte, i) => (words[i >> 2] |= byte << ((i % 4) * 8)))
  words[bytes.length >> 2] |= 0x80 << ((bytes.length % 4) * 8)
  words[words.length - 2] = bytes.length * 8
  const sum = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476])
  for (let at = 0; at < words.length; at += 16) {
    let [a, b, c, d] = sum
    for (let i = 0; i < 64; i++) {
      const round = i >> 4
      const shift = SHIFTS[round][i % 4]
      const turn = (a + mixed(round, b, c, d) + SINES[i] + words[at + placeOf(round, i)]) | 0
      const next = (b + ((turn << shift) | (turn >>> (32 - shift)))) | 0
      ;[a, d, c, b] = [d, c, b, next]
    }
    sum[0] += a
    sum[1] += b
    sum[2] += c
    sum[3] += d
  }
  return new Uint8Array(sum.buffer)
}

/** The name of one stream's swarm, 40 hex characters. stream: "main-0", "secondary-0". */
export function swarmName(playlistUrl, stream) {
  const digest = md5(new TextEncoder().encode(`v2-${playlistUrl}-${stream}`))
  const ascii = btoa(String.fromCharCode(...digest.subarray(1)))
  return [...ascii].map(letter => letter.charCodeAt(0).toString(16).padStart(2, '0')).join('')
}

/** All that would be announced for a manifest. */
export function swarmNames(playlistUrl, levels, audioTracks) {
  const of = (type, count) => Array.from({ length: count }, (_, i) => swarmName(playlistUrl, `${type}-${i}`))
  return [...of('main', levels), ...of('secondary', audioTracks)]
}
