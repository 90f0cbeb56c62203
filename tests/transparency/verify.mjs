#!/usr/bin/env node
// The browser's verifier (functions/scores-api/src/page/verify.js) from a command line.
//
//     verify.mjs [--days N] KEYS BUNDLE    prints what the bundle claims; exits with 1 and the reason if it is not believed

import { readFileSync } from 'node:fs'
import { Doubt, verifyBundle } from '../../functions/scores-api/src/page/verify.js'

const percent = (share) => (share === null ? '-' : `${Math.floor(share / 100)}.${String(share % 100).padStart(2, '0')} %`)
const counted = (count, of) => `${count} ${of}${count === 1 ? '' : 's'}`
const period = ({ days, first, last }) => `${counted(days, 'day')}, ${first} to ${last}`

const figures = (what, of) => [
  `  ${what} ${of.uptime === null ? 'not enough data' : percent(of.uptime)}, bounds ${percent(of.least)} to ${percent(of.most)}, ` +
    `coverage ${percent(of.coverage)}`,
  `    of ${of.expected} slots ${of.up} up, ${of.down} down, ${of.unknown} unknown, ${of.maintenance} maintenance`,
]

const lines = (claim) => {
  const both = (of) => [...figures('uptime', of.contractual), ...figures('raw uptime', of.raw)]
  const monitor = (of) => ['', `monitor ${of.monitor}: ${period(of)}${of.ended ? `, ended ${of.ended}` : ''}`, ...both(of)]
  const all = ['', `all ${counted(claim.monitors.length, 'monitor')}: ${period(claim)}`, ...both(claim)]
  return [`log ${claim.origin} of size ${claim.size}`, ...claim.monitors.flatMap(monitor), ...all]
}

const given = process.argv.slice(2)
const expected = given[0] === '--days' ? { days: Number(given.splice(0, 2)[1]) } : {}
const [keys, bundle] = given.map((path) => readFileSync(path))
try {
  const known = keys.toString().split('\n').filter((line) => line)
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bundle)
  console.log(lines(await verifyBundle(text, known, expected)).join('\n'))
} catch (error) {
  if (!(error instanceof Doubt) && error.code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error
  console.error(`not proven: ${error.message}`)
  process.exitCode = 1
}
