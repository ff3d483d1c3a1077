// The remote in a real browser: pairing, commands, and a bad network.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { audit } from "./audit.js";
import { Daemon, LONG, QUICK, openBrowser, phase, seePhase, until, visit } from "./harness.js";

const PHONE = { viewport: { width: 320, height: 568 }, hasTouch: true };

let browser;
let daemon;
let pages = [];

before(async () => (browser = await openBrowser()));
after(() => browser.close());
afterEach(async () => {
  const wrong = pages.flatMap((page) => page.wrong);
  await Promise.all(pages.map((page) => page.context().close()));
  pages = [];
  await daemon.close();
  assert.deepEqual(wrong, []);
});

async function remote(path = "/remote", options = PHONE) {
  const page = await visit(browser, daemon, path, options);
  // Each request that changes something, with its body.
  page.sent = [];
  page.on("request", (request) => {
    if (request.method() === "POST") {
      page.sent.push([new URL(request.url()).pathname, JSON.parse(request.postData())]);
    }
  });
  pages.push(page);
  return page;
}

async function paired(options) {
  const { ticket } = await daemon.invite();
  const page = await remote(`/remote#${ticket}`, options);
  await page.waitForSelector("#keys", { state: "visible" });
  await until("the page is connected", async () => (await phase(page)) !== "lost");
  page.sent.length = 0;
  return page;
}

const answer = (page) => page.textContent("#answer");
const answered = (page, text) => until(`the answer: ${text}`, async () => text.test(await answer(page)));

async function hold(page, selector, ms) {
  const box = await page.locator(selector).boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  const begun = performance.now();
  await until("held", () => performance.now() - begun >= ms);
  await page.mouse.up();
}

test("the link of the QR code pairs once and disappears from the address", async () => {
  daemon = await Daemon.open(LONG);
  const { ticket } = await daemon.invite();
  const page = await remote(`/remote#${ticket}`);
  await page.waitForSelector("#keys", { state: "visible" });
  assert.equal(await answer(page), "this device is paired");
  assert.equal(page.url(), `${daemon.url}/remote`);
  // No request had the ticket in its address, so it is in no log.
  const cookies = await page.context().cookies();
  assert.deepEqual(cookies.map(({ httpOnly, sameSite }) => [httpOnly, sameSite]), [[true, "Strict"]]);
  await audit(page, "paired");
  // The device stays paired after a restart of the daemon and of the page.
  await daemon.kill();
  await daemon.start();
  await page.reload();
  await page.waitForSelector("#keys", { state: "visible" });
  // The link is used up for other devices.
  const other = await remote(`/remote#${ticket}`);
  await other.waitForSelector("#pair", { state: "visible" });
  await until("the reason is shown", async () => /used already/.test(await other.textContent("#problem")));
  await audit(other, "used link");
});

test("a code pairs; a wrong one is refused, and the tenth says how long to wait", async () => {
  daemon = await Daemon.open(LONG);
  const page = await remote();
  await page.waitForSelector("#pair", { state: "visible" });
  await audit(page, "unpaired");
  const { code } = await daemon.invite();
  const wrong = code === "000000" ? "111111" : "000000";
  const problem = () => page.textContent("#problem");
  await page.fill("#code", "123");
  await page.click("#pair button");
  assert.equal(await problem(), "the code has six digits");
  assert.deepEqual(page.sent, []);
  await page.fill("#code", wrong);
  await page.keyboard.press("Enter");
  await until("it is wrong", async () => /wrong or expired code/.test(await problem()));
  // With a space, as people write it.
  await page.fill("#code", `${code.slice(0, 3)} ${code.slice(3)}`);
  await page.click("#pair button");
  await page.waitForSelector("#keys", { state: "visible" });
  assert.equal(await page.evaluate(() => document.activeElement.id), "start");

  const other = await remote();
  await other.waitForSelector("#pair", { state: "visible" });
  for (let tried = 1; tried < 10; tried += 1) {
    await other.fill("#code", wrong);
    const count = other.sent.length;
    await other.click("#pair button");
    await until("it was sent and answered", async () => other.sent.length > count && (await other.inputValue("#code")) === "");
  }
  await until("it is closed", async () => /try again in \d+ s/.test(await other.textContent("#problem")));
  await audit(other, "closed");
  // The paired device is not affected.
  await page.click("#start");
  await answered(page, /^started lightning/);
});

