// Buttons under a finger: what a press means is decided when the finger comes down.

/** A stop needs a hold, as on the button of the strip. */
export const HOLD_MS = 1000;
/** A click without a pointer, as from a screen reader, must be repeated within this time instead of a hold. */
const TWICE_MS = 5000;

/**
 * What a button does when it is pressed now.
 * @typedef {object} Action
 * @property {string} label If it changes under the finger, the press does nothing.
 * @property {boolean} [isHold]
 * @property {() => void} act
 */

/**
 * Handles a button whose meaning changes with the timer.
 * @param {HTMLElement} button
 * @param {() => Action | null} meaning
 * @param {(text: string) => void} say
 */
export function onPress(button, meaning, say) {
  /** @type {Action | null} */
  let seen = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let lastClick = -Infinity;
  /** What brought `seen`: "pointer" or "key". */
  let by = "";

  const isStill = () => {
    const now = meaning();
    return seen !== null && now !== null && now.label === seen.label;
  };
  const down = () => {
    seen = meaning();
    if (!seen || !seen.isHold || timer !== undefined) {
      return;
    }
    button.classList.add("held");
    say("keep holding…");
    timer = setTimeout(() => {
      const held = seen;
      const isSame = isStill();
      // What follows from the finger that comes up is no further press.
      seen = null;
      release();
      if (held && isSame) {
        held.act();
      } else {
        changed();
      }
    }, HOLD_MS);
  };
  const release = () => {
    button.classList.remove("held");
    clearTimeout(timer);
    timer = undefined;
  };
  const up = () => {
    if (timer === undefined) {
      return;
    }
    release();
    say("hold for one second to stop the talk");
  };
  const changed = () => say("the button has changed under your finger; nothing was sent");

  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) {
      return;
    }
    by = "pointer";
    down();
    if (seen && seen.isHold) {
      // Keep the hold even if the finger slips off the button.
      button.setPointerCapture(event.pointerId);
    }
  });
  button.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") {
      return;
    }
    if (event.repeat) {
      // A key that is held from one meaning into the next presses nothing.
      event.preventDefault();
      return;
    }
    by = "key";
    down();
    if (seen && seen.isHold) {
      event.preventDefault();
    }
  });
  button.addEventListener("keyup", (event) => {
    if (event.key === " " || event.key === "Enter") {
      if (seen && seen.isHold) {
        event.preventDefault();
      }
      up();
      // The browser's own click comes first, and the next press may come soon.
      const past = seen;
      setTimeout(() => {
        if (seen === past) {
          seen = null;
          by = "";
        }
      });
    }
  });
  for (const end of ["pointerup", "pointercancel", "blur"]) {
    button.addEventListener(end, up);
  }
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  button.addEventListener("click", (event) => {
    // A screen reader's click has neither a pointer nor a key.
    const isBare = event.detail === 0 && by !== "key";
    if (isBare) {
      seen = meaning();
    }
    const [pressed, isSame] = [seen, isStill()];
    seen = null;
    by = "";
    if (!pressed) {
      return;
    }
    if (!isSame) {
      changed();
    } else if (!pressed.isHold) {
      pressed.act();
    } else if (isBare) {
      twice(pressed);
    }
  });

  /** @param {Action} action */
  function twice(action) {
    if (performance.now() - lastClick < TWICE_MS) {
      lastClick = -Infinity;
      action.act();
    } else {
      lastClick = performance.now();
      say("to stop the talk, press again within five seconds");
    }
  }
}
