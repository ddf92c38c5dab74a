// A bad network: a TCP proxy that can slow connections down, cut and refuse them.
import { once } from "node:events";
import net from "node:net";
import { Transform } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

/** startProxy listens on a free port. It refuses connections until target is set. */
export async function startProxy() {
  const proxy = new Proxy();
  proxy.server.listen(0, "127.0.0.1");
  await once(proxy.server, "listening");
  proxy.address = `http://127.0.0.1:${proxy.server.address().port}`;
  return proxy;
}

/** Proxy forwards connections to target, the address of a service. */
class Proxy {
  target = null;
  received = 0; // bytes forwarded from clients
  returned = 0; // bytes returned by the service
  rate = Infinity; // bytes per second from one connection
  down = false; // whether to refuse connections

  #sockets = new Set();
  #cutAt = Infinity;
  #onCut = null;

  constructor() {
    this.server = net.createServer((client) => this.#connect(client));
  }

  /** cut resets all connections. */
  cut() {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** cutAfter resets all connections after that many more bytes from clients, then resolves. */
  cutAfter(bytes) {
    this.#cutAt = this.received + bytes;
    return new Promise((resolve) => { this.#onCut = resolve; });
  }

  async close() {
    this.server.close();
    this.cut();
  }

  #connect(client) {
    if (this.down || !this.target) {
      client.resetAndDestroy();
      return;
    }
    const { hostname, port } = new URL(this.target);
    const service = net.connect(port, hostname);
    for (const [socket, other] of [[client, service], [service, client]]) {
      this.#sockets.add(socket);
      socket.setNoDelay();
      socket.on("error", () => {}); // close follows
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(this.#meter()).pipe(service);
    service.on("data", (piece) => { this.returned += piece.length; });
    service.pipe(client);
  }

  #meter() {
    const pass = async (piece) => {
      const wait = (piece.length / this.rate) * 1000;
      if (wait >= 1) await sleep(wait);
      this.received += piece.length;
      if (this.received < this.#cutAt) return piece;
      this.#cutAt = Infinity;
      this.cut();
      this.#onCut();
      return null;
    };
    return new Transform({
      transform: (piece, _, done) => { pass(piece).then((passed) => passed && done(null, passed), done); },
    });
  }
}
