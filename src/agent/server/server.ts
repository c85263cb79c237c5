// The agent's HTTP server: /api/health and /api/poke as in Prefect's own agent, /livez, /readyz and /metrics.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { SettingsError, textOf } from "../../base/errors.ts";
import { objectIn } from "../../base/json.ts";
import type { Log } from "../../base/log.ts";
import type { Agent } from "../agent.ts";
import { Metrics } from "./metrics.ts";

type ServedAgent = Pick<Agent, "poke" | "problem" | "warning" | "gauges">;

interface ResponseContent {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Why a port cannot be listened at, by Node's code. */
const PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process uses it",
  EACCES: "permission denied",
  EADDRNOTAVAIL: "this machine does not have the address",
  ENOTFOUND: "there is no such host",
};
const NO_GAUGES = { liveJobs: 0, inFlight: 0, limit: undefined, watchRestarts: 0 };
const JSON_TYPE = "application/json; charset=UTF-8";
const TEXT_TYPE = "text/plain; charset=utf-8";

/** Collects metrics and health, and serves them if there is an address. */
export class AgentServer {
  readonly #address: { readonly host: string | undefined; readonly port: number } | undefined;
  readonly #log: Log;
  readonly metrics: Metrics;
  #server: Server | undefined;
  /** Is poked, and tells what is wrong and the gauges; undefined: none works now. */
  agent: ServedAgent | undefined;

  /** Throws SettingsError when the address has no port. */
  constructor(address: string | undefined, deps: { readonly clock: Clock; readonly log: Log }) {
    this.#address = address === undefined || address === "" ? undefined : parseAddress(address);
    this.#log = deps.log;
    this.metrics = new Metrics(deps.clock);
  }

  async start(): Promise<void> {
    if (this.#address === undefined) return;
    await this.metrics.open();
    const server = createServer((request, response) => {
      const path = (request.url ?? "/").split("?")[0] ?? "/";
      this.#respond(request.method ?? "GET", path).then(
        ({ status, type, body }) => {
          const isHead = request.method === "HEAD";
          response.writeHead(status, { "content-type": type }).end(isHead ? undefined : body);
        },
        (error: unknown) => response.destroy(error as Error),
      );
      response.on("error", () => {});
    });
    const { host, port } = this.#address;
    await once(server.listen(port, host), "listening").catch((cause: unknown) => {
      const problem = PROBLEMS[String(objectIn(cause)["code"])] ?? textOf(cause);
      const hint = "choose another address with --agent-address";
      throw new SettingsError(`cannot serve the agent's health at port ${port}: ${problem}`, { cause, hint });
    });
    this.#server = server;
    // Such as too many open files: the next client may be served again.
    server.on("error", (error) => this.#log.warn("Cannot serve a client", { error: error.message }));
    this.#log.debug("Serving health and metrics", { port: (server.address() as AddressInfo).port });
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async #respond(method: string, path: string): Promise<ResponseContent> {
    if (method !== "GET" && method !== "HEAD")
      return { status: 405, type: TEXT_TYPE, body: "method not allowed\n" };
    const { health } = this.metrics;
    switch (path) {
      case "/api/poke":
        this.agent?.poke();
        return { status: 200, type: TEXT_TYPE, body: "" };
      case "/api/health":
        return healthResponse(health.problem());
      case "/readyz":
        return healthResponse(health.notReady(this.agent?.problem()), this.agent?.warning());
      case "/livez":
        return healthResponse(undefined);
      case "/metrics":
        return { status: 200, ...(await this.metrics.text(this.agent?.gauges() ?? NO_GAUGES)) };
      default:
        return { status: 404, type: TEXT_TYPE, body: "not found\n" };
    }
  }
}

function healthResponse(problem: string | undefined, warning?: string): ResponseContent {
  if (problem === undefined) return { status: 200, type: JSON_TYPE, body: JSON.stringify({ warning }) };
  return { status: 503, type: JSON_TYPE, body: JSON.stringify({ reason: problem }) };
}

/** Parses `http://:8080`, `http://0.0.0.0:8080` or `http://[::]:8080`: scheme and port are required, as in Prefect 1. */
export function parseAddress(address: string): { host: string | undefined; port: number } {
  const match = /^https?:\/\/(\[[0-9a-fA-F:]+\]|[^:/[\]]*):(\d+)(?:\/.*)?$/.exec(address);
  const port = Number(match?.[2]);
  if (match === null || port < 1 || port > 65_535) {
    throw new SettingsError(`cannot serve the agent at "${address}": the address has no valid port`, {
      hint: "write it like http://:8080",
    });
  }
  const host = (match[1] ?? "").replaceAll(/[[\]]/g, "");
  return { host: host === "" ? undefined : host, port };
}
