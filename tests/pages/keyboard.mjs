// Pages used by keyboard alone: the Tab key leads there, and where it has led can be seen.

const FARTHEST = 400

// Goes forward by the Tab key until an element that the selector means has the focus, and gives it.
export const tabTo = async (page, selector) => {
  for (let steps = 0; steps < FARTHEST; steps += 1) {
    await page.keyboard.press('Tab')
    const focused = page.locator(':focus')
    if ((await focused.count()) === 0) continue
    const [wanted, seen] = await focused.evaluate((element, selector) => {
      const { outlineStyle, outlineWidth } = getComputedStyle(element)
      return [element.matches(selector), outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2]
    }, selector)
    if (!seen) throw new Error(`the focus is not seen at ${await focused.evaluate((element) => element.outerHTML.slice(0, 200))}`)
    if (wanted) return focused
  }
  throw new Error(`${selector} is not reached by the Tab key`)
}

// Presses a key at that element, which leads to another page.
export const goBy = async (page, selector, key = 'Enter') => {
  await tabTo(page, selector)
  await Promise.all([page.waitForNavigation(), page.keyboard.press(key)])
}
