// The stage view in a real browser, compared with the frames that were sent to the strip.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import { audit } from "./audit.js";
import { Daemon, LONG, QUICK, openBrowser, phase, seePhase, until, visit } from "./harness.js";

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

async function stage(options) {
  const page = await visit(browser, daemon, "/", options);
  pages.push(page);
  await until("the page is connected", async () => (await phase(page)) !== "lost");
  return page;
}

const text = (page, id) => page.textContent(`#${id}`);
const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

/** Milliseconds of CLOCK_BOOTTIME at zero of the wall clock, on this machine, without asking the daemon. */
function bootAtWallZero() {
  const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
  const monotonic = () => Number(process.hrtime.bigint()) / 1e6;
  // The two clocks differ by the time the machine has slept; /proc/uptime has a resolution of 10 ms only.
  const slept = uptime - monotonic();
  const wall = Date.now();
  // The moment at which a millisecond of the wall clock begins.
  while (Date.now() === wall);
  return monotonic() + (Math.abs(slept) < 20 ? 0 : slept) - Date.now();
}

/** Notes each change of the picture, and the frame that it is painted with. */
function note(page) {
  return page.evaluate(() => {
    window.noted = [];
    const look = () => {
      const { phase, lit } = document.body.dataset;
      const seen = { phase, lit, at: Date.now(), painted: null };
      const last = window.noted.at(-1);
      if (last?.phase !== phase || last?.lit !== lit) {
        window.noted.push(seen);
        requestAnimationFrame(() => (seen.painted = Date.now()));
      }
    };
    look();
    new MutationObserver(look).observe(document.body, { attributes: true });
  });
}

test("a whole talk is in step with the strip", async (t) => {
  daemon = await Daemon.open(QUICK);
  const page = await stage();
  assert.equal(await text(page, "word"), "ready");
  assert.equal(await text(page, "plan"), "quick, 0:06");
  await note(page);
  assert.equal((await daemon.say("start")).ok, true);
  const looks = {
    green: ["talk", "rgb(0, 255, 153)", "0:06"],
    yellow: ["wrap up", "rgb(255, 170, 0)", "0:05"],
    red: ["finish", "rgb(255, 0, 0)", "0:03"],
    flash: ["now", null, "0:02"],
    over: ["time is up", "rgb(0, 0, 0)", "0:00"],
  };
  for (const [name, [word, colour, time]] of Object.entries(looks)) {
    await seePhase(page, name);
    assert.equal(await text(page, "word"), word);
    assert.equal(await text(page, "digits"), time, name);
    if (colour) {
      assert.equal(await background(page), colour);
    }
  }
  // The digits do not count the time after the end.
  const over = await daemon.status();
  await until("the overrun", async () => (await daemon.status()).overrun_ms > over.overrun_ms + 1000);
  assert.equal(await text(page, "digits"), "0:00");

  const zero = bootAtWallZero();
  const noted = await page.evaluate(() => window.noted);
  const strip = [];
  for (const { t_ns, phase: name, leds } of await daemon.tape()) {
    const lit = name === "flash" && leds[0] === "000000" ? "no" : "yes";
    const last = strip.at(-1);
    if (last?.phase !== name || last?.lit !== lit) {
      strip.push({ phase: name, lit, at: t_ns / 1e6 });
    }
  }
  const shape = (changes) => changes.map(({ phase: name, lit }) => `${name} ${lit}`);
  assert.deepEqual(shape(noted), shape(strip));
  assert.equal(shape(strip).filter((change) => change.startsWith("flash")).length, 2);
  const apart = noted.slice(1).map((seen, at) => ({
    change: shape([seen])[0],
    drawn: seen.at + zero - strip[at + 1].at,
    painted: seen.painted + zero - strip[at + 1].at,
  }));
  for (const { change, drawn, painted } of apart) {
    t.diagnostic(`${change}: drawn ${drawn.toFixed(1)} ms, painted ${painted.toFixed(1)} ms after the strip`);
    assert.ok(Math.abs(drawn) <= 50 && Math.abs(painted) <= 50, `${change}: ${drawn} ms, ${painted} ms`);
  }
});

test("after a sleep or a clock change the page measures again before it shows a colour", async () => {
  daemon = await Daemon.open(LONG);
  const page = await stage();
  await daemon.say("start");
  await seePhase(page, "green");
  await note(page);
  let asked = 0;
  page.on("request", (request) => (asked += request.url().endsWith("/status") ? 1 : 0));
  // Simulates ten minutes of sleep: the clock that stops during sleep falls behind the other one.
  await page.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 600_000;
  });
  await until("the page measures", () => asked >= 5);
  await seePhase(page, "green");
  const seen = await page.evaluate(() => window.noted.map(({ phase: name }) => name));
  assert.deepEqual(seen, ["green", "lost", "green"]);
  // Afterwards it sends no requests in a steady phase.
  const before = asked;
  await until("three beats", async () => (await daemon.status()).left_ms < 296_000);
  assert.equal(asked, before);
});

