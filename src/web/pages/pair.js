// Pairing this device: by the link of a QR code, by six digits, or by the button at the lectern.

import { byId, fill, make, pause, write } from "./dom.js";

const AGAIN_MS = 500;
/** The two names of the same machine, which are two places for cookies. */
const TWINS = { localhost: "127.0.0.1", "127.0.0.1": "localhost" };

export class Pairing {
  /**
   * @param {import("./daemon.js").Daemon} daemon
   * @param {{onPaired: (message: string) => void, onUnpaired: () => void}} events
   */
  constructor(daemon, events) {
    this.daemon = daemon;
    this.events = events;
    /** Null while it is not known. @type {boolean | null} */
    this.isPaired = null;
    this.problem = make("p", "problem");
    this.problem.id = "problem";
    this.problem.setAttribute("role", "status");

    this.byButton = make("button", "big");
    this.byButton.type = "button";
    this.byButtonLeft = make("small");
    this.byButton.append(make("b", "", "Pair this phone"), this.byButtonLeft);
    this.byButton.addEventListener("click", () =>
      this.redeem("button", ""),
    );

    this.howTo = make("div", "howto");
    this.howTo.append(make("h2", "", "Pair this phone"), make("p", "", "It may look, but not press yet."));
    const ways = make("ul");
    ways.append(
      way("At the lectern", "in a talk, hold the button for five seconds, until two lights are white. It stops the talk. A second button, for resets, does it at any time."),
      way("On the timer's screen", "press ", make("kbd", "", "p"), ", then scan the code, or type its digits here."),
      way("On a paired phone", "More, Hand over."),
    );
    this.howTo.append(ways);

    this.form = /** @type {HTMLFormElement} */ (make("form"));
    const label = make("label", "", "Six digits");
    label.setAttribute("for", "code");
    this.code = /** @type {HTMLInputElement} */ (make("input"));
    Object.assign(this.code, { id: "code", inputMode: "numeric", autocomplete: "one-time-code", maxLength: 9, required: true });
    this.code.setAttribute("aria-describedby", "problem");
    this.form.append(label, this.code, make("button", "", "Pair"));
    this.form.addEventListener("submit", (event) => this.submit(event));
    // What was wrong with the last code is no word about this one.
    this.code.addEventListener("input", () => write(this.problem, ""));

    this.shut = make("p", "bad");
    const address = make("p", "small");
    address.append(`Pairing counts for one address. This is ${location.host}. `);
    const twin = TWINS[location.hostname];
    if (twin) {
      const link = /** @type {HTMLAnchorElement} */ (make("a", "", `Paired at ${twin}?`));
      link.href = location.href.replace(location.hostname, twin).split("#")[0];
      address.append(link);
    }
    fill(byId("pair"), this.howTo, this.byButton, this.shut, this.form, this.problem, address);

    // Opening a second link in the same tab does not load the page again.
    addEventListener("hashchange", () => this.open());
  }

  /** Whether a reload would lose what somebody types. */
  get isTyping() {
    return this.isPaired === false && this.code.value !== "";
  }

  /** Uses the ticket in the address, or finds out whether this device is paired. */
  async open() {
    const ticket = location.hash.slice(1);
    // Remove the ticket from the address first, so that it is in no history and no screenshot.
    history.replaceState(null, "", location.pathname + location.search);
    if (await this.isKnown()) {
      this.isPaired = true;
      this.events.onUnpaired();
    } else if (ticket) {
      await this.redeem(ticket, "this link was used already, or is older than a minute; scan a new QR code, or type its six digits");
    } else {
      this.ask("");
    }
  }

  /** Asks to pair, and says why. @param {string} problem */
  ask(problem) {
    this.isPaired = false;
    write(this.problem, problem);
    this.events.onUnpaired();
  }

  /** @param {import("./reading.js").Reading | null} reading */
  draw(reading) {
    const left = (ms) => (reading && ms && ms > reading.passed ? Math.ceil((ms - reading.passed) / 1000) : 0);
    const open = left(reading && reading.status.pairing_open_ms);
    const closed = left(reading && reading.status.codes_closed_ms);
    this.byButton.hidden = open === 0;
    this.howTo.hidden = open > 0;
    write(this.byButtonLeft, open ? `open for ${open} s` : "");
    this.shut.hidden = closed === 0;
    write(this.shut, closed ? `Too many wrong codes were tried: this code is shut for ${closed} s. A new invitation's code, or a QR code, works at once.` : "");
  }

  /** @param {Event} event */
  async submit(event) {
    event.preventDefault();
    // People type and paste the code with a space: 123 456.
    const digits = this.code.value.replace(/\D/g, "");
    if (digits.length !== 6) {
      this.ask("the code has six digits");
      return;
    }
    await this.redeem(digits, "wrong or expired code: each is valid once, within a minute; press p on the timer's screen for a new one");
    this.code.value = "";
  }

  /** Redeems a ticket, a code or the window of the button. `wrong` is said in place of the daemon's refusal. @param {string} answer @param {string} wrong */
  async redeem(answer, wrong) {
    write(this.problem, "sending…");
    try {
      const { code, reply } = await this.daemon.post("pair", { answer });
      if (code === 200) {
        this.isPaired = true;
        write(this.problem, "");
        this.events.onPaired("this device is paired");
        return;
      }
      this.ask((code === 403 && wrong) || reply.message);
    } catch {
      this.ask("the timer does not answer; try again");
    }
  }

  /** Whether this device is paired. The request renews the cookie. */
  async isKnown() {
    for (;;) {
      try {
        const { code } = await this.daemon.get("paired");
        if (code === 200 || code === 401) {
          return code === 200;
        }
      } catch {
        // Not reached; asked again.
      }
      await pause(AGAIN_MS);
    }
  }
}

/** One way of pairing. @param {string} what @param {(string | Node)[]} how */
function way(what, ...how) {
  const item = make("li");
  item.append(make("b", "", what), ": ", ...how);
  return item;
}
