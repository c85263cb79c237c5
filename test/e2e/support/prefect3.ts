// The real server of Prefect 3, and flow runs in it as a worker would leave them. The one place that knows how it is
// started: E2E_PREFECT3 names a command that is called with a port, starts the server on it, and prints the API's address
// and the id of the server's process.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { objectIn, textIn } from "../../../src/base/json.ts";
import type { Prefect3StateType } from "../../../src/prefect3/states.ts";
import { freePort } from "../../../scripts/free-port.ts";

/** Why there can be no such server here, or undefined. */
export function whyNoPrefect3(): string | undefined {
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

  /** Starts one. Throws what the command says when it fails. */
  static async start(): Promise<Prefect3> {
    const port = await freePort();
    const { stdout } = await promisify(execFile)(process.env["E2E_PREFECT3"] ?? "", [String(port)]);
    const [api = "", pid = ""] = stdout.trim().split("\n").slice(-2);
    return new Prefect3(api, Number(pid));
  }

  stop(): void {
    process.kill(this.#pid);
  }

  /** Answers the new flow's id. */
  async createFlow(name: string): Promise<string> {
    return idOf(await this.#call("POST", "/flows/", { name }));
  }

  /** A run in this state, whichever it takes to get there; answers its id. */
  async createFlowRun(flowId: string, name: string, type: Prefect3StateType): Promise<string> {
    const state = { type: "SCHEDULED" };
    const id = idOf(await this.#call("POST", "/flow_runs/", { flow_id: flowId, name, state }));
    if (type === "SCHEDULED") return id;
    const message = type === "CRASHED" ? "the pod was evicted" : null;
    const wanted = { type, message };
    await this.#call("POST", `/flow_runs/${id}/set_state`, { state: wanted, force: true });
    return id;
  }

  async deleteFlowRun(id: string): Promise<void> {
    await this.#call("DELETE", `/flow_runs/${id}`);
  }

  /** The name of the run's state, such as Crashed. */
  async stateOf(id: string): Promise<string | undefined> {
    const run = objectIn(await this.#call("GET", `/flow_runs/${id}`));
    return textIn(objectIn(run["state"])["name"]);
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const sent =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const ask = (): Promise<Response> => fetch(this.api + path, { method, ...sent });
    // The server closes connections after five idle seconds, which kubectl may have taken meanwhile.
    const answer = await ask().catch(() => ask());
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  }
}

function idOf(answer: unknown): string {
  const id = textIn(objectIn(answer)["id"]);
  if (id === undefined) throw new Error(`no id in ${JSON.stringify(answer)}`);
  return id;
}
