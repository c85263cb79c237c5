// Inventory: one container's log as it comes, over broken connections, without a line lost or told twice. The lines carry
// their time on the wire, whether it is wanted or not: it says where to go on.

import type { Clock } from "../base/clock.ts";
import { TransportError } from "../base/http.ts";
import type { KubeApi, PodLogQuery } from "../kube/api.ts";
import { KubeError } from "../kube/errors.ts";
import type { LogTarget } from "./log-targets.ts";

export interface LogDeps {
  readonly kube: Pick<KubeApi, "podLog" | "followPodLog" | "listPage">;
  readonly clock: Clock;
  /** A line of a log, with its line break. */
  readonly write: (text: string) => void | Promise<void>;
  /** A line for people. */
  readonly tell: (line: string) => void;
}

/** What of a log is wanted, as the flags say. */
export interface LogShape {
  readonly timestamps: boolean;
  readonly tailLines?: number | undefined;
  readonly sinceSeconds?: number | undefined;
}

const RETRY_MS = 1_000;
const TRIES = 5;

/** One life of a container, followed. It can be gone on with after its stream has ended too early. */
export class LogStream {
  readonly #deps: LogDeps;
  readonly #target: LogTarget;
  readonly #prefix: string;
  #last = "";
  isDone = false;

  constructor(deps: LogDeps, target: LogTarget, prefix: string) {
    this.#deps = deps;
    this.#target = target;
    this.#prefix = prefix;
  }

  /** Resolves when the server ends the log. Throws KubeError when it cannot be had. */
  async follow(shape: LogShape, signal: AbortSignal): Promise<void> {
    this.isDone = false;
    try {
      for (let failures = 0; !signal.aborted; failures++) {
        if (await this.#attempt(shape, { signal, isLast: failures >= TRIES })) return;
        await this.#deps.clock.sleep(RETRY_MS, signal);
      }
    } finally {
      this.isDone = true;
    }
  }

  /** Whether the log has come to its end. */
  async #attempt(
    shape: LogShape,
    given: { readonly signal: AbortSignal; readonly isLast: boolean },
  ): Promise<boolean> {
    const { pod, container } = this.#target;
    const { signal, isLast } = given;
    try {
      const query = { container, follow: true, timestamps: true, ...this.#beginning(shape) };
      const lines = this.#deps.kube.followPodLog(pod.metadata, query, signal);
      for await (const line of lines) await this.#line(line, shape.timestamps);
      return true;
    } catch (error) {
      if (signal.aborted) return true;
      // The pod is gone, or its container has not started after all: the next look tells.
      if (error instanceof KubeError && (error.status === 404 || error.status === 400)) return true;
      const canMend = error instanceof TransportError || (error instanceof KubeError && error.retryable);
      if (!canMend || isLast) throw error;
      return false;
    }
  }

  #beginning({ tailLines, sinceSeconds }: LogShape): PodLogQuery {
    if (this.#last === "") return { tailLines, sinceSeconds };
    const sinceMs = this.#deps.clock.now().getTime() - Date.parse(this.#last);
    return { sinceSeconds: Math.max(1, Math.ceil(sinceMs / 1_000) + 1) };
  }

  async #line(line: string, timestamps: boolean): Promise<void> {
    const end = line.indexOf(" ");
    const at = end === -1 ? line : line.slice(0, end);
    if (isBefore(at, this.#last)) return;
    this.#last = at;
    const text = timestamps ? line : end === -1 ? "" : line.slice(end + 1);
    await this.#deps.write(`${this.#prefix}${text}\n`);
  }
}

/** Whether the line of this time has been told. Kubelets write nanoseconds, and leave out zeros at their end. */
function isBefore(at: string, last: string): boolean {
  if (last === "") return false;
  const [second = "", rest = ""] = at.replace("Z", "").split(".");
  const [lastSecond = "", lastRest = ""] = last.replace("Z", "").split(".");
  if (second !== lastSecond) return second < lastSecond;
  return rest.padEnd(9, "0") <= lastRest.padEnd(9, "0");
}
