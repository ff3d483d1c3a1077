// The chair's remote: one picture of the talk, and what the chair may do next.

import { onPress } from "./buttons.js";
import { Daemon } from "./daemon.js";
import { byId, fill, fit, make, recall, takeAwayOldBrowserNote, write } from "./dom.js";
import { applyLook } from "./look.js";
import { Pairing } from "./pair.js";
import { Panels } from "./panels.js";
import { Band, PlanLine } from "./planline.js";
import { Press } from "./press.js";
import { isRunning } from "./reading.js";
import { Update } from "./update.js";
import { clockface, demoTime, roughly, timeOfDay, wordFor } from "./words.js";

/** For so long after its start a talk can be told that it began earlier. */
const LATE_MS = 120_000;
/** How long a reset can be undone. */
const UNDO_S = 10;
/** When the talk moves on by itself, what was said at least so long before is no longer news. */
const NEWS_MS = 5000;
const BUZZ = { yellow: [200], red: [200, 150, 200], flash: [200, 150, 200, 150, 200], over: [900] };

const { body } = document;
const [name, state, word, plan, room, digits, since] = ["name", "state", "word", "plan", "room", "digits", "since"].map(byId);
const [answer, faults, failed, failedWhat, failedLeft] = ["answer", "faults", "failed", "failedwhat", "failedleft"].map(byId);
const [keys, plans, late, unlate, show, row, gone] = ["keys", "plans", "late", "unlate", "show", "row", "gone"].map(byId);
const [main, side, more] = ["main", "side", "more"].map(byId);
const line = new PlanLine(byId("line"));
const band = new Band(byId("band"));
/** The last reading, also after the connection was lost. @type {import("./reading.js").Reading | null} */
let last = null;
/** The present reading; null while the connection is lost. @type {import("./reading.js").Reading | null} */
let shown = null;
/** When the page last said something, on the clock of `performance.now()`. */
let saidAt = -Infinity;
/** The plan that was picked and not yet confirmed by the timer. @type {string | null} */
let picked = null;

const daemon = new Daemon((reading) => {
  drawPicture(reading);
  buzz(reading);
  shown = reading;
  last = reading || last;
  drawKeys();
  drawFaults();
  pairing.draw(reading);
  panels.draw(reading);
  update.check(reading);
});
const press = new Press(daemon, (text) => say(text));
const pairing = new Pairing(daemon, {
  onPaired: (message) => {
    say(message, "done");
    drawViews();
    main.focus();
  },
  onUnpaired: () => drawViews(),
});
const panels = new Panels(daemon, { say, drawViews, onUnpaired: (message) => pairing.ask(message), showColours });
const update = new Update(byId("newer"), () => press.isPending || panels.isOpen || pairing.isTyping);

// The picture

/** @param {import("./reading.js").Reading | null} reading */
function drawPicture(reading) {
  const phase = reading ? reading.phase : "lost";
  const isNewPhase = body.dataset.phase !== phase;
  body.dataset.phase = phase;
  body.dataset.lit = reading && !reading.lit ? "no" : "yes";
  if (reading) {
    applyLook(reading.status.look);
    const called = reading.status.name || "talklight";
    write(name, called);
    document.title = `${isRunning(reading) && !reading.isDemo ? `${clockface(reading.seconds)} ` : ""}${called}`;
    write(word, wordFor(reading.status.plan, phase));
    write(plan, reading.isDemo ? "demonstration" : `${reading.plan.name} ${clockface(Math.ceil(reading.plan.length_ms / 1000))}`);
    write(state, stateOf(reading.status));
  } else {
    write(word, "no connection");
    write(plan, "");
    write(state, "");
    document.title = `no connection ${last ? last.status.name || "" : ""}`.trim();
  }
  write(since, sinceOf(reading));
  band.draw(reading);
  line.draw(reading && reading.isDemo ? { ...reading, plan: reading.status.plan } : reading);
  const text = timeOf(reading);
  const hasNewLength = digits.textContent.length !== text.length;
  write(digits, text);
  if (isNewPhase || hasNewLength) {
    fit(room, digits);
  }
  // "Started" below "time is up", or a time left that has long passed, would contradict the picture.
  if (isNewPhase && reading && !reading.isDemo && answer.className === "done" && performance.now() - saidAt > NEWS_MS) {
    say("");
  }
}

