// The remote: start, reset and undo for a paired device.

import { Daemon, WORDS, applyLook, byId, clockface, write } from "./daemon.js";

/** Reset needs a hold, as on the button of the strip. */
const HOLD_MS = 1000;
/** A click without a pointer, as from a screen reader, must be repeated within this time instead of a hold. */
const TWICE_MS = 5000;
const TRIES = 3;
/** The phases of a talk. @type {Set<string | undefined>} */
const RUNNING = new Set(["green", "yellow", "red", "flash"]);
const AGAIN_MS = 500;

const { body } = document;
const [word, digits, plan, health] = ["word", "digits", "plan", "health"].map(byId);
const [pair, code, problem] = ["pair", "code", "problem"].map(byId);
const [keys, answer, choice, plans] = ["keys", "answer", "choice", "plans"].map(byId);
const [undo, reset, start] = ["undo", "reset", "start"].map(byId);

/** The plan that was picked on this page; null for the timer's chosen plan. @type {string | null} */
let picked = null;
/** Whether a command was sent and not yet answered. Only one is sent at a time. */
let isSending = false;

const daemon = new Daemon((reading) => {
  const phase = reading ? reading.phase : "lost";
  body.dataset.phase = phase;
  write(word, WORDS[phase]);
  write(digits, reading ? clockface(reading.seconds) : "–:––");
  if (!reading) {
    write(plan, "trying to reconnect");
    health.replaceChildren();
    undo.hidden = true;
    write(start, "Start");
    return;
  }
  const { status } = reading;
  applyLook(status.look);
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
 * Sends a command for the generation that was shown when the finger came down.
 * @param {string} verb
 * @param {HTMLButtonElement} button
 * @param {number} generation
 */
async function press(verb, button, generation) {
  if (isSending) {
    showAnswer("still sending the last command…");
    return;
  }
  if (!daemon.isSure || Number.isNaN(generation)) {
    showAnswer("the timer cannot be reached; nothing was sent", "refused");
    return;
  }
  // A bad network could deliver the request after the end of the talk, where it would start the next one.
  if (verb === "start" && RUNNING.has(body.dataset.phase)) {
    showAnswer(`a talk is running, ${digits.textContent} left; reset it first`, "refused");
    return;
  }
  isSending = true;
  button.classList.add("sending");
  showAnswer("sending…");
  navigator.vibrate?.(20);
  const plan = verb === "start" && plans.options.length > 1 ? plans.value : undefined;
  const { code, message } = await sendRepeatedly(verb, { plan, generation });
  isSending = false;
  button.classList.remove("sending");
  if (code === 200 && verb === "start") {
    picked = null;
  }
  if (code === 401) {
    askToPair(message);
    return;
  }
  showAnswer(message, code === 200 ? "done" : "refused");
  navigator.vibrate?.(code === 200 ? [30, 50, 30] : 200);
}

/** Sends a request, and repeats it if no reply arrives. The generation keeps the daemon from carrying it out twice. */
async function sendRepeatedly(verb, body) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { code, reply } = await daemon.post(verb, body);
      if (code !== 503 || attempt === TRIES) {
        return { code, message: reply.message };
      }
    } catch {
      if (attempt === TRIES) {
        return { code: 0, message: "no reply; see above whether it was done" };
      }
    }
    showAnswer("sending again…");
    await pause(AGAIN_MS);
  }
}

/** @param {"" | "done" | "refused"} how */
function showAnswer(text, how = "") {
  answer.className = how;
  write(answer, text);
}

/** Handles a button that is tapped. */
function onTap(verb, button) {
  let seen = NaN;
  button.addEventListener("pointerdown", () => {
    seen = daemon.status?.generation ?? NaN;
  });
  button.addEventListener("click", (event) => {
    // A key or a screen reader sends no pointerdown.
    const generation = event.detail === 0 ? daemon.status?.generation : seen;
    press(verb, button, generation ?? NaN);
  });
}

/** Handles a button that must be held. */
function onHold(verb, button) {
  let timer;
  let lastClick = -Infinity;
  const down = () => {
    if (isSending) {
      showAnswer("still sending the last command…");
      return;
    }
    if (timer !== undefined) {
      return;
    }
    const generation = daemon.status?.generation ?? NaN;
    button.classList.add("held");
    showAnswer("keep holding…");
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
      showAnswer("hold for one second to reset", "refused");
    }
  };
  const isKey = (event) => event.key === " " || event.key === "Enter";
  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) {
      return;
    }
    // Keep the hold even if the finger slips off the button.
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
    if (performance.now() - lastClick < TWICE_MS) {
      lastClick = -Infinity;
      press(verb, button, daemon.status?.generation ?? NaN);
    } else {
      lastClick = performance.now();
      showAnswer("to reset, press again within five seconds");
    }
  });
}

onTap("start", start);
onTap("undo", undo);
onHold("reset", reset);

// Pairing

/** Shows either the commands, or how to pair this device. */
function setPaired(paired) {
  keys.hidden = !paired;
  pair.hidden = paired;
}

function askToPair(message) {
  setPaired(false);
  write(problem, message);
}

/** Redeems a ticket or a code. @returns {Promise<boolean>} */
async function redeem(ticketOrCode, wrong) {
  write(problem, "sending…");
  try {
    const { code, reply } = await daemon.post("pair", { answer: ticketOrCode });
    if (code === 200) {
      setPaired(true);
      showAnswer("this device is paired", "done");
      return true;
    }
    askToPair(code === 403 ? wrong : reply.message);
  } catch {
    askToPair("the timer does not answer; try again");
  }
  return false;
}

pair.addEventListener("submit", async (event) => {
  event.preventDefault();
  // People type and paste the code with a space: 123 456.
  const digits = code.value.replace(/\D/g, "");
  if (digits.length !== 6) {
    askToPair("the code has six digits");
    return;
  }
  const wrong = "wrong or expired code: each is valid once, within a minute; press p on the timer's screen for a new one";
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

async function openPage() {
  const ticket = location.hash.slice(1);
  // Remove the ticket from the address first, so that it is in no history and no screenshot.
  history.replaceState(null, "", location.pathname);
  if (await isPaired()) {
    setPaired(true);
  } else if (ticket) {
    await redeem(ticket, "this link was used already, or is older than a minute; scan a new QR code, or type its six digits");
  } else {
    askToPair("");
  }
}

function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

// Opening a second link in the same tab does not load the page again.
addEventListener("hashchange", openPage);
openPage();
