// The real server of Prefect 3, and flow runs in it as a worker would leave them. The command in E2E_PREFECT3 gets a port, starts
// the server on it, and prints the API's address and the server's process id.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { objectIn, textIn } from "../../../src/base/json.ts";
import type { Prefect3StateType } from "../../../src/prefect3/client.ts";
import { freePort } from "../../../scripts/free-port.ts";

/** Why the server cannot be started, or undefined. */
export function noPrefect3Reason(): string | undefined {
  return process.env["E2E_PREFECT3"]
    ? undefined
    : "E2E_PREFECT3 does not name a command that starts Prefect's server";
}

/** A running server. */
export class Prefect3 {
  readonly api: string;
  readonly #pid: number;

  private constructor(api: string, pid: number) {
    this.api = api;
    this.#pid = pid;
  }

  /** Starts the server. Rejects if the command fails. */
  static async start(): Promise<Prefect3> {
    const port = await freePort();
    const { stdout } = await promisify(execFile)(process.env["E2E_PREFECT3"] ?? "", [String(port)]);
    const [api = "", pid = ""] = stdout.trim().split("\n").slice(-2);
    return new Prefect3(api, Number(pid));
  }

  stop(): void {
    process.kill(this.#pid);
  }

  /** Creates a flow; returns its id. */
  async createFlow(name: string): Promise<string> {
    return idOf(await this.call("POST", "/flows/", { name }));
  }

  /** Creates a run in this state; returns its id. */
  async createFlowRun(flowId: string, name: string, type: Prefect3StateType): Promise<string> {
    const state = { type: "SCHEDULED" };
    const id = idOf(await this.call("POST", "/flow_runs/", { flow_id: flowId, name, state }));
    if (type === "SCHEDULED") return id;
    await this.setState(id, { type, message: type === "CRASHED" ? "the pod was evicted" : null });
    return id;
  }

  /** Whatever its state was. */
  async setState(id: string, state: object): Promise<void> {
    await this.call("POST", `/flow_runs/${id}/set_state`, { state, force: true });
  }

  async deleteFlowRun(id: string): Promise<void> {
    await this.call("DELETE", `/flow_runs/${id}`);
  }

  /** The name of the run's state, such as Crashed. */
  async stateOf(id: string): Promise<string | undefined> {
    const run = objectIn(await this.call("GET", `/flow_runs/${id}`));
    return textIn(objectIn(run["state"])["name"]);
  }

  async call(method: string, path: string, body?: object): Promise<unknown> {
    const sent =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const send = (): Promise<Response> => fetch(this.api + path, { method, ...sent });
    // The server closes connections that are idle for five seconds: retry once.
    const response = await send().catch(() => send());
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  }
}

/** The id of what an answer shows. */
export function idOf(answer: unknown): string {
  const id = textIn(objectIn(answer)["id"]);
  if (id === undefined) throw new Error(`no id in ${JSON.stringify(answer)}`);
  return id;
}
