// The bytes of each page with its scripts and styles, as they are and compressed: `npm run bytes`.

import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const PAGES = new URL("../../src/web/pages/", import.meta.url);

for (const page of ["stage.html", "remote.html", "hello.html"]) {
  const html = await readFile(new URL(page, PAGES), "utf8");
  const names = [...html.matchAll(/(?:href|src)="([\w]+\.(?:css|js|svg))"/g)].map(([, name]) => name);
  let [plain, packed] = [0, 0];
  for (const name of [page, ...new Set(names)]) {
    const text = await readFile(new URL(name, PAGES));
    plain += text.length;
    packed += gzipSync(text, { level: 9 }).length;
  }
  console.log(`${page}: ${names.length + 1} files, ${plain} bytes, compressed ${packed}`);
}
