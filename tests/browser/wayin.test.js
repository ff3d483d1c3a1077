// From the command to a paired phone, as a person does it: with what `talklight remote` prints, and the code typed by hand.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { TALKLIGHT, openBrowser, until } from "./harness.js";

/** Half a minute, less the time in which a person reads and types. */
const SECONDS_MAX = 10;

test("from `talklight --web` to a paired phone", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "talklight-"));
  const port = await new Promise((done) => {
    const server = createServer().listen(0, "0.0.0.0", () => {
      const { port: free } = server.address();
      server.close(() => done(free));
    });
  });
  // The browser of the phone runs already.
  const browser = await openBrowser();
  const options = { cwd: folder, env: { XDG_STATE_HOME: join(folder, "state"), TERM: "xterm" } };
  const begun = performance.now();
  const daemon = spawn(TALKLIGHT, ["--headless", `--web=:${port}`, "--socket", "s"], { ...options, stdio: "ignore" });
  try {
    const remote = () => promisify(execFile)(TALKLIGHT, ["remote", "--socket", "s"], options);
    const printed = await until("the invitation", async () => (await remote()).stdout);
    const [, address, code] = /^(http:\S+)   code ([0-9 ]+)$/m.exec(printed);
    const page = await (await browser.newContext()).newPage();
    await page.goto(address);
    await page.getByLabel(/six digits/i).fill(code);
    await page.getByRole("button", { name: "Pair", exact: true }).click();
    await page.getByRole("button", { name: /^start/i }).first().click();
    const status = () => promisify(execFile)(TALKLIGHT, ["status", "--json", "--socket", "s"], options);
    await until("the talk runs", async () => JSON.parse((await status()).stdout).phase === "green");
    const seconds = (performance.now() - begun) / 1000;
    t.diagnostic(`from the command to a press on a paired phone: ${seconds.toFixed(2)} s`);
    assert.ok(seconds < SECONDS_MAX, `${seconds} s`);
  } finally {
    daemon.kill("SIGKILL");
    await browser.close();
    await rm(folder, { recursive: true });
  }
});
