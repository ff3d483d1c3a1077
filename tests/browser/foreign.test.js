// A smoke test of both pages in Firefox and WebKit, as far as they are installed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { BROWSERS } from "./foreign.js";
import { Daemon, QUICK, until } from "./harness.js";

/** A page may be this much later than the strip. Firefox and WebKit run on a busy machine, without a GPU. */
const LATE_MS = 150;

test("a talk in Firefox and in WebKit: pairing, a press, all phases on both pages, and sound", async (t) => {
  for (const [name, open] of BROWSERS) {
    await t.test(name, async (t) => {
      const daemon = await Daemon.open(QUICK.replace('"6s"', '"9s"').replace('"4500ms"', '"6s"'));
      const browser = await open();
      try {
        await run(t, daemon, browser);
      } finally {
        await browser.close();
        await daemon.close();
      }
    });
  }
});

async function run(t, daemon, browser) {
  const stage = await browser.page(`${daemon.url}/`);
  const isPhase = (page, phase) => until(phase, async () => (await page.evaluate("document.body.dataset.phase")) === phase, 20_000);
  await isPhase(stage, "ready");
  assert.equal(await stage.evaluate("document.getElementById('old')"), null);
  await stage.click("#speaker");
  // A machine without a sound device says so.
  const sound = await until("sound", async () => {
    const text = await stage.evaluate("document.getElementById('speaker').textContent");
    return text !== "sound: off" && text;
  });
  assert.match(sound, /^(sound: on|no sound device)$/);
  t.diagnostic(sound);
  const { ticket } = await daemon.invite();
  const remote = await browser.page(`${daemon.url}/remote#${ticket}`);
  await until("paired", async () => (await remote.evaluate("document.getElementById('answer').textContent")) === "this device is paired");
  assert.equal(await remote.evaluate("document.getElementById('main').textContent"), "Start quick 0:09");
  await remote.click("#main");
  await until("started", async () => (await daemon.status()).phase === "green");
  await stage.show();
  await stage.evaluate(
    `(() => {
      window.turned = [];
      new MutationObserver(() => {
        const { phase } = document.body.dataset;
        if (window.turned.every((turn) => turn.phase !== phase)) {
          window.turned.push({ phase, at: Date.now() });
        }
      }).observe(document.body, { attributes: true });
      return 1;
    })()`,
  );
  const { left_ms } = await daemon.status();
  const ends = Date.now() + left_ms;
  await isPhase(stage, "over");
  await remote.show();
  await isPhase(remote, "over");
  await stage.show();
  const turned = await stage.evaluate("window.turned");
  const marks = { yellow: 6000, red: 3000, flash: 1500, over: 0 };
  for (const [phase, mark] of Object.entries(marks)) {
    const turn = turned.find((one) => one.phase === phase);
    assert.ok(turn, `${phase} was shown`);
    const late = turn.at - (ends - mark);
    t.diagnostic(`${phase}: ${Math.round(late)} ms after the strip`);
    assert.ok(Math.abs(late) <= LATE_MS, `${phase}: ${late} ms`);
  }
}
