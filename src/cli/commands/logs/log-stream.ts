// Follows one container's log and resumes after broken connections without losing or repeating lines. Timestamps are always
// requested: the last one is where to resume.

import type { Clock } from "../../../base/clock.ts";
import { TransportError } from "../../../http/errors.ts";
import type { KubeApi, PodLogQuery } from "../../../kube/client/api.ts";
import { KubeError } from "../../../kube/client/errors.ts";
import type { LogTarget } from "./log-targets.ts";

export interface LogDeps {
  readonly kube: Pick<KubeApi, "podLog" | "followPodLog" | "listPage">;
  readonly clock: Clock;
  /** Writes a log line with its line break. */
  readonly write: (text: string) => void | Promise<void>;
  /** Prints a line for people. */
  readonly printMessage: (line: string) => void;
}

/** Which part of a log to print, from the flags. */
export interface LogRange {
  readonly timestamps: boolean;
  readonly tailLines?: number | undefined;
  readonly sinceSeconds?: number | undefined;
}

const RETRY_MS = 1_000;
const MAX_RETRIES = 5;

/** The log of one run of a container, between two restarts. `follow` can be called again after the stream ended early. */
export class LogStream {
  readonly #deps: LogDeps;
  readonly #target: LogTarget;
  readonly #prefix: string;
  /** The time of the last printed line, and how many printed lines have that time. */
  #last = "";
  #atLast = 0;
  isDone = false;

  constructor(deps: LogDeps, target: LogTarget, prefix: string) {
    this.#deps = deps;
    this.#target = target;
    this.#prefix = prefix;
  }

  /** Resolves when the server ends the log. Throws KubeError when it cannot be read. */
  async follow(range: LogRange, signal: AbortSignal): Promise<void> {
    this.isDone = false;
    try {
      for (let failures = 0; !signal.aborted; failures++) {
        if (await this.#attempt(range, { signal, isLast: failures >= MAX_RETRIES })) return;
        await this.#deps.clock.sleep(RETRY_MS, signal);
      }
    } finally {
      this.isDone = true;
    }
  }

  /** Whether the log is complete. */
  async #attempt(
    range: LogRange,
    { signal, isLast }: { readonly signal: AbortSignal; readonly isLast: boolean },
  ): Promise<boolean> {
    const { pod, container } = this.#target;
    try {
      const query = { container, follow: true, timestamps: true, ...this.#start(range) };
      const lines = this.#deps.kube.followPodLog(pod.metadata, query, signal);
      const isRepeated = this.#repeatFilter();
      for await (const line of lines) if (!isRepeated(timeOf(line))) await this.#line(line, range.timestamps);
      return true;
    } catch (error) {
      if (signal.aborted) return true;
      // The pod is gone or the container has not started: the next listing of the pods shows which.
      if (error instanceof KubeError && (error.status === 404 || error.status === 400)) return true;
      const isRetryable = error instanceof TransportError || (error instanceof KubeError && error.retryable);
      if (!isRetryable || isLast) throw error;
      return false;
    }
  }

  #start({ tailLines, sinceSeconds }: LogRange): PodLogQuery {
    if (this.#last === "") return { tailLines, sinceSeconds };
    const sinceMs = this.#deps.clock.now().getTime() - Date.parse(this.#last);
    return { sinceSeconds: Math.max(1, Math.ceil(sinceMs / 1_000) + 1) };
  }

  /** Recognises lines that were printed before: a resumed log starts a little earlier than it broke off. */
  #repeatFilter(): (at: string) => boolean {
    const last = this.#last;
    let left = this.#atLast;
    return (at) => {
      if (last === "") return false;
      const order = compareTimes(at, last);
      // Several lines can have the same time: skip only as many as were printed.
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

/** Kubelets write nanoseconds without trailing zeros. */
function compareTimes(left: string, right: string): number {
  const [a, b] = [left, right].map((text) => {
    const [second = "", rest = ""] = text.replace("Z", "").split(".");
    return `${second}.${rest.padEnd(9, "0")}`;
  });
  return (a ?? "") < (b ?? "") ? -1 : a === b ? 0 : 1;
}
