// The remote: start, reset and undo, by who is paired.

import { Daemon, WORDS, clockface, the, wear, write } from "./daemon.js";

/** A reset is held, as it is with the button. */
const HOLD_MS = 1000;
/** Who cannot hold, as with a screen reader, does it twice within this time. */
const TWICE_MS = 5000;
const TRIES = 3;
/** The phases of a talk. @type {Set<string | undefined>} */
const RUNNING = new Set(["green", "yellow", "red", "flash"]);
const AGAIN_MS = 500;

const { body } = document;
const [word, digits, plan, health] = ["word", "digits", "plan", "health"].map(the);
const [pair, code, problem] = ["pair", "code", "problem"].map(the);
const [keys, answer, choice, plans] = ["keys", "answer", "choice", "plans"].map(the);
const [undo, reset, start] = ["undo", "reset", "start"].map(the);

/** The plan that was picked here; the chosen one if none. @type {string | null} */
let picked = null;
/** One press at a time. */
let underWay = false;

const daemon = new Daemon((reading) => {
  const phase = reading ? reading.phase : "lost";
  body.dataset.phase = phase;
  write(word, WORDS[phase]);
  write(digits, reading ? clockface(reading.seconds) : "–:––");
  if (!reading) {
    write(plan, "looking for the timer");
    health.replaceChildren();
    undo.hidden = true;
    write(start, "Start");
    return;
  }
  const { status } = reading;
  wear(status.look);
  write(plan, status.plan.name);
  showHealth(status);
  showPlans(status);
  const [ready, over] = [phase === "ready", phase === "over"];
  choice.hidden = status.plans.length < 2 || !(ready || over);
  write(start, over ? "Start the next talk" : "Start");
  start.classList.toggle("plain", !ready && !over);
  reset.classList.toggle("plain", ready);
  undo.hidden = reading.undo === 0;
  write(undo, `Undo (${reading.undo} s)`);
});

/** @param {import("./daemon.js").Status} status */
function showHealth({ strip, faults }) {
  const trouble = faults.map(({ input, error }) => `${input} failed: ${error}`);
  if (strip.error) {
    trouble.unshift(`the strip fails: ${strip.error}`);
  }
  const lines = [...trouble];
  if (!strip.error) {
    lines.push(strip.trial ? "strip: being tested" : `strip: ${strip.health}`);
  }
  const shown = [...health.children].map((item) => item.textContent);
  if (shown.join("\n") !== lines.join("\n")) {
    health.replaceChildren(
      ...lines.map((line) => {
        const item = document.createElement("li");
        item.textContent = line;
        item.className = trouble.includes(line) ? "bad" : "";
        return item;
      }),
    );
  }
}

/** @param {import("./daemon.js").Status} status */
function showPlans(status) {
  const names = [...plans.options].map((option) => option.value);
  if (names.join() !== status.plans.join()) {
    plans.replaceChildren(...status.plans.map((name) => new Option(name, name)));
  }
  plans.value = picked ?? status.chosen;
}

plans.addEventListener("change", () => {
  picked = plans.value;
});

// Commands

/**
 * What a press is meant for is what was seen when the finger came down.
 * @param {string} verb
 * @param {HTMLButtonElement} button
 * @param {number} generation
 */
async function press(verb, button, generation) {
  if (underWay) {
    say("still sending the last press…");
    return;
  }
  if (!daemon.isSure || Number.isNaN(generation)) {
    say("the timer cannot be reached; nothing was sent", "refused");
    return;
  }
  // Sent again and again by a bad network, it might be let in after the end, and start the next talk.
  if (verb === "start" && RUNNING.has(body.dataset.phase)) {
    say(`a talk is running, ${digits.textContent} left; reset it first`, "refused");
    return;
  }
  underWay = true;
  button.classList.add("sending");
  say("sending…");
  navigator.vibrate?.(20);
  const plan = verb === "start" && plans.options.length > 1 ? plans.value : undefined;
  const { code, message } = await insist(verb, { plan, generation });
  underWay = false;
  button.classList.remove("sending");
  if (code === 200 && verb === "start") {
    picked = null;
  }
  if (code === 401) {
    invite(message);
    return;
  }
  say(message, code === 200 ? "done" : "refused");
  navigator.vibrate?.(code === 200 ? [30, 50, 30] : 200);
}

