// bench.mjs - speed as ratios against a peer in the same run. ./x bench [--keep] [NAME...]
// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'

import * as accepted from './accepted.mjs'
import * as answers from './answers.mjs'
import * as catalogue from './catalogue.mjs'
import * as deliveries from './deliveries.mjs'
import * as documents from './documents.mjs'
import * as idle from './idle.mjs'
import * as ladder from './ladder.mjs'
import * as media from './media.mjs'
import * as p2p from './p2p.mjs'
import * as peertube from './peertube.mjs'
import * as uploads from './uploads.mjs'
import { begin, clean, rows } from './kit.mjs'

const benches = { ...answers, ...media, ...uploads, ...ladder, ...idle, ...catalogue, ...p2p, ...accepted, ...documents, ...deliveries, ...peertube }
const groups = { federation: ['accepted', 'documents', 'deliveries'] }
const readme = new URL('README.md', import.meta.url)

const line = each => `| ${[each.bench, each.what, each.ours, each.peer, each.result, each.goal].join(' | ')} |`

/** Puts this run's rows into the README's table, in place of what it had of the same benches. */
function keep (ran) {
  const [before, table, after] = readFileSync(readme, 'utf8').split(/(?<=<!-- results -->\n)|(?=<!-- end -->)/)
  const kept = table.split('\n').slice(4).filter(text => text && !ran.includes(text.split(' | ')[0].slice(2)))
  const order = Object.keys(benches)
  const all = [...kept, ...rows.map(line)].sort((a, b) => order.indexOf(a.split(' | ')[0].slice(2)) - order.indexOf(b.split(' | ')[0].slice(2)))
  const when = `Newest: ${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores, load of the machine ${loadavg()[1].toFixed(1)} meanwhile.`
  writeFileSync(readme, `${before}${when}\n\n| bench | what | ours | peer | ratio (of the rounds) | goal |\n|---|---|---|---|---|---|\n${all.join('\n')}\n${after}`)
}

const wanted = process.argv.slice(2).filter(word => word !== '--keep').flatMap(word => groups[word] ?? word)
for (const name of wanted) {
  if (!benches[name]) {
    console.error(`bench: there is no "${name}"; there are ${[...Object.keys(benches), ...Object.keys(groups)].join(', ')}`)
    process.exit(2)
  }
}
const ran = wanted.length ? wanted : Object.keys(benches)
let failed = 0
try {
  for (const name of ran) {
    begin(name)
    await benches[name]().catch(error => {
      failed++
      console.error(`${name} could not be measured: ${error.stack}`)
    })
  }
} finally {
  clean()
}
console.log('\n| bench | what | ours | peer | ratio | goal |\n|---|---|---|---|---|---|')
for (const each of rows) console.log(line(each))
if (process.argv.includes('--keep')) keep(ran.filter(name => rows.some(each => each.bench === name)))
process.exitCode = failed ? 1 : 0
