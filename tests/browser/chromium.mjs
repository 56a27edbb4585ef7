// chromium.mjs - one headless Chromium for the tests of pages.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const require = createRequire(import.meta.url)
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

export const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
export const desktop = { viewport: { width: 1280, height: 800 } }

export async function launch (more = []) {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync)
  if (!executablePath) throw new Error('Chromium is not installed: apt-get install chromium')
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--mute-audio',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--autoplay-policy=no-user-gesture-required', ...more]
  })
}

/** A page that fails the test when a script throws or the policy blocks something. */
export async function open (browser, options = {}) {
  const context = await browser.newContext({ locale: 'en-GB', ...desktop, ...options })
  const page = await context.newPage()
  page.problems = []
  page.on('pageerror', error => page.problems.push(`script: ${error.message}`))
  page.on('console', message => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) {
      page.problems.push(`console: ${message.text()}`)
    }
  })
  return page
}

/** Clicks what leads to a page, or to this one again, and waits until that one stands. */
export async function follow (page, selector) {
  await Promise.all([page.waitForNavigation(), page.click(selector)])
}

/** What axe-core finds wrong on the page, as short lines. */
export async function accessibility (page) {
  await page.evaluate(axeSource)
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
  return found.violations.map(rule => `${rule.id}: ${rule.nodes.map(node => node.target.join(' ')).join(', ')}`)
}

export async function logIn (page, site) {
  await page.goto(`${site.url}/login`)
  await page.fill('#username', site.admin)
  await page.fill('#password', site.password)
  await follow(page, 'main button[type=submit]')
  assert.doesNotMatch(new URL(page.url()).pathname, /^\/login/)
}
