// The plan as a line with its marks, and where the talk is in it.

import { fill, make } from "./dom.js";
import { clockface } from "./words.js";

/** The room between two labels. */
const GAP_PX = 5;

export class PlanLine {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.passed = make("i", "passed");
    this.here = make("i", "here");
    this.drawn = "";
    /** @type {HTMLElement[]} */
    this.labels = [];
    new ResizeObserver(() => this.thin()).observe(element);
  }

  /** @param {import("./reading.js").Reading | null} reading */
  draw(reading) {
    this.element.classList.toggle("unknown", reading === null);
    if (!reading) {
      return;
    }
    const { plan, left, phase } = reading;
    const drawn = [plan.length_ms, plan.yellow_ms, plan.red_ms, plan.flash_ms].join();
    if (drawn !== this.drawn) {
      this.drawn = drawn;
      this.build(plan);
    }
    // In a demonstration the line is that of a talk, and nothing runs.
    const isReady = phase === "ready" || reading.isDemo;
    const at = isReady ? 0 : Math.min(1, Math.max(0, 1 - left / plan.length_ms));
    this.passed.style.width = `${100 * at}%`;
    this.here.style.left = `${100 * at}%`;
    this.here.hidden = isReady;
    this.labels.forEach((label) => label.classList.toggle("gone", !isReady && Number(label.dataset.ms) >= left));
  }

  /** @param {import("./reading.js").Plan} plan */
  build(plan) {
    const { length_ms: length } = plan;
    const marks = [
      ["green", length, plan.yellow_ms],
      ["yellow", plan.yellow_ms, plan.red_ms],
      ["red", plan.red_ms, plan.flash_ms],
      ["flash", plan.flash_ms, 0],
    ];
    const bar = make("div", "bar");
    this.labels = [];
    for (const [phase, from, to] of /** @type {[string, number, number][]} */ (marks)) {
      if (from <= to) {
        continue;
      }
      const part = make("i", `part ${phase}`);
      part.style.left = `${(100 * (length - from)) / length}%`;
      part.style.width = `${(100 * (from - to)) / length}%`;
      bar.append(part);
      const label = make("span", "label", clockface(Math.ceil(from / 1000)));
      label.dataset.ms = String(from);
      label.style.left = part.style.left;
      this.labels.push(label);
    }
    bar.append(this.passed, this.here);
    fill(this.element, bar, ...this.labels);
    this.thin();
  }

  /** Hides labels for which there is no room; a later mark matters more than an earlier one. */
  thin() {
    let edge = this.element.getBoundingClientRect().right;
    for (const label of [...this.labels].reverse()) {
      label.style.visibility = "";
      label.style.transform = "";
      let { left, right } = label.getBoundingClientRect();
      if (right > edge && edge === this.element.getBoundingClientRect().right) {
        // The last label may move to the left of its mark.
        label.style.transform = `translateX(${edge - right}px)`;
        left += edge - right;
        right = edge;
      }
      const fits = right <= edge;
      label.style.visibility = fits ? "" : "hidden";
      edge = fits ? left - GAP_PX : edge;
    }
  }
}

/** The strip as a band: what its LEDs show. */
export class Band {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.light = make("i");
    element.append(this.light);
  }

  /** @param {import("./reading.js").Reading | null} reading */
  draw(reading) {
    const { status, phase, lit, share } = reading || { status: null, phase: "lost", lit: true, share: 1 };
    const isDark = status === null || phase === "over" || !lit || (phase === "ready" && status.look.ready === "off");
    const leds = status ? status.strip.leds : 1;
    const count = phase === "ready" ? 1 : Math.ceil(share * leds);
    this.light.style.width = isDark ? "0" : `${(100 * count) / leds}%`;
    this.element.dataset.phase = phase;
  }
}
