// What must work in every browser: `BROWSER=firefox node --test smoke.test.js`.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, afterEach, before, test } from "node:test";
import { promisify } from "node:util";
import { BROWSER, Daemon, LONG, TALKLIGHT, openBrowser, seePhase, until, visit } from "./harness.js";

const GREY_MS_MAX = 3000;

let browser;
let daemon;
let page;

before(async () => (browser = await openBrowser()));
after(() => browser.close());
afterEach(async () => {
  const { wrong } = page;
  await page.context().close();
  await daemon.close();
  assert.deepEqual(wrong, []);
});

const text = (selector) => page.textContent(selector);
const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const seconds = (clock) => clock.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);

/** Whether the digits are those of the daemon, between what it says before and after. */
async function isRight() {
  const before = Math.ceil((await daemon.status()).left_ms / 1000);
  const shown = seconds(await text("#digits"));
  const after = Math.ceil((await daemon.status()).left_ms / 1000);
  return before >= shown && shown >= after;
}

test(`${BROWSER}: the stage view follows a talk, and a daemon that is lost and comes back`, async () => {
  daemon = await Daemon.open(LONG);
  page = await visit(browser, daemon, "/");
  await seePhase(page, "ready");
  assert.deepEqual([await text("#word"), await text("#digits")], ["ready", "5:00"]);
  await promisify(execFile)(TALKLIGHT, ["start", "--socket", "s"], { cwd: daemon.folder });
  await seePhase(page, "green");
  assert.deepEqual([await text("#word"), await background()], ["talk", "rgb(0, 255, 153)"]);
  await until("the clock goes", async () => (await daemon.status()).left_ms < 298_000);
  await until("the clock is right", isRight, 1000);
  await daemon.kill();
  await seePhase(page, "lost", GREY_MS_MAX);
  assert.deepEqual([await text("#digits"), await background()], ["–:––", "rgb(51, 51, 51)"]);
  await daemon.start();
  await seePhase(page, "green");
  await until("the clock is right again", isRight, 1000);
});

test(`${BROWSER}: the remote pairs by code, starts, stops by a hold, and takes it back`, async () => {
  daemon = await Daemon.open(LONG);
  page = await visit(browser, daemon, "/remote", { viewport: { width: 480, height: 850 }, hasTouch: true });
  await page.waitForSelector("#code", { state: "visible" });
  await page.fill("#code", (await daemon.invite()).code);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#main", { state: "visible" });
  const answered = (pattern) => until(`the answer ${pattern}`, async () => pattern.test(await text("#answer")));
  assert.equal(await text("#main"), "Start lightning 5:00");
  await page.tap("#main");
  await answered(/^started lightning/);
  assert.equal((await daemon.status()).phase, "green");
  await seePhase(page, "green");
  // A short press does not stop the talk.
  await page.tap("#main");
  await answered(/^hold for one second/);
  const { x, y, width, height } = await page.locator("#main").boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await answered(/^reset at/);
  await page.mouse.up();
  await seePhase(page, "ready");
  assert.match(await text("#side"), /^Undo/);
  await page.tap("#side");
  await answered(/^undone/);
  await seePhase(page, "green");
  await until("the clock is right", isRight, 1000);
});
