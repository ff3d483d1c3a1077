// Figures of the pages, for the notes of a release: bytes, and the time to the first picture on a slow network.
// `npm run figures`.

import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { Daemon, LONG, openBrowser } from "./harness.js";

const PAGES = new URL("../../src/web/pages/", import.meta.url);
/** A slow mobile network: 400 ms and 400 kbit/s. */
const SLOW = { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 };

const daemon = await Daemon.open(LONG);
const browser = await openBrowser();
for (const path of ["/", "/remote"]) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const names = new Set([path === "/" ? "stage.html" : "remote.html"]);
  page.on("request", (request) => {
    const name = new URL(request.url()).pathname.slice(1);
    if (/^\w+\.(js|css|svg)$/.test(name)) {
      names.add(name);
    }
  });
  const debug = await context.newCDPSession(page);
  await debug.send("Network.enable");
  await debug.send("Network.emulateNetworkConditions", SLOW);
  const begun = performance.now();
  await page.goto(daemon.url + path, { waitUntil: "commit" });
  await page.waitForFunction(() => document.body?.dataset.phase === "ready", null, { timeout: 60_000 });
  const picture = performance.now() - begun;
  let [plain, packed] = [0, 0];
  for (const name of names) {
    const text = await readFile(new URL(name, PAGES));
    plain += text.length;
    packed += gzipSync(text, { level: 9 }).length;
  }
  console.log(`${path}: ${names.size} files, ${plain} bytes, compressed ${packed}; first picture on a slow network after ${(picture / 1000).toFixed(1)} s`);
  await context.close();
}
await browser.close();
await daemon.close();
