// Follows one container's log and resumes after broken connections without losing or repeating lines. Timestamps are always
// requested: the last one is where to resume.

import type { Clock } from "../../../base/clock.ts";
import { linesOf } from "../../../base/lines.ts";
import { isQuiet, TransportError } from "../../../http/errors.ts";
import type { KubeApi, PodLogQuery } from "../../../kube/client/api.ts";
import { KubeError } from "../../../kube/client/errors.ts";
import type { LogTarget } from "./log-targets.ts";

export interface StreamDeps {
  readonly kube: Pick<KubeApi, "streamPodLog">;
  readonly clock: Clock;
  /** Writes bytes of a log: whole lines if they have a prefix. */
  readonly write: (bytes: Buffer, prefix: string) => void | Promise<void>;
}

/** Which part of a log to print, from the flags. */
export interface LogRange {
  readonly timestamps: boolean;
  readonly tailLines?: number | undefined;
  readonly sinceSeconds?: number | undefined;
}

const RETRY_MS = 1_000;
const MAX_RETRIES = 5;
/** A kubelet that has rotated the log may keep a silent connection open: after this time the log is requested again. */
const IDLE_MS = 60_000;

/** The log of one run of a container, between two restarts. `follow` can be called again after the stream ended early. */
export class LogStream {
  readonly #deps: StreamDeps;
  readonly #target: LogTarget;
  readonly #prefix: string;
  /** The time of the last printed line, and how many printed lines have that time. */
  #last = "";
  #atLast = 0;
  #startedAt: number | undefined;
  isDone = false;

  constructor(deps: StreamDeps, target: LogTarget, prefix: string) {
    this.#deps = deps;
    this.#target = target;
    this.#prefix = prefix;
  }

  /** Resolves when the server ends the log. Throws KubeError when it cannot be read. */
  async follow(range: LogRange, signal: AbortSignal): Promise<void> {
    this.isDone = false;
    try {
      for (let failures = 0; !signal.aborted;) {
        const before = this.#last;
        const end = await this.#attempt(range, signal, failures >= MAX_RETRIES);
        if (end === "complete") return;
        failures = end === "idle" || this.#last !== before ? 0 : failures + 1;
        if (end === "broken") await this.#deps.clock.sleep(RETRY_MS, signal);
      }
    } finally {
      this.isDone = true;
    }
  }

  async #attempt(
    range: LogRange,
    signal: AbortSignal,
    isLast: boolean,
  ): Promise<"complete" | "idle" | "broken"> {
    const { pod, container } = this.#target;
    let isOpen = false;
    try {
      const query = { container, follow: true, timestamps: true, idleMs: IDLE_MS, ...this.#start(range) };
      const chunks = await this.#deps.kube.streamPodLog(pod.metadata, query, signal);
      // The pod is gone or the container has not started: the next listing of the pods shows which.
      if (chunks === undefined) return "complete";
      isOpen = true;
      const isRepeated = this.#repeatFilter();
      for await (const lines of linesOf(chunks)) {
        for (const line of lines) await this.#print(line, isRepeated, range.timestamps);
      }
      return "complete";
    } catch (error) {
      if (signal.aborted) return "complete";
      if (isOpen && isQuiet(error)) return "idle";
      const isRetryable = error instanceof TransportError || (error instanceof KubeError && error.retryable);
      if (!isRetryable || isLast) throw readError(this.#target, error);
      return "broken";
    }
  }

  /** Where to begin: as the flags say, later with the last printed line. */
  #start({ tailLines, sinceSeconds }: LogRange): PodLogQuery {
    const now = this.#deps.clock.now().getTime();
    if (this.#last !== "") return { sinceTime: this.#last };
    const isFirst = this.#startedAt === undefined;
    this.#startedAt ??= now;
    if (isFirst || tailLines === undefined) return { tailLines, sinceSeconds };
    // Nothing was printed yet: everything since the first request is new.
    return { sinceSeconds: Math.ceil((now - this.#startedAt) / 1_000) + 1 };
  }

  /** Recognises lines that were printed before: a resumed log starts with the last one, or a little earlier. */
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

  async #print(line: Buffer, isRepeated: (at: string) => boolean, timestamps: boolean): Promise<void> {
    const end = line.indexOf(" ");
    const at = line.toString("latin1", 0, end === -1 ? line.length : end);
    if (isRepeated(at)) return;
    this.#atLast = at === this.#last ? this.#atLast + 1 : 1;
    this.#last = at;
    const text = timestamps ? line : line.subarray(at.length + 1);
    await this.#deps.write(lineOf(text), this.#prefix);
  }
}

/** A line of a log with its line break; its bytes are not decoded. */
export function lineOf(line: Buffer): Buffer {
  return Buffer.concat([line, Buffer.from("\n")]);
}

/** A connection that broke while the log came, as an error for people; other errors stay what they are. */
export function readError({ pod }: Pick<LogTarget, "pod">, error: unknown): unknown {
  if (!(error instanceof TransportError)) return error;
  const action = `read the log of pod "${pod.metadata.name}"`;
  return new KubeError(action, error.message, { status: 0, reason: "Unreachable", cause: error });
}

/** Kubelets write nanoseconds without trailing zeros. */
function compareTimes(left: string, right: string): number {
  const [a, b] = [left, right].map((text) => {
    const [second = "", rest = ""] = text.replace("Z", "").split(".");
    return `${second}.${rest.padEnd(9, "0")}`;
  });
  return (a ?? "") < (b ?? "") ? -1 : a === b ? 0 : 1;
}
