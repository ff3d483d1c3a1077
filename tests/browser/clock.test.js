// The page's estimate of the daemon's time, in virtual time: over hours, with drifting clocks, a bad network, and sleep.

import assert from "node:assert/strict";
import { test } from "node:test";

const { Daemon } = await import(new URL("../../src/web/pages/daemon.js", import.meta.url));
const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** Random numbers that are the same each time. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A daemon and a page, each with its clocks, and a network between them. All of it moves only when told. */
class World {
  /** True time in ms. The daemon's clock is that, after its boot. */
  now = 5_000_000;
  /** How much faster the page's clock goes. */
  drift = 0;
  slept = 0;
  set = 0;
  queue = [];
  requests = 0;
  seen = [];
  listeners = {};

  /** @param {{drift?: number, way?: () => number}} how */
  static async open(how) {
    const world = Object.assign(new World(), how);
    world.born = world.now;
    world.status = () => ({
      phase: "green",
      plan: { name: "long", length_ms: 10 * HOUR, yellow_ms: 0, red_ms: 0, flash_ms: 0 },
      left_ms: 5_000_000 + 10 * HOUR - world.now,
      overrun_ms: 0,
      undo_ms: null,
      generation: 1,
      look: { flash_half_ns: 5e8 },
      at_ns: Math.round(world.now * 1e6),
    });
    world.furnish();
    world.daemon = new Daemon((reading) => world.seen.push({ at: world.now, reading }));
    await world.run(2 * SECOND);
    return world;
  }

  furnish() {
    const world = this;
    globalThis.document = {
      visibilityState: "visible",
      addEventListener: (name, act) => (world.listeners[name] = act),
    };
    globalThis.performance = { now: () => (world.now - world.born - world.slept) * (1 + world.drift) };
    globalThis.Date = { now: () => Math.floor((world.now - world.born) * (1 + world.drift) + world.set + 1e12) };
    globalThis.setTimeout = (act, ms) => world.after(ms / (1 + world.drift), act, true);
    globalThis.clearTimeout = (entry) => entry && (entry.act = () => {});
    globalThis.fetch = async () => {
      world.requests += 1;
      await world.pass(world.way());
      const status = world.status();
      await world.pass(world.way());
      return { json: async () => status };
    };
    globalThis.EventSource = class {
      listeners = {};
      constructor() {
        world.stream = this;
        world.tell("status", JSON.stringify(world.status()));
      }
      addEventListener(name, act) {
        this.listeners[name] = act;
      }
      close() {
        this.listeners = {};
      }
    };
  }

  /** An event arrives later, and none before one that was sent before. */
  tell(name, data) {
    const stream = this.stream;
    const arrives = Math.max(this.now + this.way(), this.last ?? 0);
    this.last = arrives;
    this.after(arrives - this.now, () => stream.listeners[name]?.({ data }));
  }

  after(ms, act, isTimer = false) {
    const entry = { at: this.now + ms, act, isTimer };
    this.queue.push(entry);
    return entry;
  }

  pass(ms) {
    return new Promise((done) => this.after(ms, done));
  }

  async settle() {
    for (let n = 0; n < 20; n += 1) {
      await Promise.resolve();
    }
  }

  /** Lets time pass, with a beat each second. */
  async run(ms) {
    const end = this.now + ms;
    let beat = Math.ceil(this.now / SECOND) * SECOND;
    for (;;) {
      await this.settle();
      this.queue.sort((a, b) => a.at - b.at);
      const next = Math.min(this.queue[0]?.at ?? Infinity, beat, end);
      this.now = Math.max(this.now, next);
      if (next === end) {
        return;
      }
      if (next === beat) {
        this.tell("beat", String(Math.round(this.now * 1e6)));
        beat += SECOND;
      } else {
        this.queue.shift().act();
      }
    }
  }

  /** The machine of the page sleeps: its timers and the clock that cannot be set stand still. */
  sleep(ms) {
    this.now += ms;
    this.slept += ms;
    for (const entry of this.queue) {
      entry.at += entry.isTimer ? ms : 0;
    }
  }

