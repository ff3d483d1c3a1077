// How late the stage view is: `BROWSER=firefox node lateness.js`. Compares the frames in which a change is painted with the
// frames that were sent to the strip. Fails if the median is more than one frame of the display.

import { bootAtWallZero, wallAtPageZero } from "./clocks.js";
import { BROWSER, Daemon, openBrowser, seePhase, visit } from "./harness.js";

/** One frame, and what the clocks of the browsers, which may be rounded to a millisecond, can be wrong. */
const LATE_MS_MAX = 1000 / 60 + 2;
/** A minute that flashes. Its half-periods are no multiple of a frame, so that the changes fall on any moment of a frame. */
const FLASHING = `
[[plan]]
name = "flashing"
length = "63s"
yellow = "62s"
red = "61s"
flash = "60s"

[flash]
hz = 0.97

[strip]
leds = 4
`;
const TALK_MS_MAX = 70_000;

const browser = await openBrowser(["--no-proxy-server"]);
const daemon = await Daemon.open(FLASHING);
try {
  const page = await visit(browser, daemon, "/");
  await seePhase(page, "ready");
  await page.evaluate(() => {
    window.noted = [];
    const look = () => {
      const { phase, lit } = document.body.dataset;
      const last = window.noted[window.noted.length - 1];
      if (!last || last.phase !== phase || last.lit !== lit) {
        const seen = { phase, lit, drawn: performance.now(), painted: null };
        window.noted.push(seen);
        requestAnimationFrame(() => (seen.painted = performance.now()));
      }
    };
    look();
    new MutationObserver(look).observe(document.body, { attributes: true });
  });
  await daemon.say("start");
  await seePhase(page, "over", TALK_MS_MAX);
  const zero = (await wallAtPageZero(page)) + bootAtWallZero();
  const noted = await page.evaluate(() => window.noted);
  const strip = changes(await daemon.tape());
  const shape = (all) => all.map(({ phase, lit }) => `${phase} ${lit}`).join(", ");
  if (shape(noted) !== shape(strip)) {
    throw new Error(`the page showed ${shape(noted)}\nthe strip showed ${shape(strip)}`);
  }
  const apart = (when) => noted.map((seen, at) => seen[when] + zero - strip[at].at).slice(1);
  const painted = apart("painted");
  console.log(`${BROWSER}: ${painted.length} changes`);
  console.log(`  drawn   ${figures(apart("drawn"))}`);
  console.log(`  painted ${figures(painted)}`);
  const [start] = painted;
  console.log(`  painted, the start of the talk alone: ${start.toFixed(1)} ms`);
  if (quantile(painted, 0.5) > LATE_MS_MAX) {
    throw new Error(`${BROWSER}: the median is more than one frame: ${LATE_MS_MAX.toFixed(1)} ms`);
  }
} finally {
  await browser.close();
  await daemon.close();
}

/** The changes of the strip, by the tape. */
function changes(tape) {
  const all = [];
  for (const { t_ns, phase, leds } of tape) {
    const lit = phase === "flash" && leds[0] === "000000" ? "no" : "yes";
    const last = all.at(-1);
    if (last?.phase !== phase || last?.lit !== lit) {
      all.push({ phase, lit, at: t_ns / 1e6 });
    }
  }
  return all;
}

function quantile(all, share) {
  const sorted = [...all].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1];
}

function figures(all) {
  const parts = [["median", 0.5], ["p99", 0.99], ["most", 1]].map(([name, share]) => `${name} ${quantile(all, share).toFixed(1)} ms`);
  return `${parts.join(", ")} after the strip`;
}
