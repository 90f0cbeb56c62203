// Checks a bundle of the uptime log in the browser with nothing but the log's public keys, and recomputes the uptime. Without a
// library, since what it guards against is whoever serves the page. Format and rules are those of docs/proof.md.

/** Why a bundle is not believed. Whatever else is thrown says that it could not be checked. */
export class Doubt extends Error {}

const require = (holds, doubt) => {
  if (!holds) throw new Doubt(doubt)
}

const DAY = 86_400_000

const utf8 = (text) => new TextEncoder().encode(text)
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
const sha256 = async (...parts) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(parts.flatMap((part) => [...part]))))

/** The bytes of padded base64, in its one spelling. */
const base64 = (text) => {
  const binary = /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0 ? atob(text) : ''
  require(binary && btoa(binary) === text, `"${text.slice(0, 50)}" is not base64`)
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

const hash = (text) => {
  require(/^.{42}[^=]=$/.test(text), `"${text}" is no hash`)
  return base64(text)
}

/** A number in its one spelling. No log has more leaves than a double counts. */
const number = (text, limit = 2 ** 53) => {
  require(/^(0|[1-9]\d{0,15})$/.test(text) && Number(text) < limit, `"${text}" is no number`)
  return Number(text)
}

const small = (text) => number(text, 2 ** 32)

/** What follows the name of a line. */
const after = (field, line) => {
  require(line?.startsWith(`${field} `), `the line "${field}" is missing`)
  return line.slice(field.length + 1)
}

const readKey = async (text) => {
  const [origin, id, ...rest] = text.split('+')
  const key = base64(rest.join('+'))
  const expected = hex((await sha256(utf8(`${origin}\n`), key)).slice(0, 4))
  require(key.length === 33 && key[0] === 1 && id === expected, `"${text}" is no Ed25519 key`)
  const verifier = await crypto.subtle.importKey('raw', key.slice(1), 'Ed25519', false, ['verify'])
  return { origin, id, verifier }
}

const readCheckpoint = async (note, keys) => {
  const end = note.lastIndexOf('\n\n')
  const harmless = !/[\0-\x09\x0b-\x1f]/.test(note) && utf8(note).length <= 131_072
  require(harmless && end > 0 && note.endsWith('\n'), 'there is no signed note')
  const text = note.slice(0, end + 1)
  const [origin, size, root, ...rest] = text.split('\n')
  require(rest.length === 1, 'the checkpoint has not three lines')
  const head = { origin, size: number(size), root: hash(root) }
  const signatures = note.slice(end + 2, -1).split('\n')
  require(signatures.length <= 64, 'there are too many signatures')
  let signed = false
  for (const line of signatures) {
    const [, signer, signature] = /^— ([^\s+\p{Cc}]+) (\S+)$/u.exec(line) ?? []
    const bytes = signer ? base64(signature) : []
    require(bytes.length > 4, 'a signature is malformed')
    const id = hex(bytes.slice(0, 4))
    for (const key of keys.filter((key) => key.origin === origin && signer === origin && key.id === id)) {
      signed = await crypto.subtle.verify('Ed25519', key.verifier, bytes.slice(4), utf8(text))
      require(signed, 'the signature of a known key does not fit')
    }
  }
  require(signed, `no known key of ${origin} has signed the checkpoint`)
  return head
}

/** RFC 9162, section 2.1.3.2. */
const checkInclusion = async ({ leaf, index, proof }, { size, root }) => {
  require(index < size, `leaf ${index} is not among the first ${size}`)
  let [node, last, result] = [index, size - 1, await sha256([0], leaf)]
  const up = () => ([node, last] = [Math.floor(node / 2), Math.floor(last / 2)])
  for (const sibling of proof) {
    require(last > 0, `the proof of leaf ${index} is too long`)
    if (node % 2 || node === last) {
      result = await sha256([1], sibling, result)
      while (node % 2 === 0 && node > 0) up()
    } else {
      result = await sha256([1], result, sibling)
    }
    up()
  }
  require(last === 0 && hex(result) === hex(root), `leaf ${index} is not proven to be in the log`)
}

const readBundle = async (text, keys) => {
  require(utf8(text).length <= 16_777_216, 'the bundle is too long')
  const lines = text.split('\n')
  let at = 3
  require(lines[0] === 'transparency-bundle/1', 'no bundle of a known version')
  const count = number(after('leaves', lines[1]), 10_001)
  require(count > 0 && lines[2] === '', 'the bundle has no leaves')
  const leaves = []
  while (leaves.length < count) {
    const leaf = base64(after('leaf', lines[at++]))
    const index = number(after('index', lines[at++]))
    require(!leaves.length || leaves.at(-1).index < index, 'leaves are out of order')
    const proof = []
    while (lines[at] !== '') proof.push(hash(lines[at++]))
    require(leaf.length < 65_536 && proof.length <= 63, `leaf ${index} is too long`)
    at++
    leaves.push({ leaf, index, proof })
  }
  const head = await readCheckpoint(lines.slice(at).join('\n'), keys)
  for (const leaf of leaves) await checkInclusion(leaf, head)
  return { head, leaves }
}

// The forms of records. Numbers and dates are checked where they are read.
const [NUMBER, NAME, DATE] = ['(\\d+)', '[\\w.-]{1,64}', '\\d{4}-\\d\\d-\\d\\d']
const TIME = `(${DATE}T\\d\\d:\\d\\d:\\d\\dZ)`
const GRID = `interval ${NUMBER}\nphase ${NUMBER}\n`
const DAY_FORM = new RegExp(
  `^day/1\nmonitor (${NAME})\nsequence ${NUMBER}\nprevious (-|[0-9a-f]{64})\nconfiguration ${NUMBER}\nday (${DATE})\n` +
    `${GRID}((?:vantage \\S+ \\d+ \\d+ \\d+\n){1,16})latency (-|\\d+ \\d+)\nslots (\\S+)\n$`,
)
const MONITOR_FORM = new RegExp(
  `^monitor/1\nmonitor (${NAME})\nversion ${NUMBER}\nfrom ${TIME}\n${GRID}panel (\\S+(?: \\S+){0,15})\n` +
    `check (?:https?|tcp|tls|ssh|dns)\ntarget [0-9a-f]{64}\nsince ${TIME}\nended ${TIME}\n$`,
)

const CORRECTION_FORM = new RegExp(`^correction/1\nleaf ${NUMBER}\nreason [!-~](?:[ -~]{0,498}[!-~])?\n([^]*)$`)

/** Milliseconds of a day or a time there is. */
const moment = (text) => {
  const value = Date.parse(text)
  require(value >= 0 && new Date(value).toISOString().startsWith(text.replace('Z', '')), `"${text}" is not a time`)
  return value
}

const slotsOf = (interval, phase) => {
  const seconds = small(interval)
  const divides = seconds >= 60 && seconds <= 3600 && seconds % 60 + 86_400 % seconds === 0
  require(divides && small(phase) < seconds, 'an interval or its phase is wrong')
  return 86_400 / seconds
}

const checkVantages = (names) => {
  const ordered = names.every((name, at) => /^[\w.-]{1,64}$/.test(name) && !(names[at - 1] >= name))
  require(ordered, 'vantages are out of order')
}

const sumOf = (counts) => {
  const sums = {}
  for (const [letter, count] of counts) sums[letter] = (sums[letter] ?? 0) + count
  return sums
}

const readSlots = (text, slots) => {
  require(/^(([2-9]|[1-9]\d{1,3})?[.unrtlsbgafcdUNRTLSBGAFCD])+$/.test(text), 'the slots are malformed')
  require(!/(\D)\d*\1/.test(text), 'two runs of slots are one')
  const runs = [...text.matchAll(/(\d*)(\D)/g)].map(([, length, letter]) => [letter, Number(length || 1)])
  require(runs.reduce((sum, [, length]) => sum + length, 0) === slots, 'the slots are too few or too many')
  return sumOf(runs)
}

const readDay = (form) => {
  const [, monitor, sequence, previous, version, date, interval, phase, vantages, latency, runs] = form
  const day = { monitor, sequence: small(sequence), previous, date, at: moment(date), grid: `${interval} ${phase}` }
  require((day.sequence === 0) === (previous === '-'), 'a number and the hash before do not fit')
  small(version)
  const slots = slotsOf(interval, phase)
  const lines = vantages.trim().split('\n').map((line) => line.split(' '))
  checkVantages(lines.map(([, place]) => place))
  const seen = lines.map(([, , ...counts]) => counts.map(small))
  day.counts = readSlots(runs, slots)
  const expected = slots - (day.counts['.'] ?? 0)
  require(seen.every(([up, down, nothing]) => up + down + nothing === expected), 'counts do not sum to the slots')
  const times = latency === '-' ? [] : latency.split(' ').map(small)
  require(seen.some(([up]) => up) === times.length > 0 && !(times[0] > times[1]), 'the latencies do not fit')
  return day
}

const readEnd = ([, monitor, version, from, interval, phase, panel, since, ended]) => {
  small(version)
  moment(from)
  slotsOf(interval, phase)
  checkVantages(panel.split(' '))
  require(moment(since) < moment(ended), 'a monitor ends before it begins')
  return { monitor, ended, end: moment(ended) }
}

const readRecord = ({ leaf, index }) => {
  const text = new TextDecoder('latin1').decode(leaf)
  const [day, end, correction] = [DAY_FORM, MONITOR_FORM, CORRECTION_FORM].map((form) => form.exec(text))
  require(day || end || correction, `leaf ${index} has no part in the claim`)
  if (!correction) return day ? { ...readDay(day), index } : readEnd(end)
  const [wrong, right] = [number(correction[1]), DAY_FORM.exec(correction[2])]
  require(right, `leaf ${wrong} is wrong, as leaf ${index} of the log says, and how it is right is not said`)
  return { ...readDay(right), index, corrects: wrong }
}

/** Has what is right count in the place of a day that was logged before. */
const correct = (days, { index, corrects, ...right }) => {
  const day = days.find((one) => one.index === corrects && corrects < index)
  const is = (name) => day?.[name] === right[name]
  const fits = is('monitor') && is('sequence') && is('previous') && is('date') && is('grid')
  require(fits, `leaf ${index} corrects leaf ${corrects} with another day`)
  Object.assign(day, { counts: right.counts, corrected: true })
}

/** Slots, and shares in hundredths of a percent, truncated; null of nothing, and of an uptime below 95 % coverage. */
const figures = (counts, letters) => {
  const sum = (of) => [...of].reduce((total, letter) => total + (counts[letter] ?? 0), 0)
  const [up, down, unknown, maintenance] = letters.map(sum)
  const [decided, due] = [up + down, up + down + unknown]
  const share = (count, of) => (of ? Math.floor((count * 10_000) / of) : null)
  const uptime = decided * 20 >= due * 19 ? share(up, decided) : null
  const bounds = { least: share(up, due), most: share(up + unknown, due) }
  return { expected: due + maintenance, up, down, unknown, maintenance, uptime, ...bounds, coverage: share(decided, due) }
}

const shown = (counts) => ({
  contractual: figures(counts, ['u', 'nrtlsb', 'gafcd', 'UNRTLSBGAFCD']),
  raw: figures(counts, ['uU', 'nrtlsbNRTLSB', 'gafcdGAFCD', '']),
})

const period = (first, last) => ({ first: first.date, last: last.date, days: (last.at - first.at) / DAY + 1 })

const claimOf = (monitor, days, first, last, end) => {
  days.forEach((day, at) => {
    const { sequence, at: time, hash } = days[at - 1] ?? { sequence: day.sequence - 1, at: day.at - DAY, hash: day.previous }
    const follows = day.sequence === sequence + 1 && day.at === time + DAY && day.previous === hash
    require(follows, `${day.date} of ${monitor} does not follow the day before it`)
  })
  const [begun, done] = [days[0], days.at(-1)]
  require(begun.at === first.at || begun.sequence === 0, `days of ${monitor} before ${begun.date} are missing`)
  require(done.at === last.at || done.at + DAY >= end?.end, `days of ${monitor} after ${done.date} are missing`)
  const ended = done.at < last.at ? end.ended : null
  const corrected = days.filter((day) => day.corrected).length
  return { monitor, ...period(begun, done), ended, corrected, counts: sumOf(days.flatMap((day) => Object.entries(day.counts))) }
}

/**
 * Checks a bundle's text with the log's keys, `<origin>+<id>+<base64>` each; `days` and `until` are what is expected, if anything.
 * Resolves to `{ origin, size, first, last, days, contractual, raw, monitors }` with {@link figures}; rejects with the reason.
 */
export const verifyBundle = async (text, keys, { days, until } = {}) => {
  const { head, leaves } = await readBundle(text, await Promise.all(keys.map(readKey)))
  const [series, ends] = [new Map(), new Map()]
  for (const leaf of leaves) {
    const record = readRecord(leaf)
    const { monitor } = record
    if (record.end) {
      require(!ends.has(monitor), `${monitor} ends twice`)
      ends.set(monitor, record)
    } else if (record.corrects !== undefined) {
      correct(series.get(monitor) ?? [], record)
    } else {
      record.hash = hex(await sha256(leaf.leaf))
      series.set(monitor, [...(series.get(monitor) ?? []), record])
    }
  }
  const all = [...series.values()].flat().sort((one, other) => one.at - other.at)
  require(all.length && [...ends.keys()].every((name) => series.has(name)), 'days are missing')
  const [first, last] = [all[0], all.at(-1)]
  const monitors = [...series.keys()].sort().map((name) => claimOf(name, series.get(name), first, last, ends.get(name)))
  const whole = period(first, last)
  require(!until || whole.last === until, `the last day is ${whole.last}, not ${until}`)
  require(!days || whole.days === days, `the number of days is ${whole.days}, not ${days}`)
  return {
    origin: head.origin, size: head.size, ...whole, ...shown(sumOf(monitors.flatMap(({ counts }) => Object.entries(counts)))),
    monitors: monitors.map(({ counts, ...rest }) => ({ ...rest, ...shown(counts) })),
  }
}
