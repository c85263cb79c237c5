// Problem: what is wrong with a pod or Job, in words for the flow's owner.

export type ProblemReason =
  | "InvalidImageName"
  | "ImagePull"
  | "Config"
  | "CreateContainer"
  | "CrashLoop"
  | "Sandbox"
  | "ServiceAccount"
  | "Admission"
  | "Quota"
  | "Unschedulable"
  | "Node"
  | "Volume"
  | "NoPod"
  | "NotStarted"
  | "ExitCode"
  | "Signal"
  | "OOMKilled"
  | "StartError"
  | "InitContainer"
  | "DeadlineExceeded"
  | "Evicted"
  | "Disrupted"
  | "NodeLost"
  | "PodDeleted"
  | "JobDeleted"
  | "Unknown";

export interface Problem {
  readonly reason: ProblemReason;
  /** What happened to which container or pod, in one line. */
  readonly message: string;
  /** One thing that the flow's owner can do. */
  readonly hint?: string | undefined;
  readonly pod?: string | undefined;
  readonly container?: string | undefined;
  /** The container was started again since: its log is the previous one. */
  readonly hasRestarted?: boolean | undefined;
}

/**
 * How long a problem may keep a flow from starting: `none`: nobody mends it by waiting; `start`: hardly anybody does, but a
 * Secret may come a moment later than its pod; `passing`: it heals by itself in minutes; `pending`: it may take for ever.
 */
export type Patience = "none" | "start" | "passing" | "pending";

/** A problem that keeps a flow from starting. */
export interface Obstacle extends Problem {
  /** Undefined: that of the last problem with the same image, whose cause the kubelet no longer repeats. */
  readonly patience: Patience | undefined;
  /** When the kubelet first and last said so, if it says it again and again until it is over. */
  readonly told?: { readonly first: Date; readonly last: Date };
  /** What is in the way when that is over. */
  readonly otherwise?: Obstacle | undefined;
  /** Since when the kubelet tries again what has failed. */
  readonly retriedSince?: Date;
}

/** The kubelet's longest pause between two tries to mount a volume (pkg/util/goroutinemap/exponentialbackoff). */
const MAX_REPEAT_MS = 122_000;
const REPEAT_MARGIN_MS = 8_000;

/** The obstacle, or what is behind it when it is over: when the kubelet would have repeated it. One told only once may last. */
export function currentObstacle(problem: Obstacle, now: Date): Obstacle | undefined {
  const { told, otherwise } = problem;
  if (told === undefined || told.last <= told.first) return problem;
  // It is repeated after as long as it has lasted.
  const pauseMs = Math.min(told.last.getTime() - told.first.getTime(), MAX_REPEAT_MS);
  if (now.getTime() - told.last.getTime() <= pauseMs + REPEAT_MARGIN_MS) return problem;
  return otherwise && currentObstacle(otherwise, now);
}

/** Several lines as one, for a sentence. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s*[\n\r\u0085\u2028\u2029]+\s*/g, " ").trim();
}

/** `reason: message`, or one of them. */
export function because(reason: string | undefined, message: string | undefined): string {
  return oneLine([reason, message].filter((part) => part !== undefined && part !== "").join(": "));
}
