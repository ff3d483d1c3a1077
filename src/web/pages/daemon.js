// The connection to the daemon: its status, its clock, and whether it is reachable.
//
// The daemon sends no ticks. A page shows a function of the last status and of the daemon's time, which it estimates from
// its own clock. While either is uncertain, the page shows that the connection is lost.

/**
 * @typedef {object} Status
 * @property {string} phase
 * @property {{name: string, length_ms: number, yellow_ms: number, red_ms: number, flash_ms: number}} plan
 * @property {number} left_ms
 * @property {number} overrun_ms
 * @property {number | null} undo_ms
 * @property {number} generation
 * @property {string} chosen
 * @property {string[]} plans
 * @property {{kind: string, leds: number, health: string, error: string | null, trial: string | null}} strip
 * @property {{green: string, yellow: string, red: string, flash_half_ns: number}} look
 * @property {{input: string, error: string}[]} faults
 * @property {number} at_ns Exact below 2^53, which is 104 days after boot; from then on to some nanoseconds.
 */

/**
 * The reading of the timer at one moment.
 * @typedef {object} Reading
 * @property {Status} status
 * @property {string} phase
 * @property {number} seconds Time left of the talk, rounded up.
 * @property {boolean} lit False in the dark half of a flash.
 * @property {number} undo Seconds in which a reset can still be undone; 0 if no reset can be undone.
 * @property {number} next Milliseconds until the reading changes; Infinity if it does not change by time alone.
 */

/** @typedef {{ok: boolean, message: string, status: Status | null}} Reply */

const API = "/api/v1/";
/** The daemon counts as lost after two and a half beats without news. */
const SILENCE_MS = 2500;
/** The delay before reconnecting, plus a random time up to the same again, so that not all pages reconnect at once. */
const RETRY_MS = 400;
const ROUND_TRIPS = 5;
const ROUND_TRIP_MS_MAX = 2000;
/** Longer than the daemon waits for a strip that hangs, which is two seconds. */
const ANSWER_MS_MAX = 4000;
/** If two clocks drift apart by more, one of them was set, or stopped while the machine slept. */
const JUMP_MS = 100;
/** A beat that took longer to arrive is not used. */
const LATE_MS = 1000;
/** The clock follows the fastest of this many beats, which are a minute. */
const BEATS = 60;

/** The words for each phase, since not everybody can tell the colours apart. */
export const WORDS = {
  lost: "no connection",
  ready: "ready",
  green: "talk",
  yellow: "wrap up",
  red: "finish",
  flash: "now",
  over: "time is up",
};

/** Estimates the daemon's time, in milliseconds since its boot, from this page's clock. */
class Clock {
  /** The daemon's time minus this page's time; NaN while unknown. */
  #offset = NaN;
  /** The same as measured by each recent beat: too small by the beat's travel time. @type {number[]} */
  #beats = [];
  /** The travel time of the fastest beat, known from the round trips. */
  #travel = 0;
  /** The difference between the wall clock and the monotonic clock. */
  #apart = 0;

  now() {
    return performance.now() + this.#offset;
  }