/** @param {import("./reading.js").Reading | null} reading */
function timeOf(reading) {
  if (!reading) {
    return "–:––";
  }
  if (reading.isDemo) {
    return demoTime(reading);
  }
  return reading.phase === "over" ? `+${clockface(reading.overrun)}` : clockface(reading.seconds);
}

/** @param {import("./reading.js").Status} status */
function stateOf({ strip, pages_with_sound: sounds }) {
  const sound = sounds ? `sound on${sounds > 1 ? ` (${sounds})` : ""} · ` : "";
  return sound + (strip.error ? "strip: failing" : strip.trial ? "strip: being tested" : `strip: ${strip.health}`);
}

/** The line below the picture. @param {import("./reading.js").Reading | null} reading */
function sinceOf(reading) {
  if (!reading) {
    const was = last ? `: ${wordFor(last.status.plan, last.phase)}, ${timeOf(last)}${isRunning(last) ? " left" : ""}` : "";
    return Number.isNaN(daemon.lastNewsWall) ? "connecting…" : `last heard ${timeOfDay(daemon.lastNewsWall)}${was}`;
  }
  if (reading.phase === "ready" && reading.since !== null) {
    return `the last talk ended ${clockface(reading.since)} ago`;
  }
  return reading.status.late_ms ? `started ${roughly(reading.status.late_ms / 1000)} late` : "";
}

/** Tells the phases to a hand, once each. @param {import("./reading.js").Reading | null} reading */
function buzz(reading) {
  const phase = reading && !reading.isDemo ? reading.phase : "lost";
  const isNext = shown !== null && reading !== null && shown.phase !== phase && isRunning(shown);
  if (isNext && BUZZ[phase] && recall("vibrate") === "on") {
    vibrate(BUZZ[phase]);
  }
}

/** @param {number | number[]} pattern */
function vibrate(pattern) {
  // iPhones have no vibration for pages.
  if (typeof navigator.vibrate === "function") {
    navigator.vibrate(pattern);
  }
}

function drawFaults() {
  const status = shown && shown.status;
  const isFailing = Boolean(status && status.strip.error && isRunning(shown) && !(shown && shown.isDemo));
  failed.hidden = !isFailing;
  write(failedWhat, isFailing ? "The strip has failed. Tell the speaker:" : "");
  write(failedLeft, isFailing && shown ? `${clockface(shown.seconds)} left.` : "");
  const lines = status ? status.faults.map(({ input, error }) => `${input} failed: ${error}`) : [];
  if (status && status.strip.error) {
    lines.unshift(`the strip fails: ${status.strip.error}`);
  }
  if (pairing.isPaired && shown && status && status.codes_closed_ms && status.codes_closed_ms > shown.passed) {
    const left = Math.ceil((status.codes_closed_ms - shown.passed) / 1000);
    lines.push(`too many wrong codes: the old code is shut for ${left} s; a new invitation works at once`);
  }
  if (pairing.isPaired && shown && status) {
    lines.push(...pairingNews(status, shown.passed));
  }
  const before = [...faults.children].map((item) => item.textContent);
  if (before.join("\n") !== lines.join("\n")) {
    fill(faults, ...lines.map((text) => make("li", "bad", text)));
  }
}

/** How long a paired phone tells that another one was paired. */
const PAIRED_TOLD_MS = 60_000;

