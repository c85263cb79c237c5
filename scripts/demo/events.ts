// The lines that the demo prints for changes in Prefect and in the cluster. Pure.

import type { Job, Pod } from "../../src/kube/client/objects.ts";
import type { Change } from "../../src/kube/cache/reflector.ts";
import { oneLine } from "../../src/job/observe/problem.ts";
import { toneOf } from "../../src/output/palette.ts";
import type { Tone } from "../../src/output/palette.ts";
import type { Paint } from "../../src/output/palette.ts";
import { cutToWidth } from "../../src/output/text-width.ts";
import type { LogRow } from "../../test/fakes/prefect1/rows.ts";

/** A change to print. */
export interface DemoEvent {
  /** Where it happened; `you` for an action of the user. */
  readonly where: "Prefect" | "Kubernetes" | "you";
  readonly what: string;
  readonly tone?: Tone | undefined;
  /** Further lines. */
  readonly details?: readonly string[];
}

const MESSAGE_WIDTH = 100;
const ORDINARY_REASONS = new Set(["ContainerCreating", "PodInitializing"]);

/** A flow run's new state. */
export function stateEvent(type: string, message: string | null): DemoEvent {
  const text = cutToWidth(oneLine(message ?? ""), MESSAGE_WIDTH);
  // Prefect's own messages often begin with the state's name.
  const what = text === "" ? type : text.startsWith(type) ? text : `${type}: ${text}`;
  return { where: "Prefect", what, tone: toneOf(type) };
}

/** A line of a flow run's log if it is a warning or an error, otherwise undefined. */
export function logEvent({ level, message }: Pick<LogRow, "level" | "message">): DemoEvent | undefined {
  if (level !== "WARNING" && level !== "ERROR") return undefined;
  const [first = "", ...details] = (message ?? "").split("\n");
  const tone = level === "ERROR" ? "bad" : "stale";
  return { where: "Prefect", what: `log ${level}: ${first}`, tone, details };
}

/** A created or deleted Job. */
export function jobEvent(change: Change<Job>): DemoEvent | undefined {
  const { name } = change.object.metadata;
  if (change.type === "gone") return { where: "Kubernetes", what: `Job ${name} is gone`, tone: "quiet" };
  return change.before === undefined ? { where: "Kubernetes", what: `Job ${name} created` } : undefined;
}

/** A pod whose status changed. */
export function podEvent(change: Change<Pod>): DemoEvent | undefined {
  if (change.type === "gone") return undefined;
  const now = podStatus(change.object);
  if (now === undefined || (change.before !== undefined && podStatus(change.before) === now))
    return undefined;
  return { where: "Kubernetes", what: `pod ${change.object.metadata.name} ${now}` };
}

function podStatus(pod: Pod): string | undefined {
  for (const { state } of pod.status.containerStatuses ?? []) {
    if (state?.terminated !== undefined) {
      const { exitCode, reason } = state.terminated;
      return `ended with exit code ${exitCode}${reason === undefined ? "" : ` (${reason})`}`;
    }
    if (state?.running !== undefined) return `runs on ${pod.spec.nodeName ?? "its node"}`;
    const waiting = state?.waiting?.reason;
    if (waiting !== undefined && !ORDINARY_REASONS.has(waiting)) return `waits: ${waiting}`;
  }
  return undefined;
}

/** What a line shows beside the event. */
export interface EventContext {
  /** Milliseconds since the start. */
  readonly sinceMs: number;
  readonly run: string;
  /** Width of the column with the run's name. */
  readonly nameWidth: number;
  readonly paint: Paint;
}

/** The printed lines: seconds since the start, run, place and change; details below. */
export function eventLines(event: DemoEvent, context: EventContext): readonly string[] {
  const { where, what, tone, details = [] } = event;
  const { paint, sinceMs, run, nameWidth } = context;
  const time = paint("quiet", `${(sinceMs / 1_000).toFixed(1)}s`.padStart(6));
  const painted = paint(tone, what);
  const indent = " ".repeat(6 + 2 + nameWidth + 2 + 10 + 2);
  return [
    `${time}  ${run.padEnd(nameWidth)}  ${where.padEnd(10)}  ${painted}`,
    ...details.map((line) => paint("quiet", `${indent}${line.replaceAll("\t", "  ")}`)),
  ];
}
