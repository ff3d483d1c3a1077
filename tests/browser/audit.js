// An accessibility audit by axe-core, which is injected into the page.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** @param {import("playwright-core").Page} page */
export async function audit(page, state) {
  // Through the debugger, since the page's policy allows no foreign scripts.
  await page.evaluate(`window.axe ?? (() => { ${axe} })()`);
  const { violations, passes } = await page.evaluate(() => window.axe.run(document));
  assert.ok(passes.length > 10, `${state}: the audit checked nothing`);
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(", ")}`);
  assert.deepEqual(found, [], state);
}
