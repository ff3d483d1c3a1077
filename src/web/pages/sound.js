// The marks as sounds: one soft note at yellow, two at red, three at the flash, a gong at the end.
//
// The notes are given to the audio hardware's clock in advance, so that a busy page does not delay them.

import { pause, recall, remember } from "./dom.js";
import { isRunning } from "./reading.js";

/** A scheduled sound that is further off than this from where it belongs is scheduled anew. */
const OFF_S = 0.008;
/** Closer to its moment than this a sound is left alone. */
const SOON_S = 0.05;
/** From one note to the next. */
const APART_S = 0.4;
const NOTE_HZ = 659.26;
const NOTE_S = 1.2;
/** The partials of a gong are not multiples of the lowest. Frequency, loudness, seconds. */
const GONG = [
  [110, 0.5, 5],
  [220, 0.9, 4],
  [298, 0.5, 3.2],
  [421, 0.4, 2.4],
  [536, 0.25, 1.6],
  [868, 0.15, 1],
];
const VOLUME = 0.6;
const RESUME_MS_MAX = 2000;

export class Sound {
  /** @param {() => void} onChange Called when the sound goes on or off. */
  constructor(onChange) {
    this.onChange = onChange;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {GainNode | null} */
    this.master = null;
    /** What is scheduled, by the mark. @type {Map<string, {at: number, stop: () => void}>} */
    this.scheduled = new Map();
    this.volume = Number(recall("volume") || VOLUME);
  }

  static get isPossible() {
    return Boolean(audioContext());
  }

  get isOn() {
    return this.context !== null && this.context.state === "running";
  }

  /** Whether the sound was on before the page was loaded again. */
  get wasOn() {
    return recall("sound") === "on";
  }

  /** Turns the sound on and plays the gong, to set the level. Browsers allow this only in a click or a press of a key. */
  async turnOn() {
    if (!this.context) {
      const Context = audioContext();
      this.context = new Context();
      this.context.onstatechange = () => this.onChange();
      this.master = this.context.createGain();
      this.master.connect(this.context.destination);
      this.setVolume(this.volume);
    }
    // Without a sound device Firefox waits for ever.
    await Promise.race([this.context.resume(), pause(RESUME_MS_MAX)]);
    if (!this.context || this.context.state !== "running") {
      throw new Error("there is no sound device");
    }
    remember("sound", "on");
    this.gong(this.context.currentTime + SOON_S);
    this.onChange();
  }

  async turnOff() {
    remember("sound", null);
    this.cancel();
    if (this.context) {
      const { context } = this;
      this.context = null;
      await context.close();
    }
    this.onChange();
  }

  /** A phone call, for instance, interrupts the sound. */
  wake() {
    if (this.context && this.context.state !== "running") {
      this.context.resume().catch(() => {});
    }
  }

  /** @param {number} volume From 0 to 1. */
  setVolume(volume) {
    this.volume = volume;
    remember("volume", String(volume));
    if (this.master && this.context) {
      // The ear hears loudness as a power of the amplitude.
      this.master.gain.setTargetAtTime(volume * volume, this.context.currentTime, 0.02);
    }
  }

  /** Plays the gong once more, to judge the volume. */
  tryOut() {
    if (this.context) {
      this.gong(this.context.currentTime + SOON_S);
    }
  }

  /**
   * Schedules the marks that are still to come; called whenever the page is drawn.
   * @param {import("./reading.js").Reading | null} reading Null if the connection is lost: the talk may have been stopped.
   */
  follow(reading) {
    if (!this.context || !this.isOn || !reading || !isRunning(reading)) {
      this.cancel();
      return;
    }
    const { plan, left, status } = reading;
    const marks = [
      ["yellow", plan.yellow_ms, 1],
      ["red", plan.red_ms, 2],
      ["flash", plan.flash_ms, 3],
      ["over", 0, 0],
    ];
    const now = this.context.currentTime - latency(this.context);
    const wanted = new Set();
    for (const [name, mark, notes] of /** @type {[string, number, number][]} */ (marks)) {
      const isMeant = left > mark && (mark === 0 || mark < plan.length_ms);
      const key = `${status.generation} ${reading.isDemo} ${name}`;
      wanted.add(key);
      if (isMeant) {
        this.schedule(key, now + (left - mark) / 1000, notes);
      }
    }
    for (const [key, sound] of this.scheduled) {
      if (!wanted.has(key)) {
        sound.stop();
        this.scheduled.delete(key);
      }
    }
  }

  /** @param {string} key @param {number} at Seconds of the audio clock. @param {number} notes 0 for the gong. */
  schedule(key, at, notes) {
    const { context } = this;
    const known = this.scheduled.get(key);
    if (!context || (known && (Math.abs(known.at - at) < OFF_S || known.at - context.currentTime < SOON_S))) {
      return;
    }
    if (known) {
      known.stop();
    }
    const stops = notes === 0 ? [this.gong(at)] : [];
    for (let n = 0; n < notes; n += 1) {
      stops.push(this.tone(NOTE_HZ, at + n * APART_S, 0.5, NOTE_S));
    }
    this.scheduled.set(key, { at, stop: () => stops.forEach((stop) => stop()) });
  }

  /** Takes back what has not sounded yet. */
  cancel() {
    const now = this.context ? this.context.currentTime : 0;
    for (const [key, sound] of this.scheduled) {
      if (sound.at > now) {
        sound.stop();
      }
      this.scheduled.delete(key);
    }
  }

  /** @param {number} at */
  gong(at) {
    const stops = GONG.map(([hz, level, seconds]) => this.tone(hz, at, 0.35 * level, seconds));
    return () => stops.forEach((stop) => stop());
  }

  /** One tone that dies away. @returns {() => void} What takes it back. */
  tone(hz, at, level, seconds) {
    const context = /** @type {AudioContext} */ (this.context);
    const from = Math.max(at, context.currentTime);
    const tone = context.createOscillator();
    const gain = context.createGain();
    tone.frequency.value = hz;
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(level, from + 0.01);
    gain.gain.exponentialRampToValueAtTime(0.0001, from + seconds);
    tone.connect(gain);
    gain.connect(/** @type {GainNode} */ (this.master));
    tone.start(from);
    tone.stop(from + seconds);
    return () => {
      tone.disconnect();
      gain.disconnect();
    };
  }
}

/** Safari has it without a prefix since 14.1. */
function audioContext() {
  return window.AudioContext || /** @type {any} */ (window).webkitAudioContext;
}

/** The seconds from the audio clock to the ear, where the browser knows them. @param {AudioContext} context */
function latency(context) {
  return context.outputLatency || context.baseLatency || 0;
}