/** The same request again, while nobody answers: the generation keeps it from being done twice. */
async function insist(verb, body) {
  for (let tried = 1; ; tried += 1) {
    try {
      const { code, reply } = await daemon.post(verb, body);
      if (code !== 503 || tried === TRIES) {
        return { code, message: reply.message };
      }
    } catch {
      if (tried === TRIES) {
        return { code: 0, message: "no answer; look above whether it was done" };
      }
    }
    say("sending again…");
    await pause(AGAIN_MS);
  }
}

/** @param {"" | "done" | "refused"} how */
function say(text, how = "") {
  answer.className = how;
  write(answer, text);
}

/** Presses of a button that is tapped. */
function onTap(verb, button) {
  let seen = NaN;
  button.addEventListener("pointerdown", () => {
    seen = daemon.status?.generation ?? NaN;
  });
  button.addEventListener("click", (event) => {
    // A key, or a screen reader, puts no finger down.
    const generation = event.detail === 0 ? daemon.status?.generation : seen;
    press(verb, button, generation ?? NaN);
  });
}

/** Presses of a button that is held. */
function onHold(verb, button) {
  let timer;
  let once = -Infinity;
  const down = () => {
    if (underWay) {
      say("still sending the last press…");
      return;
    }
    if (timer !== undefined) {
      return;
    }
    const generation = daemon.status?.generation ?? NaN;
    button.classList.add("held");
    say("keep holding…");
    timer = setTimeout(() => {
      release();
      press(verb, button, generation);
    }, HOLD_MS);
  };
  const release = () => {
    button.classList.remove("held");
    clearTimeout(timer);
    timer = undefined;
  };
  const up = () => {
    if (timer !== undefined) {
      release();
      say("hold for one second to reset", "refused");
    }
  };
  const isKey = (event) => event.key === " " || event.key === "Enter";
  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) {
      return;
    }
    // The finger may slip: it is still this button that it holds.
    button.setPointerCapture(event.pointerId);
    down();
  });
  button.addEventListener("keydown", (event) => {
    if (isKey(event)) {
      event.preventDefault();
      if (!event.repeat) {
        down();
      }
    }
  });
  button.addEventListener("keyup", (event) => {
    if (isKey(event)) {
      event.preventDefault();
      up();
    }
  });
  for (const end of ["pointerup", "pointercancel", "blur"]) {
    button.addEventListener(end, up);
  }
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  button.addEventListener("click", (event) => {
    if (event.detail !== 0) {
      return;
    }
    if (performance.now() - once < TWICE_MS) {
      once = -Infinity;
      press(verb, button, daemon.status?.generation ?? NaN);
    } else {
      once = performance.now();
      say("to reset, do that again within five seconds");
    }
  });
}

onTap("start", start);
onTap("undo", undo);
onHold("reset", reset);

// Pairing

/** Shows what can be done: the keys, or how to be paired. */
function admit(paired) {
  keys.hidden = !paired;
  pair.hidden = paired;
}

function invite(message) {
  admit(false);
  write(problem, message);
}

/** Redeems a ticket or a code. @returns {Promise<boolean>} */
async function redeem(said, wrong) {
  write(problem, "sending…");
  try {
    const { code, reply } = await daemon.post("pair", { answer: said });
    if (code === 200) {
      admit(true);
      say("this device is paired", "done");
      return true;
    }
    invite(code === 403 ? wrong : reply.message);
  } catch {
    invite("the timer does not answer; try again");
  }
  return false;
}

pair.addEventListener("submit", async (event) => {
  event.preventDefault();
  // As people type and paste it: 123 456.
  const digits = code.value.replace(/\D/g, "");
  if (digits.length !== 6) {
    invite("the code has six digits");
    return;
  }
  const wrong = "that is not the code, or no longer: it is good once and for a minute; press p on the timer's screen for a new one";
  if (await redeem(digits, wrong)) {
    start.focus();
  }
  code.value = "";
});

async function isPaired() {
  for (;;) {
    try {
      return await daemon.isPaired();
    } catch {
      await pause(AGAIN_MS);
    }
  }
}

async function enter() {
  const ticket = location.hash.slice(1);
  // Out of the address before anything else, so that it is in no history and no picture of the screen.
  history.replaceState(null, "", location.pathname);
  if (await isPaired()) {
    admit(true);
  } else if (ticket) {
    await redeem(ticket, "this link was used already, or is older than a minute; scan a new one, or type its six digits");
  } else {
    invite("");
  }
}

function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

// A second link, scanned into the tab that is open already, loads nothing.
addEventListener("hashchange", enter);
enter();