  /** How far the page's seconds fall from the true ones at the worst, of the drawings since `since`. */
  error(since) {
    const drawn = this.seen.filter(({ at, reading }) => at >= since && reading);
    assert.ok(drawn.length > 3, "it was drawn");
    const off = drawn.map(({ at, reading }) => {
      const left = 5_000_000 + 10 * HOUR - at;
      // The digits are right for this second; the error is how far they are early or late.
      const shown = reading.seconds * SECOND;
      return Math.max(0, left - shown, shown - SECOND - left);
    });
    // The time until the next change counts, since people see the change.
    const turns = drawn.map(({ at, reading }) => {
      const left = 5_000_000 + 10 * HOUR - at;
      const turn = left - reading.next / (1 + this.drift);
      return Math.abs(turn - Math.round(turn / SECOND) * SECOND);
    });
    return Math.max(...off, ...turns);
  }
}

const wifi = (seed) => {
  const roll = dice(seed);
  // Mostly fast, sometimes blocked for a while.
  return () => 2 + 6 * roll() + (roll() < 0.1 ? 400 * roll() : 0);
};

test("the error stays within 50 ms for three hours with drifting clocks and a bad network", async (t) => {
  for (const drift of [0, 100e-6, -100e-6]) {
    for (const seed of [1, 2, 3]) {
      const world = await World.open({ drift, way: wifi(seed) });
      const begun = world.now;
      const asked = world.requests;
      await world.run(3 * HOUR);
      const error = world.error(begun);
      t.diagnostic(`${drift * 1e6} ppm, network ${seed}: ${error.toFixed(1)} ms at the worst`);
      assert.ok(error <= 50, `${drift}, ${seed}: ${error} ms`);
      assert.equal(world.requests, asked, "a steady phase needs only the beats");
      assert.ok(world.seen.filter(({ at }) => at >= begun).every(({ reading }) => reading), "the connection was never lost");
    }
  }
});

test("after a sleep the page shows nothing until it has measured the time", async () => {
  const world = await World.open({ drift: 50e-6, way: wifi(4) });
  await world.run(60 * SECOND);
  world.sleep(600 * SECOND);
  const woke = world.now;
  await world.run(5 * SECOND);
  const [first] = world.seen.filter(({ at }) => at >= woke);
  assert.equal(first.reading, null);
  assert.ok(world.error(woke) <= 50, `${world.error(woke)} ms`);
});

test("the page also measures after the wall clock was set, and when it becomes visible", async () => {
  const world = await World.open({ way: wifi(5) });
  for (const change of [() => (world.set += HOUR), () => world.listeners.visibilitychange()]) {
    await world.run(10 * SECOND);
    const asked = world.requests;
    change();
    const then = world.now;
    await world.run(5 * SECOND);
    assert.equal(world.requests, asked + 5);
    assert.ok(world.error(then) <= 50);
  }
});

test("without news, or with old news only, the page shows nothing within three seconds", async () => {
  const world = await World.open({ way: () => 3 });
  await world.run(10 * SECOND);
  const cut = world.now;
  // What is sent stays on its way until the network works again.
  world.way = () => 60 * SECOND;
  await world.run(10 * SECOND);
  const lost = world.seen.find(({ at, reading }) => at >= cut && !reading);
  assert.ok(lost.at - cut < 3 * SECOND, `${lost.at - cut} ms`);
  assert.ok(world.seen.filter(({ at }) => at >= lost.at).every(({ reading }) => !reading));
  // Then everything arrives at once, in order, and late.
  world.way = () => 3;
  world.last = world.now + 3;
  for (const entry of world.queue) {
    entry.at = entry.isTimer ? entry.at : world.last;
  }
  await world.run(10 * SECOND);
  assert.ok(world.daemon.isSure);
  assert.ok(world.error(world.now - 5 * SECOND) <= 50);
});
