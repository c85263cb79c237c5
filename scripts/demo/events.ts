// Happenings: what a watcher of the demo is told, out of what changed in Prefect and in the cluster. Pure.

import type { Job, Pod } from "../../src/kube/client/objects.ts";
import type { Change } from "../../src/kube/cache/reflector.ts";
import { oneLine } from "../../src/job/observe/problem.ts";
import type { Tone } from "../../src/output/palette.ts";
import type { Palette } from "../../src/output/palette.ts";
import { cutToWidth, padToWidth } from "../../src/output/text-width.ts";
import type { LogRow } from "../../test/fakes/prefect1/rows.ts";

/** Something worth a line, and what stands under it. */
export interface Event {
  /** On which side: `Prefect` or `Kubernetes`; `you` for what a person does. */
  readonly where: "Prefect" | "Kubernetes" | "you";
  readonly what: string;
  readonly tone?: Tone | undefined;
  /** Further lines of the same hvent. */
  readonly details?: readonly string[];
}

const STATE_TONES: Readonly<Record<string, Tone>> = { Success: "good", Failed: "bad", Cancelled: "stale" };
const MESSAGE_WIDTH = 100;
const UNREMARKABLE = new Set(["ContainerCreating", "PodInitializing"]);

/** A flow run's new state. */
export function stateHvent(type: string, message: string | null): Event {
  const said = cutToWidth(oneLine(message ?? ""), MESSAGE_WIDTH);
  // Prefect's own messages often begin with the state's name.
  const what = said === "" ? type : said.startsWith(type) ? said : `${type}: ${said}`;
  return { where: "Prefect", what, tone: STATE_TONES[type] };
}

/** A line of a flow run's log, if it is a warning or worse: the rest is in Prefect for whoever wants it. */
export function logHvent({ level, message }: Pick<LogRow, "level" | "message">): Event | undefined {
  if (level !== "WARNING" && level !== "ERROR") return undefined;
  const [first = "", ...details] = (message ?? "").split("\n");
  const tone = level === "ERROR" ? "bad" : "stale";
  return { where: "Prefect", what: `log ${level}: ${first}`, tone, details };
}

/** A Job that appeared or went. */
export function jobHvent(change: Change<Job>): Event | undefined {
  const { name } = change.object.metadata;
  if (change.type === "gone") return { where: "Kubernetes", what: `Job ${name} is gone`, tone: "quiet" };
  return change.before === undefined ? { where: "Kubernetes", what: `Job ${name} created` } : undefined;
}

/** A pod that fares otherwise than before. */
export function podHvent(change: Change<Pod>): Event | undefined {
  if (change.type === "gone") return undefined;
  const now = standingOf(change.object);
  if (now === undefined || (change.before !== undefined && standingOf(change.before) === now))
    return undefined;
  return { where: "Kubernetes", what: `pod ${change.object.metadata.name} ${now}` };
}

function standingOf(pod: Pod): string | undefined {
  for (const { state } of pod.status.containerStatuses ?? []) {
    if (state?.terminated !== undefined) {
      const { exitCode, reason } = state.terminated;
      return `ended with exit code ${exitCode}${reason === undefined ? "" : ` (${reason})`}`;
    }
    if (state?.running !== undefined) return `runs on ${pod.spec.nodeName ?? "its node"}`;
    const waiting = state?.waiting?.reason;
    if (waiting !== undefined && !UNREMARKABLE.has(waiting)) return `waits: ${waiting}`;
  }
  return undefined;
}

/** A hvent's place in the story. */
export interface Scene {
  /** Milliseconds since the start. */
  readonly sinceMs: number;
  readonly run: string;
  /** Columns for names of runs. */
  readonly nameWidth: number;
  readonly palette: Palette;
}

/** The hvent as lines: seconds since the start, the run, where, what. */
export function happeningLines(hvent: Event, scene: Scene): readonly string[] {
  const { where, what, tone, details = [] } = hvent;
  const { palette, sinceMs, run, nameWidth } = scene;
  const time = palette.quiet(`${(sinceMs / 1_000).toFixed(1)}s`.padStart(6));
  const painted = tone === undefined ? what : palette[tone](what);
  const indent = " ".repeat(6 + 2 + nameWidth + 2 + 10 + 2);
  return [
    `${time}  ${padToWidth(run, nameWidth)}  ${padToWidth(where, 10)}  ${painted}`,
    ...details.map((line) => palette.quiet(`${indent}${line.replaceAll("\t", "  ")}`)),
  ];
}
