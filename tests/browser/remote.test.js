// The remote in a real browser: pairing, presses, and a bad network.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { audit } from "./audit.js";
import { House, LONG, QUICK, openBrowser, phase, seePhase, until, visit } from "./house.js";

const PHONE = { viewport: { width: 320, height: 568 }, hasTouch: true };

let browser;
let house;
let pages = [];

before(async () => (browser = await openBrowser()));
after(() => browser.close());
afterEach(async () => {
  const wrong = pages.flatMap((page) => page.wrong);
  await Promise.all(pages.map((page) => page.context().close()));
  pages = [];
  await house.close();
  assert.deepEqual(wrong, []);
});

async function remote(path = "/remote", options = PHONE) {
  const page = await visit(browser, house, path, options);
  // Each request that changes something, as it was said.
  page.said = [];
  page.on("request", (request) => {
    if (request.method() === "POST") {
      page.said.push([new URL(request.url()).pathname, JSON.parse(request.postData())]);
    }
  });
  pages.push(page);
  return page;
}

async function paired(options) {
  const { ticket } = await house.invite();
  const page = await remote(`/remote#${ticket}`, options);
  await page.waitForSelector("#keys", { state: "visible" });
  await until("the page is sure", async () => (await phase(page)) !== "lost");
  page.said.length = 0;
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

test("the link of the QR code pairs, once, and is gone from the address", async () => {
  house = await House.open(LONG);
  const { ticket } = await house.invite();
  const page = await remote(`/remote#${ticket}`);
  await page.waitForSelector("#keys", { state: "visible" });
  assert.equal(await answer(page), "this device is paired");
  assert.equal(page.url(), `${house.url}/remote`);
  // The ticket is in no address that was ever asked for, so in no log.
  const cookies = await page.context().cookies();
  assert.deepEqual(cookies.map(({ httpOnly, sameSite }) => [httpOnly, sameSite]), [[true, "Strict"]]);
  await audit(page, "paired");
  // It stays so after a restart of the daemon, and of the page.
  await house.kill();
  await house.start();
  await page.reload();
  await page.waitForSelector("#keys", { state: "visible" });
  // For somebody else the link is used up.
  const other = await remote(`/remote#${ticket}`);
  await other.waitForSelector("#pair", { state: "visible" });
  await until("it says why", async () => /used already/.test(await other.textContent("#problem")));
  await audit(other, "used link");
});

test("a code pairs; a wrong one says so, and the tenth how long to wait", async () => {
  house = await House.open(LONG);
  const page = await remote();
  await page.waitForSelector("#pair", { state: "visible" });
  await audit(page, "unpaired");
  const { code } = await house.invite();
  const wrong = code === "000000" ? "111111" : "000000";
  const problem = () => page.textContent("#problem");
  await page.fill("#code", "123");
  await page.click("#pair button");
  assert.equal(await problem(), "the code has six digits");
  assert.deepEqual(page.said, []);
  await page.fill("#code", wrong);
  await page.keyboard.press("Enter");
  await until("it is wrong", async () => /wrong or expired code/.test(await problem()));
  // As a person reads it out.
  await page.fill("#code", `${code.slice(0, 3)} ${code.slice(3)}`);
  await page.click("#pair button");
  await page.waitForSelector("#keys", { state: "visible" });
  assert.equal(await page.evaluate(() => document.activeElement.id), "start");

  const other = await remote();
  await other.waitForSelector("#pair", { state: "visible" });
  for (let tried = 1; tried < 10; tried += 1) {
    await other.fill("#code", wrong);
    const count = other.said.length;
    await other.click("#pair button");
    await until("it was sent and answered", async () => other.said.length > count && (await other.inputValue("#code")) === "");
  }
  await until("it is closed", async () => /try again in \d+ s/.test(await other.textContent("#problem")));
  await audit(other, "closed");
  // Who is paired is not disturbed.
  await page.click("#start");
  await answered(page, /^started lightning/);
});

test("a whole short talk, by the remote", async () => {
  house = await House.open(QUICK);
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
  // Meant as stop, and so refused with the reason; the next one starts.
  await page.tap("#start");
  await answered(page, /has just ended/);
  assert.equal(await page.getAttribute("#answer", "class"), "refused");
  await until("two seconds", async () => (await house.status()).overrun_ms > 2000);
  await page.tap("#start");
  await answered(page, /^started quick/);
});

test("a refused press says why", async () => {
  house = await House.open(LONG);
  const page = await paired();
  await page.tap("#start");
  await answered(page, /^started/);
  await page.tap("#start");
  await answered(page, /^a talk is running, [45]:\d\d left; reset it first$/);
  await audit(page, "refused");
  await house.say("reset");
  await seePhase(page, "ready");
});

test("a reset is held, not tapped; and can be undone while there is time", async () => {
  house = await House.open(LONG);
  const page = await paired();
  await page.click("#start");
  await answered(page, /^started/);
  await page.tap("#reset");
  await answered(page, /^hold for one second/);
  await hold(page, "#reset", 600);
  await answered(page, /^hold for one second/);
  assert.equal(await phase(page), "green");
  assert.deepEqual(page.said.map(([path]) => path), ["/api/v1/start"]);
  assert.equal(await page.locator("#undo").isVisible(), false);
  const holding = hold(page, "#reset", 1200);
  await until("it shows how far", async () => {
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

test("the keyboard alone will do", async () => {
  house = await House.open(LONG);
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
  // A screen reader's click has neither finger nor key: it does it twice.
  await house.say("start");
  await seePhase(page, "green");
  await page.evaluate(() => document.getElementById("reset").click());
  await answered(page, /do that again/);
  await page.evaluate(() => document.getElementById("reset").click());
  await answered(page, /^reset at/);
});

test("a double press, and a press while one is under way, are one", async () => {
  house = await House.open(LONG);
  const page = await paired();
  let let_through;
  await page.route("**/api/v1/start", async (route) => {
    await new Promise((done) => (let_through = done));
    await route.continue();
  });
  await page.click("#start");
  // Answered in the same moment, long before the daemon has.
  assert.equal(await answer(page), "sending…");
  await page.dblclick("#start");
  let_through();
  await answered(page, /^started/);
  assert.equal(page.said.length, 1);
  await page.unroute("**/api/v1/start");
});

test("an answer that is lost: the same request again, and done once", async () => {
  house = await House.open(LONG);
  const page = await paired();
  const { generation } = await house.status();
  let lost = 0;
  await page.route("**/api/v1/start", async (route) => {
    if (lost === 0) {
      lost += 1;
      // It arrives, and its answer does not.
      await route.fetch();
      await route.abort();
    } else {
      await route.continue();
    }
  });
  await page.click("#start");
  await answered(page, /^started lightning/);
  assert.equal(page.said.length, 2);
  assert.deepEqual(page.said[0], ["/api/v1/start", { plan: "lightning", generation }]);
  assert.deepEqual(page.said[1], page.said[0]);
  assert.equal((await house.status()).generation, generation + 1);
});

test("a press is meant for what was seen when the finger came down", async () => {
  house = await House.open(LONG);
  const page = await paired();
  const seen = (await house.status()).generation;
  const box = await page.locator("#start").boundingBox();
  await page.mouse.move(box.x + 20, box.y + 20);
  await page.mouse.down();
  // Meanwhile another chair starts and resets.
  await house.say("start");
  await seePhase(page, "green");
  await house.say("reset");
  await seePhase(page, "ready");
  await page.mouse.up();
  await answered(page, /has changed since you looked/);
  assert.equal(page.said[0][1].generation, seen);
  assert.equal((await house.status()).phase, "ready");
});

test("the plan is picked for the start", async () => {
  house = await House.open(LONG);
  const page = await paired();
  await page.selectOption("#plans", "keynote");
  await page.click("#start");
  await answered(page, /^started keynote, 1:00:00/);
  const status = await house.status();
  assert.deepEqual([status.plan.name, status.chosen], ["keynote", "lightning"]);
  assert.equal(await page.locator("#choice").isVisible(), false);
});

test("a lost daemon is said, and nothing is sent to it", async () => {
  house = await House.open(LONG);
  const page = await paired();
  await house.kill();
  await seePhase(page, "lost", 3000);
  await page.click("#start");
  await answered(page, /cannot be reached; nothing was sent/);
  assert.deepEqual(page.said, []);
  await audit(page, "lost");
  await house.start();
  await seePhase(page, "ready");
  await page.click("#start");
  await answered(page, /^started/);
});

test("who is unpaired meanwhile is told, and can be paired again", async () => {
  house = await House.open(LONG);
  const page = await paired();
  await house.say("forget");
  await page.click("#start");
  await page.waitForSelector("#pair", { state: "visible" });
  assert.match(await page.textContent("#problem"), /not paired/);
  assert.equal((await house.status()).phase, "ready");
  const { code } = await house.invite();
  await page.fill("#code", code);
  await page.click("#pair button");
  await page.waitForSelector("#keys", { state: "visible" });
});

test("what is wrong with the strip is said", async () => {
  house = await House.open(LONG);
  const page = await paired();
  // As the daemon tells it of a strip that fails and a button that is stuck.
  await page.route("**/api/v1/status", async (route) => {
    const response = await route.fetch();
    const status = await response.json();
    status.at_ns += 1e9;
    status.strip.error = "spidev is gone";
    status.faults = [{ input: "button", error: "stuck" }];
    await route.fulfill({ json: status });
  });
  await page.reload();
  await until("it is said", async () => (await page.textContent("#health")).includes("the strip fails: spidev is gone"));
  assert.match(await page.textContent("#health"), /button failed: stuck/);
  await audit(page, "failing");
  await page.unroute("**/api/v1/status");
});

test("everything is within reach at 320 pixels, upright and on its side", async () => {
  house = await House.open(LONG);
  const page = await paired();
  for (const [width, height] of [[320, 568], [568, 320], [412, 915], [1280, 800]]) {
    await page.setViewportSize({ width, height });
    await house.say("start");
    await seePhase(page, "green");
    await house.say("reset");
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