  get isKnown() {
    return !Number.isNaN(this.#offset);
  }

  /** Whether this machine slept, or its wall clock was set, since the last beat. */
  get hasJumped() {
    return Math.abs(apart() - this.#apart) > JUMP_MS;
  }

  forget() {
    this.#offset = NaN;
  }

  /**
   * Measures the offset by some round trips. The shortest one has the smallest error.
   * @param {() => Promise<Status>} ask
   */
  async measure(ask) {
    const before = apart();
    let [shortest, offset] = [Infinity, NaN];
    for (let trip = 0; trip < ROUND_TRIPS; trip += 1) {
      const sent = performance.now();
      const status = await ask();
      const received = performance.now();
      if (received - sent < shortest) {
        shortest = received - sent;
        offset = status.at_ns / 1e6 - (sent + received) / 2;
      }
    }
    this.#apart = apart();
    if (Math.abs(this.#apart - before) > JUMP_MS) {
      throw new Error("the clock was set during the measurement");
    }
    this.#offset = offset;
    this.#beats = [];
    this.#travel = 0;
  }

  /**
   * Refines the offset by a beat that was sent at `ms`.
   * @returns {boolean} False if the beat contradicts the offset, which must then be measured again.
   */
  beat(ms) {
    const offset = ms - performance.now();
    const travel = this.#offset - offset;
    if (this.hasJumped || travel > LATE_MS || travel < -JUMP_MS) {
      return false;
    }
    this.#apart = apart();
    this.#beats.push(offset);
    const fastest = Math.max(...this.#beats);
    if (this.#beats.length < BEATS) {
      // Nothing arrives before it was sent, so a negative travel time is an error of the measurement.
      this.#travel = Math.max(0, this.#offset - fastest);
    } else {
      this.#beats.shift();
    }
    this.#offset = fastest + this.#travel;
    return true;
  }
}

export class Daemon {
  /** The latest status. @type {Status | null} */
  status = null;
  #clock = new Clock();
  /** @type {EventSource | null} */
  #stream = null;
  #lastNews = -Infinity;
  #measurement = 0;
  /** @type {Record<string, ReturnType<typeof setTimeout>>} */
  #timers = {};
  #draw;

  /** @param {(reading: Reading | null) => void} draw Called when the reading changes; null while the connection is lost. */
  constructor(draw) {
    this.#draw = draw;
    document.addEventListener("visibilitychange", () => this.#onVisibilityChange());
    this.#connect();
  }

  /** Whether the status and the clock are up to date. */
  get isSure() {
    const silent = performance.now() - this.#lastNews > SILENCE_MS;
    return this.status !== null && !silent && this.#clock.isKnown && !this.#clock.hasJumped;
  }

  /** Draws the current reading, and again whenever it changes. */
  draw() {
    clearTimeout(this.#timers.draw);
    if (this.#clock.isKnown && this.#clock.hasJumped) {
      this.#measure();
      return;
    }
    const reading = this.status && this.isSure ? read(this.status, this.#clock.now()) : null;
    this.#draw(reading);
    if (reading && reading.next < Infinity) {
      this.#timers.draw = setTimeout(() => this.draw(), reading.next);
    }
  }

  /**
   * Sends a command, or a ticket or code for pairing. Rejects if no reply arrives.
   * @returns {Promise<{code: number, reply: Reply}>}
   */
  async post(path, body) {
    const response = await fetch(API + path, {
      method: "POST",
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    const reply = await response.json();
    if (reply.status) {
      this.#take(reply.status);
    }
    return { code: response.status, reply };
  }

  /** Whether this device is paired. The request renews the cookie for another year. */
  async isPaired() {
    const response = await fetch(`${API}paired`, { signal: AbortSignal.timeout(ROUND_TRIP_MS_MAX) });
    return response.ok;
  }

  #connect() {
    const stream = new EventSource(`${API}events`);
    this.#stream = stream;
    let isFirst = true;
    stream.addEventListener("status", (event) => {
      if (isFirst) {
        // The daemon may have been restarted after another boot, with another clock.
        isFirst = false;
        this.status = null;
        this.#measure();
      }
      this.#noteNews();
      this.#take(JSON.parse(event.data));
    });
    stream.addEventListener("beat", (event) => this.#beat(Number(event.data) / 1e6));
    stream.addEventListener("error", () => this.#lose());
    this.#watch();
  }

  #beat(ms) {
    if (this.#clock.isKnown && !this.#clock.beat(ms)) {
      this.#measure();
      return;
    }
    const wasSure = this.isSure;
    this.#noteNews();
    if (!wasSure) {
      this.draw();
    }
  }

  /** @param {Status} status */
  #take(status) {
    if (this.status === null || status.at_ns >= this.status.at_ns) {
      this.status = status;
      this.draw();
    }
  }

  #noteNews() {
    this.#lastNews = performance.now();
    this.#watch();
  }

  #watch() {
    clearTimeout(this.#timers.watch);
    this.#timers.watch = setTimeout(() => this.#lose(), SILENCE_MS);
  }

  #lose() {
    this.#stream?.close();
    this.#lastNews = -Infinity;
    this.#measurement += 1;
    this.#clock.forget();
    this.draw();
    clearTimeout(this.#timers.watch);
    clearTimeout(this.#timers.retry);
    this.#timers.retry = setTimeout(() => this.#connect(), RETRY_MS * (1 + Math.random()));
  }

  /** Measures the daemon's time again; meanwhile the connection counts as lost. */
  async #measure() {
    this.#measurement += 1;
    const measurement = this.#measurement;
    this.#clock.forget();
    this.draw();
    const clock = new Clock();
    try {
      await clock.measure(() => this.#ask());
    } catch {
      if (measurement === this.#measurement) {
        this.#lose();
      }
      return;
    }
    // Only the last of several measurements counts.
    if (measurement === this.#measurement) {
      this.#clock = clock;
      this.draw();
    }
  }

  async #ask() {
    const response = await fetch(`${API}status`, { signal: AbortSignal.timeout(ROUND_TRIP_MS_MAX) });
    const status = await response.json();
    this.#take(status);
    return status;
  }

  #onVisibilityChange() {
    // Browsers delay the timers of a hidden page, and they stop while the machine sleeps.
    if (document.visibilityState === "visible") {
      this.#measure();
    }
  }
}

/**
 * Computes the reading by the same rules as the strip (`core/timer.rs`, `core/look.rs`).
 * @param {Status} status
 * @param {number} now
 * @returns {Reading}
 */
export function read(status, now) {
  const { plan } = status;
  const passed = now - status.at_ns / 1e6;
  if (status.phase === "ready") {
    const undo = Math.max(0, (status.undo_ms ?? 0) - passed);
    return {
      status,
      phase: "ready",
      seconds: Math.ceil(plan.length_ms / 1000),
      lit: true,
      undo: Math.ceil(undo / 1000),
      next: undo > 0 ? untilBelow(undo, 1000) : Infinity,
    };
  }
  const left = status.left_ms - status.overrun_ms - passed;
  if (left <= 0) {
    return { status, phase: "over", seconds: 0, lit: true, undo: 0, next: Infinity };
  }
  // A boundary belongs to the later phase.
  const phase =
    left <= plan.flash_ms ? "flash" : left <= plan.red_ms ? "red" : left <= plan.yellow_ms ? "yellow" : "green";
  const marks = [plan.yellow_ms, plan.red_ms, plan.flash_ms].filter((mark) => mark < left);
  let next = Math.min(untilBelow(left, 1000), ...marks.map((mark) => left - mark));
  let lit = true;
  const halves = flashHalves(plan.flash_ms, status.look.flash_half_ns / 1e6);
  if (phase === "flash" && halves > 0) {
    const half = plan.flash_ms / halves;
    lit = (Math.ceil(left / half) - 1) % 2 === 0;
    next = Math.min(next, untilBelow(left, half));
  }
  const seconds = Math.ceil(Math.min(left, plan.length_ms) / 1000);
  return { status, phase, seconds, lit, undo: 0, next };
}

/** The number of half-periods in the flash phase: an even number, 0 if the phase is too short for a flash. */
function flashHalves(flash, half) {
  return Math.floor(flash / (2 * half)) * 2;
}

/** The time until `left` has fallen to the next whole multiple of `step`. */
function untilBelow(left, step) {
  return left - (Math.ceil(left / step) - 1) * step;
}

/** Formats seconds as 4:07 or 1:00:00. */
export function clockface(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] > 0 ? parts : parts.slice(1);
  return shown.map((part, at) => (at > 0 ? String(part).padStart(2, "0") : String(part))).join(":");
}

/** Sets the colours of the strip, and for each a readable text colour. @param {Status["look"]} look */
export function applyLook(look) {
  const { style } = document.documentElement;
  for (const name of /** @type {const} */ (["green", "yellow", "red"])) {
    const light = lightness(look[name]);
    style.setProperty(`--${name}`, look[name]);
    style.setProperty(`--on-${name}`, onBlack(light) >= onWhite(light) ? "#000" : "#fff");
  }
  // White is also readable on the dark half. WCAG asks for a contrast of 3 for large text.
  style.setProperty("--on-flash", onWhite(lightness(look.red)) >= 3 ? "#fff" : "#000");
}

/** The relative luminance (WCAG 2.1) of a colour such as #00ff99. */
function lightness(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The contrast of black text (WCAG 2.1, 1.4.3), and below that of white text. */
function onBlack(light) {
  return (light + 0.05) / 0.05;
}

function onWhite(light) {
  return 1.05 / (light + 0.05);
}

/** The wall clock minus the monotonic clock: changes when the wall clock is set, or when either stops. */
function apart() {
  return Date.now() - performance.now();
}

/** The element with this id, which must exist. @returns {any} */
export function byId(id) {
  return document.getElementById(id);
}

/** Writes a text only if it has changed, so that a screen reader does not repeat it. */
export function write(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
