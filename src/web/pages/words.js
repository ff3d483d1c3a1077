// The words of the pages.

/** The words for each phase, since not everybody can tell the colours apart. A plan may set its own. */
const WORDS = {
  ready: "ready",
  green: "talk",
  yellow: "wrap up",
  red: "finish",
  flash: "last sentence",
  over: "time is up",
};

/** @param {{words?: Record<string, string>}} plan @param {string} phase @returns {string} */
export function wordFor(plan, phase) {
  return (plan.words && plan.words[phase]) || WORDS[phase];
}

/** Formats seconds as 4:07 or 1:00:00. @param {number} seconds */
export function clockface(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] > 0 ? parts : parts.slice(1);
  return shown.map((part, at) => (at > 0 ? String(part).padStart(2, "0") : String(part))).join(":");
}

/** A length in words, such as "3 min" or "2 days". @param {number} seconds */
export function roughly(seconds) {
  if (seconds < 60) {
    return `${Math.floor(seconds)} s`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)} min`;
  }
  if (seconds < 2 * 86400) {
    return `${Math.floor(seconds / 3600)} h`;
  }
  return `${Math.floor(seconds / 86400)} days`;
}

/** A moment of this machine's wall clock, such as 14:03:22. @param {number} wall Milliseconds. */
export function timeOfDay(wall) {
  const date = new Date(wall);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}

/**
 * The legend of the demonstration: each colour and when it comes.
 * @param {import("./reading.js").Plan} plan
 */
export function legend(plan) {
  const left = (ms) => `${clockface(Math.ceil(ms / 1000))} left`;
  return [
    { phase: "green", text: `green, ${wordFor(plan, "green")}` },
    { phase: "yellow", text: `yellow, ${left(plan.yellow_ms)}` },
    { phase: "red", text: `red, ${left(plan.red_ms)}` },
    { phase: "flash", text: `flashing, ${left(plan.flash_ms)}` },
    { phase: "over", text: `dark, ${wordFor(plan, "over")}` },
  ];
}

/** The time left at which a talk takes on the colour that the demonstration shows. @param {import("./reading.js").Reading} reading */
export function demoTime({ phase, status: { plan } }) {
  const marks = { green: plan.length_ms, yellow: plan.yellow_ms, red: plan.red_ms, flash: plan.flash_ms };
  return clockface(Math.ceil((marks[phase] || 0) / 1000));
}
