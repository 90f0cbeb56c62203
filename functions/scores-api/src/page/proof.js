// The button of the proof's page: fetches the bundle and has it checked in this browser.
import { Doubt, verifyBundle } from './verify.js'

const button = document.getElementById('check')
const result = document.getElementById('result')
const keys = [...document.querySelectorAll('#keys code')].map((key) => key.textContent)

const percent = (hundredths) =>
  hundredths === null ? 'not enough data' : `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, '0')}\u00a0%`

const show = (kind, lines) => {
  result.className = kind
  result.replaceChildren(
    ...lines.map((line) => Object.assign(document.createElement('p'), { textContent: line })),
  )
}

const said = ({ origin, size, first, last, days, contractual: sum, monitors }) => [
  `Proven: ${percent(sum.uptime)} up, ${first} to ${last} (${days} days).`,
  `${sum.up} checks up, ${sum.down} down, ${sum.unknown} unknown, ${sum.maintenance} in announced maintenance. ` +
    `Measured: ${percent(sum.coverage)} of what was due. At least ${percent(sum.least)}, at most ${percent(sum.most)}.`,
  ...monitors.map(
    ({ monitor, contractual, first, last, ended, corrected }) =>
      `Service ${monitor}: ${percent(contractual.uptime)}, ${first} to ${last}${ended ? `, ended ${ended}` : ''}` +
      `${corrected ? `, days corrected in the log: ${corrected}` : ''}.`,
  ),
  `In the log ${origin}, which has ${size} records. Signature, places and chains hold.`,
]

const fetched = async () => {
  const response = await fetch(button.dataset.bundle)
  if (response.ok) return response.text()
  const problem = await response.json().catch(() => ({}))
  throw new Error(problem.detail ?? `the proof could not be fetched (${response.status})`)
}

const check = async () => {
  button.disabled = true
  show('', ['Checking …'])
  try {
    show('proven', said(await verifyBundle(await fetched(), keys)))
  } catch (error) {
    show('doubted', [error instanceof Doubt ? `Not proven: ${error.message}.` : `Could not be checked: ${error.message}.`])
  }
  button.disabled = false
}

button.addEventListener('click', check)
button.disabled = false
