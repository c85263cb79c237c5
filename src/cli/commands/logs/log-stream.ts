// Follows one container's log and resumes after broken connections without losing or repeating lines. Timestamps are always
// requested: the last one is where to resume.

import type { Clock } from "../../../base/clock.ts";
import { linesOf } from "../../../base/lines.ts";
import { isQuiet, TransportError } from "../../../http/errors.ts";
import type { KubeApi, PodLogQuery } from "../../../kube/client/api.ts";
import { KubeError } from "../../../kube/client/errors.ts";
import type { LogOptions, LogTarget } from "./log-targets.ts";

export interface StreamDeps {
  readonly kube: Pick<KubeApi, "streamPodLog">;
  readonly clock: Clock;
  /** Writes bytes of a log: whole lines if they have a prefix. */
  readonly write: (bytes: Buffer, prefix: string) => void | Promise<void>;
}

/** How a stream begins, and what each line starts with. */
export type StreamOptions = Pick<LogOptions, "timestamps" | "tailLines" | "sinceSeconds" | "prefix">;

/** What the kubelet writes before each line of a container; its own lines have no time. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const RETRY_MS = 1_000;
const MAX_RETRIES = 5;
/** A kubelet that has rotated the log may keep a silent connection open: after this time the log is requested again. */
const IDLE_MS = 60_000;

/** The log of one run of a container, between two restarts. `follow` can be called again after the stream ended early. */
export class LogStream {
  readonly #deps: StreamDeps;
  readonly #target: LogTarget;
  readonly #options: StreamOptions;
  /** The time of the last printed line, and how many printed lines have that time. */
  #last = "";
  #atLast = 0;
  /** When the log was requested that was opened first. */
  #openedAt: number | undefined;
  /** The kubelet's own lines: each is printed once. */
  readonly #notes = new Set<string>();
  isDone = false;

  constructor(deps: StreamDeps, target: LogTarget, options: StreamOptions) {
    this.#deps = deps;
    this.#target = target;
    this.#options = options;
  }

  /** Resolves when the server ends the log. Throws KubeError when it cannot be read. */
  async follow(signal: AbortSignal): Promise<void> {
    this.isDone = false;
    try {
      for (let failures = 0; !signal.aborted;) {
        const before = this.#last;
        const end = await this.#attempt(signal, failures >= MAX_RETRIES);
        if (end === "complete") return;
        failures = end === "idle" || this.#last !== before ? 0 : failures + 1;
        if (end === "broken") await this.#deps.clock.sleep(RETRY_MS, signal);
      }
    } finally {
      this.isDone = true;
    }
  }

  async #attempt(signal: AbortSignal, isLast: boolean): Promise<"complete" | "idle" | "broken"> {
    const { pod, container } = this.#target;
    const requestedAt = this.#deps.clock.now().getTime();
    let isOpen = false;
    try {
      const range = this.#start(requestedAt);
      const query = { container, follow: true, timestamps: true, idleMs: IDLE_MS, ...range };
      const chunks = await this.#deps.kube.streamPodLog(pod.metadata, query, signal);
      // The pod is gone or the container has not started: the next listing of the pods shows which.
      if (chunks === undefined) return "complete";
      isOpen = true;
      this.#openedAt ??= requestedAt;
      const isRepeated = this.#repeatFilter();
      for await (const lines of linesOf(chunks)) {
        for (const line of lines) await this.#print(line, isRepeated);
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

  /** Where to begin: as the flags say, later with the last printed line; before that, everything since the first is new. */
  #start(now: number): PodLogQuery {
    if (this.#last !== "") return { sinceTime: this.#last };
    const { tailLines, sinceSeconds } = this.#options;
    const isUnlimited = tailLines === undefined && sinceSeconds === undefined;
    if (this.#openedAt === undefined || isUnlimited) return { tailLines, sinceSeconds };
    const before = tailLines === undefined ? (sinceSeconds ?? 0) : 0;
    return { sinceSeconds: before + Math.ceil((now - this.#openedAt) / 1_000) + 1 };
  }

  /** Recognises lines that were printed before: a resumed log starts with the last one, or a little earlier. */
  #repeatFilter(): (at: string) => boolean {
    const last = sortable(this.#last);
    let left = this.#atLast;
    // Several lines can have the same time: skip only as many as were printed.
    return (at) => sortable(at) < last || (sortable(at) === last && left-- > 0);
  }

  async #print(line: Buffer, isRepeated: (at: string) => boolean): Promise<void> {
    const { timestamps, prefix } = this.#options;
    const end = line.indexOf(" ");
    const at = line.toString("latin1", 0, end === -1 ? line.length : end);
    if (!TIME.test(at)) return this.#printNote(line);
    if (isRepeated(at)) return;
    this.#atLast = at === this.#last ? this.#atLast + 1 : 1;
    this.#last = at;
    const text = timestamps ? line : line.subarray(at.length + 1);
    await this.#deps.write(lineOf(text), prefix);
  }

  /** A line that is the kubelet's own: it comes again with each request. */
  async #printNote(line: Buffer): Promise<void> {
    const text = line.toString("latin1");
    if (this.#notes.has(text)) return;
    this.#notes.add(text);
    await this.#deps.write(lineOf(line), this.#options.prefix);
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

/** Kubelets write nanoseconds without trailing zeros: without the Z, an earlier time is a lesser text. */
function sortable(time: string): string {
  return time.replace("Z", "");
}
