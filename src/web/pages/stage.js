// The stage view: the phase and the time left, for a speaker far away.

import { keepAwake } from "./awake.js";
import { Daemon } from "./daemon.js";
import { byId, fill, fit, make, takeAwayOldBrowserNote, write } from "./dom.js";
import { fullScreen } from "./fullscreen.js";
import { applyLook } from "./look.js";
import { Band, PlanLine } from "./planline.js";
import { isRunning } from "./reading.js";
import { Sound } from "./sound.js";
import { Update } from "./update.js";
import { clockface, demoTime, legend, timeOfDay, wordFor } from "./words.js";

/** The room begins to clap this long before the end, where it is asked to. */
const CLAPS_MS = 20_000;

const { body } = document;
const [word, room, digits, plan, full, sleep] = ["word", "room", "digits", "plan", "full", "sleep"].map(byId);
const [speaker, level, volume] = ["speaker", "level", "volume"].map(byId);
const asked = new URLSearchParams(location.search);
const [counts, hasBand, isOverlay, hasClaps] = ["overrun", "strip", "overlay", "claps"].map((name) => asked.has(name));
const line = new PlanLine(byId("line"));
const band = new Band(byId("band"));

for (const name of ["strip", "overlay"]) {
  body.classList.toggle(name, asked.has(name));
}
const stillness = matchMedia("(prefers-reduced-motion: reduce)");
const drawCalm = () => body.classList.toggle("calm", asked.has("calm") || stillness.matches);
stillness.addEventListener("change", drawCalm);
drawCalm();
if (isOverlay) {
  document.documentElement.classList.add("overlay");
  body.dataset.corner = asked.get("overlay") || "bottom-right";
}

const sound = new Sound(() => drawSpeaker());
const daemon = new Daemon((reading) => {
  drawPicture(reading);
  sound.follow(reading);
  update.check(reading);
});
const update = new Update(byId("newer"), () => fullScreen.isOn || sound.isOn);

/** @param {import("./reading.js").Reading | null} reading */
function drawPicture(reading) {
  const phase = reading ? reading.phase : "lost";
  if (reading) {
    applyLook(reading.status.look);
    document.title = `${reading.status.name || "talklight"}: stage view`;
  }
  const isNewPhase = body.dataset.phase !== phase;
  body.dataset.phase = phase;
  body.dataset.lit = reading && !reading.lit ? "no" : "yes";
  write(word, wordOf(reading));
  drawPlan(reading);
  line.draw(reading && reading.isDemo ? { ...reading, plan: reading.status.plan } : reading);
  if (hasBand) {
    band.draw(reading && body.classList.contains("calm") ? { ...reading, lit: true } : reading);
  }
  const text = timeOf(reading);
  const hasNewLength = digits.textContent.length !== text.length;
  write(digits, text);
  if (isNewPhase || hasNewLength) {
    fitDigits();
  }
}

/** @param {import("./reading.js").Reading | null} reading */
function wordOf(reading) {
  if (!reading) {
    return "no connection";
  }
  if (hasClaps && !reading.isDemo && reading.phase === "over") {
    return "applause";
  }
  if (hasClaps && !reading.isDemo && isRunning(reading) && reading.left <= CLAPS_MS) {
    return "two fingers: clap softly";
  }
  return wordFor(reading.status.plan, reading.phase);
}

/** @param {import("./reading.js").Reading | null} reading */
function timeOf(reading) {
  if (!reading) {
    return "–:––";
  }
  if (reading.isDemo) {
    return demoTime(reading);
  }
  return counts && reading.phase === "over" ? `+${clockface(reading.overrun)}` : clockface(reading.seconds);
}

/** The line below the digits; empty during a talk. @param {import("./reading.js").Reading | null} reading */
function drawPlan(reading) {
  plan.classList.toggle("legend", Boolean(reading && reading.isDemo));
  if (!reading) {
    const { lastNewsWall } = daemon;
    write(plan, Number.isNaN(lastNewsWall) ? "connecting…" : `since ${timeOfDay(lastNewsWall)}: the timer cannot be reached`);
  } else if (reading.isDemo) {
    drawLegend(reading);
  } else if (reading.phase === "ready") {
    write(plan, `${reading.status.name ? `${reading.status.name} · ` : ""}${reading.plan.name}, ${clockface(reading.seconds)}`);
  } else {
    write(plan, "");
  }
}

/** @param {import("./reading.js").Reading} reading */
function drawLegend(reading) {
  if (plan.dataset.phase === reading.phase && plan.children.length > 0) {
    return;
  }
  plan.dataset.phase = reading.phase;
  const parts = legend(reading.status.plan).map(({ phase, text }) => make(phase === reading.phase ? "b" : "span", "", text));
  fill(plan, "demonstration: ", ...parts.reduce((all, part, at) => (at > 0 ? [...all, " · ", part] : [part]), []));
}

function fitDigits() {
  if (!isOverlay) {
    fit(room, digits);
  }
}

new ResizeObserver(fitDigits).observe(room);

// Full screen

/** How long the hints stay after the mouse has moved. */
const HINTS_MS = 3000;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let hints;

function showHints() {
  full.hidden = !fullScreen.isPossible;
  body.classList.toggle("full", fullScreen.isOn);
}

function stir() {
  body.classList.add("stirred");
  clearTimeout(hints);
  hints = setTimeout(() => body.classList.remove("stirred"), HINTS_MS);
}

fullScreen.onChange(showHints);
showHints();
body.addEventListener("mousemove", stir);
body.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (target.closest("a, label, #speaker, #newer") || !fullScreen.isPossible || isOverlay) {
    return;
  }
  fullScreen.toggle();
});

// Sound

function drawSpeaker() {
  speaker.hidden = !Sound.isPossible;
  const isOn = sound.isOn;
  write(speaker, isOn ? "sound: on" : sound.wasOn ? "press for sound" : "sound: off");
  speaker.setAttribute("aria-pressed", String(isOn));
  speaker.classList.toggle("wanted", !isOn && sound.wasOn);
  level.hidden = !isOn;
  daemon.setSound(isOn);
  daemon.draw();
}

speaker.addEventListener("click", () => {
  (sound.isOn ? sound.turnOff() : sound.turnOn()).catch(() => write(speaker, "no sound device"));
});
volume.value = String(sound.volume);
volume.addEventListener("input", () => sound.setVolume(Number(volume.value)));
volume.addEventListener("change", () => sound.tryOut());
document.addEventListener("visibilitychange", () => sound.wake());
drawSpeaker();

keepAwake().then((certain) => {
  sleep.hidden = certain;
});
takeAwayOldBrowserNote();
