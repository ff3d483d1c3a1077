// A stand-in for the daemon, for states that would take minutes or a broken strip to reach. It serves the pages from the
// source tree and speaks the API of docs/programs.md; what the daemon itself does is tested with the daemon.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";

const PAGES = new URL("../../src/web/pages/", import.meta.url).pathname;
const TYPES = { html: "text/html", css: "text/css", js: "text/javascript", svg: "image/svg+xml" };
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'";
const BEAT_MS = 1000;

export const LIGHTNING = { name: "lightning", length_ms: 300_000, yellow_ms: 120_000, red_ms: 60_000, flash_ms: 30_000 };
export const WORDS = { ready: "ready", green: "talk", yellow: "wrap up", red: "finish", flash: "last sentence", over: "time is up" };
const DEMO = { ...LIGHTNING, length_ms: 11_000, yellow_ms: 8500, red_ms: 6000, flash_ms: 4000 };

/** Milliseconds of the monotonic clock. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

export class Fake {
  static async open(folder = "/") {
    const fake = new Fake();
    Object.assign(fake, {
      folder,
      isPaired: true,
      /** Fields that are laid over the status. */
      over: {},
      /** What was posted: path, body. */
      sent: [],
      /** What a path answers: a function of the body, which returns [code, reply]. */
      answers: {},
      /** Called before each answer; may wait, or return true to drop the connection. */
      before: async () => false,
      streams: new Set(),
      requests: [],
      began: null,
      frozen: null,
      generation: 1,
    });
    fake.server = createServer((request, response) => fake.serve(request, response));
    await new Promise((done) => fake.server.listen(0, "127.0.0.1", done));
    fake.url = `http://127.0.0.1:${fake.server.address().port}`;
    fake.beat = setInterval(() => fake.send("beat", String(Math.round(now() * 1e6))), BEAT_MS);
    return fake;
  }

  async close() {
    clearInterval(this.beat);
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  /** Puts the timer so that `left` milliseconds are left; null for ready. */
  talk(left, over = {}) {
    this.generation += 1;
    this.ends = left === null ? null : now() + left;
    this.set(over);
  }

  /** Lays fields over the status and tells the pages. */
  set(over) {
    this.over = over;
    this.changed = now();
    this.send("status", JSON.stringify(this.status()));
  }

  status() {
    const at = now();
    const plan = { ...LIGHTNING, words: WORDS, ...this.over.plan };
    const left = this.ends === null || this.ends === undefined ? null : this.ends - at;
    const running = left !== null && left > 0;
    const phase = left === null ? "ready" : left <= 0 ? "over" : left <= plan.flash_ms ? "flash" : left <= plan.red_ms ? "red" : left <= plan.yellow_ms ? "yellow" : "green";
    const spent = at - this.changed;
    const falling = (ms) => (typeof ms === "number" ? Math.max(0, ms - spent) || null : null);
    const { over } = this;
    return {
      name: "Main hall",
      version: "0.2.0",
      phase,
      left_ms: left === null ? plan.length_ms : Math.max(0, left),
      overrun_ms: left !== null && left < 0 ? -left : 0,
      generation: this.generation,
      chosen: "lightning",
      plans: ["lightning"],
      choices: [{ name: "lightning", length_ms: 300_000 }],
      late_ms: 0,
      strip: { kind: "spi", leds: 60, health: "sending", error: null, trial: null },
      look: { green: "#00ff99", yellow: "#ffaa00", red: "#ff0000", flash_half_ns: 500_000_000, pattern: "solid", ready: "dot" },
      faults: [],
      pages_with_sound: 0,
      ...over,
      plan,
      undo_ms: falling(over.undo_ms),
      since_end_ms: running ? null : typeof over.since_end_ms === "number" ? over.since_end_ms + spent : null,
      demo: over.demo ? { plan: { ...DEMO, words: WORDS }, left_ms: over.demo - spent } : null,
      codes_closed_ms: falling(over.codes_closed_ms),
      pairing_open_ms: falling(over.pairing_open_ms),
      at_ns: Math.round(at * 1e6),
    };
  }

  send(name, data) {
    for (const stream of this.streams) {
      stream.write(`event: ${name}\ndata: ${data}\n\n`);
    }
  }

  async serve(request, response) {
    const { pathname, search } = new URL(request.url, this.url);
    this.requests.push(pathname + search);
    if (!pathname.startsWith(this.folder)) {
      response.writeHead(404).end();
      return;
    }
    const path = pathname.slice(this.folder.length);
    if (path.startsWith("api/v1/")) {
      await this.api(path.slice(7), request, response);
      return;
    }
    const file = path === "" ? "stage.html" : path === "remote" ? "remote.html" : path;
    try {
      const text = await readFile(join(PAGES, file));
      const type = TYPES[file.split(".").pop()];
      response.writeHead(200, { "content-type": `${type}; charset=utf-8`, "content-security-policy": POLICY, "cache-control": "no-store" });
      response.end(text);
    } catch {
      response.writeHead(404).end();
    }
  }

  async api(path, request, response) {
    let body = "";
    for await (const part of request) {
      body += part;
    }
    const reply = (code, value) =>
      response.writeHead(code, { "content-type": "application/json", "cache-control": "no-store" }).end(JSON.stringify(value));
    if (path === "events") {
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      response.write(`event: status\ndata: ${JSON.stringify(this.status())}\n\n`);
      this.streams.add(response);
      response.on("close", () => this.streams.delete(response));
      return;
    }
    if (path === "status") {
      reply(200, this.status());
      return;
    }
    if (request.method === "POST") {
      this.sent.push([path, JSON.parse(body)]);
    }
    if (await this.before(path, body)) {
      request.socket.destroy();
      return;
    }
    if (this.answers[path]) {
      const [code, value] = await this.answers[path](body ? JSON.parse(body) : {});
      reply(code, value);
    } else if (!this.isPaired) {
      reply(401, { ok: false, message: "this device is not paired" });
    } else {
      reply(200, { ok: true, message: path === "paired" ? "paired" : `${path}: done`, status: this.status() });
    }
  }
}
