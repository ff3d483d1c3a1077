// The daemon as a page knows it: its status, its clock, and whether it is there.
//
// The daemon sends no ticks. What a page shows is a function of the last status and of the daemon's time, which the page
// works out from its own clock. A page that is not sure of both is given nothing to show.

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
 * What the timer reads at one moment.
 * @typedef {object} Reading
 * @property {Status} status
 * @property {string} phase
 * @property {number} seconds Left of the talk; one that has begun counts.
 * @property {boolean} lit Not so in the dark half of a flash.
 * @property {number} undo Seconds in which a reset can still be undone; none if 0.
 * @property {number} next Milliseconds until another reading; Infinity if time alone brings none.
 */

/** @typedef {{ok: boolean, message: string, status: Status | null}} Reply */

const API = "/api/v1/";
/** Two beats and a half without news, and the daemon is lost. */
const SILENCE_MS = 2500;
/** Until a lost daemon is looked for again; up to twice that, so that not all views come at once. */
const RETRY_MS = 400;
const ROUND_TRIPS = 5;
const ROUND_TRIP_MS_MAX = 2000;
/** The daemon itself waits two seconds for a strip that hangs. */
const ANSWER_MS_MAX = 4000;
/** When two clocks have moved apart by more, one of them was set, or stood still while the machine slept. */
const JUMP_MS = 100;
/** A beat that comes later is no news. */
const LATE_MS = 1000;
/** Drift is followed by the fastest of the beats of a minute. */
const BEATS = 60;

/** What each phase says, in a word or two: colours look different to different eyes. */
export const WORDS = {
  lost: "no connection",
  ready: "ready",
  green: "talk",
  yellow: "wrap up",
  red: "finish",
  flash: "now",
  over: "time is up",
};

/** The daemon's time, in milliseconds after its boot, by this page's clock. */
class Clock {
  /** From this page's time to the daemon's; none while it is not known. */
  #offset = NaN;
  /** The same by each of the latest beats: too small by what the beat took on its way. @type {number[]} */
  #beats = [];
  /** What the fastest beat takes on its way, as known from the round trips. */
  #way = 0;
  /** Between the clock that can be set and the one that cannot. */
  #apart = 0;

  now() {
    return performance.now() + this.#offset;
  }

