// held.test.mjs - an upload that waits for a moderator keeps all that came with it.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

const keeper = `
local shoal = require "shoal"
shoal.decide("upload.finish", function() return shoal.hold("first a look") end)
shoal.route {
  method = "POST", path = "/keeper/{id}",
  handler = function(request)
    shoal.release("upload.finish", "video:" .. request:param("id"))
    request:json(200, {})
  end,
}
`

let site
before(async () => {
  site = await startInstance({ started: false })
  const pin = writePlugin(join(site.folder, 'plugins'), 'keeper', { lua: keeper, manifest: { hooks: ['upload.finish'], permissions: ['routes:/keeper', 'read:videos', 'moderation.override'] } })
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', line('keeper', pin)])
  await site.start()
})
after(() => site?.stop())

test('after its release a held video has the picture that its owner chose', async () => {
  const bytes = readFileSync(await clip('png', { size: '1600x900' }))
  const video = await site.upload(await clip('h264'), { thumbnailfile: { name: 'mine.png', bytes, mime: 'image/png' } })
  const held = (await site.get(`/videos/${video.uuid}`, { token: true })).json
  assert.equal(held.state.id, 2)
  assert.equal(held.thumbnailPath, null)
  assert.equal((await site.get(`/videos/${video.uuid}`)).status, 401)
  const released = await site.post(`//keeper/${video.uuid}`, { json: {} })
  assert.equal(released.status, 200, released.text)
  const now = await site.until(video.uuid, video => video.state.id === 1 && video.thumbnailPath, true)
  const path = join(tmpdir(), `shoal-held-${process.pid}.jpg`)
  writeFileSync(path, (await site.raw({ path: now.thumbnailPath })).body)
  const [red, green, blue] = execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', path, '-vf', 'scale=1:1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'])
  rmSync(path)
  assert.ok(red > 200 && green > 120 && green < 210 && blue < 60, `${red} ${green} ${blue} is not orange`)
})
