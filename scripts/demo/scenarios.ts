// The demo's flow runs, each with what it shows and its expected result. The fake cluster simulates their processes; on a real
// cluster they are shell scripts in busybox.

import type { JsonObject } from "../../src/base/json.ts";
import type { PodOutcome } from "../../test/fakes/kubernetes/pod-script.ts";

/** What the flow's container does. */
export interface FlowProcess {
  readonly end: "succeeds" | "fails" | "runs out of memory" | "never ends" | "never starts";
  /** How long it runs. */
  readonly runMs: number;
  /** The lines of its log. */
  readonly log: readonly string[];
}

/** The expected result of a flow run. */
export interface Expectation {
  readonly state: "Success" | "Failed" | "Cancelled";
  /** Matches the final state's message. */
  readonly message: RegExp;
  /** A text that the flow run's log must contain. */
  readonly logged?: string | undefined;
}

/** One flow run of the demo. */
export interface Scenario {
  /** The flow run's name. */
  readonly name: string;
  /** What it shows, for the introduction. */
  readonly shows: string;
  readonly process: FlowProcess;
  readonly expect: Expectation;
  /** The image; default busybox. */
  readonly image?: string | undefined;
  /** The run config's memory_limit. */
  readonly memoryLimit?: string | undefined;
  /** Milliseconds from its creation to its start time; without it, it is due at once. */
  readonly startsInMs?: number | undefined;
  /** Milliseconds from Running to its cancellation. */
  readonly cancelAfterMs?: number | undefined;
}

/** How far ahead the scheduled run is scheduled. */
const SCHEDULED_AHEAD_MS = 3_000;

const EXIT_CODE = 3;
const LAST_LINE = "KeyError: 'customer_id'";

/** All flow runs, in the order in which they are created. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "nightly-report",
    shows: "succeeds",
    process: { end: "succeeds", runMs: 1_000, log: ["rendering 12 pages", "done"] },
    expect: { state: "Success", message: /succeeded/ },
  },
  {
    name: "load-orders",
    shows: `its process dies with exit code ${EXIT_CODE}`,
    process: {
      end: "fails",
      runMs: 1_500,
      log: ["reading orders.csv", "Traceback (most recent call last):", LAST_LINE],
    },
    expect: { state: "Failed", message: /exited with code 3/, logged: LAST_LINE },
  },
  {
    name: "wrong-image",
    shows: "its image cannot be pulled",
    process: { end: "never starts", runMs: 0, log: [] },
    image: "registry.invalid/flows/etl:1.0",
    expect: { state: "Failed", message: /cannot be pulled/ },
  },
  {
    name: "train-model",
    shows: "needs more memory than its limit",
    process: { end: "runs out of memory", runMs: 1_000, log: ["loading features"] },
    memoryLimit: "32Mi",
    expect: { state: "Failed", message: /OOMKilled/ },
  },
  {
    name: "endless-crawl",
    shows: "is cancelled while it runs",
    process: { end: "never ends", runMs: 3_600_000, log: ["crawling"] },
    cancelAfterMs: 1_000,
    expect: { state: "Cancelled", message: /nothing of the flow run runs in Kubernetes any more/ },
  },
  {
    name: "late-import",
    shows: `is scheduled ${SCHEDULED_AHEAD_MS / 1_000} s ahead`,
    process: { end: "succeeds", runMs: 1_000, log: ["importing"] },
    startsInMs: SCHEDULED_AHEAD_MS,
    expect: { state: "Success", message: /succeeded/ },
  },
];

/** A KubernetesRun whose job template runs the scenario's script in busybox. */
export function runConfigOf(scenario: Scenario): JsonObject {
  return {
    type: "KubernetesRun",
    labels: [],
    env: {},
    image: scenario.image ?? null,
    memory_limit: scenario.memoryLimit ?? null,
    job_template: {
      apiVersion: "batch/v1",
      kind: "Job",
      spec: { template: { spec: podSpecOf(scenario.process) } },
    },
  };
}

/** Meets the restricted Pod Security Standard, which a cluster may enforce. */
function podSpecOf(process: FlowProcess): JsonObject {
  const container = {
    name: "flow",
    image: "busybox",
    imagePullPolicy: "IfNotPresent",
    // The script ignores the `args` that the agent adds.
    command: ["sh", "-c", scriptOf(process)],
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
  };
  return {
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 65_534, seccompProfile: { type: "RuntimeDefault" } },
    containers: [container],
  };
}

/** The process as a shell script. */
export function scriptOf(process: FlowProcess): string {
  const lines = process.log.map((line) => `echo "${line}"`);
  return [...lines, `sleep ${process.runMs / 1_000}`, lastCommand(process)].join("; ");
}

function lastCommand({ end }: FlowProcess): string {
  if (end === "fails") return `exit ${EXIT_CODE}`;
  return end === "runs out of memory" ? "exec tail /dev/zero" : "exit 0";
}

/** The process as the fake cluster simulates it. */
export function outcomeOf({ end, runMs, log }: FlowProcess): PodOutcome {
  const options = { runMs, startMs: 200, ...(log.length === 0 ? {} : { log: log.join("\n") }) };
  switch (end) {
    case "succeeds":
      return { outcome: "succeed", ...options };
    case "fails":
      return { outcome: "fail", exitCode: EXIT_CODE, ...options };
    case "runs out of memory":
      return { outcome: "oom", ...options };
    case "never ends":
      return { outcome: "never", ...options };
    case "never starts":
      return { outcome: "imagePull", ...options };
  }
}
