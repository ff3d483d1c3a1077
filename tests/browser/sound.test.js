// The sounds of the stage view, as an analyser in the page hears them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { audit } from "./audit.js";
import { phase, seePhase, until } from "./harness.js";
import { bench, connected } from "./pages.js";

const { open, page } = bench();
/** Marks close together, so that a whole talk takes six seconds. */
const QUICK = { plan: { length_ms: 6500, yellow_ms: 5500, red_ms: 4000, flash_ms: 2200 } };
const LATE_MS = 50;

/** Puts an analyser before the loudspeakers, and notes when a note or the gong begins. */
function listen(one) {
  return one.addInitScript(() => {
    window.heard = [];
    const { connect } = AudioNode.prototype;
    AudioNode.prototype.connect = function (target, ...rest) {
      if (target instanceof AudioDestinationNode) {
        const analyser = this.context.createAnalyser();
        analyser.fftSize = 2048;
        analyser.smoothingTimeConstant = 0;
        connect.call(this, analyser);
        window.listenTo(analyser);
      }
      return connect.call(this, target, ...rest);
    };
    window.listenTo = (analyser) => {
      const wave = new Float32Array(analyser.fftSize);
      const { sampleRate } = analyser.context;
      // The strength of one frequency in the latest half of the wave.
      const strength = (hz, from) => {
        const part = wave.subarray(from);
        let [re, im] = [0, 0];
        part.forEach((value, at) => {
          re += value * Math.cos((2 * Math.PI * hz * at) / sampleRate);
          im += value * Math.sin((2 * Math.PI * hz * at) / sampleRate);
        });
        return Math.hypot(re, im) / part.length;
      };
      const before = { note: 0, gong: 0 };
      const loud = { note: 0.03, gong: 0.01 };
      /** Within this time of its beginning a sound does not begin again; the gong swells while it rings. */
      const again = { note: 250, gong: 3000 };
      const look = () => {
        analyser.getFloatTimeDomainData(wave);
        const now = { note: strength(659.26, 1024), gong: strength(220, 1024) };
        for (const what of ["note", "gong"]) {
          const last = window.heard.filter((sound) => sound.what === what).pop();
          // A sound begins where it gets much louder.
          if (now[what] > loud[what] && now[what] > 1.3 * before[what] && (!last || Date.now() - last.at > again[what])) {
            window.heard.push({ what, at: Date.now() });
          }
          before[what] = now[what];
        }
      };
      setInterval(look, 4);
    };
  });
}

async function listening(fake, path = "/") {
  const one = await page(path);
  await listen(one);
  await one.reload();
  await connected(one);
  await one.click("#speaker");
  await until("the gong, to set the level", async () => (await heard(one)).includes("gong"));
  await until("the daemon is told", () => fake.requests.some((path) => path.endsWith("events?sound=1")));
  // The gong dies away.
  await one.waitForTimeout(1500);
  await one.evaluate(() => (window.heard.length = 0));
  return one;
}

const heard = (one) => one.evaluate(() => window.heard.map(({ what }) => what));

test("one note at yellow, two at red, three at the flash, and a gong at the end, on time", async (t) => {
  const fake = await open();
  fake.talk(null, QUICK);
  const one = await listening(fake);
  const ends = Date.now() + QUICK.plan.length_ms;
  fake.talk(QUICK.plan.length_ms, QUICK);
  await seePhase(one, "over", 12_000);
  await until("the gong", async () => (await heard(one)).includes("gong"));
  await one.waitForTimeout(300);
  const sounds = await one.evaluate(() => window.heard);
  assert.deepEqual(sounds.map(({ what }) => what), ["note", "note", "note", "note", "note", "note", "gong"]);
  const at = (n) => sounds[n].at;
  const marks = [[at(0), 5500], [at(1), 4000], [at(3), 2200], [at(6), 0]];
  for (const [heardAt, mark] of marks) {
    const late = heardAt - (ends - mark);
    t.diagnostic(`the sound at ${mark} ms left: ${late} ms late`);
    assert.ok(Math.abs(late) <= LATE_MS, `${mark}: ${late} ms`);
  }
});

test("a talk that is stopped, changed or lost sounds no more", async () => {
  const fake = await open();
  fake.talk(null, QUICK);
  const one = await listening(fake);
  // Stopped before red.
  fake.talk(QUICK.plan.length_ms, QUICK);
  await until("yellow", async () => (await heard(one)).length === 1);
  fake.talk(null, QUICK);
  await one.waitForTimeout(3000);
  assert.deepEqual(await heard(one), ["note"]);
  // Started late: the marks move.
  await one.evaluate(() => (window.heard.length = 0));
  fake.talk(60_000, { plan: { length_ms: 120_000, yellow_ms: 50_000, red_ms: 40_000, flash_ms: 30_000 } });
  fake.talk(50_600, { plan: { length_ms: 120_000, yellow_ms: 50_000, red_ms: 40_000, flash_ms: 30_000 } });
  await until("the moved mark", async () => (await heard(one)).length === 1, 2000);
});

test("the demonstration has its sounds", async () => {
  const fake = await open();
  fake.talk(null);
  const one = await listening(fake);
  fake.set({ demo: 4600 });
  await until("the gong", async () => (await heard(one)).includes("gong"));
  assert.deepEqual(await heard(one), ["note", "note", "note", "gong"]);
});

test("sound is off until somebody presses, after a reload it asks again, and the volume is remembered", async () => {
  const fake = await open();
  fake.talk(null);
  const one = await page("/");
  assert.equal(await one.textContent("#speaker"), "sound: off");
  assert.equal(await one.locator("#volume").isVisible(), false);
  await one.click("#speaker");
  await until("on", async () => (await one.textContent("#speaker")) === "sound: on");
  assert.equal(await one.evaluate(() => document.fullscreenElement), null);
  await one.fill("#volume", "0.25");
  await audit(one, "sound");
  await one.reload();
  await connected(one);
  assert.equal(await one.textContent("#speaker"), "press for sound");
  await audit(one, "asks again");
  await one.click("#speaker");
  await until("on", async () => (await one.textContent("#speaker")) === "sound: on");
  assert.equal(await one.inputValue("#volume"), "0.25");
  // A page with sound keeps its stream while another window covers it.
  await one.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await one.waitForTimeout(6000);
  assert.equal(fake.streams.size, 1);
  assert.equal(await phase(one), "ready");
  await one.click("#speaker");
  await until("off", async () => (await one.textContent("#speaker")) === "sound: off");
  await one.reload();
  await connected(one);
  assert.equal(await one.textContent("#speaker"), "sound: off");
});

test("the remote says how many pages have sound", async () => {
  const fake = await open();
  fake.talk(null, { pages_with_sound: 1 });
  const one = await page("/remote");
  assert.equal(await one.textContent("#state"), "sound on · strip: sending");
});
