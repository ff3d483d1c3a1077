// Runs the real binary in a temporary folder, and a browser with its pages.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "playwright-core";

export const TALKLIGHT = process.env.TALKLIGHT ?? new URL("../../target/debug/talklight", import.meta.url).pathname;
export const BROWSER = process.env.BROWSER ?? "chromium";
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

export class Daemon {
  /** @param {string} config @param {string} web Further lines under [web]. */
  static async open(config, web = "") {
    const daemon = new Daemon();
    daemon.folder = await mkdtemp(join(tmpdir(), "talklight-"));
    daemon.port = await freePort();
    daemon.url = `http://127.0.0.1:${daemon.port}`;
    await writeFile(join(daemon.folder, "config.toml"), `${config}\n[web]\nlisten = "127.0.0.1:${daemon.port}"\n${web}\n`);
    await daemon.start();
    return daemon;
  }

  async start() {
    const options = ["--headless", "--config", "config.toml", "--socket", "s", "--tape", "tape"];
    this.process = spawn(TALKLIGHT, options, {
      cwd: this.folder,
      env: { XDG_STATE_HOME: join(this.folder, "state") },
      stdio: "ignore",
    });
    await until("the daemon answers", () => fetch(`${this.url}/api/v1/status`).then((response) => response.ok));
  }

  /** Kills the daemon without warning. */
  async kill() {
    const gone = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGKILL");
    await gone;
  }

  async close() {
    await this.kill();
    await rm(this.folder, { recursive: true });
  }

  /** Sends one line to the control socket and returns the reply. */
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

  /** All frames that were sent to the strip. */
  async tape() {
    const text = await readFile(join(this.folder, "tape"), "utf8");
    return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }
}

/** Starts a browser with a new profile: Chromium with these further arguments, or the one that the environment names. */
export async function openBrowser(more = []) {
  if (BROWSER === "firefox") {
    return (await import("./firefox.js")).openFirefox();
  }
  if (BROWSER === "webkit") {
    return (await import("./webkit.js")).openWebKit(more.includes("--no-proxy-server"));
  }
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

/** Opens a page, and collects its errors and its requests to other servers in `page.wrong`. */
export async function visit(browser, daemon, path, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.wrong = [];
  page.on("pageerror", (error) => page.wrong.push(String(error)));
  page.on("console", (message) => {
    // The browser logs this for a refused request and for an absent daemon.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      page.wrong.push(message.text());
    }
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(daemon.url)) {
      page.wrong.push(`asks ${request.url()}`);
    }
  });
  await page.goto(daemon.url + path);
  return page;
}

/** Waits until a condition holds, and returns its value. */
export async function until(what, so, patience = PATIENCE_MS) {
  const end = performance.now() + patience;
  for (;;) {
    const it = await Promise.resolve().then(so).catch(() => false);
    if (it) {
      return it;
    }
    if (performance.now() > end) {
      throw new Error(`timed out: ${what}`);
    }
    await pause(20);
  }
}

export const phase = (page) => page.evaluate(() => document.body.dataset.phase);

export const seePhase = (page, name, patience) =>
  until(`phase ${name}`, async () => (await phase(page)) === name, patience);

export function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}
