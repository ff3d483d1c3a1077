// Drives Firefox by WebDriver BiDi and WebKitGTK's MiniBrowser by WebDriver: as much of each as the smoke test needs.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, until } from "./harness.js";

const FIREFOX = process.env.FIREFOX ?? "/usr/bin/firefox-esr";
const WEBKIT = process.env.WEBKIT ?? "/usr/bin/WebKitWebDriver";
const MINI = ["4.1", "4.0", "6.0"]
  .flatMap((version) => ["x86_64", "aarch64"].map((arch) => `/usr/lib/${arch}-linux-gnu/webkit2gtk-${version}/MiniBrowser`))
  .find((path) => existsSync(path));
const START_MS = 60_000;

/** The browsers that are installed here. */
export const BROWSERS = [
  ...(existsSync(FIREFOX) ? [["Firefox", () => Firefox.open()]] : []),
  ...(existsSync(WEBKIT) && MINI ? [["WebKit", () => WebKit.open()]] : []),
];

class Firefox {
  static async open() {
    const browser = new Firefox();
    browser.port = await freePort();
    browser.profile = await mkdtemp(join(tmpdir(), "firefox-"));
    browser.process = spawn(
      FIREFOX,
      ["--headless", "--no-remote", "--profile", browser.profile, "--remote-debugging-port", String(browser.port)],
      { stdio: "ignore", env: { ...process.env, HOME: browser.profile, MOZ_REMOTE_ALLOW_SYSTEM_ACCESS: "1" } },
    );
    browser.next = 1;
    browser.waiting = new Map();
    await until("Firefox listens", () => browser.connect(), START_MS);
    await browser.send("session.new", { capabilities: {} });
    return browser;
  }

  connect() {
    return new Promise((done, fail) => {
      const socket = new WebSocket(`ws://127.0.0.1:${this.port}/session`);
      socket.onopen = () => done((this.socket = socket));
      socket.onerror = fail;
      socket.onmessage = ({ data }) => {
        const { id, type, result, message } = JSON.parse(data);
        const waiting = this.waiting.get(id);
        this.waiting.delete(id);
        if (waiting) {
          type === "error" ? waiting.fail(new Error(message)) : waiting.done(result);
        }
      };
    });
  }

  send(method, params) {
    const id = this.next++;
    return new Promise((done, fail) => {
      this.waiting.set(id, { done, fail });
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }

  /** Opens a page in a tab of its own. */
  async page(url) {
    const { context } = await this.send("browsingContext.create", { type: "tab" });
    await this.send("browsingContext.navigate", { context, url, wait: "complete" });
    return {
      show: () => this.send("browsingContext.activate", { context }),
      evaluate: async (text) => {
        const expression = `JSON.stringify(${text})`;
        const { result, exceptionDetails } = await this.send("script.evaluate", { expression, target: { context }, awaitPromise: true });
        if (exceptionDetails) {
          throw new Error(exceptionDetails.text);
        }
        return result.value === undefined ? undefined : JSON.parse(result.value);
      },
      /** A real click, which lets the page play sound. */
      click: async (selector) => {
        const { result } = await this.send("script.evaluate", {
          expression: `document.querySelector(${JSON.stringify(selector)})`,
          target: { context },
          awaitPromise: false,
        });
        await this.send("input.performActions", {
          context,
          actions: [
            {
              type: "pointer",
              id: "mouse",
              actions: [
                { type: "pointerMove", x: 0, y: 0, origin: { type: "element", element: { sharedId: result.sharedId } } },
                { type: "pointerDown", button: 0 },
                { type: "pointerUp", button: 0 },
              ],
            },
          ],
        });
      },
    };
  }

  async close() {
    const gone = new Promise((done) => this.process.once("exit", done));
    await this.send("browser.close", {}).catch(() => this.process.kill());
    await gone;
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

class WebKit {
  static async open() {
    const browser = new WebKit();
    browser.port = await freePort();
    // The sandbox needs namespaces that a container may not have.
    const env = { ...process.env, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1", LIBGL_ALWAYS_SOFTWARE: "1" };
    browser.process = spawn(WEBKIT, [`--port=${browser.port}`], { stdio: "ignore", env });
    const alwaysMatch = { "webkitgtk:browserOptions": { binary: MINI, args: ["--automation"] } };
    const session = await until("WebKit answers", () => browser.send("POST", "session", { capabilities: { alwaysMatch } }), START_MS);
    browser.path = `session/${session.sessionId}`;
    browser.isFirst = true;
    return browser;
  }

  async send(method, path, body) {
    const response = await fetch(`http://127.0.0.1:${this.port}/${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) {
      throw new Error(value.message);
    }
    return value;
  }

  async page(url) {
    if (!this.isFirst) {
      const { handle } = await this.send("POST", `${this.path}/window/new`, { type: "window" });
      await this.send("POST", `${this.path}/window`, { handle });
    }
    this.isFirst = false;
    const handle = await this.send("GET", `${this.path}/window`);
    await this.send("POST", `${this.path}/url`, { url });
    const focus = () => this.send("POST", `${this.path}/window`, { handle });
    return {
      show: focus,
      evaluate: async (text) => {
        await focus();
        return this.send("POST", `${this.path}/execute/sync`, { script: `return ${text}`, args: [] });
      },
      click: async (selector) => {
        await focus();
        const found = await this.send("POST", `${this.path}/element`, { using: "css selector", value: selector });
        await this.send("POST", `${this.path}/element/${Object.values(found)[0]}/click`, {});
      },
    };
  }

  async close() {
    const gone = new Promise((done) => this.process.once("exit", done));
    await this.send("DELETE", this.path).catch(() => {});
    this.process.kill();
    await gone;
  }
}
