// Debian's Firefox by WebDriver BiDi, driven by Playwright.

import { existsSync, rmSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firefox } from "playwright-core";
import { until } from "./harness.js";
import { killGroup, start } from "./processes.js";

const FIREFOX = process.env.FIREFOX ?? "/usr/bin/firefox-esr";
const START_MS_MAX = 60_000;
/** Playwright sends this for each context. Firefox knows the command only in versions after the one in Debian. */
const UNKNOWN = "emulation.setMediaFeaturesOverride";

/** @param {{prefersReducedMotion?: boolean}} how */
export async function openFirefox(how = {}) {
  const { _bidiFirefox } = firefox._connection.toImpl(firefox);
  const connect = Object.getPrototypeOf(_bidiFirefox).connectToTransport;
  _bidiFirefox.connectToTransport = (transport, options) => connect.call(_bidiFirefox, answering(transport), options);
  const folder = await mkdtemp(join(tmpdir(), "firefox-"));
  const sound = await openSound(folder);
  // The kernel kills Firefox if this process is killed.
  const program = join(folder, "firefox");
  await writeFile(program, `#!/bin/sh\nexec setpriv --pdeathsig KILL ${FIREFOX} "$@"\n`, { mode: 0o755 });
  const browser = await firefox.launch({
    env: { ...process.env, ...sound.env },
    channel: "moz-firefox",
    executablePath: program,
    timeout: START_MS_MAX,
    firefoxUserPrefs: {
      "network.dns.localDomains": "timer.test",
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
      // Times are exact instead of rounded, since tests compare them with the strip.
      "privacy.reduceTimerPrecision": false,
      "ui.prefersReducedMotion": how.prefersReducedMotion ? 1 : 0,
    },
  });
  browser.on("disconnected", sound.close);
  return withoutTouch(browser);
}

/** A sound device that plays nothing, since Firefox has no sound without one. PulseAudio has it, where it is installed. */
async function openSound(folder) {
  const socket = join(folder, "socket");
  const options = ["-n", "--exit-idle-time=-1", "--disable-shm=yes", "--use-pid-file=no", "-L", "module-null-sink"];
  const door = `module-native-protocol-unix auth-anonymous=1 socket=${socket}`;
  const env = { PATH: process.env.PATH, HOME: folder, XDG_RUNTIME_DIR: folder };
  const server = start("pulseaudio", [...options, "-L", door], { env, stdio: "ignore" });
  // Without PulseAudio it ends at once, and tests of sound fail.
  await until("the sound", () => existsSync(socket) || server.exitCode !== null);
  const close = () => {
    killGroup(server);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.on("exit", close);
  return { env: { PULSE_SERVER: `unix:${socket}` }, close };
}

/** Answers the command that Firefox does not know. */
function answering(transport) {
  const send = transport.send.bind(transport);
  transport.send = (message) => {
    if (message.method === UNKNOWN) {
      queueMicrotask(() => transport.onmessage({ type: "success", id: message.id, result: {} }));
    } else {
      send(message);
    }
  };
  return transport;
}

/** Firefox on a desktop has no touch, so a tap is a click. Reduced motion is a setting of the whole browser. */
function withoutTouch(browser) {
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async ({ hasTouch, reducedMotion, ...options } = {}) => {
    const own = reducedMotion ? await openFirefox({ prefersReducedMotion: true }) : null;
    const context = await (own ? own.newContext(options) : newContext(options));
    context.on("page", (page) => {
      for (const one of [page, page.locator("body")].map(Object.getPrototypeOf)) {
        one.tap = one.click;
      }
    });
    context.on("close", () => own?.close());
    browser.on("disconnected", () => own?.close());
    return context;
  };
  return browser;
}
