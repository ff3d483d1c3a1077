// Every state of both pages: without a fault of accessibility, without anything cut off, on each kind of screen.

import assert from "node:assert/strict";
import { test } from "node:test";
import { audit } from "./audit.js";
import { phase, seePhase, until } from "./harness.js";
import { PHONE, bench, connected, fits, said } from "./pages.js";

const { open, page } = bench();

const CHOICES = [
  { name: "lightning", length_ms: 300_000 },
  { name: "keynote", length_ms: 3_600_000 },
  { name: "questions", length_ms: 120_000 },
];
const BROKEN = { kind: "spi", leds: 60, health: "failing", error: "/dev/spidev0.0: no such device", trial: null };
const QR = Array.from({ length: 33 }, (_, y) => Array.from({ length: 33 }, (_, x) => ((x * y + x) % 3 ? "." : "#")).join(""));

/** The states of the remote: the time left, the fields of the status, and what must be visible. */
const STATES = {
  ready: [null, { choices: CHOICES }, ["#main", "#show", ".tile"]],
  "ready after a talk": [null, { since_end_ms: 125_000, pages_with_sound: 2 }, ["#main", "#show"]],
  green: [281_000, {}, ["#main", "#late10", "#late30"]],
  late: [221_000, { late_ms: 30_000, undo_ms: 60_000 }, ["#main", "#unlate"]],
  yellow: [93_000, {}, ["#main"]],
  "a failed strip": [93_000, { strip: BROKEN }, ["#main", "#failed"]],
  red: [48_000, {}, ["#main"]],
  flash: [25_000, {}, ["#main"]],
  over: [-7000, { choices: CHOICES }, ["#main", "#side"]],
  undo: [null, { choices: CHOICES, undo_ms: 60_000, since_end_ms: 100 }, ["#main", "#side", ".tile"]],
  faults: [null, { faults: [{ input: "button", error: "stuck" }], codes_closed_ms: 50_000 }, ["#main", "#faults li"]],
};
const SIZES = [[320, 568], [390, 844], [430, 932], [568, 320], [844, 390], [1280, 800]];

for (const isLarge of [false, true]) {
  test(`each state of the remote fits each phone${isLarge ? ", also at 200 % text" : ""}`, async () => {
    const fake = await open();
    fake.talk(null);
    const remote = await page("/remote", PHONE);
    if (isLarge) {
      await remote.evaluate(() => (document.documentElement.style.fontSize = "200%"));
    }
    for (const [state, [left, over, seen]] of Object.entries(STATES)) {
      fake.talk(left, over);
      for (const [width, height] of SIZES) {
        await remote.setViewportSize({ width, height });
        for (const selector of seen) {
          await until(`${state}: ${selector}`, () => remote.locator(selector).first().isVisible());
        }
        const where = `${state} at ${width}x${height}`;
        await until(`${where} is not too wide`, () => fits(remote), 2000);
        for (const button of await remote.locator("button:visible").all()) {
          const box = await button.boundingBox();
          assert.ok(box.width >= 43.5 && box.height >= 43.5, `${where}: ${await button.textContent()}: ${box.width}x${box.height}`);
        }
        // The main button is under the thumb, without scrolling.
        const box = await remote.locator("#main").boundingBox();
        assert.ok(box.y >= 0 && box.y + box.height <= height + 0.5, `${where}: ${box.y} ${box.height}`);
      }
      await audit(remote, state);
    }
  });
}

test("the main button stays where it is, whatever is said", async () => {
  const fake = await open();
  fake.talk(null);
  const remote = await page("/remote", PHONE);
  const place = async () => JSON.stringify(await remote.locator("#main").boundingBox());
  const before = await place();
  fake.answers.start = () => [409, { ok: false, message: "refused for a reason that needs three or four lines on a phone, ".repeat(3) }];
  await remote.tap("#main");
  await said(remote, /^refused for/);
  assert.equal(await place(), before);
  fake.set({ faults: [{ input: "button", error: "stuck" }] });
  await until("the fault", () => remote.locator("#faults li").isVisible());
  assert.equal(await place(), before);
});

