#!/usr/bin/env node
// Every page in a browser.
//
//     check.mjs STACK TOOLS PICTURES [PART]    the stack's binary, the folder with the tools' packages, and a folder for pictures; only the
//                                              parts whose names begin like this

import { mkdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { goBy, tabTo } from './keyboard.mjs'
import { Looks } from './look.mjs'
import { startStack } from './stack.mjs'

const [binary, tools, pictures, part = ''] = process.argv.slice(2)
const require = createRequire(`${resolve(tools)}/`)
const { chromium } = require('playwright-core')
const looks = new Looks(require('axe-core').source, pictures)

// What a machine that has no way out, and no desktop, needs to be told.
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync',
]

const PAGES = [
  ['list', '/'],
  ['list-found', '/?q=old&sort=name&min_uptime=0.5'],
  ['list-none', '/?q=nobody-is-called-so'],
  ['list-refused', '/?min_score=many', 400],
  ['compare', '/compare?ids=steady-compute,flaky-metal,old-hand,shaky-cloud'],
  ['compare-one-unknown', '/compare?ids=fresh-node,nobody'],
  ['compare-nobody', '/compare'],
  ['compare-too-many', '/compare?ids=steady-compute,flaky-metal,old-hand,shaky-cloud,fresh-node', 400],
  ['provider-steady', '/providers/steady-compute'],
  ['provider-flaky', '/providers/flaky-metal'],
  ['provider-new', '/providers/fresh-node'],
  ['provider-watched', '/providers/old-hand'],
  ['provider-shaky', '/providers/shaky-cloud'],
  ['provider-unknown', '/providers/nobody', 404],
  ['proof', '/providers/shaky-cloud/proof'],
  ['proof-none', '/providers/fresh-node/proof'],
  ['docs', '/docs'],
  ['docs-schemas', '/docs?part=schemas'],
  ['docs-more-schemas', '/docs?part=more-schemas'],
  ['docs-events', '/docs?part=events'],
  ['feedback-no-link', '/v1/feedback/nobody', 404],
]

// Surveys that can not be answered, by the name their path has with the stack.
const SURVEYS = [
  ['feedback-final', 'final'],
  ['feedback-closed', 'closed', 410],
  ['feedback-running', 'running', 409],
]

// Pictures that stand in other pages: what they are, and how large.
const PICTURES = [
  ['badge-score', '/v1/providers/old-hand/badge.svg', 'image/svg+xml'],
  ['badge-uptime', '/v1/providers/shaky-cloud/badge.svg?metric=uptime', 'image/svg+xml'],
  ['badge-replies', '/v1/providers/flaky-metal/badge.svg?metric=replies', 'image/svg+xml'],
  ['badge-none', '/v1/providers/fresh-node/badge.svg', 'image/svg+xml'],
  ['preview', '/providers/shaky-cloud/og.png', 'image/png', [1200, 630]],
  ['preview-none', '/providers/fresh-node/og.png', 'image/png', [1200, 630]],
]

// What each page does by keyboard, with scripts and without.
const list = async (page, { base }, name) => {
  await page.goto(base)
  await tabTo(page, 'input[name=q]')
  await page.keyboard.type('provider')
  await tabTo(page, 'select[name=sort]')
  await page.keyboard.press('ArrowDown')
  await goBy(page, 'form.search button')
  const { searchParams } = new URL(page.url())
  looks.check(`${name}: searches and sorts`, searchParams.get('q') === 'provider' && searchParams.get('sort') === 'name', page.url())
  const names = await page.locator('li.provider strong').allTextContents()
  const others = names.filter((found) => found.startsWith('Other Provider'))
  looks.check(`${name}: the order is by name`, others.length > 40 && others.join() === others.toSorted().join(), others.join())

  await goBy(page, 'a[rel=next]')
  const further = await page.locator('li.provider strong').allTextContents()
  looks.check(`${name}: the next page goes on`, further.length > 0 && !further.some((found) => names.includes(found)), further.join())
}

