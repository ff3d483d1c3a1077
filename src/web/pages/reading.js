// What the timer shows at one moment: a function of the last status and of the daemon's time. The rules are those of the
// strip (`core/timer.rs`, `core/look.rs`).

/**
 * @typedef {object} Plan
 * @property {string} name
 * @property {number} length_ms
 * @property {number} yellow_ms
 * @property {number} red_ms
 * @property {number} flash_ms
 * @property {Record<string, string>} [words]
 */

/**
 * @typedef {object} Status
 * @property {string} [name]
 * @property {string} [version]
 * @property {string} phase
 * @property {Plan} plan
 * @property {number} left_ms
 * @property {number} overrun_ms
 * @property {number | null} undo_ms
 * @property {number | null} [since_end_ms]
 * @property {number} [late_ms]
 * @property {{plan: Plan, left_ms: number} | null} [demo]
 * @property {number} generation
 * @property {string} chosen
 * @property {{name: string, length_ms: number}[]} choices
 * @property {{kind: string, leds: number, health: string, error: string | null, trial: string | null}} strip
 * @property {{green: string, yellow: string, red: string, flash_half_ns: number, pattern: string, ready: string}} look
 * @property {{input: string, error: string}[]} faults
 * @property {number | null} [codes_closed_ms]
 * @property {number | null} [pairing_open_ms]
 * @property {{name: string, by: string, at_ns: number} | null} [last_paired]
 * @property {number} [pages_with_sound]
 * @property {number} at_ns Exact below 2^53, which is 104 days after boot; from then on to some nanoseconds.
 */

/**
 * @typedef {object} Reading
 * @property {Status} status
 * @property {Plan} plan The plan of the talk, or of the demonstration.
 * @property {string} phase
 * @property {boolean} isDemo
 * @property {number} left Milliseconds left; negative after the end; the whole length when ready.
 * @property {number} seconds Time left of the talk, rounded up; 0 after the end.
 * @property {number} overrun Whole seconds since the end; 0 before it.
 * @property {number | null} since Whole seconds since the last talk ended; null in a talk and before the first.
 * @property {boolean} lit False in the dark half of a flash.
 * @property {number} share The part of the strip that is lit: 1 unless it is a bar that shortens.
 * @property {number} undo Seconds in which the last reset or `late` can still be taken back; 0 if there is none.
 * @property {number} passed Milliseconds since the status.
 * @property {number} next Milliseconds until the reading changes; Infinity if it does not change by time alone.
 */

/** A projector is large: a page never flashes faster than once a second, whatever the strip does. */
const FLASH_HALF_MS_MIN = 500;
/** How long a demonstration rests in the dark. */
const DEMO_DARK_MS = 1000;
/** The phases of a talk that runs. */
const RUNNING = ["green", "yellow", "red", "flash"];

/** @param {{phase: string} | null} reading */
export function isRunning(reading) {
  return reading !== null && RUNNING.indexOf(reading.phase) >= 0;
}

/**
 * @param {Status} status
 * @param {number} now
 * @returns {Reading}
 */
export function read(status, now) {
  const passed = now - status.at_ns / 1e6;
  const undoLeft = Math.max(0, (status.undo_ms || 0) - passed);
  let next = undoLeft > 0 ? untilBelow(undoLeft, 1000) : Infinity;
  for (const ms of [status.codes_closed_ms, status.pairing_open_ms]) {
    if (ms && ms > passed) {
      next = Math.min(next, untilBelow(ms - passed, 1000));
    }
  }
  const { demo } = status;
  const isDemo = Boolean(demo && demo.left_ms - passed > -DEMO_DARK_MS);
  let plan = status.plan;
  let left = status.left_ms - status.overrun_ms - passed;
  let hasBegun = status.phase !== "ready";
  if (demo && isDemo) {
    ({ plan } = demo);
    left = demo.left_ms - passed;
    hasBegun = true;
  }
  const talk = hasBegun ? runs(plan, left, status.look) : { phase: "ready", lit: true, share: 1, next: Infinity };
  if (!hasBegun) {
    left = plan.length_ms;
  }
  if (demo && isDemo && left <= 0) {
    talk.next = left + DEMO_DARK_MS;
  }
  let since = typeof status.since_end_ms === "number" ? status.since_end_ms + passed : null;
  if (talk.phase === "over" && !isDemo) {
    since = -left;
  }
  if (since !== null) {
    next = Math.min(next, 1000 - (since % 1000));
  }
  return {
    status,
    plan,
    phase: talk.phase,
    isDemo,
    left,
    seconds: Math.max(0, Math.ceil(Math.min(left, plan.length_ms) / 1000)),
    overrun: talk.phase === "over" && !isDemo ? Math.floor(-left / 1000) : 0,
    since: since === null ? null : Math.floor(since / 1000),
    lit: talk.lit,
    share: talk.share,
    undo: Math.ceil(undoLeft / 1000),
    passed,
    next: Math.min(next, talk.next),
  };
}

/** The phase of a talk that has begun. @param {Plan} plan @param {number} left @param {Status["look"]} look */
function runs(plan, left, look) {
  if (left <= 0) {
    return { phase: "over", lit: true, share: 1, next: Infinity };
  }
  // A boundary belongs to the later phase.
  const phase =
    left <= plan.flash_ms ? "flash" : left <= plan.red_ms ? "red" : left <= plan.yellow_ms ? "yellow" : "green";
  const marks = [plan.yellow_ms, plan.red_ms, plan.flash_ms].filter((mark) => mark < left);
  let next = Math.min(untilBelow(left, 1000), ...marks.map((mark) => left - mark));
  let lit = true;
  const halves = flashHalves(plan.flash_ms, Math.max(FLASH_HALF_MS_MIN, look.flash_half_ns / 1e6));
  if (phase === "flash" && halves > 0) {
    const half = plan.flash_ms / halves;
    lit = (Math.ceil(left / half) - 1) % 2 === 0;
    next = Math.min(next, untilBelow(left, half));
  }
  // The bar is drawn anew with each second; on a page its steps are smaller than they look on the strip.
  const share = look.pattern === "bar" ? Math.min(1, left / plan.length_ms) : 1;
  return { phase, lit, share, next };
}

/** The number of half-periods in the flash phase: an even number, 0 if the phase is too short for a flash. */
function flashHalves(flash, half) {
  return Math.floor(flash / (2 * half)) * 2;
}

/** The time until `left` has fallen to the next whole multiple of `step`. */
function untilBelow(left, step) {
  return left - (Math.ceil(left / step) - 1) * step;
}
