// The pages behind the proxies of docs/remote.md, with exactly its text but for ports and the paths of certificates. The proxies are
// Debian's and run as an ordinary user. A browser pairs, presses and watches events through each.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Daemon, LONG, openBrowser, phase, seePhase, until } from "./harness.js";

/** Debian's `nobody`. Only root can start a process as another user. */
const NOBODY = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {};
/** An event that a proxy holds back is not seen in this time. */
const AT_ONCE_MS = 2_000;

const PAGE = await readFile(new URL("../../docs/remote.md", import.meta.url), "utf8");

/** The blocks of a language in the document: at the root of a name, and in a folder. */
function blocks(language) {
  const found = [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, text]) => text);
  assert.equal(found.length, 2, `the document shows ${language} twice`);
  return found;
}

let browser;

before(async () => {
  const names = "MAP timer.example.org 127.0.0.1, MAP example.org 127.0.0.1";
  browser = await openBrowser([`--host-resolver-rules=${names}`]);
});
after(() => browser.close());

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** Replaces what depends on the machine. Each must be in the text. */
function fitted(text, replacements) {
  for (const [there, here] of replacements) {
    assert.ok(text.includes(there), `${there} is in ${text}`);
    text = text.replaceAll(there, here);
  }
  return text;
}

class Proxy {
  static async open(kind, block, daemon, port) {
    const proxy = new Proxy();
    proxy.folder = await mkdtemp(join(tmpdir(), "proxy-"));
    proxy.said = "";
    const upstream = ["127.0.0.1:8080", `127.0.0.1:${daemon.port}`];
    const own = async (path) => NOBODY.uid && (await chown(path, NOBODY.uid, NOBODY.gid));
    await chmod(proxy.folder, 0o755);
    await own(proxy.folder);
    if (kind === "caddy") {
      const global = `{
        admin off
        http_port ${await freePort()}
        https_port ${port}
        local_certs
        skip_install_trust
        storage file_system ${proxy.folder}/storage
      }\n`;
      await writeFile(join(proxy.folder, "Caddyfile"), global + fitted(block, [upstream]));
      proxy.run("caddy", ["run", "--config", "Caddyfile", "--adapter", "caddyfile"]);
    } else {
      const [pem, key] = ["cert.pem", "cert.key"].map((name) => join(proxy.folder, name));
      const subject = ["-subj", "/CN=timer.example.org", "-days", "2"];
      execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", pem, ...subject], {
        stdio: "ignore",
      });
      await own(key);
      const [, there] = /ssl_certificate (\S+);/.exec(block);
      const [, thereKey] = /ssl_certificate_key (\S+);/.exec(block);
      const site = fitted(block, [["listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`], upstream, [thereKey, key], [there, pem]]);
      const kept = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path tmp/${name};`);
      await mkdir(join(proxy.folder, "tmp"));
      await own(join(proxy.folder, "tmp"));
      const main = `daemon off;\npid nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${kept.join("\n")}\n${site}}\n`;
      await writeFile(join(proxy.folder, "nginx.conf"), main);
      proxy.run("nginx", ["-p", proxy.folder, "-c", "nginx.conf", "-e", "stderr"]);
    }
    return proxy;
  }

  run(program, options) {
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: this.folder };
    this.process = spawn(program, options, { cwd: this.folder, env, stdio: ["ignore", "pipe", "pipe"], ...NOBODY });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on("data", (data) => (this.said += data));
    }
    this.process.on("error", (error) => (this.said += error));
  }

  async close() {
    const gone = new Promise((done) => (this.process.exitCode === null ? this.process.once("exit", done) : done()));
    this.process.kill("SIGTERM");
    await gone;
    await rm(this.folder, { recursive: true });
  }
}

/** Asks through the proxy as the browser does, and returns the status of the response. */
function reaches(url) {
  return new Promise((done, fail) => {
    const { hostname, port, pathname } = new URL(url);
    const options = { host: "127.0.0.1", port, path: pathname, servername: hostname, rejectUnauthorized: false };
    request({ ...options, headers: { Host: `${hostname}:${port}` } }, (response) => {
      response.resume();
      done(response.statusCode);
    })
      .on("error", fail)
      .end();
  });
}

async function wayIn(kind, block, base) {
  const port = await freePort();
  const [scheme, rest] = base.split("://");
  const [host, ...folders] = rest.split("/");
  const address = `${scheme}://${[`${host}:${port}`, ...folders].join("/")}`;
  const daemon = await Daemon.open(LONG, `address = "${address}"`);
  const proxy = await Proxy.open(kind, block, daemon, port);
  try {
    await until("the proxy answers", async () => (await reaches(`${address}/remote`)) === 200);
    if (folders.length > 0) {
      // Without the slash the addresses of the page would lead out of the folder.
      assert.ok([301, 302, 308].includes(await reaches(address)), "the folder without its slash leads to the folder");
    }
    const invited = await daemon.invite();
    assert.equal(invited.address, address, "the invitation leads to the proxy");
    const open = async (path) => {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      const page = await context.newPage();
      page.failed = [];
      page.on("pageerror", (error) => page.failed.push(String(error)));
      page.on("response", (response) => response.status() >= 400 && page.failed.push(`${response.status()} ${response.url()}`));
      page.on("request", (asked) => asked.url().startsWith(address) || page.failed.push(`asks ${asked.url()}`));
      await page.goto(address + path);
      return page;
    };
    const stage = await open("/");
    await seePhase(stage, "ready");
    const phone = await open(`/remote#${invited.ticket}`);
    await until("it is paired", async () => (await daemon.say("status")).ok && (await phone.context().cookies()).length > 0);
    await seePhase(phone, "ready");
    const [cookie] = await phone.context().cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);

    // A press on the phone, and an event in both pages.
    await phone.getByRole("button", { name: /^start/i }).first().click();
    await until("the talk runs", async () => (await daemon.status()).phase === "green", AT_ONCE_MS);
    await seePhase(stage, "green", AT_ONCE_MS);
    await seePhase(phone, "green", AT_ONCE_MS);
    // An event that no page has asked for.
    await daemon.say("reset");
    await seePhase(stage, "ready", AT_ONCE_MS);
    await seePhase(phone, "ready", AT_ONCE_MS);
    assert.deepEqual(phone.failed.filter((failure) => !failure.includes("/api/v1/paired")), []);
    assert.deepEqual(stage.failed.filter((failure) => !failure.includes("/api/v1/paired")), []);
    // The page stays connected by the beats.
    assert.equal(await phase(stage), "ready");
    await Promise.all([stage, phone].map((page) => page.context().close()));
  } catch (error) {
    error.message += `\n${kind} says: ${proxy.said}`;
    throw error;
  } finally {
    await proxy.close();
    await daemon.close();
  }
}

const [caddy, caddyFolder] = blocks("caddy");
const [nginx, nginxFolder] = blocks("nginx");

test("behind Caddy, at the root of a name", () => wayIn("caddy", caddy, "https://timer.example.org"));

test("behind Caddy, in a folder", () => wayIn("caddy", caddyFolder, "https://example.org/timer"));

test("behind nginx, at the root of a name", () => wayIn("nginx", nginx, "https://timer.example.org"));

test("behind nginx, in a folder", () => wayIn("nginx", nginxFolder, "https://example.org/timer"));
