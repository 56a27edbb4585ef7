// random.test.mjs - kill -9 at moments of chance. SHOAL_SEED repeats a run, SHOAL_KILLS says how many.
// SPDX-License-Identifier: AGPL-3.0-or-later
import { after, before, describe, test } from 'node:test'

import { Drill } from '../crash/drill.mjs'

const seed = Number(process.env.SHOAL_SEED ?? Date.now() % 1000000)
const times = Number(process.env.SHOAL_KILLS ?? 20)

describe('kill -9 at random', () => {
  let drill

  before(async () => { drill = await Drill.start() })
  after(() => drill?.site.stop())

  test(`${times} times, SHOAL_SEED=${seed}: what was answered stays`, () => drill.random(times, seed))
  test(`SHOAL_SEED=${seed}: in the end all is published, told and whole, and nothing else is left`, () => drill.whole())
})
