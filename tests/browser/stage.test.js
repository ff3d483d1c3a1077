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

async function stage(options, path = "/") {
  const page = await visit(browser, daemon, path, options);
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
  assert.match(await text(page, "plan"), /(^| · )quick, 0:06$/);
  await note(page);
  assert.equal((await daemon.say("start")).ok, true);
  const looks = {
    green: ["talk", "rgb(0, 255, 153)", "0:06"],
    yellow: ["wrap up", "rgb(255, 170, 0)", "0:05"],
    red: ["finish", "rgb(255, 0, 0)", "0:03"],
    flash: ["last sentence", null, "0:02"],
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

test("a silent daemon is lost within two seconds of its last beat", async () => {
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

test("with reduced motion, or where it is asked for, the flash phase is steady and only a frame pulses", async () => {
  const steady = QUICK.replace("1500ms", "5500ms").replace("4500ms", "5500ms").replace('red = "3s"', 'red = "5500ms"');
  daemon = await Daemon.open(steady);
  const still = [await stage({ reducedMotion: "reduce" }), await stage({}, "/?calm"), await stage({ reducedMotion: "reduce" }, "/?strip")];
  await daemon.say("start");
  for (const page of still) {
    await seePhase(page, "flash");
    assert.equal(await text(page, "word"), "last sentence");
  }
  const grounds = still.map(() => new Set());
  const frames = new Set();
  await until("a dark half of the strip, and a lit one", async () => {
    for (const [at, page] of still.entries()) {
      grounds[at].add(await background(page));
      if (at === 2) {
        grounds[at].add(await page.evaluate(() => document.querySelector("#band i").style.width));
      }
    }
    frames.add(await still[0].evaluate(() => getComputedStyle(document.body, "::after").opacity));
    const halves = (await daemon.tape()).filter(({ phase: name }) => name === "flash").map(({ leds }) => leds[0]);
    return new Set(halves).size === 2 && halves.length > 3;
  });
  assert.deepEqual([...grounds[0]], ["rgb(255, 0, 0)"]);
  assert.deepEqual([...grounds[1]], ["rgb(255, 0, 0)"]);
  assert.deepEqual([...grounds[2]], ["rgb(13, 14, 17)", "100%"]);
  assert.ok(frames.size > 1, "the frame pulses");
  await audit(still[0], "last sentence, steady");
});

test("the page flashes once a second, also where the strip is faster", async () => {
  daemon = await Daemon.open(QUICK.replace("hz = 1.0", "hz = 3.0").replace("1500ms", "4s").replace('"4500ms"', '"5s"').replace('"3s"', '"4500ms"'));
  const page = await stage();
  await note(page);
  await daemon.say("start");
  await seePhase(page, "over", 10_000);
  const flash = (await page.evaluate(() => window.noted)).filter(({ phase: name }) => name === "flash");
  const turns = flash.slice(1).map(({ at }, n) => at - flash[n].at);
  assert.equal(flash.length, 8);
  assert.ok(turns.every((ms) => ms > 450), `${turns}`);
  const strip = (await daemon.tape()).filter(({ phase: name }) => name === "flash");
  assert.ok(strip.length > 16, "the strip is faster");
});

test("the plan is a line with its marks, and the place of the talk in it", async () => {
  daemon = await Daemon.open(LONG);
  const page = await stage();
  await daemon.say("start late 90s");
  await seePhase(page, "green");
  const labels = await page.evaluate(() => [...document.querySelectorAll("#line .label")].map((label) => label.textContent));
  assert.deepEqual(labels, ["5:00", "2:00", "1:00", "0:30"]);
  const here = await page.evaluate(() => parseFloat(document.querySelector("#line .here").style.left));
  assert.ok(Math.abs(here - 30) < 1, `${here} %`);
});

test("?overrun counts, ?strip shows the strip, ?claps asks for applause, ?overlay is transparent", async () => {
  daemon = await Daemon.open(QUICK.replace('"6s"', '"9s"'));
  const [over, strip, claps, overlay] = [
    await stage({}, "/?overrun"),
    await stage({}, "/?strip"),
    await stage({}, "/?claps"),
    await stage({}, "/?overlay=top-left"),
  ];
  const band = (page) => page.evaluate(() => getComputedStyle(document.querySelector("#band i")).backgroundColor);
  assert.equal(await strip.evaluate(() => document.querySelector("#band i").style.width), "25%", "the first of four LEDs");
  await daemon.say("start");
  for (const page of [over, strip, claps, overlay]) {
    await seePhase(page, "green");
  }
  assert.equal(await band(strip), "rgb(0, 255, 153)");
  assert.equal(await text(claps, "word"), "two fingers: clap softly");
  for (const where of ["html", "body"]) {
    assert.equal(await overlay.evaluate((name) => getComputedStyle(document.querySelector(name)).backgroundColor, where), "rgba(0, 0, 0, 0)");
  }
  const box = await overlay.locator("main").boundingBox();
  assert.ok(box.x < 100 && box.y < 100 && box.width < 400, "a corner");
  assert.equal(await overlay.locator("footer").isVisible(), false);
  for (const page of [over, strip, claps, overlay]) {
    await seePhase(page, "over", 15_000);
  }
  assert.equal(await text(claps, "word"), "applause");
  await until("it counts", async () => /^\+0:0[2-9]$/.test(await text(over, "digits")));
  assert.equal(await text(strip, "digits"), "0:00");
  assert.equal(await strip.evaluate(() => document.querySelector("#band i").style.width), "0px");
  for (const page of [over, strip, claps, overlay]) {
    await audit(page, "over");
  }
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
  await page.click("#speaker");
  await until("the volume", () => page.locator("#level").isVisible());
  await page.click("#digits");
  await until("full screen", () => page.evaluate(() => document.fullscreenElement !== null));
  await until("no more hints", async () => !(await page.locator("footer > :visible").count()));
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
