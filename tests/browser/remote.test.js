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
  await page.waitForSelector("#main", { state: "visible" });
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
  await page.waitForSelector("#main", { state: "visible" });
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
  await page.waitForSelector("#main", { state: "visible" });
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
  await page.click("#pair form button");
  assert.equal(await problem(), "the code has six digits");
  assert.deepEqual(page.sent, []);
  await page.fill("#code", wrong);
  await page.keyboard.press("Enter");
  await until("it is wrong", async () => /wrong or expired code/.test(await problem()));
  // With a space, as people write it.
  await page.fill("#code", `${code.slice(0, 3)} ${code.slice(3)}`);
  await page.click("#pair form button");
  await page.waitForSelector("#main", { state: "visible" });
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");

  const other = await remote();
  await other.waitForSelector("#pair", { state: "visible" });
  for (let tried = 1; tried < 10; tried += 1) {
    await other.fill("#code", wrong);
    const count = other.sent.length;
    await other.click("#pair form button");
    await until("it was sent and answered", async () => other.sent.length > count && (await other.inputValue("#code")) === "");
  }
  await until("it is closed", async () => /try again in \d+ s/.test(await other.textContent("#problem")));
  await audit(other, "closed");
  // The paired device is not affected.
  await page.click("#main");
  await answered(page, /^started lightning/);
});

test("the remote runs a whole short talk", async () => {
  daemon = await Daemon.open(QUICK);
  const page = await paired();
  assert.equal(await page.locator(".tile").count(), 0);
  assert.match(await page.textContent("#state"), /strip: sending/);
  assert.equal(await page.textContent("#main"), "Start quick 0:06");
  await page.tap("#main");
  await answered(page, /^started quick, 0:06$/);
  for (const name of ["green", "yellow", "red", "flash", "over"]) {
    await seePhase(page, name);
  }
  assert.match(await page.textContent("#digits"), /^\+0:0\d$/);
  assert.equal(await page.textContent("#word"), "time is up");
  // What was said at the start of the talk is gone.
  assert.equal(await answer(page), "");
  // A start right after the end was meant as a stop and is refused; a later one starts.
  await page.tap("#main");
  await answered(page, /has just ended/);
  assert.equal(await page.getAttribute("#answer", "class"), "refused");
  await until("two seconds", async () => (await daemon.status()).overrun_ms > 2000);
  await page.tap("#main");
  await answered(page, /^started quick/);
});

test("a stop needs a hold, and can be undone for ten seconds", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  await page.click("#main");
  await answered(page, /^started/);
  assert.equal(await page.textContent("#main"), "Hold to stop");
  await page.tap("#main");
  await answered(page, /^hold for one second/);
  await hold(page, "#main", 600);
  await answered(page, /^hold for one second/);
  assert.equal(await phase(page), "green");
  assert.deepEqual(page.sent.map(([path]) => path), ["/api/v1/start"]);
  assert.equal(await page.locator("#side").isVisible(), false);
  await hold(page, "#main", 1200);
  await answered(page, /^reset at 0:0/);
  assert.match(await page.textContent("#side"), /Undo\s(10|9)\ss/);
  // The finger that came up after the hold has not pressed Start.
  assert.equal(await phase(page), "ready");
  await audit(page, "can be undone");
  await page.click("#side");
  await answered(page, /^undone/);
  assert.equal(await phase(page), "green");
  await until("no more undo", async () => !(await page.locator("#side").isVisible()));
});

test("a talk that was started late, and taken back", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  await page.tap("#main");
  await answered(page, /^started/);
  await page.tap("#late30");
  await answered(page, /^0:30 taken off, 4:\d\d left/);
  assert.match(await page.textContent("#unlate"), /Undo\s(10|9)\ss/);
  await page.tap("#unlate");
  await answered(page, /^0:30 given back/);
});

test("the colours are shown on all pages, and a start ends it", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  const stage = await remote("/");
  await page.tap("#show");
  await answered(page, /^showing the colours; a start ends it$/);
  for (const one of [page, stage]) {
    await seePhase(one, "yellow");
    assert.deepEqual([await one.textContent("#word"), await one.textContent("#digits")], ["wrap up", "2:00"]);
  }
  assert.match(await stage.textContent("#plan"), /^demonstration: green, talk · yellow, 2:00 left · red, 1:00 left · flashing, 0:30 left · dark, time is up$/);
  await audit(stage, "demonstration");
  await audit(page, "demonstration");
  assert.equal(await page.textContent("#main"), "Start lightning 5:00");
  await page.tap("#main");
  await answered(page, /^started lightning/);
  await seePhase(stage, "green");
});

