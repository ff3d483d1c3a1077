// A press while the words on the button change, as the seconds of Undo do. WebKit would forget it if the text node were replaced.

import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./harness.js";
import { PHONE, bench, said } from "./pages.js";

const { open, page } = bench();

test("a press on Undo counts, though its seconds go on under the finger", async () => {
  const fake = await open();
  fake.talk(null);
  const remote = await page("/remote", PHONE);
  fake.talk(null, { undo_ms: 60_000, since_end_ms: 100 });
  await until("Undo", () => remote.locator("#side").isVisible());
  const box = await remote.locator("#side").boundingBox();
  await remote.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await remote.mouse.down();
  const before = await remote.textContent("#side");
  await until("the next second", async () => (await remote.textContent("#side")) !== before);
  await remote.mouse.up();
  await said(remote, /^undo: done/);
  assert.deepEqual(fake.sent.map(([path]) => path), ["undo"]);
});
