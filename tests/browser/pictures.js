// Renews the pictures of the documentation: `npm run pictures`.

import { Daemon, LONG, openBrowser, seePhase, until, visit } from "./harness.js";

const DOCS = new URL("../../docs/", import.meta.url).pathname;
const browser = await openBrowser();

/** Puts pictures side by side. */
async function frame(name, shots, { columns, width, height }) {
  const context = await browser.newContext({ viewport: { width: columns * (width + 8) + 8, height: 100 } });
  const page = await context.newPage();
  await page.setContent(
    `<body style="margin:8px;display:grid;gap:8px;grid-template-columns:repeat(${columns},${width}px);background:#fff">${shots
      .map((shot) => `<img width=${width} height=${height} src="data:image/png;base64,${shot.toString("base64")}">`)
      .join("")}</body>`,
  );
  await page.locator("body").screenshot({ path: DOCS + name });
  await context.close();
}

async function stage() {
  const [width, height] = [300, 170];
  // A whole talk of five minutes, in real time.
  const daemon = await Daemon.open(LONG);
  const page = await visit(browser, daemon, "/", { viewport: { width, height } });
  // Hides the hints, as in full screen.
  await page.evaluate(() => document.body.classList.add("full"));
  const shots = [];
  const shoot = async () => shots.push(await page.screenshot());
  await seePhase(page, "ready");
  await shoot();
  await daemon.say("start");
  for (const name of ["green", "yellow", "red", "flash"]) {
    await seePhase(page, name, 200_000);
    await shoot();
  }
  const before = await page.evaluate(() => document.body.dataset.lit);
  await until("the other half", async () => (await page.evaluate(() => document.body.dataset.lit)) !== before);
  await shoot();
  await daemon.close();
  await frame("stage.png", shots, { columns: 3, width, height });
}

async function remote() {
  const [width, height] = [320, 568];
  const daemon = await Daemon.open(LONG);
  const page = await visit(browser, daemon, "/remote", { viewport: { width, height }, hasTouch: true });
  const shots = [];
  const shoot = async () => shots.push(await page.screenshot());
  await page.waitForSelector("#pair", { state: "visible" });
  await shoot();
  await page.fill("#code", (await daemon.invite()).code);
  await page.click("#pair form button");
  await page.waitForSelector("#main", { state: "visible" });
  await page.evaluate(() => document.activeElement.blur());
  await shoot();
  await page.tap("#main");
  await seePhase(page, "green");
  await until("it is done", async () => /^started/.test(await page.textContent("#answer")));
  await shoot();
  await page.focus("#reset");
  await page.keyboard.down("Space");
  await until("it is done", async () => /^reset/.test(await page.textContent("#answer")));
  await page.keyboard.up("Space");
  await page.evaluate(() => document.activeElement.blur());
  await shoot();
  await daemon.close();
  await frame("remote.png", shots, { columns: 4, width, height });
}

await stage();
await remote();
await browser.close();
