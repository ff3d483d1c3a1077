// The clocks of the daemon, of this process and of a page, on one machine, without asking the daemon.

import { readFileSync } from "node:fs";

/** Milliseconds of CLOCK_BOOTTIME at zero of the wall clock. The tape has the time since boot. */
export function bootAtWallZero() {
  const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
  const monotonic = () => Number(process.hrtime.bigint()) / 1e6;
  // The two clocks differ by the time the machine has slept; /proc/uptime has a resolution of 10 ms only.
  const slept = uptime - monotonic();
  const [moment, wall] = tick(monotonic);
  return moment + (Math.abs(slept) < 20 ? 0 : slept) - wall;
}

/** Milliseconds of the wall clock at zero of the page's `performance.now()`. WebKit rounds that down to a millisecond. */
export function wallAtPageZero(page) {
  const inPage = new Function(`const [moment, wall] = (${tick})(() => performance.now()); return wall - moment;`);
  return page.evaluate(inPage);
}

/** A moment at which a millisecond of the wall clock begins, by another clock and by the wall clock. */
function tick(clock) {
  // The process may lose its processor during a look, so the quickest of some looks counts.
  let best = [Infinity];
  for (let look = 0; look < 9; look += 1) {
    const wall = Date.now();
    let before = clock();
    let now = Date.now();
    while (now === wall) {
      before = clock();
      now = Date.now();
    }
    const after = clock();
    if (now === wall + 1 && after - before < best[0]) {
      best = [after - before, (before + after) / 2, now];
    }
  }
  return best.slice(1);
}
