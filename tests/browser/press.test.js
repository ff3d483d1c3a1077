// What a press on the remote does, and what the page says, in a bad network. With a stand-in for the daemon.

import assert from "node:assert/strict";
import { test } from "node:test";
import { phase, seePhase, until } from "./harness.js";
import { PHONE, bench, said } from "./pages.js";

const DEADLINE_MS = 4000;
const THREE = [
  { name: "lightning", length_ms: 300_000 },
  { name: "keynote", length_ms: 3_600_000 },
  { name: "questions", length_ms: 120_000 },
];

const { open, page } = bench();

async function down(remote, selector) {
  const box = await remote.locator(selector).boundingBox();
  await remote.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await remote.mouse.down();
}

test("a press carries the generation, and a deadline in the daemon's time", async () => {
  const fake = await open();
  fake.talk(null);
  const remote = await page("/remote", PHONE);
  await remote.tap("#main");
  await said(remote, /^start: done/);
  const [[path, body]] = fake.sent;
  assert.equal(path, "start");
  assert.deepEqual([body.plan, body.generation], ["lightning", fake.generation]);
  const ahead = body.deadline_ns / 1e6 - fake.status().at_ns / 1e6;
  assert.ok(Number.isInteger(body.deadline_ns) && ahead > 0 && ahead < DEADLINE_MS + 100, `${ahead} ms`);
});

test("in a gap of the network the same body is sent until there is an answer", async () => {
  const fake = await open();
  fake.talk(null);
  const remote = await page("/remote", PHONE);
  let isGap = true;
  fake.before = async (path) => path === "start" && isGap;
  await remote.tap("#main");
  await said(remote, /no reply yet/);
  // Meanwhile another press is refused.
  await remote.tap("#show");
  await said(remote, /still sending/);
  isGap = false;
  await said(remote, /^start: done/);
  const starts = fake.sent.filter(([path]) => path === "start").map(([, body]) => JSON.stringify(body));
  assert.ok(starts.length >= 2);
  assert.equal(new Set(starts).size, 1);
});

test("after the deadline the page still asks, and says what the daemon says", async () => {
  const fake = await open();
  fake.talk(null);
  const remote = await page("/remote", PHONE);
  let isGap = true;
  fake.before = async (path) => path === "start" && isGap;
  fake.answers.start = () => [409, { ok: false, expired: true, message: "too late: the press was for another moment", status: fake.status() }];
  await remote.tap("#main");
  await said(remote, /too late to be done now/);
  isGap = false;
  await said(remote, /^too late: the press was for another moment/);
  assert.equal(await remote.getAttribute("#answer", "class"), "refused");
  assert.equal(new Set(fake.sent.map(([, body]) => body.deadline_ns)).size, 1);
});

test("the error page of a proxy is no answer", async () => {
  const fake = await open();
  fake.talk(null);
  const remote = await page("/remote", PHONE);
  const replies = [
    [502, "bad gateway"],
    [504, { ok: false, message: "gateway timeout" }],
    [503, { ok: false, message: "the timer does not answer" }],
    [200, { ok: true, message: "started lightning, 5:00" }],
  ];
  fake.answers.start = () => replies.shift();
  await remote.tap("#main");
  await said(remote, /^started lightning/);
  assert.equal(fake.sent.length, 4);
});

test("a finger that came down on another label does nothing", async () => {
  const fake = await open();
  fake.talk(null);
  const remote = await page("/remote", PHONE);
  await down(remote, "#main");
  fake.talk(200_000);
  await seePhase(remote, "green");
  await remote.mouse.up();
  await said(remote, /changed under your finger/);
  // The hold is for the talk that was shown.
  await down(remote, "#main");
  fake.talk(-100);
  await seePhase(remote, "over");
  await said(remote, /changed under your finger/);
  await remote.mouse.up();
  assert.deepEqual(fake.sent, []);
});

test("a press is for the generation that was shown when the finger came down", async () => {
  const fake = await open();
  fake.talk(null);
  const remote = await page("/remote", PHONE);
  const seen = fake.generation;
  await down(remote, "#main");
  fake.talk(null);
  await until("the page knows", async () => fake.generation !== seen);
  await remote.waitForTimeout(100);
  await remote.mouse.up();
  await said(remote, /^start/);
  assert.equal(fake.sent[0][1].generation, seen);
});

test("the hold stops the talk after a second, with vibration, and a shorter one does not", async () => {
  const fake = await open();
  fake.talk(250_000);
  const remote = await page("/remote", PHONE);
  await remote.evaluate(() => {
    window.buzzed = [];
    navigator.vibrate = (pattern) => window.buzzed.push(pattern);
  });
  await down(remote, "#main");
  await said(remote, /keep holding/);
  await until("it fills", async () => {
    const scale = await remote.evaluate(() => new DOMMatrix(getComputedStyle(document.querySelector("#main i")).transform).a);
    return scale > 0.1 && scale < 1;
  });
  await remote.mouse.up();
  await said(remote, /hold for one second/);
  assert.deepEqual(fake.sent, []);
  await down(remote, "#main");
  await said(remote, /^reset: done/);
  await remote.mouse.up();
  assert.equal(fake.sent.length, 1);
  assert.ok((await remote.evaluate(() => window.buzzed.length)) > 0);
});