/** Who may press, and who may next. @param {import("./reading.js").Status} status @param {number} passed */
function pairingNews({ pairing_open_ms: open, last_paired: latest, at_ns: at }, passed) {
  const news = [];
  if (open && open > passed) {
    news.push(`pairing is open by the button for ${Math.ceil((open - passed) / 1000)} s`);
  }
  const ago = latest ? at / 1e6 + passed - latest.at_ns / 1e6 : Infinity;
  if (latest && ago < PAIRED_TOLD_MS) {
    news.push(`${latest.name} was paired by ${latest.by === "button" ? "the button" : `a ${latest.by}`} ${Math.floor(ago / 1000)} s ago`);
  }
  return news;
}

/** Says what happened. @param {string} text @param {"" | "done" | "refused"} how */
function say(text, how = "") {
  saidAt = performance.now();
  answer.className = how;
  write(answer, text);
}

// The buttons

/** The meaning of each button now; null if it has none, and is then absent. */
const MEANINGS = {
  main: () => {
    if (!shown) {
      return null;
    }
    if (isRunning(shown) && !shown.isDemo) {
      return { label: "Hold to stop", isHold: true, act: () => send("reset", {}) };
    }
    const next = picked || shown.status.chosen;
    const label = `Start ${next} ${lengthOf(next)}`;
    return { label, act: () => send("start", { plan: next }) };
  },
  side: () => {
    if (shown && shown.phase === "ready" && shown.undo > 0) {
      return { label: "Undo", act: () => send("undo", {}) };
    }
    if (shown && shown.phase === "over" && !shown.isDemo) {
      return { label: "Ready", act: () => send("reset", {}) };
    }
    return null;
  },
  late10: () => lateBy(10),
  late30: () => lateBy(30),
  unlate: () => {
    const isLate = shown && isRunning(shown) && !shown.isDemo && shown.undo > 0;
    return isLate ? { label: "Undo", act: () => send("undo", {}) } : null;
  },
  show: () => {
    const isIdle = shown && !shown.isDemo && !isRunning(shown) && !shown.undo;
    return isIdle ? { label: "Show the colours", act: showColours } : null;
  },
};

/** @param {number} seconds */
function lateBy(seconds) {
  if (!shown || !isRunning(shown) || shown.isDemo) {
    return null;
  }
  const { plan: talk, left } = shown;
  const marks = [talk.yellow_ms, talk.red_ms, talk.flash_ms, 0];
  const after = left - 1000 * seconds;
  const skipped = marks.filter((mark) => mark < left && mark >= after).length;
  if (talk.length_ms - left > LATE_MS || after <= 0 || skipped > 1) {
    return null;
  }
  return { label: `−${seconds} s`, act: () => send("late", { by: `${seconds}s` }) };
}

async function showColours() {
  const isDone = await send("demo", {});
  if (isDone) {
    // The daemon's reply tells its status, as if no colours were shown.
    say("showing the colours; a start ends it", "done");
  }
  return isDone;
}

/** @param {string} called */
function lengthOf(called) {
  const choice = shown && shown.status.choices.find((one) => one.name === called);
  return choice ? clockface(Math.ceil(choice.length_ms / 1000)) : "";
}

for (const [id, meaning] of Object.entries(MEANINGS)) {
  // The generation is the one that was shown when the finger came down: the label holds it.
  onPress(byId(id), () => stamped(meaning()), (text) => say(text, "refused"));
}

/** Binds an action to the generation that is shown now. */
function stamped(action) {
  const generation = daemon.status ? daemon.status.generation : NaN;
  return action && { ...action, act: () => ((seen = generation), action.act()) };
}

/** The generation that the last press was meant for. */
let seen = NaN;

/**
 * Sends a press and says what became of it.
 * @param {string} verb
 * @param {object} request
 * @returns {Promise<boolean>} Whether it was done.
 */
async function send(verb, request, generation = seen) {
  vibrate(20);
  row.classList.add("sending");
  const { code, message } = await press.send(verb, request, generation);
  row.classList.toggle("sending", press.isPending);
  if (code === 401) {
    pairing.ask(message);
    return false;
  }
  say(message, code === 200 ? "done" : "refused");
  vibrate(code === 200 ? [30, 50, 30] : 200);
  return code === 200;
}

