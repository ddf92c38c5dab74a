// The real program, started as a person does, in an empty folder and on a free port.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const startTime = 90_000; // ms; includes creating the private database

/** startService runs INLET_BINARY and waits until it accepts connections. */
export async function startService(env = {}) {
  const binary = path.resolve(process.env.INLET_BINARY ?? "../inlet");
  const dir = await mkdtemp(path.join(tmpdir(), "inlet-e2e-"));
  const child = spawn(binary, [], {
    cwd: dir,
    env: { PATH: process.env.PATH, HOME: dir, INLET_ADDR: "127.0.0.1:0", INLET_LOG_LEVEL: "warn", ...env },
  });
  const service = new Service(child, dir);
  try {
    await service.ready();
  } catch (error) {
    await service.kill();
    throw error;
  }
  return service;
}

/** Service is one running program, with an operator's requests to it. */
class Service {
  constructor(child, dir) {
    this.child = child;
    this.dir = dir;
    this.output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => { this.output += text; });
    }
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(code ?? signal));
    });
  }

  async ready() {
    const listening = /listening on (http:\/\/\S+)/;
    const late = AbortSignal.timeout(startTime);
    while (!listening.test(this.output)) {
      const end = await Promise.race([this.ended.then((status) => ({ status })), once(this.child.stdout, "data", { signal: late })]);
      assert.ok(!("status" in end), `the service ended (${end.status}):\n${this.output}`);
    }
    this.address = this.output.match(listening)[1];
    this.token = (await readFile(path.join(this.dir, "inlet-data", "operator-token"), "utf8")).trim();
  }

  /** ask sends an operator's request and returns the answer's JSON, or "" if it is empty. */
  async ask(method, path, body) {
    const answer = await fetch(this.address + path, {
      method,
      headers: { Authorization: `Bearer ${this.token}` },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text && JSON.parse(text);
  }

  createLink(options = {}) {
    return this.ask("POST", "/v1/links", { expires_in: "1h", ...options });
  }

  stats() {
    return this.ask("GET", "/v1/stats");
  }

  /** send uploads files through a link as a form does, and fails unless all are stored. */
  async send(link, files) {
    const form = new FormData();
    for (const { name, buffer } of files) form.append("files", new Blob([buffer]), name);
    const answer = await fetch(link.url, { method: "POST", body: form });
    const text = await answer.text();
    assert.equal(answer.status, 201, text);
    const { results } = JSON.parse(text);
    assert.deepEqual(results.map(({ status }) => status), files.map(() => "stored"), text);
  }

  /** until polls a condition until it holds, for a minute at most. */
  async until(holds) {
    for (const late = AbortSignal.timeout(60_000); !(await holds()); ) await sleep(50, null, { signal: late });
  }

  /** picture fetches a picture's stored bytes. */
  async picture(id) {
    const answer = await fetch(`${this.address}/v1/images/${id}`);
    assert.equal(answer.status, 200, `picture ${id}`);
    return Buffer.from(await answer.arrayBuffer());
  }

  /** stop drains the service, and fails unless it exits with 0 within 40 s. */
  async stop() {
    this.child.kill("SIGTERM");
    const status = await Promise.race([this.ended, sleep(40_000, "a timeout", { ref: false })]);
    await this.kill();
    assert.equal(status, 0, `SIGTERM ended the service with ${status}:\n${this.output}`);
  }

  async kill() {
    this.child.kill("SIGKILL");
    await this.ended;
    await rm(this.dir, { recursive: true, force: true });
  }
}