test("the picture says the time, the plan, the phase, the room and how long it has waited", async () => {
  const fake = await open();
  fake.talk(null, { since_end_ms: 125_400 });
  const remote = await page("/remote", PHONE);
  const text = (id) => remote.textContent(`#${id}`);
  assert.deepEqual([await text("name"), await text("word"), await text("digits"), await text("plan")], ["Main hall", "ready", "5:00", "lightning 5:00"]);
  await until("it counts", async () => (await text("since")) === "the last talk ended 2:07 ago");
  assert.equal(await remote.title(), "Main hall");
  fake.talk(93_900);
  await seePhase(remote, "yellow");
  assert.match(await remote.title(), /^1:3\d Main hall$/);
  const here = await remote.evaluate(() => parseFloat(document.querySelector("#line .here").style.left));
  assert.ok(Math.abs(here - (100 * (300 - 93)) / 300) < 1, `${here} %`);
  fake.talk(-7000);
  await until("the overrun", async () => /^\+0:0[789]$/.test(await text("digits")));
  fake.talk(null, { demo: 7800 });
  await seePhase(remote, "yellow");
  assert.deepEqual([await text("word"), await text("digits"), await text("plan")], ["wrap up", "2:00", "demonstration"]);
  assert.equal(await text("main"), "Start lightning 5:00");
  await seePhase(remote, "ready", 12_000);
});

test("words of a plan are its own", async () => {
  const fake = await open();
  fake.talk(93_000, { plan: { words: { yellow: "questions?" } } });
  const [remote, stage] = [await page("/remote", PHONE), await page("/")];
  for (const one of [remote, stage]) {
    assert.equal(await one.textContent("#word"), "questions?");
  }
});

test("a strip that fails during a talk is said over the whole width", async () => {
  const fake = await open();
  fake.talk(193_000, { strip: BROKEN });
  const remote = await page("/remote", PHONE);
  await until("it is said", async () => /^The strip has failed. Tell the speaker: 3:1\d left.$/.test(await remote.textContent("#failed")));
  const box = await remote.locator("#failed").boundingBox();
  assert.deepEqual([box.x, box.width], [0, 390]);
  // The time is not read out each second.
  assert.equal(await remote.textContent('[role="alert"]'), "The strip has failed. Tell the speaker:");
  fake.talk(null, { strip: BROKEN });
  await until("between talks it is a fault as any", () => remote.locator("#failed").isHidden());
});

