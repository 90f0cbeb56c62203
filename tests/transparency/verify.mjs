#!/usr/bin/env node
// The browser's verifier (functions/scores-api/src/page/verify.js) from a command line.
//
//     verify.mjs [--days N] KEYS BUNDLE    prints what the bundle claims; exits with 1 and the reason if it is not believed
//     verify.mjs --tamper KEYS BUNDLE      changes a bit of every byte of the bundle in turn; none of the outcomes may be believed

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
  const more = ({ ended, corrected }) => `${ended ? `, ended ${ended}` : ''}${corrected ? `, ${corrected} corrected` : ''}`
  const monitor = (of) => ['', `monitor ${of.monitor}: ${period(of)}${more(of)}`, ...both(of)]
  const all = ['', `all ${counted(claim.monitors.length, 'monitor')}: ${period(claim)}`, ...both(claim)]
  return [`log ${claim.origin} of size ${claim.size}`, ...claim.monitors.flatMap(monitor), ...all]
}

const verify = async (bundle, keys, expected) => {
  let text
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bundle)
  } catch {
    throw new Doubt('the bundle is not UTF-8 text')
  }
  return verifyBundle(text, keys, expected)
}

const tamper = async (bundle, keys) => {
  for (let at = 0; at < bundle.length; at++) {
    bundle[at] ^= 1 << at % 8
    const doubt = await verify(bundle, keys).then(() => null, (error) => error)
    if (!(doubt instanceof Doubt)) throw doubt ?? new Doubt(`byte ${at} was changed and not noticed`)
    bundle[at] ^= 1 << at % 8
  }
  return `${bundle.length} changes, all refused`
}

const given = process.argv.slice(2)
const [tampers, limited] = [given[0] === '--tamper', given[0] === '--days']
const expected = limited ? { days: Number(given[1]) } : {}
const [keys, bundle] = given.slice(tampers ? 1 : limited ? 2 : 0).map((path) => readFileSync(path))
const known = keys.toString().split('\n').filter((line) => line)
try {
  const claim = await verify(bundle, known, expected)
  console.log(tampers ? await tamper(bundle, known) : lines(claim).join('\n'))
} catch (error) {
  if (!(error instanceof Doubt)) throw error
  console.error(`not proven: ${error.message}`)
  process.exitCode = 1
}
