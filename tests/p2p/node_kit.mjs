// node_kit.mjs - several servers of one site on one database, and the proxy that leads to them.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, request as ask } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'

import { freePort, startInstance } from '../kit/instance.mjs'
import { withPlugins } from '../kit/plugins.mjs'
import { settled } from './kit.mjs'

/** What nginx does for such a site: /tracker/NAME/ leads to its node, all else to any that is there. */
function lead (sites) {
  let turn = 0
  const portOf = path => {
    const named = path.match(/^\/tracker\/([^/]+)\//)?.[1]
    const there = Object.values(sites).filter(site => site.server)
    return (sites[named] ?? there[turn++ % there.length]).port
  }
  const server = createServer((incoming, answer) => {
    const outgoing = ask({ port: portOf(incoming.url), host: '127.0.0.1', path: incoming.url, method: incoming.method, headers: incoming.headers }, got => {
      answer.writeHead(got.statusCode, got.rawHeaders)
      got.pipe(answer)
    })
    outgoing.on('error', () => answer.destroy())
    incoming.pipe(outgoing)
  })
  server.on('upgrade', (incoming, socket, head) => {
    const far = connect(portOf(incoming.url), '127.0.0.1', () => {
      const lines = incoming.rawHeaders.map((text, i) => text + (i % 2 ? '\r\n' : ': ')).join('')
      far.write(`GET ${incoming.url} HTTP/1.1\r\n${lines}\r\n`)
      far.write(head)
      far.pipe(socket).pipe(far)
    })
    for (const end of [far, socket]) end.on('error', () => [far, socket].forEach(each => each.destroy()))
  })
  return server
}

/** The lines of shoal.lua that make a server one of several, and let them share their files. more: other options. */
export const asNode = (folder, name, names, more = '') => [
  `{ "storage_fs", path = "${join(folder, 'media')}" }`,
  `{ "p2p", node = "${name}", nodes = { ${names.map(each => `"${each}"`).join(', ')} }, address_sockets = 1000${more} }`
]

/**
 * Servers of one site: {sites: {name: site}, url, port, stop}. The first one has the folder with database and
 * files. plugins: what each lists beside storage and tracker.
 */
export async function startNodes (names, plugins) {
  const sites = {}
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const secret = randomBytes(32).toString('hex')
  let folder
  for (const name of names) {
    const site = sites[name] = await startInstance({ started: false, settings: [`url=${url}`] })
    const database = folder ? `database = { path = "${join(folder, 'shoal.sqlite3')}" }\n` : ''
    folder ??= site.folder
    site.config = withPlugins(site.config, [...plugins, ...asNode(folder, name, names)]) + database
    writeFileSync(join(site.folder, 'secret.key'), secret)
    await site.start()
  }
  const proxy = lead(sites).listen(port, '127.0.0.1')
  const stop = async () => {
    proxy.closeAllConnections()
    proxy.close()
    await Promise.all(Object.values(sites).map(site => site.stop()))
  }
  return { sites, folder, url, port, stop }
}

/** A public video of each node, by its name: uploads until there is one. */
export async function videoOfEach ({ sites }, makeClip) {
  const videos = {}
  const [first] = Object.values(sites)
  for (let i = 0; Object.keys(videos).length < Object.keys(sites).length; i++) {
    if (i >= 20) throw new Error(`all videos are of ${Object.keys(videos)}`)
    const video = await first.upload(await makeClip(), { privacy: 1, name: `film ${i}` })
    await first.published(video.uuid)
    await settled(first)
    const urls = (await first.get(`/videos/${video.uuid}`)).json.trackerUrls
    videos[urls[0].match(/\/tracker\/(.)\/announce$/)[1]] = video
  }
  return videos
}
