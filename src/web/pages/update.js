// After an update of the timer a page that was open keeps its old scripts. It loads itself anew when nobody would notice.

/** A finger that came up a moment ago may come down again. */
const QUIET_MS = 3000;

export class Update {
  /**
   * @param {HTMLElement} line The line that offers the newer version.
   * @param {() => boolean} isBusy Whether the page is in use in some way that a reload would end.
   */
  constructor(line, isBusy) {
    this.line = line;
    this.isBusy = isBusy;
    /** @type {string | null} */
    this.version = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.fingers = new Set();
    this.lastTouch = -Infinity;
    const touch = (event) => {
      this.lastTouch = performance.now();
      if (event.type === "pointerdown") {
        this.fingers.add(event.pointerId);
      } else {
        this.fingers.delete(event.pointerId);
      }
    };
    for (const name of ["pointerdown", "pointerup", "pointercancel"]) {
      addEventListener(name, touch, true);
    }
    addEventListener("keydown", () => (this.lastTouch = performance.now()), true);
    line.addEventListener("click", () => location.reload());
  }

  /** @param {import("./reading.js").Reading | null} reading */
  check(reading) {
    clearTimeout(this.timer);
    if (!reading || !reading.status.version) {
      return;
    }
    if (this.version === null) {
      this.version = reading.status.version;
    }
    const isNewer = this.version !== reading.status.version;
    this.line.hidden = !isNewer;
    if (!isNewer) {
      return;
    }
    const isTouched = this.fingers.size > 0 || performance.now() - this.lastTouch < QUIET_MS;
    if (reading.phase === "ready" && !reading.isDemo && !isTouched && !this.isBusy()) {
      location.reload();
      return;
    }
    // The finger goes up without a change of the timer.
    this.timer = setTimeout(() => this.check(reading), QUIET_MS);
  }
}
