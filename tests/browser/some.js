// Runs the tests of the pages in one browser: `node some.js firefox [FILE...]`, by default all that make sense there. Fails if
// any test fails, or if fewer tests ran than there are.

import { spawn } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { stdout } from "node:process";
import { ELSEWHERE } from "./elsewhere.js";

const [browser, ...names] = process.argv.slice(2);
const all = (await readdir(".")).filter((file) => file.endsWith(".test.js")).map((file) => file.replace(".test.js", ""));
const left = ELSEWHERE[browser];
if (!left) {
  throw new Error(`${browser} is none of ${Object.keys(ELSEWHERE).join(", ")}`);
}
const isWhole = names.length === 0;
const run = isWhole ? all.filter((name) => !left.files[name]) : names;
const texts = await Promise.all(run.map((name) => readFile(`${name}.test.js`, "utf8")));
/** The names of the tests; those with a variable part as they are written. */
const known = texts.flatMap((text) => [...text.matchAll(/^ *test\(\s*(["`])(.*?)\1,/gm)].map(([, , name]) => name));
const leftTests = isWhole ? Object.keys(left.tests) : [];
for (const name of leftTests) {
  if (!known.includes(name)) {
    throw new Error(`there is no test "${name}", which ${browser} leaves out`);
  }
}
if (isWhole) {
  for (const [name, why] of Object.entries({ ...left.files, ...left.tests })) {
    console.log(`${browser} leaves out "${name}": ${why}`);
  }
}

const wanted = known.filter((name) => !leftTests.includes(name));
const patterns = wanted.map((name) => name.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&").replace(/\\\$\\\{.*?\\\}/g, ".*"));
// One test at a time, since some measure milliseconds. Node.js 20 can select tests, but not leave some out.
const options = ["--test", "--test-concurrency=1", "--test-reporter=spec", `--test-name-pattern=/^(?:${patterns.join("|")})$/`];
const runner = spawn(process.execPath, [...options, ...run.map((name) => `${name}.test.js`)], {
  env: { ...process.env, BROWSER: browser },
  stdio: ["ignore", "pipe", "inherit"],
});
let said = "";
runner.stdout.on("data", (data) => {
  said += data;
  stdout.write(data);
});
runner.on("close", (code) => {
  const passed = Number(/^ℹ pass (\d+)$/m.exec(said)?.[1] ?? 0);
  // A test in a loop counts once at least.
  if (code === 0 && passed < wanted.length) {
    console.log(`only ${passed} of at least ${wanted.length} tests ran in ${browser}`);
  }
  process.exitCode = code !== 0 || passed < wanted.length ? 1 : 0;
});