test("the keyboard alone is enough", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired({ viewport: { width: 900, height: 700 } });
  await page.focus("#more");
  const tabs = [];
  for (let n = 0; n < 4; n += 1) {
    await page.keyboard.press("Tab");
    tabs.push(await page.evaluate(() => document.activeElement.dataset.plan || document.activeElement.id));
  }
  assert.deepEqual(tabs, ["lightning", "keynote", "show", "main"]);
  await page.keyboard.press("Enter");
  await answered(page, /^started lightning/);
  await page.keyboard.press("Space");
  await answered(page, /^hold for one second/);
  await page.keyboard.down("Space");
  await answered(page, /^reset at/);
  await page.keyboard.up("Space");
  assert.equal(await phase(page), "ready");
  // A key that is held from one meaning into the next presses nothing more.
  await page.keyboard.down("Enter");
  await answered(page, /^started lightning/);
  await page.keyboard.down("Enter");
  await page.waitForTimeout(1200);
  await page.keyboard.up("Enter");
  assert.equal(await phase(page), "green");
  // A screen reader's click has neither pointer nor key, so it must be repeated.
  await page.evaluate(() => document.getElementById("main").click());
  await answered(page, /press again/);
  await page.evaluate(() => document.getElementById("main").click());
  await answered(page, /^reset at/);
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
  await page.click("#main");
  await answered(page, /^started lightning/);
  assert.equal(page.sent.length, 2);
  const { deadline_ns, ...rest } = page.sent[0][1];
  assert.deepEqual(rest, { plan: "lightning", generation });
  assert.ok(deadline_ns > 0);
  assert.deepEqual(page.sent[1], page.sent[0]);
  assert.equal((await daemon.status()).generation, generation + 1);
});

test("a press that comes out of a gap too late does nothing, and the page says so", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  const begun = performance.now();
  await page.route("**/api/v1/start", (route) => (performance.now() - begun < 6000 ? route.abort() : route.continue()));
  await page.click("#main");
  await answered(page, /no reply yet/);
  await answered(page, /too late to be done now/);
  await until("the daemon's word", async () => (await page.getAttribute("#answer", "class")) === "refused");
  assert.match(await answer(page), /late|deadline|expired/);
  assert.equal((await daemon.status()).phase, "ready");
  await page.unroute("**/api/v1/start");
  await page.click("#main");
  await answered(page, /^started lightning/);
});

test("a plan that is picked is chosen for all", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  await page.tap('.tile[data-plan="keynote"]');
  await until("the timer knows", async () => (await daemon.status()).chosen === "keynote");
  assert.equal(await page.textContent("#main"), "Start keynote 1:00:00");
  // The button at the lectern starts the same.
  await daemon.say("start");
  await seePhase(page, "green");
  assert.equal((await daemon.status()).plan.name, "keynote");
  assert.equal(await page.locator(".tile").first().isVisible(), false);
});

test("a lost connection is shown, and nothing is sent", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  await daemon.kill();
  await seePhase(page, "lost", 3000);
  // There is no button to press.
  assert.equal(await page.locator("#main").isVisible(), false);
  assert.match(await page.textContent("#since"), /^last heard \d\d:\d\d:\d\d: ready, 5:00$/);
  await audit(page, "lost");
  await daemon.start();
  await seePhase(page, "ready");
  await page.click("#main");
  await answered(page, /^started/);
});

test("a device that was unpaired is told so, and can be paired again", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  await daemon.say("forget");
  await page.click("#main");
  await page.waitForSelector("#pair", { state: "visible" });
  assert.match(await page.textContent("#problem"), /not paired/);
  assert.equal((await daemon.status()).phase, "ready");
  const { code } = await daemon.invite();
  await page.fill("#code", code);
  await page.click("#pair form button");
  await page.waitForSelector("#main", { state: "visible" });
});

test("the next chair's phone is paired by the code that this one shows, and removed by it", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  await page.tap("#more");
  await page.tap('.item:has-text("Hand over")');
  await until("the code", async () => /\d{3} \d{3}/.test(await page.textContent("#panel")));
  // The daemon listens on loopback only here, so there is a sentence in place of the picture.
  assert.match(await page.textContent("#panel .bad"), /\w+/);
  const [code] = (await page.textContent("#panel")).match(/\d{3} \d{3}/);
  const other = await remote();
  await other.fill("#code", code);
  await other.tap("#pair form button");
  await answered(other, /this device is paired/);
  await until("the first phone says so", async () => /Chrome on Linux is paired\./.test(await page.textContent("#panel")));
  await page.tap("#more");
  await page.tap("#more");
  await page.tap('.item:has-text("Paired devices")');
  await until("both", async () => (await page.locator(".devices li").count()) === 2);
  const row = page.locator(".devices li", { hasNotText: "this one" });
  await row.locator("button").tap();
  await row.locator("button").tap();
  await until("one", async () => (await page.locator(".devices li").count()) === 1);
  await audit(page, "devices");
  await other.tap("#main");
  await other.waitForSelector("#pair", { state: "visible" });
});

test("the Wi-Fi test says from where a phone arrived", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  await page.tap("#more");
  await page.tap('.item:has-text("Test the Wi-Fi")');
  const link = await until("the link", async () => (await page.textContent("#panel")).match(/\/hello\?id=\d+/)?.[0]);
  const phone = await remote(link);
  assert.match(await phone.textContent("h1"), /reaches the timer/);
  await audit(phone, "hello");
  await until("it arrived", async () => /arrived, from 127\.0\.0\.1/.test(await page.textContent("#panel .good")));
  await audit(page, "arrived");
});

test("while a stage view has its sound on, the remote says so", async () => {
  daemon = await Daemon.open(LONG);
  const page = await paired();
  const stage = await remote("/");
  await stage.click("#speaker");
  await until("it is said", async () => /^sound on · /.test(await page.textContent("#state")));
  await stage.click("#speaker");
  await until("it is off", async () => /^strip/.test(await page.textContent("#state")));
});
