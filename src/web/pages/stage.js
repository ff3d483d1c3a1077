// The stage view: the phase and the time left, for a speaker far away.

import { keepAwake } from "./awake.js";
import { Daemon, WORDS, applyLook, byId, clockface, write } from "./daemon.js";

const { body } = document;
const [word, room, digits, plan, full, sleep] = ["word", "room", "digits", "plan", "full", "sleep"].map(byId);

new Daemon((reading) => {
  const phase = reading ? reading.phase : "lost";
  if (reading) {
    applyLook(reading.status.look);
  }
  const isNewPhase = body.dataset.phase !== phase;
  body.dataset.phase = phase;
  body.dataset.lit = reading && !reading.lit ? "no" : "yes";
  write(word, WORDS[phase]);
  write(plan, about(reading));
  const text = reading ? clockface(reading.seconds) : "–:––";
  const hasNewLength = digits.textContent.length !== text.length;
  write(digits, text);
  if (isNewPhase || hasNewLength) {
    fit();
  }
});

/** The line below the digits; empty during a talk. */
function about(reading) {
  if (!reading) {
    return "the timer cannot be reached; trying to reconnect";
  }
  return reading.phase === "ready" ? `${reading.status.plan.name}, ${clockface(reading.seconds)}` : "";
}

/** Makes the digits as large as possible in any font. */
function fit() {
  const trialSize = 100;
  digits.style.fontSize = `${trialSize}px`;
  const [box, text] = [room.getBoundingClientRect(), digits.getBoundingClientRect()];
  const scale = Math.min(box.width / text.width, box.height / text.height);
  digits.style.fontSize = `${Math.max(1, trialSize * scale)}px`;
}

new ResizeObserver(fit).observe(room);

function showHints() {
  full.hidden = !document.fullscreenEnabled;
  body.classList.toggle("full", document.fullscreenElement !== null);
}

document.addEventListener("fullscreenchange", showHints);
showHints();

body.addEventListener("click", (event) => {
  if (event.target instanceof HTMLAnchorElement || !document.fullscreenEnabled) {
    return;
  }
  const done = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  // The browser may refuse full screen; the window then stays as it is.
  done.catch(() => {});
});

keepAwake().then((certain) => {
  sleep.hidden = certain;
});
