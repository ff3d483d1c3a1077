// Over plain HTTP by a name, as in a venue: no secure origin, so no wake lock.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit } from "./audit.js";
import { House, LONG, openBrowser, seePhase, until, visit } from "./house.js";

let browser;
let house;

before(async () => {
  browser = await openBrowser(["--host-resolver-rules=MAP timer.test 127.0.0.1"]);
  house = await House.open(LONG, 'hosts = ["timer.test"]');
  house.url = house.url.replace("127.0.0.1", "timer.test");
});
after(async () => {
  await browser.close();
  await house.close();
});

test("the stage view plays what keeps the display awake, and says that this is not certain", async () => {
  const page = await visit(browser, house, "/");
  await seePhase(page, "ready");
  assert.deepEqual(await page.evaluate(() => [isSecureContext, "wakeLock" in navigator]), [false, false]);
  const video = () =>
    page.evaluate(() => {
      const { paused, muted, readyState, videoWidth, srcObject } = document.querySelector("video");
      return { paused, muted, ready: readyState >= 2, width: videoWidth, active: srcObject.active };
    });
  await until("the video plays", async () => {
    const seen = await video();
    return seen.ready && seen.width === 2;
  });
  assert.deepEqual(await video(), { paused: false, muted: true, ready: true, width: 2, active: true });
  assert.match(await page.textContent("#sleep:not([hidden])"), /set this one to stay awake/);
  await audit(page, "plain");
  assert.deepEqual(page.wrong, []);
  await page.context().close();
});

test("on a secure origin it takes the lock, and says nothing", async () => {
  const near = { url: `http://127.0.0.1:${house.port}` };
  const page = await visit(browser, near, "/");
  await seePhase(page, "ready");
  await until("no hint", async () => !(await page.locator("#sleep").isVisible()));
  assert.equal(await page.locator("video").count(), 0);
  await page.context().close();
});

test("the remote pairs and presses", async () => {
  const { ticket } = await house.invite();
  const page = await visit(browser, house, `/remote#${ticket}`);
  await page.click("#start");
  await until("it is done", async () => /^started/.test(await page.textContent("#answer")));
  assert.equal((await house.status()).phase, "green");
  assert.deepEqual(page.wrong, []);
  await page.context().close();
});
