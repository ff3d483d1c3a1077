// The time to the first picture on a slow network: `BROWSER=webkit node firstpicture.js`. The picture is there when the page
// shows the talk's time (stage view), or what the chair can do (remote). The limits are far above the figures of a calm
// machine, so that only a page that became much heavier fails.

import { BROWSER, Daemon, LONG, openBrowser, until } from "./harness.js";
import { SlowNetwork } from "./slow.js";

const NETWORK = { roundTripMs: 400, bitsPerSecond: 400_000 };
const PATIENCE_MS = 60_000;
const MS_MAX = 15_000;

/** What is seen when a page is there. Runs in the page. */
const isThere = () => {
  const seen = (selector) => {
    const one = document.querySelector(selector);
    return one !== null && one.getBoundingClientRect().height > 0;
  };
  return document.body.dataset.phase !== "lost" && (document.body.classList.contains("stage") || seen("#main") || seen("#code"));
};

const browser = await openBrowser(["--no-proxy-server"]);
const daemon = await Daemon.open(LONG);
try {
  for (const [name, path, isPaired] of [["stage view", "/", false], ["remote, not paired", "/remote", false], ["remote, by the link", "/remote", true]]) {
    const network = await SlowNetwork.open(daemon.port, NETWORK);
    const context = await browser.newContext();
    const page = await context.newPage();
    const link = isPaired ? `#${(await daemon.invite()).ticket}` : "";
    const begun = performance.now();
    await page.goto(network.url + path + link, { waitUntil: "commit" });
    await until(`${name} is there`, () => page.evaluate(isThere), PATIENCE_MS);
    const took = performance.now() - begun;
    const bytes = network.bytes;
    const [paint] = await page.evaluate(() => performance.getEntriesByType("paint").filter((one) => one.name === "first-contentful-paint").map((one) => one.startTime));
    console.log(`${BROWSER}, ${name}: ${(took / 1000).toFixed(1)} s, ${Math.round(bytes / 1024)} KiB; first words after ${(paint / 1000).toFixed(1)} s`);
    await context.close();
    await network.close();
    if (took > MS_MAX) {
      throw new Error(`${BROWSER}, ${name}: more than ${MS_MAX / 1000} s`);
    }
  }
} finally {
  await browser.close();
  await daemon.close();
}
