// A slow network between a browser and a server: a TCP proxy that delays.

import { connect, createServer } from "node:net";
import { once } from "node:events";

/** Bytes are sent in pieces of about a packet, so that connections share the rate. */
const PIECE = 1400;

export class SlowNetwork {
  /**
   * @param {number} port Of the server.
   * @param {{roundTripMs: number, bitsPerSecond: number}} how
   */
  static async open(port, how) {
    const network = new SlowNetwork();
    network.sockets = new Set();
    network.bytes = 0;
    const [up, down] = [new Way(how), new Way(how)];
    network.server = createServer((client) => {
      const server = connect(port, "127.0.0.1");
      // The browser's connection is there at once; a real one would have taken a round trip.
      network.join(client, server, up, performance.now() + how.roundTripMs);
      network.join(server, client, down, 0, (length) => (network.bytes += length));
    });
    network.server.listen(0, "127.0.0.1");
    await once(network.server, "listening");
    network.url = `http://127.0.0.1:${network.server.address().port}`;
    return network;
  }

  join(from, to, way, notBefore, count = () => {}) {
    this.sockets.add(from);
    from.setNoDelay(true);
    from.on("error", () => to.destroy());
    from.on("close", () => this.sockets.delete(from));
    from.on("end", () => way.send(0, notBefore, () => to.end()));
    from.on("data", (data) => {
      count(data.length);
      for (let at = 0; at < data.length; at += PIECE) {
        const piece = data.subarray(at, at + PIECE);
        way.send(piece.length, notBefore, () => to.write(piece));
      }
    });
  }

  async close() {
    for (const socket of this.sockets) {
      socket.destroy();
    }
    this.server.close();
  }
}

/** One direction of the network, whose rate all connections share. */
class Way {
  constructor({ roundTripMs, bitsPerSecond }) {
    Object.assign(this, { delay: roundTripMs / 2, perByte: 8000 / bitsPerSecond, free: 0, queue: [] });
  }

  /** Calls `arrive` when so many bytes have passed, which set off at `notBefore` or later. */
  send(length, notBefore, arrive) {
    this.free = Math.max(this.free, performance.now()) + length * this.perByte;
    this.queue.push({ at: Math.max(this.free, notBefore) + this.delay, arrive });
    this.wait();
  }

  wait() {
    clearTimeout(this.timer);
    // The order within a connection stays, since sorting is stable.
    this.queue.sort((a, b) => a.at - b.at);
    const [next] = this.queue;
    if (next) {
      this.timer = setTimeout(() => this.deliver(), next.at - performance.now());
    }
  }

  deliver() {
    while (this.queue.length > 0 && this.queue[0].at <= performance.now()) {
      this.queue.shift().arrive();
    }
    this.wait();
  }
}
