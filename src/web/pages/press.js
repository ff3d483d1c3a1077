// Sends a press to the daemon and finds out what became of it.
//
// A press carries the generation that was shown and a deadline in the daemon's time. The daemon refuses it when either no
// longer holds, and answers a repeat of a press that it has carried out with the first reply. So the page asks with the very
// same body until it hears, and what it says is what happened.

import { pause } from "./dom.js";

/** A press that arrives later is refused: somebody else may be at the lectern by then. */
const DEADLINE_MS = 4000;
const AGAIN_MS = 400;
/** The daemon was not reached or has not decided yet. Proxies also answer in its name. */
const UNDECIDED = [408, 429, 500, 502, 503, 504];

export class Press {
  /**
   * @param {import("./daemon.js").Daemon} daemon
   * @param {(text: string) => void} say Says how far the press has come.
   */
  constructor(daemon, say) {
    this.daemon = daemon;
    this.say = say;
    /** Only one press is sent at a time. */
    this.isPending = false;
  }

  /**
   * Sends a press and waits for the daemon's answer, however long that takes.
   * @param {string} verb
   * @param {object} body
   * @param {number} generation The one that was shown when the finger came down.
   * @returns {Promise<{code: number, message: string}>} Code 0 if nothing was sent.
   */
  async send(verb, body, generation) {
    if (this.isPending) {
      return { code: 0, message: "still sending the last press" };
    }
    if (!this.daemon.isSure || Number.isNaN(generation)) {
      return { code: 0, message: "the timer cannot be reached; nothing was sent" };
    }
    this.isPending = true;
    const begun = performance.now();
    const deadline_ns = Math.round((this.daemon.now() + DEADLINE_MS) * 1e6);
    this.say("sending…");
    try {
      for (;;) {
        const answer = await this.ask(verb, { ...body, generation, deadline_ns });
        if (answer) {
          return answer;
        }
        const isLate = performance.now() - begun > DEADLINE_MS;
        this.say(isLate ? "no reply: asking whether it was done; too late to be done now" : "no reply yet, sending again…");
        await pause(AGAIN_MS);
      }
    } finally {
      this.isPending = false;
    }
  }

  /** The daemon's answer, or null if there is none yet. */
  async ask(verb, body) {
    try {
      const { code, reply } = await this.daemon.post(verb, body);
      const isDecided = typeof reply.ok === "boolean" && UNDECIDED.indexOf(code) < 0;
      return isDecided ? { code, message: reply.message } : null;
    } catch {
      return null;
    }
  }
}