function drawKeys() {
  gone.hidden = shown !== null;
  drawPlans();
  drawButton(main, MEANINGS.main());
  main.dataset.does = isRunning(shown) && !(shown && shown.isDemo) ? "stop" : "start";
  const aside = MEANINGS.side();
  row.classList.toggle("two", aside !== null);
  const undo = aside && aside.label === "Undo" && shown ? shown.undo : 0;
  drawButton(side, undo ? { label: `Undo ${undo}\u00a0s` } : aside);
  side.classList.toggle("undo", undo > 0);
  side.querySelector("i").style.transform = `scaleX(${undo / UNDO_S})`;
  const back = MEANINGS.unlate();
  let any = false;
  for (const [id, seconds] of /** @type {const} */ ([["late10", 10], ["late30", 30]])) {
    const can = !back && lateBy(seconds) !== null;
    byId(id).hidden = !can;
    any = any || can;
  }
  unlate.hidden = !back;
  write(unlate, back && shown ? `Undo ${shown.undo}\u00a0s` : "");
  late.hidden = !back && !any;
  write(byId("latewhat"), back ? "Counted as late." : "Started late?");
}

/** @param {HTMLElement} button @param {{label: string} | null} meaning */
function drawButton(button, meaning) {
  button.hidden = meaning === null;
  if (meaning) {
    write(button.querySelector("span"), meaning.label);
  }
}

// The plans

function drawPlans() {
  const isIdle = shown !== null && (!isRunning(shown) || shown.isDemo);
  show.hidden = MEANINGS.show() === null;
  const status = shown && shown.status;
  if (status) {
    const choices = status.choices.length > 1 ? status.choices : [];
    const wanted = choices.map((choice) => `${choice.name} ${choice.length_ms}`).join("\n");
    if (plans.dataset.drawn !== wanted) {
      plans.dataset.drawn = wanted;
      fill(plans, ...choices.map((choice) => tile(choice)), show);
    }
    const chosen = picked || status.chosen;
    for (const button of plans.querySelectorAll(".tile")) {
      button.setAttribute("aria-pressed", String(button.dataset.plan === chosen));
    }
  }
  plans.hidden = !isIdle || (show.hidden && plans.children.length < 2);
}

/** A plan to choose. @param {{name: string, length_ms: number}} choice */
function tile(choice) {
  const button = make("button", "tile");
  button.type = "button";
  button.dataset.plan = choice.name;
  button.append(make("b", "", choice.name), make("span", "", clockface(Math.ceil(choice.length_ms / 1000))));
  onPress(button, () => stamped({ label: choice.name, act: () => choose(choice.name) }), () => {});
  return button;
}

/** Picking is choosing: the button at the lectern starts the same plan. @param {string} called */
async function choose(called) {
  if (press.isPending || !daemon.isSure) {
    say(press.isPending ? "still sending the last press" : "the timer cannot be reached; nothing was sent", "refused");
    return;
  }
  picked = called;
  drawKeys();
  await send("choose", { plan: called });
  // If it was refused, the page goes back to the plan that the timer has.
  picked = null;
  drawKeys();
}

// What is visible

function drawViews() {
  const view = pairing.isPaired === null ? "wait" : pairing.isPaired ? (panels.isOpen ? "panel" : "keys") : "pair";
  body.dataset.view = view;
  keys.hidden = view !== "keys";
  row.hidden = view !== "keys";
  byId("panel").hidden = view !== "panel";
  byId("pair").hidden = view !== "pair";
  more.hidden = view !== "keys" && view !== "panel";
  more.setAttribute("aria-expanded", String(panels.isOpen));
  write(more, panels.isOpen ? "Back" : "More");
  fit(room, digits);
}

more.addEventListener("click", () => panels.toggle());
new ResizeObserver(() => fit(room, digits)).observe(room);
drawViews();
pairing.open();
takeAwayOldBrowserNote();
