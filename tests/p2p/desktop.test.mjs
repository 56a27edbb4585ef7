// desktop.test.mjs - a BitTorrent client of a desktop downloads a video by its torrent, from the web seed.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { freePort, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { withPlugins } from '../kit/plugins.mjs'

let site, video, home
before(async () => {
  site = await startInstance({ started: false })
  const names = [...site.config.match(/^plugins = \{\n([\s\S]*?)^\}\n/m)[1].matchAll(/"([a-z_]+)"/g)].map(found => found[1])
  site.config = withPlugins(site.config, [...names.filter(name => !['p2p', 'torrents'].includes(name)), 'p2p', 'torrents'])
  await site.start()
  home = mkdtempSync(join(tmpdir(), 'shoal-transmission-'))
  const { uuid } = await site.upload(await clip('h264', { seconds: 6, size: '640x360' }), { name: 'For the desktop' })
  video = await site.until(uuid, one => one.state.id === 1 && one.files[0]?.torrentUrl && one.streamingPlaylists[0]?.files[0]?.torrentUrl)
})
after(() => {
  if (home) rmSync(home, { recursive: true, force: true })
  return site?.stop()
})

/** Has transmission download by a torrent file, with nobody but the web seed to get it from; gives the bytes. */
async function download (torrent, name, timeout = 30000) {
  const port = await freePort()
  writeFileSync(join(home, 'settings.json'), JSON.stringify({
    'dht-enabled': false, 'lpd-enabled': false, 'pex-enabled': false, 'utp-enabled': false, 'port-forwarding-enabled': false,
    'bind-address-ipv4': '127.0.0.1', 'peer-port': port, 'rename-partial-files': true, 'cache-size-mb': 0
  }))
  const client = spawn('transmission-cli', ['-g', home, '-w', home, '-M', '-p', String(port), torrent], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: home } })
  let said = ''
  client.stdout.on('data', text => { said = (said + text).slice(-2000) })
  client.stderr.on('data', text => { said = (said + text).slice(-2000) })
  const ended = new Promise(resolve => client.once('exit', resolve))
  try {
    // A file that is not whole has ".part" behind its name.
    for (const end = Date.now() + timeout; !existsSync(join(home, name));) {
      if (Date.now() > end) throw new Error(`transmission has not got ${name}:\n${said}`)
      await sleep(100)
    }
    return readFileSync(join(home, name))
  } finally {
    client.kill('SIGKILL')
    await ended
  }
}

for (const [kind, pick] of [['web video', () => video.files[0]], ['file of the playlist', () => video.streamingPlaylists[0].files[0]]]) {
  test(`transmission downloads the ${kind} from its web seed`, async () => {
    const file = pick()
    const path = join(home, `${file.id}.torrent`)
    writeFileSync(path, Buffer.from(await (await fetch(file.torrentUrl)).arrayBuffer()))
    const name = `For the desktop ${file.resolution.id}p.mp4`
    const got = await download(path, name)
    assert.ok(got.equals(Buffer.from(await (await fetch(file.fileUrl)).arrayBuffer())))
    rmSync(join(home, name))
  })
}
