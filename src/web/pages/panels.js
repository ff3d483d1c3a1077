// What the chair needs now and then: the colours, the next chair's phone, the paired devices, the room's Wi-Fi.

import { byId, fill, make, recall, remember, write } from "./dom.js";
import { drawQr } from "./qr.js";
import { roughly } from "./words.js";

const ASK_MS = 1000;
/** A second press within this time removes a device. */
const SURE_MS = 4000;

export class Panels {
  /**
   * @param {import("./daemon.js").Daemon} daemon
   * @param {{say: (text: string, how?: "" | "done" | "refused") => void, drawViews: () => void,
   *   onUnpaired: (message: string) => void, showColours: () => void}} page
   */
  constructor(daemon, page) {
    this.daemon = daemon;
    this.page = page;
    this.panel = byId("panel");
    this.isOpen = false;
    /** Counts the panels that were opened, so that a late reply does not write into another one. */
    this.opened = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
  }

  toggle() {
    if (this.isOpen) {
      this.close();
    } else {
      this.menu();
    }
  }

  close() {
    this.isOpen = false;
    this.opened += 1;
    clearInterval(this.timer);
    fill(this.panel);
    this.page.drawViews();
    byId("more").focus();
  }

  /** @param {import("./reading.js").Reading | null} reading */
  draw(reading) {
    for (const button of this.panel.querySelectorAll(".idle")) {
      button.hidden = !reading || (reading.phase !== "ready" && reading.phase !== "over");
    }
  }

  /** Opens a panel with a title. @param {string} title @param {(Node | string)[]} content */
  open(title, ...content) {
    this.isOpen = true;
    this.opened += 1;
    clearInterval(this.timer);
    const heading = make("h2", "", title);
    heading.id = "paneltitle";
    heading.tabIndex = -1;
    fill(this.panel, heading, ...content);
    this.page.drawViews();
    heading.focus();
    return this.opened;
  }

  menu() {
    const item = (text, about, act) => {
      const button = make("button", "item");
      button.type = "button";
      button.append(make("b", "", text), make("small", "", about));
      button.addEventListener("click", act);
      return button;
    };
    const colours = item("Show the colours", "green, yellow, red, flashing, dark: in 12 seconds", () => {
      this.close();
      this.page.showColours();
    });
    colours.classList.add("idle");
    const items = [
      colours,
      item("Hand over", "a QR code for the next chair's phone", () => this.handOver()),
      item("Paired devices", "who can press; remove one", () => this.devices()),
      item("Test the Wi-Fi", "can phones reach this timer?", () => this.wifi()),
    ];
    if (typeof navigator.vibrate === "function") {
      items.push(this.vibration());
    }
    const stage = /** @type {HTMLAnchorElement} */ (make("a", "item"));
    stage.href = "./";
    stage.append(make("b", "", "Stage view"), make("small", "", "the time for a large screen, with sound"));
    this.open("More", ...items, stage);
    this.draw(this.daemon.isSure && this.daemon.status ? /** @type {any} */ (this.daemon.status) : null);
  }

  vibration() {
    const button = make("button", "item");
    button.type = "button";
    button.setAttribute("role", "switch");
    const how = make("small");
    button.append(make("b", "", "Vibrate at the marks"), how);
    const draw = () => {
      const isOn = recall("vibrate") === "on";
      button.setAttribute("aria-checked", String(isOn));
      write(how, isOn ? "on, while this page is open" : "off");
    };
    button.addEventListener("click", () => {
      const isOn = recall("vibrate") !== "on";
      remember("vibrate", isOn ? "on" : null);
      if (isOn) {
        navigator.vibrate(200);
      }
      draw();
    });
    draw();
    return button;
  }

  /** The device that was paired last. */
  lastPaired() {
    return (this.daemon.status && this.daemon.status.last_paired) || null;
  }

  async handOver() {
    const place = make("div", "code");
    const opened = this.open("Hand over", make("p", "", "The next chair scans this, once. Your phone stays paired."), place);
    const reply = await this.ask("invite", {}, opened, place);
    if (!reply) {
      return;
    }
    const digits = make("p", "digits", reply.code.replace(/(...)(...)/, "$1 $2"));
    const left = make("p", "small");
    fill(place, ...qr(reply, "QR code that pairs a phone"), make("p", "", `or open ${reply.url} and type`), digits, left);
    const before = this.lastPaired();
    const used = () => {
      const latest = this.lastPaired();
      if (latest && (!before || latest.at_ns !== before.at_ns)) {
        clearInterval(this.timer);
        fill(place, make("p", "", `${latest.name} is paired.`), this.button("New code", () => this.handOver()));
      }
    };
    const ended = () => {
      clearInterval(this.timer);
      fill(place, make("p", "", "This code is no longer valid."), this.button("New code", () => this.handOver()));
    };
    this.count(reply.seconds, left, "valid once, for", ended, used);
  }

