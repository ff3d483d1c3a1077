// The pictures of the documentation: looked at each time, and written to docs/ by `npm run pictures`.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { until } from "./harness.js";
import { bench } from "./pages.js";

const DOCS = new URL("../../docs/", import.meta.url).pathname;
const PLANS = [
  { name: "lightning", length_ms: 300_000 },
  { name: "keynote", length_ms: 3_600_000 },
];
const BROKEN = { kind: "spi", leds: 60, health: "failing", error: "/dev/spidev0.0: no such device", trial: null };
/** Far from a change of the second and of the flash. */
const MIDDLE = 250;

const lab = bench();

/** Puts pictures side by side, and writes them if that is asked for. */
async function frame(name, shots, { columns, width, height }) {
  const context = await lab.browser.newContext({ viewport: { width: columns * (width + 8) + 8, height: 100 } });
  const page = await context.newPage();
  await page.setContent(
    `<body style="margin:8px;display:grid;gap:8px;grid-template-columns:repeat(${columns},${width}px);background:#fff">${shots
      .map((shot) => `<img width=${width} height=${height} src="data:image/png;base64,${shot.toString("base64")}">`)
      .join("")}</body>`,
  );
  const picture = await page.locator("body").screenshot();
  await context.close();
  if (process.env.PICTURES) {
    await writeFile(DOCS + name, picture);
  }
}

/** The share of a picture that has a colour. */
async function share(shot, [r, g, b]) {
  const context = await lab.browser.newContext();
  const page = await context.newPage();
  const found = await page.evaluate(
    async ({ url, colour }) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.width, image.height];
      const pen = canvas.getContext("2d");
      pen.drawImage(image, 0, 0);
      const { data } = pen.getImageData(0, 0, image.width, image.height);
      let count = 0;
      for (let at = 0; at < data.length; at += 4) {
        count += colour.every((part, n) => Math.abs(data[at + n] - part) < 8) ? 1 : 0;
      }
      return count / (data.length / 4);
    },
    { url: `data:image/png;base64,${shot.toString("base64")}`, colour: [r, g, b] },
  );
  await context.close();
  return found;
}

const GREEN = [0, 255, 153];
const YELLOW = [255, 170, 0];
const RED = [255, 0, 0];

test("the stage view", async () => {
  const [width, height] = [320, 180];
  const fake = await lab.open();
  fake.talk(null);
  const page = await lab.page("/", { viewport: { width, height }, deviceScaleFactor: 1 });
  // Without the hints, as in full screen.
  await page.evaluate(() => document.body.classList.add("full"));
  const shots = [];
  for (const [left, phase, colour] of [
    [null, "ready", [17, 17, 17]],
    [221_000 - MIDDLE, "green", GREEN],
    [93_000 - MIDDLE, "yellow", YELLOW],
    [48_000 - MIDDLE, "red", RED],
    [17_500 + MIDDLE, "flash", [0, 0, 0]],
    [-100, "over", [0, 0, 0]],
  ]) {
    fake.talk(left);
    await until(phase, () => page.evaluate((name) => document.body.dataset.phase === name, phase));
    const shot = await page.screenshot();
    assert.ok((await share(shot, colour)) > 0.4, `${phase} fills the window`);
    shots.push(shot);
  }
  await frame("stage.png", shots, { columns: 3, width, height });
});

test("the remote", async () => {
  const [width, height] = [320, 640];
  const fake = await lab.open();
  fake.isPaired = false;
  fake.talk(null, { pairing_open_ms: 54_500 });
  const page = await lab.page("/remote", { viewport: { width, height }, hasTouch: true });
  await until("the window", () => page.locator("#pair .big").isVisible());
  const shots = [await page.screenshot()];
  fake.answers.pair = () => [200, { ok: true, message: "paired" }];
  fake.isPaired = true;
  await page.tap("#pair .big");
  await until("paired", () => page.locator("#main").isVisible());
  await page.evaluate(() => document.activeElement.blur());
  for (const [left, over, colour, text] of [
    [null, { choices: PLANS }, null, "this device is paired"],
    [281_000 - MIDDLE, {}, GREEN, "started lightning, 5:00"],
    [93_000 - MIDDLE, { strip: BROKEN }, YELLOW, ""],
    [17_450, {}, RED, ""],
    [null, { choices: PLANS, undo_ms: 8900, since_end_ms: 1100 }, null, "reset at 4:12, 0:48 left"],
    [-7000, { choices: PLANS }, null, ""],
  ]) {
    fake.talk(left, over);
    await page.evaluate((said) => {
      document.getElementById("answer").className = said ? "done" : "";
      document.getElementById("answer").textContent = said;
    }, text);
    await page.waitForTimeout(200);
    const shot = await page.screenshot();
    assert.ok(colour === null || (await share(shot, colour)) > 0.05, `${left}: the strip is seen`);
    shots.push(shot);
  }
  await page.tap("#more");
  shots.push(await page.screenshot());
  assert.equal(new Set(shots.map(String)).size, shots.length, "no two pictures are the same");
  await frame("remote.png", shots, { columns: 4, width, height });
});
