// Inventory: one container's log as it comes, over broken connections, without a line lost or told twice. The lines carry
// their time on the wire, whether it is wanted or not: it says where to go on.

import type { Clock } from "../../../base/clock.ts";
import { TransportError } from "../../../http/errors.ts";
import type { KubeApi, PodLogQuery } from "../../../kube/client/api.ts";
import { KubeError } from "../../../kube/client/errors.ts";
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
  /** The time of the last line that was told, and how many lines of that time were. */
  #last = "";
  #atLast = 0;
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
      const isTold = this.#overlap();
      for await (const line of lines) if (!isTold(timeOf(line))) await this.#line(line, shape.timestamps);
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

  /** Which lines of a resumed log were told before: it begins a little earlier than it was left. */
  #overlap(): (at: string) => boolean {
    const last = this.#last;
    let left = this.#atLast;
    return (at) => {
      if (last === "") return false;
      const order = compareTimes(at, last);
      // Several lines can be of the same moment; only as many of them as were told are passed over.
      return order < 0 || (order === 0 && left-- > 0);
    };
  }

  async #line(line: string, timestamps: boolean): Promise<void> {
    const at = timeOf(line);
    this.#atLast = at === this.#last ? this.#atLast + 1 : 1;
    this.#last = at;
    const text = timestamps ? line : line.slice(at.length + 1);
    await this.#deps.write(`${this.#prefix}${text}\n`);
  }
}

function timeOf(line: string): string {
  const end = line.indexOf(" ");
  return end === -1 ? line : line.slice(0, end);
}

/** Kubelets write nanoseconds, and leave out zeros at their end. */
function compareTimes(left: string, right: string): number {
  const [a, b] = [left, right].map((text) => {
    const [second = "", rest = ""] = text.replace("Z", "").split(".");
    return `${second}.${rest.padEnd(9, "0")}`;
  });
  return (a ?? "") < (b ?? "") ? -1 : a === b ? 0 : 1;
}
