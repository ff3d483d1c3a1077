// The real binary in a folder of its own, and a browser that looks at it.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "playwright-core";

const TALKLIGHT = process.env.TALKLIGHT ?? new URL("../../target/debug/talklight", import.meta.url).pathname;
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const PATIENCE_MS = 10_000;

/** A plan of six seconds: green, then yellow, red and flashing for a second and a half each. */
export const QUICK = `
[[plan]]
name = "quick"
length = "6s"
yellow = "4500ms"
red = "3s"
flash = "1500ms"

[flash]
hz = 1.0

[strip]
leds = 4
`;

export const LONG = `
[[plan]]
name = "lightning"
length = "5m"
yellow = "2m"
red = "1m"
flash = "30s"

[[plan]]
name = "keynote"
length = "1h"
yellow = "10m"
red = "5m"
flash = "1m"
`;

export class House {
  /** @param {string} config @param {string} web Further lines under [web]. */
  static async open(config, web = "") {
    const house = new House();
    house.folder = await mkdtemp(join(tmpdir(), "talklight-"));
    house.port = await freePort();
    house.url = `http://127.0.0.1:${house.port}`;
    await writeFile(join(house.folder, "config.toml"), `${config}\n[web]\nlisten = "127.0.0.1:${house.port}"\n${web}\n`);
    await house.start();
    return house;
  }

  async start() {
    const options = ["--headless", "--config", "config.toml", "--socket", "s", "--tape", "tape"];
    this.daemon = spawn(TALKLIGHT, options, {
      cwd: this.folder,
      env: { XDG_STATE_HOME: join(this.folder, "state") },
      stdio: "ignore",
    });
    await until("the daemon answers", () => fetch(`${this.url}/api/v1/status`).then((response) => response.ok));
  }

  /** The end that nobody sees coming. */
  async kill() {
    const gone = new Promise((done) => this.daemon.once("exit", done));
    this.daemon.kill("SIGKILL");
    await gone;
  }

  async close() {
    await this.kill();
    await rm(this.folder, { recursive: true });
  }

  /** One line to the control socket, and the line that comes back. */
  say(line) {
    return new Promise((done, fail) => {
      const socket = connect(join(this.folder, "s"), () => socket.write(`${line}\n`));
      let answer = "";
      socket.on("data", (data) => (answer += data));
      socket.on("end", () => done(JSON.parse(answer)));
      socket.on("error", fail);
    });
  }

  async invite() {
    return (await this.say("invite")).pass.invitation;
  }

  async status() {
    return (await this.say("status")).status;
  }

  /** Every frame that the strip was sent. */
  async tape() {
    const text = await readFile(join(this.folder, "tape"), "utf8");
    return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }
}

/** A browser of its own, with a profile of its own. */
export function openBrowser(more = []) {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...more,
    ],
  });
}

/** A page that fails the test by any error of its own, or by asking anybody but the daemon. */
export async function visit(browser, house, path, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.wrong = [];
  page.on("pageerror", (error) => page.wrong.push(String(error)));
  page.on("console", (message) => {
    // The browser itself says so of what is refused, and of a daemon that is away.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      page.wrong.push(message.text());
    }
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(house.url)) {
      page.wrong.push(`asks ${request.url()}`);
    }
  });
  await page.goto(house.url + path);
  return page;
}

/** Waits until something is so. */
export async function until(what, so, patience = PATIENCE_MS) {
  const end = performance.now() + patience;
  for (;;) {
    const it = await Promise.resolve().then(so).catch(() => false);
    if (it) {
      return it;
    }
    if (performance.now() > end) {
      throw new Error(`waited in vain: ${what}`);
    }
    await pause(20);
  }
}

export const phase = (page) => page.evaluate(() => document.body.dataset.phase);

export const seePhase = (page, name, patience) =>
  until(`phase ${name}`, async () => (await phase(page)) === name, patience);

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}
