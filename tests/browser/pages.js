// What tests of the pages with the stand-in for the daemon share.

import assert from "node:assert/strict";
import { after, afterEach, before } from "node:test";
import { Fake } from "./fake.js";
import { openBrowser, phase, until, visit } from "./harness.js";

export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true };

/** Opens a browser for the tests of a file, and closes what each of them opened. */
export function bench(more = []) {
  const bench = { browser: null, fake: null, pages: [], expected: [] };
  before(async () => (bench.browser = await openBrowser(more)));
  after(() => bench.browser.close());
  afterEach(async () => {
    const wrong = bench.pages.flatMap((page) => page.wrong);
    await Promise.all(bench.pages.map((page) => page.context().close()));
    bench.pages = [];
    await bench.fake?.close();
    assert.deepEqual(wrong, []);
  });
  return {
    get browser() {
      return bench.browser;
    },
    get fake() {
      return bench.fake;
    },
    async open(folder) {
      bench.fake = await Fake.open(folder);
      return bench.fake;
    },
    /** Opens a page and waits until it is connected. */
    async page(path, options = {}) {
      const page = await visit(bench.browser, bench.fake, path, options);
      bench.pages.push(page);
      await connected(page);
      return page;
    },
    /** A further page of the same browser, so with the same connections. */
    async tab(page, path) {
      const tab = await page.context().newPage();
      await tab.goto(bench.fake.url + path);
      return tab;
    },
  };
}

export const connected = (page) => until("the page is connected", async () => (await phase(page)) !== "lost");

export const said = (page, text) => until(`it says ${text}`, async () => text.test(await page.textContent("#answer")));

/** Whether nothing is wider than the window. */
export const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