const compare = async (page, { base }, name) => {
  for (const ticked of [4, 5]) {
    await page.goto(base)
    for (let tick = 0; tick < ticked; tick += 1) {
      await tabTo(page, 'input[name=ids]')
      await page.keyboard.press('Space')
    }
    await goBy(page, 'form[action="/compare"] button')
    const columns = await page.locator('table.compare thead th').count()
    const refused = await page.locator('[role=alert]').count()
    const expected = ticked === 4 ? [4, 0] : [0, 1]
    looks.check(`${name}: of ${ticked}`, columns === expected[0] && refused === expected[1], `${columns} columns, ${refused} refusals`)
  }
  await page.goBack()
  await goBy(page, 'li.provider a')
  looks.check(`${name}: leads to a provider`, new URL(page.url()).pathname.startsWith('/providers/'), page.url())
}

// Which of two answers came later is known by the second.
const nextSecond = () => new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)))

const answer = async (page, { base, surveys }, name, look) => {
  await page.goto(base + surveys.shift())
  await look(page, `${name}-open`)
  await goBy(page, 'button[type=submit]')
  looks.check(`${name}: what is missing is said`, (await page.locator('[role=alert] li').count()) === 2)
  await look(page, `${name}-missing`)

  // Within a question the arrow keys choose.
  await tabTo(page, '#matched_description-yes')
  await page.keyboard.press('Space')
  await tabTo(page, '#rent_again-yes')
  await page.keyboard.press('ArrowDown')
  await goBy(page, 'button[type=submit]')
  const said = await page.locator('dl dd').allTextContents()
  looks.check(`${name}: is answered`, (await page.title()).startsWith('Thank you') && said.join() === 'Yes,No', said.join())
  await look(page, `${name}-thanks`)

  await nextSecond()
  await tabTo(page, '#rent_again-no')
  await page.keyboard.press('ArrowUp')
  await goBy(page, 'button[type=submit]')
  const changed = await page.locator('dl dd').allTextContents()
  looks.check(`${name}: can be changed`, changed.join() === 'Yes,Yes', changed.join())
}

const docs = async (page, { base }, name) => {
  await page.goto(`${base}/docs`)
  await tabTo(page, 'summary')
  await page.keyboard.press('Enter')
  const opened = page.locator('details[open]')
  looks.check(`${name}: an operation opens`, (await opened.count()) === 1 && (await opened.locator('pre').first().isVisible()))
}

// A day's record in which one check more was up.
const improved = (leaf) => {
  const record = Buffer.from(leaf, 'base64').toString()
  return Buffer.from(record.replace(/^slots (\d+)u/m, (_, up) => `slots ${Number(up) + 1}u`)).toString('base64')
}

// The browser checks a proof by itself, and does not believe one that somebody has changed.
const prove = async (page, { base }, name) => {
  const checked = async (kind) => {
    await page.goto(`${base}/providers/shaky-cloud/proof`)
    await tabTo(page, '#check')
    await page.keyboard.press('Enter')
    await page.locator(`#result.${kind}`).waitFor({ timeout: 20_000 }).catch(() => {})
    return (await page.locator('#result').textContent()) ?? ''
  }
  const proven = await checked('proven')
  looks.check(`${name}: is verified`, /^Proven: \d+\.\d\d\u00a0% up/.test(proven), proven)
  await looks.at(page, `${name}-proven`)

  const bundle = '**/v1/providers/shaky-cloud/proof*'
  await page.route(bundle, async (route) => {
    const response = await route.fetch()
    const text = await response.text()
    const better = text.replace(/^leaf (.*)$/m, (_, leaf) => `leaf ${improved(leaf)}`)
    looks.check(`${name}: a proof has a first record`, better !== text)
    await route.fulfill({ response, body: better })
  })
  const doubted = await checked('doubted')
  looks.check(`${name}: a changed one is not believed`, doubted.startsWith('Not proven'), doubted)
  await looks.at(page, `${name}-doubted`)
  await page.unroute(bundle)
}

