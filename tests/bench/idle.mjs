// idle.mjs - memory of a server that does nothing, and of those who only stay connected.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { startInstance } from '../kit/instance.mjs'
import { memory, MiB, number } from './kit.mjs'

/** PSS of the supervisor and its child, every plugin on. */
export async function resting () {
  const site = await startInstance()
  try {
    await sleep(3000)
    number('idle memory (PSS), every plugin on', memory(site) / MiB, 'MiB', '≤ 20 MiB')
  } finally { await site.stop() }
}

/** One connection that asked once and stays. */
function connect (port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('data', () => { socket.pause(); resolve(socket) })
    socket.write(`GET /health HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  })
}

/** Memory of 10,000 connections that asked once and stay; what the kernel keeps for their sockets is not counted. */
export async function connections () {
  const most = Number(readFileSync('/proc/self/limits', 'utf8').match(/Max open files\s+(\d+)/)[1])
  if (most < 10200) throw new Error(`ulimit -n is ${most} here, and 10,000 connections need 10,200`)
  const site = await startInstance()
  const sockets = []
  try {
    for (let i = 0; i < 20; i++) (await connect(site.port)).destroy()
    await sleep(1000)
    const before = memory(site)
    for (let i = 0; i < 10000; i += 100) sockets.push(...await Promise.all(Array.from({ length: 100 }, () => connect(site.port))))
    await sleep(1000)
    number('one of 10,000 idle keep-alive connections', (memory(site) - before) / 10000 / 1024, 'KiB', '≤ 8 KiB')
  } finally { sockets.forEach(socket => socket.destroy()); await site.stop() }
}
