// Estimates the daemon's time from this page's clock.

const ROUND_TRIPS = 5;
/** A round trip this short gives the time to within 50 ms, which is good enough to show. */
const SHORT_MS = 100;
/** On a slow network the time is shown after this many round trips, and gets better with the others. */
const ENOUGH = 3;
/** If two clocks drift apart by more, one of them was set, or stopped while the machine slept. */
const JUMP_MS = 100;
/** A beat that took longer to arrive is not used. */
const LATE_MS = 1000;
/** The clock follows the fastest of this many beats, which are a minute. */
const BEATS = 60;

/** The daemon's time in milliseconds since its boot, as a function of `performance.now()`. */
export class Clock {
  constructor() {
    /** The daemon's time minus this page's time; NaN while unknown. */
    this.offset = NaN;
    /** The same as measured by each recent beat: too small by the beat's travel time. @type {number[]} */
    this.beats = [];
    /** The travel time of the fastest beat, known from the round trips. */
    this.travel = 0;
    /** The difference between the wall clock and the monotonic clock. */
    this.apart = 0;
  }

  now() {
    return performance.now() + this.offset;
  }

  get isKnown() {
    return !Number.isNaN(this.offset);
  }

  /** Whether this machine slept, or its wall clock was set, since the last beat. */
  get hasJumped() {
    return Math.abs(apart() - this.apart) > JUMP_MS;
  }

  forget() {
    this.offset = NaN;
  }

  /**
   * Measures the offset by some round trips. The shortest one has the smallest error.
   * @param {() => Promise<{at_ns: number}>} ask
   * @param {() => void} known Called as soon as the time is good enough to show.
   */
  async measure(ask, known) {
    const before = apart();
    let shortest = Infinity;
    let offset = NaN;
    for (let trip = 1; trip <= ROUND_TRIPS; trip += 1) {
      const sent = performance.now();
      const status = await ask();
      const received = performance.now();
      if (received - sent < shortest) {
        shortest = received - sent;
        offset = status.at_ns / 1e6 - (sent + received) / 2;
      }
      this.apart = apart();
      if (Math.abs(this.apart - before) > JUMP_MS) {
        throw new Error("the clock was set during the measurement");
      }
      if (shortest <= SHORT_MS || trip >= ENOUGH) {
        this.offset = offset;
        this.beats = [];
        this.travel = 0;
        known();
      }
    }
  }

  /**
   * Refines the offset by a beat that was sent at `ms`.
   * @param {number} ms
   * @returns {boolean} False if the beat contradicts the offset, which must then be measured again.
   */
  beat(ms) {
    const offset = ms - performance.now();
    const travel = this.offset - offset;
    if (this.hasJumped || travel > LATE_MS || travel < -JUMP_MS) {
      return false;
    }
    this.apart = apart();
    this.beats.push(offset);
    const fastest = Math.max(...this.beats);
    if (this.beats.length < BEATS) {
      // Nothing arrives before it was sent, so a negative travel time is an error of the measurement.
      this.travel = Math.max(0, this.offset - fastest);
    } else {
      this.beats.shift();
    }
    this.offset = fastest + this.travel;
    return true;
  }
}

/** The wall clock minus the monotonic clock: changes when the wall clock is set, or when either stops. */
function apart() {
  return Date.now() - performance.now();
}
