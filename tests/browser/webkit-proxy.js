// A proxy between WebKit and the server, for what its WebDriver cannot do: it tells the requests of the pages, answers in place
// of the server, and adds scripts that run before those of a page. Every name leads to this machine.

import { once } from "node:events";
import { createServer, request as ask } from "node:http";

const SCRIPT = "/script-of-the-test.js";

export class Proxy {
  static async open() {
    const proxy = new Proxy();
    Object.assign(proxy, { scripts: [], routes: [], onRequest: () => {} });
    proxy.server = createServer((request, response) => proxy.serve(request, response).catch(() => response.destroy()));
    proxy.server.listen(0, "127.0.0.1");
    await once(proxy.server, "listening");
    proxy.address = `127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  async serve(request, response) {
    const url = new URL(request.url);
    const parts = [];
    for await (const part of request) {
      parts.push(part);
    }
    const body = Buffer.concat(parts);
    if (url.pathname === SCRIPT) {
      response.writeHead(200, { "content-type": "text/javascript", "cache-control": "no-store" });
      response.end(this.scripts.join(";\n"));
      return;
    }
    this.onRequest({ url: () => url.href, method: () => request.method, postData: () => (body.length > 0 ? String(body) : null) });
    const route = this.routes.find(({ tail }) => url.href.endsWith(tail));
    if (route) {
      await route.act(this.exchange(request, url, body, response));
    } else {
      this.forward(request, url, body, response);
    }
  }

  /** What a test does with a request, as Playwright's `Route`. */
  exchange(request, url, body, response) {
    return {
      continue: () => this.forward(request, url, body, response),
      abort: () => response.destroy(),
      fulfill: ({ contentType, body: text }) => response.writeHead(200, { "content-type": contentType }).end(text),
      /** Sends the request, and keeps the reply from the page. */
      fetch: async () => {
        const [reply] = await once(this.send(request, url, body), "response");
        reply.resume();
        await once(reply, "end");
      },
    };
  }

  send(request, url, body) {
    const headers = { ...request.headers, "accept-encoding": "identity" };
    delete headers["proxy-connection"];
    const { method } = request;
    return ask({ host: "127.0.0.1", port: url.port, method, path: url.pathname + url.search, headers, agent: false }).end(body);
  }

  forward(request, url, body, response) {
    const sent = this.send(request, url, body);
    response.on("close", () => sent.destroy());
    sent.on("error", () => response.destroy());
    sent.on("response", async (reply) => {
      reply.on("error", () => response.destroy());
      const { "content-length": length, connection, ...headers } = reply.headers;
      if (this.scripts.length > 0 && /html/.test(headers["content-type"])) {
        const text = await new Response(reply).text();
        response.writeHead(reply.statusCode, headers);
        response.end(text.replace("<head>", `<head><script src="${SCRIPT}"></script>`));
      } else {
        response.writeHead(reply.statusCode, length ? { ...headers, "content-length": length } : headers);
        response.flushHeaders();
        reply.pipe(response);
      }
    });
  }
}
