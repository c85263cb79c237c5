// The cast of the demo: flow runs that each show one thing, and how each must end. Data only; the same lives are played
// by the fake's kubelet (as fates) and by a real cluster (as shell scripts in busybox).

import type { JsonObject } from "../../src/base/json.ts";
import type { Fate } from "../../test/fakes/kubernetes/pod-script.ts";

/** How the flow's container lives. */
export interface Life {
  readonly end: "succeeds" | "fails" | "runs out of memory" | "never ends" | "never starts";
  /** Milliseconds that it runs before its end. */
  readonly runMs: number;
  /** What it writes to its log, line by line. */
  readonly log: readonly string[];
}

/** How a flow run must end for the demo to have gone well. */
export interface Expectation {
  readonly state: "Success" | "Failed" | "Cancelled";
  /** Found in the final state's message. */
  readonly message: RegExp;
  /** A line that the flow run's log must hold as part of the diagnosis. */
  readonly logged?: string | undefined;
}

/** One flow run of the demo. */
export interface Role {
  /** The flow run's name. */
  readonly name: string;
  /** What it is there to show, for the introduction. */
  readonly shows: string;
  readonly life: Life;
  readonly expect: Expectation;
  /** Another image than busybox. */
  readonly image?: string | undefined;
  /** The run config's memory_limit. */
  readonly memoryLimit?: string | undefined;
  /** Milliseconds after its creation at which it is due; without it at once. */
  readonly startsInMs?: number | undefined;
  /** Milliseconds after it began to run at which somebody cancels it. */
  readonly cancelAfterMs?: number | undefined;
}

/** How far ahead the late run is scheduled, in milliseconds. */
export const SCHEDULED_AHEAD_MS = 3_000;

const EXIT_CODE = 3;
const LAST_WORDS = "KeyError: 'customer_id'";

/** All flow runs, in the order in which they are created. */
export const SCENARIOS: readonly Role[] = [
  {
    name: "nightly-report",
    shows: "succeeds",
    life: { end: "succeeds", runMs: 1_000, log: ["rendering 12 pages", "done"] },
    expect: { state: "Success", message: /succeeded/ },
  },
  {
    name: "load-orders",
    shows: `its process dies with exit code ${EXIT_CODE}`,
    life: {
      end: "fails",
      runMs: 1_500,
      log: ["reading orders.csv", "Traceback (most recent call last):", LAST_WORDS],
    },
    expect: { state: "Failed", message: /exited with code 3/, logged: LAST_WORDS },
  },
  {
    name: "wrong-image",
    shows: "its image cannot be pulled",
    life: { end: "never starts", runMs: 0, log: [] },
    image: "registry.invalid/flows/etl:1.0",
    expect: { state: "Failed", message: /cannot be pulled/ },
  },
  {
    name: "train-model",
    shows: "needs more memory than its limit",
    life: { end: "runs out of memory", runMs: 1_000, log: ["loading features"] },
    memoryLimit: "32Mi",
    expect: { state: "Failed", message: /OOMKilled/ },
  },
  {
    name: "endless-crawl",
    shows: "is cancelled while it runs",
    life: { end: "never ends", runMs: 3_600_000, log: ["crawling"] },
    cancelAfterMs: 1_000,
    expect: { state: "Cancelled", message: /nothing of the flow run is left/ },
  },
  {
    name: "late-import",
    shows: `is scheduled ${SCHEDULED_AHEAD_MS / 1_000} s ahead`,
    life: { end: "succeeds", runMs: 1_000, log: ["importing"] },
    startsInMs: SCHEDULED_AHEAD_MS,
    expect: { state: "Success", message: /succeeded/ },
  },
];

/** The run config of a role: a KubernetesRun whose template makes busybox live the role's life. */
export function runConfigOf(role: Role): JsonObject {
  return {
    type: "KubernetesRun",
    labels: [],
    env: {},
    image: role.image ?? null,
    memory_limit: role.memoryLimit ?? null,
    job_template: {
      apiVersion: "batch/v1",
      kind: "Job",
      spec: { template: { spec: podSpecOf(role.life) } },
    },
  };
}

/** Such as the restricted Pod Security Standard admits: the demo may meet a cluster that enforces it. */
function podSpecOf(life: Life): JsonObject {
  const container = {
    name: "flow",
    image: "busybox",
    imagePullPolicy: "IfNotPresent",
    // The agent's own `args` come after it, where a script ignores them.
    command: ["sh", "-c", scriptOf(life)],
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
  };
  return {
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 65_534, seccompProfile: { type: "RuntimeDefault" } },
    containers: [container],
  };
}

/** A life as a shell script. */
export function scriptOf(life: Life): string {
  const lines = life.log.map((line) => `echo "${line}"`);
  return [...lines, `sleep ${life.runMs / 1_000}`, lastCommand(life)].join("; ");
}

function lastCommand({ end }: Life): string {
  if (end === "fails") return `exit ${EXIT_CODE}`;
  return end === "runs out of memory" ? "exec tail /dev/zero" : "exit 0";
}

/** A life as the fake's kubelet plays it. */
export function fateOf({ end, runMs, log }: Life): Fate {
  const told = { runMs, startMs: 200, ...(log.length === 0 ? {} : { log: log.join("\n") }) };
  switch (end) {
    case "succeeds":
      return { fate: "succeed", ...told };
    case "fails":
      return { fate: "fail", exitCode: EXIT_CODE, ...told };
    case "runs out of memory":
      return { fate: "oom", ...told };
    case "never ends":
      return { fate: "never", ...told };
    case "never starts":
      return { fate: "imagePull", ...told };
  }
}
