// The seconds from `talklight --web` to a paired phone, without the hands of people: `BROWSER=firefox node pairing.js`. The
// browser is open before, as a phone is on. A script types the six digits, or opens the link of the QR code, and it is over
// when the remote shows its main button.

import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { BROWSER, Daemon, TALKLIGHT, freePort, openBrowser, until } from "./harness.js";

const MS_MAX = 10_000;

const browser = await openBrowser(["--no-proxy-server"]);
try {
  for (const way of ["by the six digits", "by the link of the QR code"]) {
    const context = await browser.newContext({ viewport: { width: 480, height: 850 } });
    const page = await context.newPage();
    const { listening, printed, took } = await pair(page, way);
    const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
    console.log(`${BROWSER}, ${way}: ${seconds(took)}; the web answers after ${seconds(listening)}, the invitation is there after ${seconds(printed)}`);
    await context.close();
    if (took > MS_MAX) {
      throw new Error(`${BROWSER}: more than ${MS_MAX / 1000} s`);
    }
  }
} finally {
  await browser.close();
}

async function pair(page, way) {
  const daemon = new Daemon();
  daemon.folder = await mkdtemp(join(tmpdir(), "talklight-"));
  const env = { HOME: daemon.folder, XDG_STATE_HOME: daemon.folder, XDG_CONFIG_HOME: daemon.folder };
  const web = `127.0.0.1:${await freePort()}`;
  const begun = performance.now();
  const since = () => performance.now() - begun;
  daemon.process = spawn(TALKLIGHT, ["--headless", `--web=${web}`, "--socket", "s"], { cwd: daemon.folder, env, stdio: "ignore" });
  try {
    await until("the web answers", () => fetch(`http://${web}/api/v1/status`).then((response) => response.ok));
    const listening = since();
    const { stdout } = await promisify(execFile)(TALKLIGHT, ["remote", "--socket", "s"], { cwd: daemon.folder, env });
    const [, address, code] = /(http:\S+)\s+code (\d+ \d+)/.exec(stdout);
    const printed = since();
    if (way === "by the six digits") {
      await page.goto(address);
      await page.fill("#code", code);
      await page.keyboard.press("Enter");
    } else {
      // The QR code has the ticket, which the command does not print otherwise.
      await page.goto(`${address}#${(await daemon.invite()).ticket}`);
    }
    await page.waitForSelector("#main", { state: "visible" });
    return { listening, printed, took: since() };
  } finally {
    await daemon.kill();
    await rm(daemon.folder, { recursive: true });
  }
}
