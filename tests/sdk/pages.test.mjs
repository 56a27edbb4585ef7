// pages.test.mjs - pages, texts, languages and files that a plugin adds to the site.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

const lua = `
local shoal = require "shoal"
shoal.route { path = "/NAME/facts", handler = function(request) request:json(200, { word = "herring" }) end }
`
const theme = {
  locales: ['sv'],
  pages: [
    { name: 'fish', path: '/fish', template: 'fish/one', data: { facts: '/fish/facts' }, styles: ['style/fish.css'] },
    { name: 'home', path: '/fish/home', template: 'fish/one' },
    { name: 'fish_root', path: '/', template: 'fish/one' }
  ]
}
const files = {
  'pages/theme.json': JSON.stringify(theme),
  'pages/templates/fish/one.mustache': '{{<layout}}{{$main}}<h1>{{t:fish.title}}: {{facts.word}}</h1>{{/main}}{{/layout}}',
  'pages/templates/pages/home.mustache': 'taken over',
  'pages/locales/en.json': JSON.stringify({ fish: { title: 'The fish' } }),
  'pages/locales/fr.json': JSON.stringify({ fish: { title: 'Le poisson' } }),
  'pages/locales/sv.json': JSON.stringify({ fish: { title: 'Fisken' } }),
  'pages/style/fish.css': 'h1 { color: teal }',
  'pages/scripts/fish.js': 'export {}'
}
const manifest = name => ({ permissions: ['pages', `routes:/${name}`] })

let site
const page = async (path, language = 'en') => {
  const answer = await site.raw({ path, headers: { accept: 'text/html', 'accept-language': language } })
  return { status: answer.status, text: answer.text }
}

before(async () => {
  site = await startInstance({ started: false })
  const plugins = join(site.folder, 'plugins')
  const fish = writePlugin(plugins, 'fish', { lua: lua.replaceAll('NAME', 'fish'), manifest: manifest('fish'), files })
  const torn = writePlugin(plugins, 'torn', { lua: lua.replaceAll('NAME', 'torn'), manifest: manifest('torn'), files: { 'pages/theme.json': '{"pages": [' } })
  const plain = writePlugin(plugins, 'plain', {
    lua: lua.replaceAll('NAME', 'plain'),
    manifest: { permissions: ['routes:/plain'] },
    files: { 'pages/theme.json': JSON.stringify({ pages: [{ name: 'plain', path: '/plain', template: 'fish/one' }] }) }
  })
  site.config = withPlugins(site.config, ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', line('fish', fish), line('torn', torn), line('plain', plain)])
  await site.start()
})
after(() => site?.stop())

test('a page of a plugin stands in the layout of the site, with its data and texts', async () => {
  const { status, text } = await page('/fish')
  assert.equal(status, 200)
  assert.match(text, /<html/)
  assert.match(text, /<h1>The fish: herring<\/h1>/)
  assert.match((await page('/fish', 'fr')).text, /<h1>Le poisson: herring<\/h1>/)
})

test('a language that a plugin adds is one of the site', async () => {
  const { text } = await page('/fish', 'sv')
  assert.match(text, /<html[^>]* lang="sv"/)
  assert.match(text, /<h1>Fisken: herring<\/h1>/)
})

test('its style sheet is served, its scripts are not without the permission', async () => {
  const href = (await page('/fish')).text.match(/href="([^"]*style\/fish\.css)"/)[1]
  assert.equal((await site.raw({ path: href })).status, 200)
  assert.equal((await site.raw({ path: href.replace('style/fish.css', 'scripts/fish.js') })).status, 404)
})

test('what the theme has stays its own', async () => {
  assert.doesNotMatch((await page('/')).text, /taken over|herring/)
  assert.equal((await page('/fish/home')).status, 404)
})

test('broken pages, and pages without the permission, are left out and the site goes on', async () => {
  await site.says(/the pages of plugin torn are left out/)
  assert.equal((await page('/plain')).status, 404)
  assert.equal((await page('/')).status, 200)
})