test("the remote runs a whole short talk", async () => {
  daemon = await Daemon.open(QUICK);
  const page = await paired();
  assert.equal(await page.locator("#choice").isVisible(), false);
  assert.match(await page.textContent("#health"), /strip: sending/);
  await page.tap("#start");
  await answered(page, /^started quick, 0:06$/);
  for (const name of ["green", "yellow", "red", "flash", "over"]) {
    await seePhase(page, name);
  }
  assert.equal(await page.textContent("#digits"), "0:00");
  assert.equal(await page.textContent("#word"), "time is up");
  // A start right after the end was meant as a stop and is refused; a later one starts.
  await page.tap("#start");
  await answered(page, /has just ended/);
  assert.equal(await page.getAttribute("#answer", "class"), "refused");
  await until("two seconds", async () => (await daemon.status()).overrun_ms > 2000);
  await page.tap("#start");
  await answered(page, /^started quick/);
});

test("a refused press says why", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  await page.tap("#start");
  await answered(page, /^started/);
  await page.tap("#start");
  await answered(page, /^a talk is running, [45]:\d\d left; reset it first$/);
  await audit(page, "refused");
  await daemon.say("reset");
  await seePhase(page, "ready");
});

test("a reset needs a hold, and can be undone for ten seconds", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  await page.click("#start");
  await answered(page, /^started/);
  await page.tap("#reset");
  await answered(page, /^hold for one second/);
  await hold(page, "#reset", 600);
  await answered(page, /^hold for one second/);
  assert.equal(await phase(page), "green");
  assert.deepEqual(page.sent.map(([path]) => path), ["/api/v1/start"]);
  assert.equal(await page.locator("#undo").isVisible(), false);
  const holding = hold(page, "#reset", 1200);
  await until("the progress is shown", async () => {
    const shown = await page.evaluate(() => new DOMMatrix(getComputedStyle(document.querySelector("#reset i")).transform).a);
    return shown > 0.1 && shown < 1;
  });
  await holding;
  await answered(page, /^reset at 0:0/);
  assert.match(await page.textContent("#undo"), /Undo \((10|9) s\)/);
  await audit(page, "can be undone");
  await page.click("#undo");
  await answered(page, /^undone/);
  assert.equal(await phase(page), "green");
  await until("no more undo", async () => !(await page.locator("#undo").isVisible()));
});

test("the keyboard alone is enough", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired({ viewport: { width: 900, height: 700 } });
  const tabs = [];
  for (let n = 0; n < 3; n += 1) {
    await page.keyboard.press("Tab");
    tabs.push(await page.evaluate(() => document.activeElement.id));
  }
  assert.deepEqual(tabs, ["plans", "reset", "start"]);
  await page.keyboard.press("Enter");
  await answered(page, /^started lightning/);
  await page.focus("#reset");
  await page.keyboard.press("Space");
  await answered(page, /^hold for one second/);
  await page.keyboard.down("Space");
  await answered(page, /^reset at/);
  await page.keyboard.up("Space");
  assert.equal(await phase(page), "ready");
  // A screen reader's click has neither pointer nor key, so it must be repeated.
  await daemon.say("start");
  await seePhase(page, "green");
  await page.evaluate(() => document.getElementById("reset").click());
  await answered(page, /press again/);
  await page.evaluate(() => document.getElementById("reset").click());
  await answered(page, /^reset at/);
});

test("a second press while a command is being sent has no effect", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  let let_through;
  await page.route("**/api/v1/start", async (route) => {
    await new Promise((done) => (let_through = done));
    await route.continue();
  });
  await page.click("#start");
  // The page reacts at once, before the daemon's reply.
  assert.equal(await answer(page), "sending…");
  await page.dblclick("#start");
  let_through();
  await answered(page, /^started/);
  assert.equal(page.sent.length, 1);
  await page.unroute("**/api/v1/start");
});