test("each way of pairing, and codes that are shut", async () => {
  const fake = await open();
  fake.isPaired = false;
  fake.talk(null, { codes_closed_ms: 43_000 });
  const remote = await page("/remote", PHONE);
  await until("shut", async () => /this code is shut for 4\d s. A new invitation's code, or a QR code, works at once./.test(await remote.textContent("#pair .bad")));
  await audit(remote, "shut");
  fake.set({});
  await until("open", () => remote.locator("#pair .bad").isHidden());
  await audit(remote, "unpaired");
  assert.match(await remote.textContent("#pair"), /This is 127\.0\.0\.1:\d+\. Paired at localhost\?/);
  fake.set({ pairing_open_ms: 42_000 });
  await until("the button", () => remote.locator("#pair .big").isVisible());
  assert.match(await remote.textContent("#pair .big"), /Pair this phone.*open for 4\d s/);
  await audit(remote, "the window");
  for (const [width, height] of SIZES) {
    await remote.setViewportSize({ width, height });
    assert.ok(await fits(remote));
  }
  fake.answers.pair = ({ answer }) => [answer === "button" ? 200 : 403, { ok: answer === "button", message: "paired" }];
  await remote.tap("#pair .big");
  await said(remote, /this device is paired/);
  assert.ok(await remote.locator("#main").isVisible());
});

test("the panels: hand over, paired devices, Wi-Fi, vibration", async () => {
  const fake = await open();
  fake.talk(null);
  const code = { ok: true, message: "", url: "http://192.168.1.7:8080/remote", link: "http://192.168.1.7:8080/remote#abc", code: "123456", seconds: 60, qr: QR };
  fake.answers.invite = () => [200, code];
  let arrived = null;
  fake.answers.hello = (body) =>
    Object.keys(body).length === 0 && arrived === null
      ? [200, { ok: true, id: 7, link: "http://192.168.1.7:8080/hello", qr: QR, seconds: 30, message: "", arrived: null }]
      : [200, { ok: true, arrived, message: `a phone arrived, from ${arrived}` }];
  let devices = [
    { id: "a", name: "Firefox on Android", paired_s: 200_000, seen_s: 120, is_this: false },
    { id: "b", name: "Safari on iPhone", paired_s: 3000, seen_s: 1, is_this: true },
  ];
  fake.answers.devices = () => [200, { ok: true, devices }];
  fake.answers.remove = ({ id }) => {
    devices = devices.filter((device) => device.id !== id);
    return [200, { ok: true, message: "Firefox on Android is removed" }];
  };
  const remote = await page("/remote", PHONE);
  const menu = async (text) => {
    if (await remote.locator("#panel").isVisible()) {
      await remote.tap("#more");
    }
    await remote.tap("#more");
    await audit(remote, "more");
    await remote.tap(`.item:has-text("${text}")`);
  };
  await menu("Hand over");
  await until("the code", () => remote.locator("#panel svg").isVisible());
  assert.match(await remote.textContent("#panel"), /123 456.*valid once, for (60|59) s/);
  // The picture has the modules of the rows.
  const dark = await remote.evaluate(() => document.querySelector("#panel svg path:last-child").getAttribute("d"));
  assert.equal((dark.match(/M/g) || []).length, QR.join(" ").match(/#+/g).length);
  await audit(remote, "hand over");
  for (const [width, height] of SIZES) {
    await remote.setViewportSize({ width, height });
    assert.ok(await fits(remote));
  }
  // A phone on its side shows the whole code.
  await remote.setViewportSize({ width: 844, height: 390 });
  const square = await remote.locator("#panel svg").boundingBox();
  assert.ok(square.y + square.height <= 390, JSON.stringify(square));
  await remote.setViewportSize(PHONE.viewport);

  await menu("Paired devices");
  await until("two", async () => (await remote.locator(".devices button").count()) === 2);
  assert.match(await remote.textContent(".devices"), /Firefox on Androidpaired 2 days ago, seen 2 min ago/);
  await audit(remote, "devices");
  await remote.tap(".devices button >> nth=0");
  assert.equal(await remote.textContent(".devices button >> nth=0"), "Really?");
  assert.equal(fake.sent.some(([path]) => path === "remove"), false);
  await remote.tap(".devices button >> nth=0");
  await until("one", async () => (await remote.locator(".devices button").count()) === 1);
  await said(remote, /is removed/);

  await menu("Test the Wi-Fi");
  await until("the code", () => remote.locator("#panel svg").isVisible());
  await audit(remote, "Wi-Fi");
  arrived = "192.168.1.23";
  await until("it arrived", async () => /a phone arrived, from 192\.168\.1\.23/.test(await remote.textContent("#panel")));
  await audit(remote, "arrived");

  await menu("Vibrate");
  assert.equal(await remote.getAttribute("[role=switch]", "aria-checked"), "true");
  await remote.evaluate(() => {
    window.buzzed = [];
    navigator.vibrate = (pattern) => window.buzzed.push(pattern);
  });
  fake.talk(120_400);
  await seePhase(remote, "yellow");
  assert.deepEqual(await remote.evaluate(() => window.buzzed), [[200]]);
  // A start elsewhere does not close the panel, and the picture follows.
  assert.ok(await remote.locator("#panel").isVisible());
});

test("below a folder everything works", async () => {
  const fake = await open("/timer/");
  fake.talk(null);
  const remote = await page("/timer/remote", PHONE);
  await remote.tap("#main");
  await said(remote, /^start: done/);
  await remote.tap("#more");
  await remote.tap('.item:has-text("Stage view")');
  await remote.waitForURL("**/timer/");
  await connected(remote);
  await remote.click('footer a');
  await remote.waitForURL("**/timer/remote");
  assert.deepEqual(fake.requests.filter((path) => !path.startsWith("/timer/")), []);
});

test("a newer version is loaded in ready, and else offered", async () => {
  const fake = await open();
  fake.talk(200_000);
  const [remote, stage] = [await page("/remote", PHONE), await page("/")];
  const mark = (one) => one.evaluate(() => (window.isOld = true));
  const isOld = (one) => one.evaluate(() => window.isOld === true);
  await mark(remote);
  await mark(stage);
  fake.set({ version: "0.3.0" });
  for (const one of [remote, stage]) {
    await until("it is offered", () => one.locator("#newer").isVisible());
    await audit(one, "newer");
  }
  // With sound on not even in ready.
  await stage.click("#speaker");
  await until("sound", async () => (await stage.textContent("#speaker")) === "sound: on");
  const box = await remote.locator("#main").boundingBox();
  await remote.mouse.move(box.x + 9, box.y + 9);
  await remote.mouse.down();
  fake.talk(null, { version: "0.3.0" });
  await seePhase(remote, "ready");
  await remote.waitForTimeout(4000);
  assert.deepEqual([await isOld(remote), await isOld(stage)], [true, true], "not under a finger, not with sound");
  await remote.mouse.up();
  await until("the remote is new", async () => !(await isOld(remote)), 12_000);
  await connected(remote);
  assert.equal(await remote.locator("#newer").isVisible(), false);
  await Promise.all([stage.waitForNavigation(), stage.click("#newer")]);
  assert.equal(await isOld(stage), false);
  assert.equal(await phase(remote), "ready");
});
