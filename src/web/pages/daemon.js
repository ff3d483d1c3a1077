// The connection to the daemon: its status, its clock, and whether it is reachable.
//
// The daemon sends no ticks. A page shows a function of the last status and of the daemon's time, which it estimates from
// its own clock. While either is uncertain, the page shows that the connection is lost.

import { Clock } from "./clock.js";
import { read } from "./reading.js";
import { Place } from "./streams.js";

/** @typedef {import("./reading.js").Status} Status */
/** @typedef {import("./reading.js").Reading} Reading */

/** Relative, since a proxy may serve the pages in a folder. */
const API = "api/v1/";
/** Without news for nearly two beats the page is grey: the picture could be wrong from then on. */
const SILENCE_MS = 1900;
/** Without news for so long the stream is opened anew. */
const DEAD_MS = 3500;
/** The delay before reconnecting, plus a random time up to the same again, so that not all pages reconnect at once. */
const RETRY_MS = 400;
/** A page without a stream asks for the status this often. */
const ASK_MS = 1000;
const ROUND_TRIP_MS_MAX = 2000;
/** Longer than the daemon waits for a strip that hangs, which is two seconds. */
const ANSWER_MS_MAX = 3000;
/** A page that nobody has seen for so long gives its connection back to the browser. */
const HIDDEN_MS = 5000;

export class Daemon {
  /** @param {(reading: Reading | null) => void} onDraw Called when the reading changes; null while the connection is lost. */
  constructor(onDraw) {
    this.onDraw = onDraw;
    /** The latest status. @type {Status | null} */
    this.status = null;
    this.clock = new Clock();
    /** @type {EventSource | null} */
    this.stream = null;
    this.place = new Place();
    this.lastNews = -Infinity;
    /** When there was news last, by the wall clock. */
    this.lastNewsWall = NaN;
    this.measurement = 0;
    this.connection = 0;
    this.isPaused = false;
    /** A page with sound must hear of every change, also while another window covers it. */
    this.hasSound = false;
    /** @type {Record<string, ReturnType<typeof setTimeout>>} */
    this.timers = {};
    document.addEventListener("visibilitychange", () => this.onVisibilityChange());
    if (typeof addEventListener === "function") {
      // A page that the browser keeps for "back" must not keep a connection.
      addEventListener("pagehide", () => this.sleep());
      addEventListener("pageshow", () => this.wake());
    }
    // The page may still be building what it draws with.
    Promise.resolve().then(() => this.connect());
    if (document.visibilityState === "hidden") {
      this.onVisibilityChange();
    }
  }

  /** The daemon's time in milliseconds. */
  now() {
    return this.clock.now();
  }

  /** Whether the status and the clock are up to date. */
  get isSure() {
    const silent = performance.now() - this.lastNews > SILENCE_MS;
    return this.status !== null && !silent && this.clock.isKnown && !this.clock.hasJumped;
  }

  /** Draws the current reading, and again whenever it changes. */
  draw() {
    clearTimeout(this.timers.draw);
    if (this.clock.isKnown && this.clock.hasJumped) {
      this.measure();
      return;
    }
    const reading = this.status && this.isSure ? read(this.status, this.clock.now()) : null;
    this.onDraw(reading);
    if (reading && reading.next < Infinity) {
      this.timers.draw = setTimeout(() => this.draw(), reading.next);
    }
  }

  /**
   * Sends a request. Rejects if no reply arrives, or if it is not the daemon's.
   * @param {string} path
   * @param {object} body
   * @returns {Promise<{code: number, reply: any}>}
   */
  async post(path, body) {
    const { response, reply } = await ask(path, ANSWER_MS_MAX, { method: "POST", body: JSON.stringify(body) });
    this.heed(reply);
    return { code: response.status, reply };
  }

  /** @param {string} path @returns {Promise<{code: number, reply: any}>} */
  async get(path) {
    const { response, reply } = await ask(path, ROUND_TRIP_MS_MAX);
    return { code: response.status, reply };
  }

  /** Tells the daemon whether this page has sound. @param {boolean} hasSound */
  setSound(hasSound) {
    if (hasSound !== this.hasSound) {
      this.hasSound = hasSound;
      this.disconnect();
      this.connect();
    }
  }

  connect() {
    clearTimeout(this.timers.retry);
    this.watch();
    // The daemon may have been restarted after another boot, with another clock.
    this.status = null;
    this.measure();
    if (this.place.take()) {
      this.listen();
    } else {
      this.askEachSecond();
    }
  }

