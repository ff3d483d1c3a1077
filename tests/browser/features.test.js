// The scripts and styles use nothing that Safari 14.0 and Chromium 80 lack, and a browser that is too old says so.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";
import ts from "typescript";
import { PHONE, bench, said } from "./pages.js";
import { until } from "./harness.js";

const PAGES = new URL("../../src/web/pages/", import.meta.url);

const lab = bench();

/** Syntax that came later, by what the compiler calls it. */
const SYNTAX = {
  PrivateIdentifier: "private fields: Safari 14.1",
  PropertyDeclaration: "class fields: Safari 14.1",
  ClassStaticBlockDeclaration: "static blocks: Safari 16.4",
  QuestionQuestionEqualsToken: "Chromium 85",
  BarBarEqualsToken: "Chromium 85",
  AmpersandAmpersandEqualsToken: "Chromium 85",
};

test("the scripts use no syntax that came later", async () => {
  const names = (await readdir(PAGES)).filter((name) => name.endsWith(".js"));
  assert.ok(names.length > 10);
  for (const name of names) {
    const text = await readFile(new URL(name, PAGES), "utf8");
    const tree = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
    const walk = (node, isInFunction) => {
      const kind = ts.SyntaxKind[node.kind];
      const line = tree.getLineAndCharacterOfPosition(node.pos).line + 1;
      assert.ok(!SYNTAX[kind], `${name}:${line}: ${kind}: ${SYNTAX[kind]}`);
      assert.ok(isInFunction || !ts.isAwaitExpression(node), `${name}:${line}: await at the top: Safari 15`);
      assert.ok(!ts.isRegularExpressionLiteral(node) || !/\(\?<[=!]/.test(node.text), `${name}:${line}: lookbehind: Safari 16.4`);
      ts.forEachChild(node, (child) => walk(child, isInFunction || ts.isFunctionLike(node)));
    };
    walk(tree, false);
  }
});

/** Styles that came later than Safari 14.0, and are not only an improvement of a line above. */
const STYLES = [
  [/(^|[\s;{])inset:/, "inset: Safari 14.1"],
  [/aspect-ratio:/, "aspect-ratio: Safari 15"],
  [/:has\(/, ":has: Safari 15.4"],
  [/:(is|where)\(/, ":is and :where: Chromium 88"],
  [/(^|[\s;{])gap:/, "gap in flex boxes: Safari 14.1; `grid-gap` is for grids only"],
  [/@layer|@container|color-mix\(/, "later"],
];

test("the styles use nothing that came later", async () => {
  for (const name of (await readdir(PAGES)).filter((file) => file.endsWith(".css"))) {
    const text = (await readFile(new URL(name, PAGES), "utf8")).replace(/\/\*[^]*?\*\//g, "");
    for (const [pattern, why] of STYLES) {
      assert.ok(!pattern.test(text), `${name}: ${why}`);
    }
    for (const [, before] of text.matchAll(/([^\n]*)\n[^\n]*100dvh/g)) {
      assert.match(before, /100vh/, `${name}: dvh needs a line for Safari before 15.4`);
    }
  }
});

/** What some browser since 2020 lacks. The pages work without each. */
const ABSENT = {
  "AbortSignal.timeout": "delete AbortSignal.timeout",
  "AbortSignal.any": "delete AbortSignal.any",
  replaceChildren: "delete Element.prototype.replaceChildren",
  "at, findLast, toSorted": "for (const key of ['at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'with']) delete Array.prototype[key]",
  "String at, replaceAll": "delete String.prototype.at; delete String.prototype.replaceAll",
  "Object.hasOwn, groupBy": "delete Object.hasOwn; delete Object.groupBy",
  structuredClone: "delete window.structuredClone",
  "Promise.any": "delete Promise.any; delete Promise.withResolvers",
  BroadcastChannel: "delete window.BroadcastChannel",
  "navigator.locks": "delete Navigator.prototype.locks",
  "navigator.vibrate": "delete Navigator.prototype.vibrate",
  "navigator.wakeLock": "delete Navigator.prototype.wakeLock",
  "navigator.userActivation": "delete Navigator.prototype.userActivation",
  "crypto.randomUUID": "delete Crypto.prototype.randomUUID",
  "AudioContext without a prefix": "window.webkitAudioContext = window.AudioContext; delete window.AudioContext",
  "any AudioContext": "delete window.AudioContext; delete window.webkitAudioContext",
  "full screen without a prefix":
    "for (const key of ['fullscreenEnabled', 'fullscreenElement', 'exitFullscreen']) delete Document.prototype[key]; delete Element.prototype.requestFullscreen",
  localStorage: "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError') } })",
  "captureStream": "delete HTMLCanvasElement.prototype.captureStream",
  dialog: "delete window.HTMLDialogElement",
  "requestIdleCallback": "delete window.requestIdleCallback",
  "scheduler": "delete window.scheduler",
};

test("the pages work without each feature that some browsers lack", async () => {
  const fake = await lab.open();
  const { browser } = lab;
  for (const [name, remove] of Object.entries(ABSENT)) {
    fake.talk(null);
    const context = await browser.newContext(PHONE);
    await context.addInitScript(remove);
    const remote = await context.newPage();
    const wrong = [];
    remote.on("pageerror", (error) => wrong.push(String(error)));
    await remote.goto(`${fake.url}/remote`);
    await until(`${name}: the sentence is gone`, async () => (await remote.locator("#old").count()) === 0);
    await remote.tap("#main");
    await said(remote, /^start: done/);
    const stage = await context.newPage();
    stage.on("pageerror", (error) => wrong.push(String(error)));
    await stage.goto(fake.url);
    await until(`${name}: the stage view`, async () => (await stage.textContent("#word")) === "ready");
    await until(`${name}: the sentence is gone`, async () => (await stage.locator("#old").count()) === 0);
    if (name !== "any AudioContext") {
      await stage.click("#speaker");
      await until(`${name}: sound`, async () => (await stage.textContent("#speaker")) === "sound: on");
    }
    assert.deepEqual(wrong, [], name);
    await context.close();
  }
});

test("a browser that cannot run the scripts shows a sentence", async () => {
  const fake = await lab.open();
  fake.talk(null);
  const { browser } = lab;
  for (const path of ["/", "/remote"]) {
    // Scripts as a browser sees them that does not know their syntax.
    for (const broken of ["class { #no", "window.EventSource.none.none"]) {
      const context = await browser.newContext(PHONE);
      const page = await context.newPage();
      await page.route("**/daemon.js", (route) => route.fulfill({ contentType: "text/javascript", body: broken }));
      await page.goto(fake.url + path);
      assert.match(await page.textContent("#old"), /the browser is too old: Safari 14/);
      assert.equal(await page.evaluate(() => getComputedStyle(document.getElementById("old")).opacity), "0", "not at once");
      await until("it is seen", () => page.evaluate(() => getComputedStyle(document.getElementById("old")).opacity === "1"));
      await context.close();
    }
  }
});