const proveWithout = async (page, { base }, name) => {
  await page.goto(`${base}/providers/shaky-cloud/proof`)
  const said = await page.locator('noscript p').innerText()
  looks.check(`${name}: says what to do`, said.includes('JavaScript'), said)
  looks.check(`${name}: the button does nothing and says so`, await page.locator('#check').isDisabled())
}

// A page of which nothing was refused by its own policy and nothing went wrong in it.
const watched = (page, name) => {
  page.on('pageerror', (error) => looks.check(`${name}: no error in a script`, false, error.message))
  page.on('console', (message) => {
    const ours = message.type() === 'error' && !message.text().startsWith('Failed to load resource')
    if (ours) looks.check(`${name}: nothing is complained of`, false, message.text())
  })
  return page
}

// Goes on with the others where one fails on its way.
const attempted = async (name, what) => {
  if (!name.startsWith(part)) return
  const begun = performance.now()
  try {
    await what()
  } catch (error) {
    looks.check(name, false, error.message)
  }
  console.log(`${name}: ${((performance.now() - begun) / 1000).toFixed(1)} s`)
}

const everything = async (browser, stack) => {
  const context = (settings) => browser.newContext({ reducedMotion: 'reduce', ...settings })
  const scripted = await context({})
  await attempted('looking', async () => {
    const page = watched(await scripted.newPage(), 'looking')
    const surveys = SURVEYS.map(([name, which, expected]) => [name, stack.others[which], expected])
    for (const [name, path, expected = 200] of [...PAGES, ...surveys]) {
      const response = await page.goto(stack.base + path)
      const kind = response.headers()['content-type']
      looks.check(`${name}: ${expected} and a page`, response.status() === expected && kind?.startsWith('text/html'), `${response.status()} ${kind}`)
      // What is folded away is to be readable, too.
      await page.evaluate(() => document.querySelectorAll('details').forEach((details) => (details.open = true)))
      await looks.at(page, name)
    }
  })
  await attempted('pictures', async () => {
    const page = watched(await scripted.newPage(), 'pictures')
    for (const [name, path, expected, size] of PICTURES) {
      const response = await page.goto(stack.base + path)
      const kind = response.headers()['content-type']
      looks.check(`${name}: a picture`, response.status() === 200 && kind?.startsWith(expected), `${response.status()} ${kind}`)
      const found = await page.evaluate(() => {
        const image = document.querySelector('img')
        if (image) return [image.naturalWidth, image.naturalHeight]
        const { width, height } = document.documentElement.getBoundingClientRect()
        return [width, height]
      })
      const fits = size ? found.join() === size.join() : found[0] > 80 && found[0] < 400 && found[1] === 22
      looks.check(`${name}: has its size`, fits, found.join())
      await looks.picture(page, name)
    }
    await page.close()
  })
  const plain = await context({ javaScriptEnabled: false })
  const uses = { list, compare, docs, answer }
  const ways = [
    ['scripts', scripted, prove, (page, name) => looks.at(page, name)],
    ['no scripts', plain, proveWithout, (page, name) => looks.withoutScripts(page, name)],
  ]
  for (const [how, context, proof, look] of ways) {
    for (const [name, use] of [...Object.entries(uses), ['prove', proof]]) {
      const title = `${name}, ${how}`
      await attempted(title, async () => {
        const page = watched(await context.newPage(), title)
        await use(page, stack, title.replaceAll(/[ ,]+/g, '-'), look)
        await page.close()
      })
    }
  }
}

await rm(pictures, { recursive: true, force: true })
await mkdir(pictures, { recursive: true })
const stack = await startStack(binary)
try {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS })
  try {
    await everything(browser, stack)
  } finally {
    await browser.close()
  }
} finally {
  await stack.stop()
}
for (const failure of looks.failures) console.error(`FAILED ${failure}`)
const { checks, pages, pictures: taken } = looks.counts
console.log(`${pages} pages, ${taken} pictures, ${checks} checks, ${looks.failures.length} failed`)
process.exitCode = looks.failures.length === 0 ? 0 : 1
