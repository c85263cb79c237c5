import { once } from "node:events";
import { clockOf } from "../../support/clock.ts";
import { createServer } from "node:http";
import net from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { PROGRESS_TIMEOUT_MS } from "../../../src/agent/server/health.ts";
import { LOOPS } from "../../../src/agent/server/health.ts";
import { parseAddress, AgentServer } from "../../../src/agent/server/server.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { freePort } from "../../../scripts/free-port.ts";

let now = new Date("2024-01-01T00:00:00Z");
const clock: Clock = clockOf({ now: () => now });
let server: AgentServer | undefined;

afterEach(() => server?.stop());

async function startServer(): Promise<{
  get: (path: string, method?: string) => Promise<Response>;
  pokes: () => number;
  port: number;
}> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  server = new AgentServer(url, { clock, log: silentLog });
  let pokes = 0;
  server.agent = {
    problem: () => undefined,
    warning: () => undefined,
    poke: () => pokes++,
    gauges: () => ({ liveJobs: 7, inFlight: 2, limit: 20, watchRestarts: 3 }),
  };
  await server.start();
  return { get: (path, method = "GET") => fetch(url + path, { method }), pokes: () => pokes, port };
}

describe("AgentServer", () => {
  it("answers as Prefect's agent does", async () => {
    const { get, pokes } = await startServer();
    const health = await get("/api/health");
    expect([health.status, health.headers.get("content-type"), await health.text()]).toEqual([
      200,
      "application/json; charset=UTF-8",
      "{}",
    ]);
    const poke = await get("/api/poke");
    expect([poke.status, await poke.text(), pokes()]).toEqual([200, "", 1]);
    expect((await get("/elsewhere")).status).toBe(404);
    expect((await get("/api/health", "POST")).status).toBe(405);
  });

  it("goes on after clients that send nonsense, break off, or leave before the answer", async () => {
    const { get, port } = await startServer();
    for (const sent of [
      "\u0016\u0003\u0001 nonsense\r\n\r\n",
      "GET /metr",
      "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n",
    ]) {
      const socket = net.connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      const closed = once(socket, "close");
      socket.write(sent, () => socket.resetAndDestroy());
      await closed;
    }
    expect((await get("/livez")).status).toBe(200);
  });

  it.each(LOOPS.map((loop) => ({ loop })))(
    "returns 503 while $loop has made no progress within its timeout",
    async ({ loop }) => {
      const { get } = await startServer();
      const others = LOOPS.filter((other) => other !== loop);
      const later = async (ms: number): Promise<Response> => {
        now = new Date(now.getTime() + ms);
        for (const other of others) server?.metrics.progress(other);
        return get("/readyz");
      };
      for (const each of LOOPS) server?.metrics.progress(each);
      expect((await later(PROGRESS_TIMEOUT_MS[loop])).status).toBe(200);
      const stalled = await later(1);
      expect([stalled.status, await stalled.json()]).toEqual([
        503,
        { reason: expect.stringMatching(new RegExp(`^${loop}: no progress for \\S+$`)) as unknown },
      ]);
      expect((await get("/api/health")).status).toBe(503);
      expect((await get("/livez")).status).toBe(200);
      server?.metrics.progress(loop);
      expect((await get("/readyz")).status).toBe(200);
      expect((await get("/api/health")).status).toBe(200);
    },
  );

  it("is not ready before its first poll and its first lists of Jobs and pods", async () => {
    const { get } = await startServer();
    const early = await get("/readyz");
    expect([early.status, await early.json()]).toEqual([
      503,
      { reason: "no progress yet: poll, jobs, pods" },
    ]);
    expect((await get("/api/health")).status).toBe(200);
    for (const loop of ["poll", "jobs", "pods"] as const) {
      expect((await get("/readyz")).status).toBe(503);
      server?.metrics.progress(loop);
    }
    expect((await get("/readyz")).status).toBe(200);
  });

  it("is ready with a warning, and not with a problem", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    server = new AgentServer(url, { clock, log: silentLog });
    for (const loop of LOOPS) server.metrics.progress(loop);
    let problem: string | undefined;
    const gauges = { liveJobs: 0, inFlight: 0, limit: undefined, watchRestarts: 0 };
    server.agent = {
      problem: () => problem,
      warning: () => "the template is old",
      poke: () => 0,
      gauges: () => gauges,
    };
    await server.start();
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { warning: "the template is old" }]);
    problem = "no template";
    const unready = await fetch(`${url}/readyz`);
    expect([unready.status, await unready.json()]).toEqual([503, { reason: "no template" }]);
  });

  it("serves the limit of live Jobs only while there is one, as in a replica that becomes the leader", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    server = new AgentServer(url, { clock, log: silentLog });
    await server.start();
    for (const limit of [undefined, undefined, 20, undefined]) {
      server.agent = {
        problem: () => undefined,
        warning: () => undefined,
        poke: () => 0,
        gauges: () => ({ liveJobs: 7, inFlight: 2, limit, watchRestarts: 3 }),
      };
      const text = await (await fetch(`${url}/metrics`)).text();
      const served = /^kubectl_prefect_live_jobs_limit (.*)$/m.exec(text)?.[1];
      expect(served).toBe(limit === undefined ? undefined : "20");
    }
  });

  it("serves metrics for Prometheus", async () => {
    const { get } = await startServer();
    server?.metrics.count("submitted");
    server?.metrics.count("deletions", "finished", 2);
    server?.metrics.startDelay(0.02);
    server?.metrics.observeCall({ api: "kubernetes", operation: "create jobs", status: 201, ms: 3 });
    server?.metrics.observeCall({ api: "prefect", operation: "get_runs_in_queue", status: 0, ms: 3 });
    const text = await (await get("/metrics")).text();
    expect(text).toContain(
      'kubectl_prefect_request_seconds_count{api="kubernetes",operation="create jobs",result="2xx"} 1',
    );
    expect(text).toContain('{api="prefect",operation="get_runs_in_queue",result="unreachable"} 1');
    expect(text).toContain("kubectl_prefect_live_jobs_limit 20");
    expect(text).toContain('kubectl_prefect_submissions_total{reason=""} 1');
    expect(text).toContain('kubectl_prefect_job_deletions_total{reason="finished"} 2');
    expect(text).toContain('kubectl_prefect_start_delay_seconds_bucket{le="0.025"} 1');
    expect(text).toContain("kubectl_prefect_live_jobs 7");
    expect(text).toContain('kubectl_prefect_watch_restarts_total{reason=""} 3');
    expect(await (await get("/metrics")).text()).toContain(
      'kubectl_prefect_watch_restarts_total{reason=""} 3',
    );
  });

  it("names the port that is in use", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    const second = new AgentServer(`http://127.0.0.1:${port}`, { clock, log: silentLog });
    await expect(second.start()).rejects.toMatchObject({
      exitCode: 2,
      message: `cannot serve the agent's health at port ${port}: another process uses it`,
      hint: "choose another address with --agent-address",
    });
    await new Promise((resolve) => taken.close(resolve));
  });

  it("names an address that this machine does not have", async () => {
    const server = new AgentServer("http://192.0.2.1:8080", { clock, log: silentLog });
    const message = "cannot serve the agent's health at port 8080: this machine does not have the address";
    await expect(server.start()).rejects.toMatchObject({ exitCode: 2, message });
  });
});

describe("parseAddress", () => {
  it.each([
    { address: "http://:8080", host: undefined, port: 8080 },
    { address: "http://0.0.0.0:80/path", host: "0.0.0.0", port: 80 },
    { address: "http://[::]:8080", host: "::", port: 8080 },
  ])("parses $address", ({ address, host, port }) => {
    expect(parseAddress(address)).toEqual({ host, port });
  });

  it.each(["127.0.0.1:8080", ":8080", "http://localhost", "http://:0", "http://:70000"])(
    "rejects %s",
    (address) => {
      expect(() => parseAddress(address)).toThrow("the address has no valid port");
    },
  );
});