  listen() {
    const stream = new EventSource(`${API}events${this.hasSound ? "?sound=1" : ""}`);
    this.stream = stream;
    stream.addEventListener("status", (event) => {
      this.noteNews();
      this.take(JSON.parse(event.data));
    });
    stream.addEventListener("beat", (event) => {
      if (this.place.renew()) {
        this.beat(Number(event.data) / 1e6);
      } else {
        this.lose();
      }
    });
    stream.addEventListener("error", () => this.lose());
  }

  async askEachSecond() {
    const { connection } = this;
    try {
      const { reply } = await ask("status", ROUND_TRIP_MS_MAX);
      if (connection !== this.connection) {
        return;
      }
      this.take(reply);
      this.beat(reply.at_ns / 1e6);
    } catch {
      // The watch notices the silence.
    }
    if (connection === this.connection) {
      this.timers.ask = setTimeout(() => {
        if (this.place.take()) {
          this.listen();
        } else {
          this.askEachSecond();
        }
      }, ASK_MS);
    }
  }

  /** @param {number} ms */
  beat(ms) {
    if (this.clock.isKnown && !this.clock.beat(ms)) {
      this.measure();
      return;
    }
    const wasSure = this.isSure;
    this.noteNews();
    if (!wasSure) {
      this.draw();
    }
  }

  /** Takes the status of a reply. @param {any} reply */
  heed(reply) {
    if (reply.status) {
      this.take(reply.status);
    }
  }

  /** @param {Status} status */
  take(status) {
    if (this.status === null || status.at_ns >= this.status.at_ns) {
      this.status = status;
      this.draw();
    }
  }

  noteNews() {
    this.lastNews = performance.now();
    this.lastNewsWall = Date.now();
    this.watch();
  }

  watch() {
    clearTimeout(this.timers.grey);
    clearTimeout(this.timers.dead);
    // The page is drawn just after the news has become old.
    this.timers.grey = setTimeout(() => this.draw(), SILENCE_MS + 1);
    this.timers.dead = setTimeout(() => this.lose(), DEAD_MS);
  }

  disconnect() {
    if (this.stream) {
      this.stream.close();
      this.stream = null;
    }
    this.place.leave();
    this.measurement += 1;
    this.connection += 1;
    for (const name of ["retry", "ask", "grey", "dead"]) {
      clearTimeout(this.timers[name]);
    }
  }

  lose() {
    this.disconnect();
    this.lastNews = -Infinity;
    this.clock.forget();
    this.draw();
    this.timers.retry = setTimeout(() => this.connect(), RETRY_MS * (1 + Math.random()));
  }

  /** Measures the daemon's time again; meanwhile the connection counts as lost. */
  async measure() {
    this.measurement += 1;
    const { measurement } = this;
    this.clock.forget();
    this.draw();
    const clock = new Clock();
    try {
      await clock.measure(
        () => this.askStatus(measurement),
        () => {
          this.clock = clock;
          this.draw();
        },
      );
    } catch {
      // Only the last of several measurements counts.
      if (measurement === this.measurement) {
        this.lose();
      }
    }
  }

  /** @param {number} measurement */
  async askStatus(measurement) {
    const { reply } = await ask("status", ROUND_TRIP_MS_MAX);
    if (measurement !== this.measurement) {
      throw new Error("another measurement has begun");
    }
    this.take(reply);
    return reply;
  }

  onVisibilityChange() {
    clearTimeout(this.timers.hidden);
    if (document.visibilityState === "visible") {
      this.wake();
    } else if (!this.hasSound) {
      this.timers.hidden = setTimeout(() => this.sleep(), HIDDEN_MS);
    }
  }

  sleep() {
    this.isPaused = true;
    this.disconnect();
    this.clock.forget();
    this.draw();
  }

  wake() {
    if (this.isPaused) {
      this.isPaused = false;
      this.connect();
    } else if (this.clock.isKnown) {
      // Browsers delay the timers of a hidden page, and they stop while the machine sleeps.
      this.measure();
    }
  }
}

/**
 * A request with a limit of time. (`AbortSignal.timeout` came with Safari 16 and Chromium 103.)
 * @param {string} path
 * @param {number} ms
 * @param {RequestInit} [options]
 */
async function ask(path, ms, options) {
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), ms);
  try {
    const response = await fetch(API + path, { ...options, cache: "no-store", signal: control.signal });
    return { response, reply: await response.json() };
  } finally {
    clearTimeout(timer);
  }
}
