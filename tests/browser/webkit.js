// Debian's WebKitGTK, driven by its WebDriver, with the part of Playwright's interface that the tests use.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, until } from "./harness.js";
import { isRunning, killGroup, start } from "./processes.js";
import { Page } from "./webkit-page.js";
import { Proxy } from "./webkit-proxy.js";

const DRIVER = process.env.WEBKIT_DRIVER ?? "/usr/bin/WebKitWebDriver";
const START_MS_MAX = 30_000;
const COMMAND_MS_MAX = 40_000;
/** The screen is larger than the largest window of the tests. */
const SCREEN = "4000x2400x24";
const VIEWPORT = { width: 1280, height: 720 };
/** The tool bar would make the window wider than a phone. */
const NARROW = "* { min-width: 0px; padding: 0; margin: 0; border-width: 0; font-size: 1px; } image { -gtk-icon-transform: scale(0); }";

async function browserProgram() {
  const library = execFileSync("uname", ["-m"]).toString().trim();
  for (const folder of await readdir(`/usr/lib/${library}-linux-gnu`)) {
    const program = `/usr/lib/${library}-linux-gnu/${folder}/MiniBrowser`;
    if (folder.startsWith("webkit") && existsSync(program)) {
      return program;
    }
  }
  throw new Error("there is no MiniBrowser; install webkit2gtk-driver");
}

/** @param {boolean} isDirect Without the proxy, which would disturb measurements of the network. */
export async function openWebKit(isDirect = false) {
  const screen = start("Xvfb", ["-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp"], { stdio: ["ignore", "pipe", "ignore"] });
  const [number] = await once(screen.stdout, "data", { signal: AbortSignal.timeout(START_MS_MAX) });
  return new Browser(screen, `:${String(number).trim()}`, isDirect);
}

class Browser {
  constructor(screen, display, isDirect) {
    Object.assign(this, { screen, display, isDirect, contexts: new Set() });
  }

  async newContext(options = {}) {
    const context = await Context.open(this.display, options, this.isDirect);
    this.contexts.add(context);
    return context;
  }

  async close() {
    await Promise.all([...this.contexts].map((context) => context.close()));
    killGroup(this.screen);
  }
}

/** A browser with a new profile: a driver, and the browser that it starts. */
class Context {
  static async open(display, options, isDirect) {
    const context = new Context();
    const folder = await mkdtemp(join(tmpdir(), "webkit-"));
    const port = await freePort();
    const gtk = join(folder, "gtk-3.0");
    await mkdir(gtk);
    await writeFile(join(gtk, "settings.ini"), `[Settings]\ngtk-enable-animations=${options.reducedMotion === "reduce" ? 0 : 1}\n`);
    await writeFile(join(gtk, "gtk.css"), NARROW);
    const env = {
      PATH: process.env.PATH,
      DISPLAY: display,
      HOME: folder,
      XDG_CONFIG_HOME: folder,
      XDG_RUNTIME_DIR: folder,
      GDK_BACKEND: "x11",
      GIO_USE_VFS: "local",
      GSETTINGS_BACKEND: "memory",
      NO_AT_BRIDGE: "1",
    };
    const driver = start(DRIVER, [`--port=${port}`], { env, stdio: "ignore" });
    Object.assign(context, { folder, driver, options, pages: [], turn: Promise.resolve() });
    context.url = `http://127.0.0.1:${port}`;
    const server = context.url;
    await until("the driver answers", () => fetch(`${server}/status`).then((response) => response.ok), START_MS_MAX);
    if (!isDirect) {
      context.proxy = await Proxy.open();
      context.proxy.onRequest = (request) => context.pages.forEach((page) => page.listeners.request?.(request));
    }
    const wanted = {
      pageLoadStrategy: "none",
      ...(context.proxy && { proxy: { proxyType: "manual", httpProxy: context.proxy.address } }),
      "webkitgtk:browserOptions": {
        binary: await browserProgram(),
        args: ["--automation"],
      },
    };
    const { sessionId } = await context.ask("POST", "/session", { capabilities: { alwaysMatch: wanted } });
    context.url = `${server}/session/${sessionId}`;
    return context;
  }

  async ask(method, path, body) {
    const response = await fetch(this.url + path, {
      method,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(COMMAND_MS_MAX),
    });
    const { value } = await response.json();
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    }
    return value;
  }

  async newPage() {
    const handle =
      this.pages.length === 0 ? await this.ask("GET", "/window") : (await this.ask("POST", "/window/new", { type: "window" })).handle;
    const page = new Page(this, handle);
    this.pages.push(page);
    await page.setViewportSize(this.options.viewport ?? VIEWPORT);
    return page;
  }

  /** @param {string | (() => void)} script Runs in each page before its own scripts. */
  async addInitScript(script) {
    this.proxy.scripts.push(typeof script === "function" ? `(${script})()` : script);
  }

  cookies() {
    return this.pages[0].ask("GET", "/cookie");
  }

  async close() {
    if (isRunning(this.driver)) {
      await this.ask("DELETE", "").catch(() => {});
      killGroup(this.driver);
      this.proxy?.close();
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