  async wifi() {
    const place = make("div", "code");
    const opened = this.open(
      "Test the Wi-Fi",
      make("p", "", "Scan this with a phone that is in the room's Wi-Fi and is not paired."),
      place,
    );
    const reply = await this.ask("hello", {}, opened, place);
    if (!reply) {
      return;
    }
    const left = make("p", "small");
    fill(place, ...qr(reply, "QR code of a page of this timer"), make("p", "", reply.link), left);
    const finish = (text, isGood) => {
      clearInterval(this.timer);
      const verdict = make("p", isGood ? "good" : "bad", text);
      verdict.setAttribute("role", "status");
      fill(place, verdict, this.button("Test again", () => this.wifi()));
    };
    const ask = async () => {
      try {
        const { code, reply: state } = await this.daemon.get(`hello?id=${encodeURIComponent(reply.id)}`);
        if (opened === this.opened && (state.arrived || code !== 200 || isOver())) {
          finish(state.message, Boolean(state.arrived));
        }
      } catch {
        // Asked again in a second.
      }
    };
    const isOver = this.count(reply.seconds, left, "waiting for a phone:", () => ask(), ask);
  }

  async devices() {
    const list = make("ul", "devices");
    const opened = this.open("Paired devices", list);
    fill(list, make("li", "", "asking…"));
    try {
      const { code, reply } = await this.daemon.get("devices");
      if (opened !== this.opened) {
        return;
      }
      if (code === 401) {
        this.unpaired(reply.message);
        return;
      }
      fill(list, ...reply.devices.map((device) => this.device(device)));
    } catch {
      this.failed(list, opened, () => this.devices());
    }
  }

  /** @param {{id: string, name: string, paired_s: number | null, seen_s: number | null, is_this: boolean}} device */
  device(device) {
    const item = make("li");
    const about = make("div");
    const seen = device.seen_s === null ? "not seen since the timer started" : `seen ${roughly(device.seen_s)} ago`;
    const paired = typeof device.paired_s === "number" ? `paired ${roughly(device.paired_s)} ago, ` : "";
    about.append(
      make("b", "", device.is_this ? `${device.name} (this one)` : device.name),
      make("small", "", device.is_this ? paired.replace(", ", "") : paired + seen),
    );
    const button = this.button("Remove", () => {
      if (button.textContent !== "Remove") {
        this.remove(device.id);
        return;
      }
      call("Really?");
      setTimeout(() => call("Remove"), SURE_MS);
    });
    const call = (text) => {
      write(button, text);
      button.setAttribute("aria-label", `${text} ${device.name}`);
    };
    call("Remove");
    item.append(about, button);
    return item;
  }

  /** @param {string} id */
  async remove(id) {
    try {
      const { code, reply } = await this.daemon.post("remove", { id });
      this.page.say(reply.message, code === 200 ? "done" : "refused");
    } catch {
      this.page.say("no reply; the list shows whether it was done", "refused");
    }
    await this.devices();
  }

  /** Sends a request of a panel; says in `place` why there is no reply. */
  async ask(path, body, opened, place) {
    fill(place, "asking…");
    try {
      const { code, reply } = await this.daemon.post(path, body);
      if (opened !== this.opened) {
        return null;
      }
      if (code === 401) {
        this.unpaired(reply.message);
        return null;
      }
      if (code !== 200 || !reply.ok) {
        fill(place, make("p", "bad", reply.message));
        return null;
      }
      return reply;
    } catch {
      this.failed(place, opened, () => (path === "invite" ? this.handOver() : this.wifi()));
      return null;
    }
  }

  failed(place, opened, again) {
    if (opened === this.opened) {
      fill(place, make("p", "bad", "the timer does not answer"), this.button("Try again", again));
    }
  }

  /** @param {string} message */
  unpaired(message) {
    this.isOpen = false;
    this.opened += 1;
    this.page.onUnpaired(message);
  }

  /** @param {string} text @param {() => void} act */
  button(text, act) {
    const button = make("button", "", text);
    button.type = "button";
    button.addEventListener("click", act);
    return button;
  }

  /**
   * Counts down in `left`, and calls `over` at the end.
   * @param {number} seconds
   * @param {HTMLElement} left
   * @param {string} text
   * @param {() => void} over
   * @param {() => void} [each]
   * @returns {() => boolean} Whether the time is over.
   */
  count(seconds, left, text, over, each) {
    const end = performance.now() + 1000 * seconds;
    const isOver = () => performance.now() >= end;
    const draw = () => {
      write(left, `${text} ${Math.max(0, Math.ceil((end - performance.now()) / 1000))} s`);
      if (isOver()) {
        over();
        if (!each) {
          clearInterval(this.timer);
        }
      } else if (each) {
        each();
      }
    };
    clearInterval(this.timer);
    this.timer = setInterval(draw, ASK_MS);
    draw();
    return isOver;
  }
}

/** The picture of a code, or why there is none: no phone can reach its address. */
function qr(reply, label) {
  return reply.qr && reply.qr.length > 0 ? [drawQr(reply.qr, label)] : [make("p", "bad", reply.message)];
}