test("a killed daemon is lost at once, and found again without help", async () => {
  daemon = await Daemon.open(LONG);
  const page = await stage();
  await daemon.say("start");
  await seePhase(page, "green");
  await daemon.kill();
  await seePhase(page, "lost", 3000);
  assert.equal(await text(page, "word"), "no connection");
  assert.equal(await background(page), "rgb(51, 51, 51)");
  assert.equal(await text(page, "digits"), "–:––");
  await audit(page, "lost");
  await daemon.start();
  await seePhase(page, "green");
  const left = (await daemon.status()).left_ms;
  assert.ok(Math.abs(clockSeconds(await text(page, "digits")) - left / 1000) < 1.5);
});

test("a silent daemon is lost within three seconds", async () => {
  daemon = await Daemon.open(LONG);
  const page = await stage();
  await daemon.say("start");
  await seePhase(page, "green");
  daemon.process.kill("SIGSTOP");
  await seePhase(page, "lost", 3000);
  daemon.process.kill("SIGCONT");
  await seePhase(page, "green");
});

test("the digits fill the window, from 320 pixels to 4K, and nothing is cut off", async () => {
  daemon = await Daemon.open(LONG);
  const page = await stage();
  const sizes = [[320, 480], [480, 320], [768, 1024], [1920, 1080], [3840, 2160], [2160, 3840]];
  for (const start of ["", "start keynote"]) {
    if (start) {
      await daemon.say(start);
      await seePhase(page, "green");
    }
    for (const [width, height] of sizes) {
      await page.setViewportSize({ width, height });
      const fits = () =>
        page.evaluate(() => {
          const [room, digits] = ["room", "digits"].map((id) => document.getElementById(id).getBoundingClientRect());
          const fill = Math.max(digits.width / room.width, digits.height / room.height);
          const { scrollWidth, scrollHeight } = document.documentElement;
          return fill > 0.97 && fill < 1.01 && scrollWidth <= innerWidth && scrollHeight <= innerHeight;
        });
      await until(`it fits ${width}x${height} ${start}`, fits, 2000);
    }
  }
});

test("with reduced motion the flash phase is steady", async () => {
  daemon = await Daemon.open(QUICK.replace("1500ms", "5500ms").replace("4500ms", "5500ms").replace('red = "3s"', 'red = "5500ms"'));
  const page = await stage({ reducedMotion: "reduce" });
  await daemon.say("start");
  await seePhase(page, "flash");
  assert.equal(await text(page, "word"), "now");
  const seen = new Set();
  await until("a dark half of the strip, and a lit one", async () => {
    seen.add(await background(page));
    const halves = (await daemon.tape()).filter(({ phase: name }) => name === "flash").map(({ leds }) => leds[0]);
    return new Set(halves).size === 2 && halves.length > 3;
  });
  assert.deepEqual([...seen], ["rgb(255, 0, 0)"]);
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).outlineStyle), "solid");
  await audit(page, "now, steady");
});

test("axe finds no faults in any phase", async () => {
  daemon = await Daemon.open(QUICK.replace('"6s"', '"26s"').replace('"4500ms"', '"20s"').replace('"3s"', '"14s"').replace('"1500ms"', '"8s"'));
  const page = await stage();
  await audit(page, "ready");
  await daemon.say("start");
  for (const name of ["green", "yellow", "red", "flash", "over"]) {
    await seePhase(page, name, 15_000);
    await audit(page, name);
  }
});

test("a click switches to full screen, another one back", async () => {
  daemon = await Daemon.open(LONG);
  const page = await stage();
  const hint = page.locator("#full");
  assert.equal(await hint.isVisible(), true);
  await page.click("#digits");
  await until("full screen", () => page.evaluate(() => document.fullscreenElement !== null));
  await until("no more hints", async () => !(await hint.isVisible()));
  await page.click("#digits");
  await until("a window", () => page.evaluate(() => document.fullscreenElement === null));
  await until("hints again", () => hint.isVisible());
  // The same by keyboard.
  await hint.focus();
  await page.keyboard.press("Enter");
  await until("full screen", () => page.evaluate(() => document.fullscreenElement !== null));
});

test("the colours are those of the config, and the digits are readable on them", async () => {
  daemon = await Daemon.open(`${QUICK}\ncolours = { green = "#000080", red = "#ffe0e0" }`.replace('"4500ms"', '"3s"'));
  const page = await stage();
  await daemon.say("start");
  await seePhase(page, "green");
  assert.equal(await background(page), "rgb(0, 0, 128)");
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).color), "rgb(255, 255, 255)");
  await audit(page, "dark blue for green");
  await seePhase(page, "red");
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).color), "rgb(0, 0, 0)");
});

function clockSeconds(shown) {
  return shown.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
}
