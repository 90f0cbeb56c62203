// Looking at a page: whether everybody can read it, whether it fits, and what it weighs.

import { join } from 'node:path'

const THEMES = ['light', 'dark']
const WIDTHS = [360, 768, 1280]
const MOST_BYTES = 60_000

// WCAG 2.2, levels A and AA.
const RULES = {
  runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] },
  // Off where nobody asks for it, although of these levels.
  rules: { 'target-size': { enabled: true } },
  resultTypes: ['violations'],
}

export class Looks {
  counts = { checks: 0, pages: 0, pictures: 0 }
  failures = []

  constructor(axe, folder) {
    this.axe = axe
    this.folder = folder
  }

  // Counts a check, and keeps what it says where it fails.
  check(what, holds, found = '') {
    this.counts.checks += 1
    if (!holds) {
      this.failures.push(found === '' ? what : `${what}: ${found}`)
    }
    return holds
  }

  // Looks at the page that is open, as it stands.
  async at(page, name) {
    await this.#everyWay(page, name, async (way) => {
      await this.#fits(page, way)
      await this.#isAccessible(page, way)
    })
  }

  // The same of a page in which no script runs, ours included: whether it fits, and a picture.
  async withoutScripts(page, name) {
    await this.#everyWay(page, name, (way) => this.#fits(page, way))
  }

  // A picture of what is open, as it is.
  async picture(page, name) {
    await page.screenshot({ path: join(this.folder, `${name}.png`) })
    this.counts.pictures += 1
  }

  async #everyWay(page, name, look) {
    this.counts.pages += 1
    const bytes = Buffer.byteLength(await page.content())
    this.check(`${name}: below ${MOST_BYTES} bytes`, bytes < MOST_BYTES, bytes)
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme })
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 })
        const way = `${name}-${width}-${colorScheme}`
        await look(way)
        await page.screenshot({ path: join(this.folder, `${way}.png`), fullPage: true })
        this.counts.pictures += 1
      }
    }
  }

  async #fits(page, name) {
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    this.check(`${name}: no horizontal scrolling`, beyond <= 0, `${beyond} px`)
  }

  async #isAccessible(page, name) {
    await page.evaluate(this.axe)
    const { violations } = await page.evaluate((rules) => globalThis.axe.run(document, rules), RULES)
    const told = violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target}: ${failureSummary}`))
    this.check(`${name}: WCAG 2.2 AA`, told.length === 0, told.slice(0, 5).join('\n    '))
  }
}
