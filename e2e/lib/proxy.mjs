// A bad network: a TCP proxy that can be slow, and cut what runs through it.
import { once } from "node:events";
import net from "node:net";
import { Transform } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

/** startProxy listens on a port of its own. It leads nowhere until target is set. */
export async function startProxy() {
  const proxy = new Proxy();
  proxy.server.listen(0, "127.0.0.1");
  await once(proxy.server, "listening");
  proxy.address = `http://127.0.0.1:${proxy.server.address().port}`;
  return proxy;
}

/** Proxy passes bytes on to target, the address of a service. */
class Proxy {
  target = null;
  received = 0; // bytes that clients sent and that were passed on
  returned = 0; // bytes that the service answered
  rate = Infinity; // bytes a second that one client's connection may send
  latency = 0; // ms that each piece of a client's waits
  down = false; // whether connections are refused

  #sockets = new Set();
  #cutAt = Infinity;
  #onCut = null;

  constructor() {
    this.server = net.createServer((client) => this.#connect(client));
  }

  /** cut breaks all connections, as when a train enters a tunnel. */
  cut() {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** cutAfter breaks all connections once clients have sent that many bytes more. */
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
      socket.on("error", () => {}); // the other side is told by close
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
      const wait = this.latency + (piece.length / this.rate) * 1000;
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
