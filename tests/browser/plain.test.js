// The pages over plain HTTP by a host name, as in a venue: the origin is not secure, so there is no wake lock.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit } from "./audit.js";
import { Daemon, LONG, openBrowser, seePhase, until, visit } from "./harness.js";

let browser;
let daemon;

before(async () => {
  browser = await openBrowser(["--host-resolver-rules=MAP timer.test 127.0.0.1"]);
  daemon = await Daemon.open(LONG, 'hosts = ["timer.test"]');
  daemon.url = daemon.url.replace("127.0.0.1", "timer.test");
});
after(async () => {
  await browser.close();
  await daemon.close();
});

test("without a secure origin the stage view plays a video to keep the display awake, and shows a hint", async () => {
  const page = await visit(browser, daemon, "/");
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

test("on a secure origin the stage view takes the wake lock and shows no hint", async () => {
  const secure = { url: `http://127.0.0.1:${daemon.port}` };
  const page = await visit(browser, secure, "/");
  await seePhase(page, "ready");
  await until("no hint", async () => !(await page.locator("#sleep").isVisible()));
  assert.equal(await page.locator("video").count(), 0);
  await page.context().close();
});

test("the remote pairs and starts a talk", async () => {
  const { ticket } = await daemon.invite();
  const page = await visit(browser, daemon, `/remote#${ticket}`);
  await page.click("#main");
  await until("it is done", async () => /^started/.test(await page.textContent("#answer")));
  assert.equal((await daemon.status()).phase, "green");
  assert.deepEqual(page.wrong, []);
  await page.context().close();
});