  get isKnown() {
    return !Number.isNaN(this.#offset);
  }

  /** Whether this machine slept, or its time was set, since the last beat. */
  get hasJumped() {
    return Math.abs(apart() - this.#apart) > JUMP_MS;
  }

  forget() {
    this.#offset = NaN;
  }

  /**
   * Measures by some round trips, of which the shortest can be wrong by the least.
   * @param {() => Promise<Status>} ask
   */
  async measure(ask) {
    const before = apart();
    let [shortest, offset] = [Infinity, NaN];
    for (let trip = 0; trip < ROUND_TRIPS; trip += 1) {
      const sent = performance.now();
      const status = await ask();
      const came = performance.now();
      if (came - sent < shortest) {
        shortest = came - sent;
        offset = status.at_ns / 1e6 - (sent + came) / 2;
      }
    }
    this.#apart = apart();
    if (Math.abs(this.#apart - before) > JUMP_MS) {
      throw new Error("the clock was set meanwhile");
    }
    this.#offset = offset;
    this.#beats = [];
    this.#way = 0;
  }

  /**
   * Takes a beat, which was sent at `ms`, into account.
   * @returns {boolean} Whether it agrees with what is known.
   */
  beat(ms) {
    const offset = ms - performance.now();
    const way = this.#offset - offset;
    if (this.hasJumped || way > LATE_MS || way < -JUMP_MS) {
      return false;
    }
    this.#apart = apart();
    this.#beats.push(offset);
    const fastest = Math.max(...this.#beats);
    if (this.#beats.length < BEATS) {
      // Nothing arrives before it was sent, so that a negative way is a mistake of the measurement.
      this.#way = Math.max(0, this.#offset - fastest);
    } else {
      this.#beats.shift();
    }
    this.#offset = fastest + this.#way;
    return true;
  }
}

export class Daemon {
  /** The latest; none before the first. @type {Status | null} */
  status = null;
  #clock = new Clock();
  /** @type {EventSource | null} */
  #stream = null;
  #heard = -Infinity;
  #measurement = 0;
  /** @type {Record<string, ReturnType<typeof setTimeout>>} */
  #timers = {};
  #draw;

  /** @param {(reading: Reading | null) => void} draw Called when there is something else to show; nothing is sure if null. */
  constructor(draw) {
    this.#draw = draw;
    document.addEventListener("visibilitychange", () => this.#isSeenAgain());
    this.#connect();
  }

  /** Whether what it shows is so. */
  get isSure() {
    const silent = performance.now() - this.#heard > SILENCE_MS;
    return this.status !== null && !silent && this.#clock.isKnown && !this.#clock.hasJumped;
  }

  /** Shows what is so now, and again when that changes. */
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
   * Sends a command, or what pairs. It rejects if nobody answers.
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

  /** Whether this device is paired; to ask keeps it so for another year. */
  async isPaired() {
    const response = await fetch(`${API}paired`, { signal: AbortSignal.timeout(ROUND_TRIP_MS_MAX) });
    return response.ok;
  }

  #connect() {
    const stream = new EventSource(`${API}events`);
    this.#stream = stream;
    let begins = true;
    stream.addEventListener("status", (event) => {
      if (begins) {
        // It may be another daemon, after another boot, with another clock.
        begins = false;
        this.status = null;
        this.#measure();
      }
      this.#hear();
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
    this.#hear();
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

  #hear() {
    this.#heard = performance.now();
    this.#watch();
  }

  #watch() {
    clearTimeout(this.#timers.watch);
    this.#timers.watch = setTimeout(() => this.#lose(), SILENCE_MS);
  }

  #lose() {
    this.#stream?.close();
    this.#heard = -Infinity;
    this.#measurement += 1;
    this.#clock.forget();
    this.draw();
    clearTimeout(this.#timers.watch);
    clearTimeout(this.#timers.retry);
    this.#timers.retry = setTimeout(() => this.#connect(), RETRY_MS * (1 + Math.random()));
  }

  /** Learns the daemon's time anew; until then nothing is sure. */
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
    // Of several at a time the last one counts.
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

  #isSeenAgain() {
    // Timers of a page that is not seen are put off, and a machine that sleeps has none.
    if (document.visibilityState === "visible") {
      this.#measure();
    }
  }
}

/**
 * The same rules as those of the strip (`timer.rs`, `frame.rs`).
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
  // A mark belongs to the later phase.
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

/** Half-periods in the whole of the flash: an even number, none where it is too short for a flash. */
function flashHalves(flash, half) {
  return Math.floor(flash / (2 * half)) * 2;
}

/** Until what is left has fallen to the next whole multiple of `step`. */
function untilBelow(left, step) {
  return left - (Math.ceil(left / step) - 1) * step;
}

/** Seconds as a clock shows them: 4:07, 1:00:00. */
export function clockface(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] > 0 ? parts : parts.slice(1);
  return shown.map((part, at) => (at > 0 ? String(part).padStart(2, "0") : String(part))).join(":");
}

/** Lends the page the colours of the strip, and what can be read on each. @param {Status["look"]} look */
export function wear(look) {
  const { style } = document.documentElement;
  for (const name of /** @type {const} */ (["green", "yellow", "red"])) {
    const light = lightness(look[name]);
    style.setProperty(`--${name}`, look[name]);
    style.setProperty(`--on-${name}`, onBlack(light) >= onWhite(light) ? "#000" : "#fff");
  }
  // White is read on the dark half, too; 3 is what WCAG asks of large text.
  style.setProperty("--on-flash", onWhite(lightness(look.red)) >= 3 ? "#fff" : "#000");
}

/** Relative luminance, as WCAG reckons it, of a colour such as #00ff99. */
function lightness(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrasts with black and with white. */
function onBlack(light) {
  return (light + 0.05) / 0.05;
}

function onWhite(light) {
  return 1.05 / (light + 0.05);
}

/** Between the time of day and the time since this page began: changes when either is set or stands still. */
function apart() {
  return Date.now() - performance.now();
}

/** An element that the page has. @returns {any} */
export function the(id) {
  return document.getElementById(id);
}

/** Writes only what is new, so that nothing is read out twice. */
export function write(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