test("picking a plan chooses it; where the daemon refuses, the page goes back", async () => {
  const fake = await open();
  fake.talk(null, { choices: THREE });
  const remote = await page("/remote", PHONE);
  const picked = () => remote.textContent('.tile[aria-pressed="true"] b');
  const main = () => remote.textContent("#main");
  assert.equal(await main(), "Start lightning 5:00");
  let decide;
  fake.answers.choose = () => new Promise((done) => (decide = done));
  await remote.tap('.tile[data-plan="keynote"]');
  await until("it is shown at once", async () => (await picked()) === "keynote");
  assert.equal(await main(), "Start keynote 1:00:00");
  await until("it is sent", () => decide);
  assert.equal(fake.sent[0][1].plan, "keynote");
  decide([409, { ok: false, message: "refused for some reason" }]);
  await said(remote, /refused for some reason/);
  await until("it goes back", async () => (await picked()) === "lightning");
  // Another remote chooses: all see it.
  fake.set({ choices: THREE, chosen: "questions" });
  await until("it follows", async () => (await picked()) === "questions");
  assert.equal(await main(), "Start questions 2:00");
});

test("late, its undo, and the demonstration are sent as they are labelled", async () => {
  const fake = await open();
  fake.talk(290_000);
  const remote = await page("/remote", PHONE);
  await remote.tap("#late30");
  await said(remote, /^late: done/);
  assert.equal(fake.sent[0][1].by, "30s");
  fake.talk(260_000, { undo_ms: 9000, late_ms: 30_000 });
  await remote.tap("#unlate");
  await said(remote, /^undo: done/);
  // Two minutes after the start, or where a whole phase would be jumped over, it is not offered.
  fake.talk(179_000);
  await until("not offered", () => remote.locator("#late").isHidden());
  fake.talk(25_000, { plan: { length_ms: 60_000, yellow_ms: 20_000, red_ms: 10_000, flash_ms: 5000 } });
  await until("only ten seconds", async () => (await remote.locator("#late10").isVisible()) && (await remote.locator("#late30").isHidden()));
  fake.talk(null);
  await remote.tap("#show");
  await said(remote, /^showing the colours; a start ends it$/);
  assert.deepEqual(fake.sent.map(([path]) => path), ["late", "undo", "demo"]);
});

test("no press waits for a stream: eight pages of one browser are all up to date, and each can press", async () => {
  const fake = await open();
  fake.talk(null);
  const remote = await page("/remote", PHONE);
  const tabs = [remote];
  for (let n = 0; n < 7; n += 1) {
    const tab = await remote.context().newPage();
    await tab.goto(`${fake.url}/remote`);
    tabs.push(tab);
  }
  for (const tab of tabs) {
    await until("it is connected", async () => (await phase(tab)) === "ready");
  }
  assert.ok(fake.streams.size <= 3, `${fake.streams.size} streams`);
  fake.talk(200_000);
  for (const tab of tabs) {
    await seePhase(tab, "green", 3000);
  }
  fake.talk(null);
  for (const tab of tabs) {
    await seePhase(tab, "ready", 3000);
    const begun = performance.now();
    await tab.evaluate(() => document.getElementById("main").click());
    await said(tab, /^start: done/);
    assert.ok(performance.now() - begun < 1000, "a press is answered at once");
  }
  // A place that becomes free is taken.
  await remote.waitForTimeout(4000);
  assert.ok(fake.streams.size >= 2 && fake.streams.size <= 3, `${fake.streams.size} streams`);
});

test("a page that is hidden for five seconds closes its stream, and opens it when it is seen", async () => {
  const fake = await open();
  fake.talk(null);
  const remote = await page("/remote", PHONE);
  const show = (state) =>
    remote.evaluate((to) => {
      Object.defineProperty(document, "visibilityState", { value: to, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  await show("hidden");
  await remote.waitForTimeout(4000);
  assert.equal(fake.streams.size, 1);
  await until("it closes", () => fake.streams.size === 0, 3000);
  await remote.waitForTimeout(3000);
  assert.equal(fake.streams.size, 0);
  fake.talk(100_000);
  await show("visible");
  await seePhase(remote, "yellow", 2000);
  // A short look away changes nothing.
  await show("hidden");
  await remote.waitForTimeout(1000);
  await show("visible");
  await remote.waitForTimeout(6000);
  assert.equal(fake.streams.size, 1);
});

test("within two seconds of the last beat the page is grey and says since when", async () => {
  const fake = await open();
  fake.talk(200_000);
  const remote = await page("/remote", PHONE);
  await remote.waitForTimeout(1500);
  await remote.evaluate(() => {
    new MutationObserver(() => (window.greyAt = window.greyAt || Date.now())).observe(document.body, { attributes: true, attributeFilter: ["data-phase"] });
  });
  // The last beat has just been sent, and no more follow. Requests are not answered either.
  const { send } = fake;
  const last = await new Promise((done) => {
    fake.send = (name, data) => {
      send.call(fake, name, data);
      if (name === "beat") {
        fake.send = () => {};
        done(Date.now());
      }
    };
  });
  await seePhase(remote, "lost", 3000);
  const late = (await remote.evaluate(() => window.greyAt)) - last;
  assert.ok(late <= 2000, `${late} ms`);
  assert.match(await remote.textContent("#since"), /^last heard \d\d:\d\d:\d\d: talk, 3:1\d left$/);
  assert.equal(await remote.locator("#main").isVisible(), false);
  assert.equal(await remote.textContent("#digits"), "–:––");
  fake.send = send;
  await seePhase(remote, "green", 8000);
});