test("after a lost reply the same request is sent again and carried out once", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  const { generation } = await daemon.status();
  let lost = 0;
  await page.route("**/api/v1/start", async (route) => {
    if (lost === 0) {
      lost += 1;
      // The request arrives, but its reply is lost.
      await route.fetch();
      await route.abort();
    } else {
      await route.continue();
    }
  });
  await page.click("#start");
  await answered(page, /^started lightning/);
  assert.equal(page.sent.length, 2);
  assert.deepEqual(page.sent[0], ["/api/v1/start", { plan: "lightning", generation }]);
  assert.deepEqual(page.sent[1], page.sent[0]);
  assert.equal((await daemon.status()).generation, generation + 1);
});

test("a press is for the state that was shown when the finger came down", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  const seen = (await daemon.status()).generation;
  const box = await page.locator("#start").boundingBox();
  await page.mouse.move(box.x + 20, box.y + 20);
  await page.mouse.down();
  // Meanwhile another chair starts and resets.
  await daemon.say("start");
  await seePhase(page, "green");
  await daemon.say("reset");
  await seePhase(page, "ready");
  await page.mouse.up();
  await answered(page, /has changed since you looked/);
  assert.equal(page.sent[0][1].generation, seen);
  assert.equal((await daemon.status()).phase, "ready");
});

test("a picked plan is started", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  await page.selectOption("#plans", "keynote");
  await page.click("#start");
  await answered(page, /^started keynote, 1:00:00/);
  const status = await daemon.status();
  assert.deepEqual([status.plan.name, status.chosen], ["keynote", "lightning"]);
  assert.equal(await page.locator("#choice").isVisible(), false);
});

test("a lost connection is shown, and nothing is sent", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  await daemon.kill();
  await seePhase(page, "lost", 3000);
  await page.click("#start");
  await answered(page, /cannot be reached; nothing was sent/);
  assert.deepEqual(page.sent, []);
  await audit(page, "lost");
  await daemon.start();
  await seePhase(page, "ready");
  await page.click("#start");
  await answered(page, /^started/);
});

test("a device that was unpaired is told so, and can be paired again", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  await daemon.say("forget");
  await page.click("#start");
  await page.waitForSelector("#pair", { state: "visible" });
  assert.match(await page.textContent("#problem"), /not paired/);
  assert.equal((await daemon.status()).phase, "ready");
  const { code } = await daemon.invite();
  await page.fill("#code", code);
  await page.click("#pair button");
  await page.waitForSelector("#keys", { state: "visible" });
});

test("faults of the strip are shown", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  // A status with a failing strip and a stuck button.
  await page.route("**/api/v1/status", async (route) => {
    const response = await route.fetch();
    const status = await response.json();
    status.at_ns += 1e9;
    status.strip.error = "spidev is gone";
    status.faults = [{ input: "button", error: "stuck" }];
    await route.fulfill({ json: status });
  });
  await page.reload();
  // In one read: on a busy machine the page may reconnect between two.
  await until("the faults are shown", async () => {
    const text = await page.textContent("#health");
    return text.includes("the strip fails: spidev is gone") && text.includes("button failed: stuck");
  });
  await audit(page, "failing");
  await page.unroute("**/api/v1/status");
});

test("all controls are on screen at 320 pixels, in portrait and landscape", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  for (const [width, height] of [[320, 568], [568, 320], [412, 915], [1280, 800]]) {
    await page.setViewportSize({ width, height });
    await daemon.say("start");
    await seePhase(page, "green");
    await daemon.say("reset");
    await seePhase(page, "ready");
    await until("undo", () => page.locator("#undo").isVisible());
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${width}x${height}: ${wide} pixels too wide`);
    for (const id of ["plans", "undo", "reset", "start"]) {
      const box = await page.locator(`#${id}`).boundingBox();
      assert.ok(box.height >= 44 && box.width >= 120, `${id} at ${width}x${height}: ${box.width}x${box.height}`);
      assert.ok(box.x >= 0 && box.x + box.width <= width, `${id} at ${width}x${height}`);
      assert.ok(box.y + box.height <= height, `${id} at ${width}x${height} is below the edge: ${box.y + box.height}`);
    }
  }
});
