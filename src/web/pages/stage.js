// The stage view: the phase and the time left, for a speaker far away.

import { keepAwake } from "./awake.js";
import { Daemon, WORDS, clockface, the, wear, write } from "./daemon.js";

const { body } = document;
const [word, room, digits, plan, full, sleep] = ["word", "room", "digits", "plan", "full", "sleep"].map(the);

new Daemon((reading) => {
  const phase = reading ? reading.phase : "lost";
  if (reading) {
    wear(reading.status.look);
  }
  const begins = body.dataset.phase !== phase;
  body.dataset.phase = phase;
  body.dataset.lit = reading && !reading.lit ? "no" : "yes";
  write(word, WORDS[phase]);
  write(plan, about(reading));
  const text = reading ? clockface(reading.seconds) : "–:––";
  const grows = digits.textContent.length !== text.length;
  write(digits, text);
  if (begins || grows) {
    fit();
  }
});

/** What is worth knowing besides phase and time; nothing during a talk. */
function about(reading) {
  if (!reading) {
    return "the timer cannot be reached; looking for it";
  }
  return reading.phase === "ready" ? `${reading.status.plan.name}, ${clockface(reading.seconds)}` : "";
}

/** Makes the digits as large as there is room, whatever the font. */
function fit() {
  const tried = 100;
  digits.style.fontSize = `${tried}px`;
  const [box, text] = [room.getBoundingClientRect(), digits.getBoundingClientRect()];
  const scale = Math.min(box.width / text.width, box.height / text.height);
  digits.style.fontSize = `${Math.max(1, tried * scale)}px`;
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
  // Refused by whoever runs the browser: then the window stays as it is.
  done.catch(() => {});
});

keepAwake().then((certain) => {
  sleep.hidden = certain;
});
