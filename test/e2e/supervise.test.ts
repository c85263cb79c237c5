// Every way in which a pod can fail, in real pods, all at once under one agent: what the agent reports to Prefect, and that it reports
// it once. Prints a table of the reports at the end.

import { DEFAULT_POLICY } from "../../src/job/decide/policy.ts";
import type { Policy } from "../../src/job/decide/policy.ts";
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startInProcessAgent } from "./support/in-process-agent.ts";
import { failures, runConfigOf } from "./support/failures.ts";
import type { Disturbance, Failure } from "./support/failures.ts";
import { kubectl, listed, mustKubectl, serverMinor } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";

const suffix = randomBytes(3).toString("hex");
const NAMES = {
  quotaClass: `quota-${suffix}`,
  highClass: `high-${suffix}`,
  resource: `example.com/slot-${suffix}`,
  taint: `example.com/closed-${suffix}`,
};
/** Sorted after all other nodes: tests use the first one. */
const CLOSED_NODE = `zz-closed-${suffix}`;
const WAIT = { timeout: 150_000, interval: 300 };
const POLICY: Policy = {
  ...DEFAULT_POLICY,
  startGraceMs: 4_000,
  pendingWarnMs: 3_000,
  cancelGraceMs: 3_000,
  exitGraceMs: 1_500,
  sidecarGraceMs: 3_000,
};
const MINOR = serverMinor();
const FIXTURES = failures(NAMES, MINOR);
const isModern = MINOR >= 31;

let reachable: ReachablePrefect;
let open: string;
let restricted: string;
const stop = new AbortController();
const agents: { readonly ended: Promise<void> }[] = [];
const ids = new Map<string, string>();

/** Starts an agent in this process for the runs with this label. */
async function startAgent(namespace: string, label: string): Promise<void> {
  agents.push(
    await startInProcessAgent(reachable, { namespace, label, policy: POLICY, signal: stop.signal }),
  );
}

function applyObjects(): void {
  const className = (name: string, value: number): object => ({
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name },
    value,
  });
  const quota = {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "none", namespace: open },
    spec: {
      hard: { pods: "0" },
      scopeSelector: {
        matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: [NAMES.quotaClass] }],
      },
    },
  };
  const closed = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: CLOSED_NODE, labels: { [NAMES.taint]: "true" } },
    spec: { taints: [{ key: NAMES.taint, value: "true", effect: "NoSchedule" }] },
  };
  const items = [className(NAMES.quotaClass, 1), className(NAMES.highClass, 1_000), quota, closed];
  mustKubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  const capacity = { status: { capacity: { [NAMES.resource]: "1" } } };
  mustKubectl([
    "patch",
    "node",
    nodeName(),
    "--subresource=status",
    "--type=merge",
    "-p",
    JSON.stringify(capacity),
  ]);
}

const nodeName = (): string => mustKubectl(["get", "nodes", "-o", "jsonpath={.items[0].metadata.name}"]);
const namespaceOf = (failure: Failure): string => (failure.restricted === true ? restricted : open);

function podOf(id: string): string | undefined {
  const pods = listed("pods", open).filter(
    ({ metadata }) => metadata.labels?.["prefect.io/flow_run_id"] === id,
  );
  return pods[0]?.metadata.name;
}

const DISTURBANCES: Readonly<Record<Disturbance, (id: string) => void>> = {
  "delete the pod": (id) => mustKubectl(["delete", "pod", podOf(id) ?? "", "-n", open, "--wait=false"]),
  "delete the Job": (id) =>
    mustKubectl(["delete", "job", "-l", `prefect.io/flow_run_id=${id}`, "-n", open, "--wait=false"]),
  "evict the pod": (id) => {
    const name = podOf(id) ?? "";
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: open } };
    mustKubectl(
      ["create", "--raw", `/api/v1/namespaces/${open}/pods/${name}/eviction`, "-f", "-"],
      JSON.stringify(eviction),
    );
  },
  "preempt the pod": () => {
    const slot = { [NAMES.resource]: "1" };
    const containers = [
      {
        name: "a",
        image: "busybox:latest",
        imagePullPolicy: "IfNotPresent",
        command: ["sleep", "60"],
        resources: { limits: slot, requests: slot },
      },
    ];
    const spec = { priorityClassName: NAMES.highClass, containers, terminationGracePeriodSeconds: 0 };
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "important", namespace: open }, spec };
    mustKubectl(["apply", "-f", "-"], JSON.stringify(pod));
  },
  "cancel the run": (id) => reachable.prefect.setState(id, { type: "Cancelling" }),
  "delete the run": (id) => void reachable.prefect.deleteFlowRun(id),
  "start a second Job that fails": (id) => {
    const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": "5ec0dd00" };
    const command = ["sh", "-c", "exit 9"];
    const containers = [{ name: "flow", image: "busybox:latest", imagePullPolicy: "IfNotPresent", command }];
    const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
    const metadata = { name: `second-${suffix}`, namespace: open, labels };
    const spec = { backoffLimit: 0, template };
    mustKubectl(
      ["apply", "-f", "-"],
      JSON.stringify({ apiVersion: "batch/v1", kind: "Job", metadata, spec }),
    );
  },
};

beforeAll(async () => {
  reachable = await startReachablePrefect();
  open = await createNamespace("supervise");
  restricted = await createNamespace("supervise-restricted");
  mustKubectl(["label", "namespace", restricted, "pod-security.kubernetes.io/enforce=restricted"]);
  applyObjects();
  for (const failure of FIXTURES) {
    const flow = reachable.prefect.createFlow({ name: "failure" });
    const label = failure.restricted === true ? "restricted" : "open";
    ids.set(
      failure.name,
      reachable.prefect.createFlowRun({
        flow,
        labels: [label],
        runConfig: runConfigOf(failure),
        name: failure.name,
      }).id,
    );
  }
  await startAgent(open, "open");
  await startAgent(restricted, "restricted");
});

afterAll(async () => {
  stop.abort();
  await Promise.all(agents.map(({ ended }) => ended));
  for (const { metadata } of listed("jobs", open)) removeFinalizers("job", metadata.name);
  for (const { metadata } of listed("pods", open)) removeFinalizers("pod", metadata.name);
  kubectl(["delete", "priorityclass", NAMES.quotaClass, NAMES.highClass]);
  kubectl(["delete", "node", CLOSED_NODE]);
  const capacity = {
    status: { capacity: { [NAMES.resource]: null }, allocatable: { [NAMES.resource]: null } },
  };
  kubectl([
    "patch",
    "node",
    nodeName(),
    "--subresource=status",
    "--type=merge",
    "-p",
    JSON.stringify(capacity),
  ]);
  removeNamespace(open);
  removeNamespace(restricted);
  await reachable.prefect.stop();
  process.stdout.write(`\n${table()}\n`);
});

/** Removes the finalizers. */
function removeFinalizers(kind: string, name: string): void {
  kubectl([
    "patch",
    kind,
    name,
    "-n",
    open,
    "--type=json",
    "-p",
    '[{"op":"remove","path":"/metadata/finalizers"}]',
  ]);
}

const linesOf = (id: string, level: string): string[] =>
  reachable.prefect
    .logsOf(id)
    .flatMap((line) => (line.level === level && line.name === "k8s-infra" ? [line.message ?? ""] : []));

/** Fixture, state, and report: the message of a Failed state, or else the first lines of errors and warnings. */
function table(): string {
  const rows = FIXTURES.map(({ name }) => {
    const id = ids.get(name) ?? "";
    const run = reachable.prefect.flowRun(id);
    const lines = [...linesOf(id, "ERROR"), ...linesOf(id, "WARNING")].map(
      (text) => text.split("\n")[0] ?? "",
    );
    const report = run?.state === "Failed" ? (run.state_message ?? "") : lines.join(" / ");
    return [name, run?.state ?? "(deleted)", report.length > 150 ? `${report.slice(0, 149)}…` : report];
  });
  const all = [["FIXTURE", "STATE", "REPORT"], ...rows];
  const widths = [0, 1].map((at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}

interface Report {
  readonly state: string | undefined;
  readonly message: unknown;
  readonly errors: unknown[];
  readonly warnings: unknown[];
}

/** What the agent reported about the fixture. */
function reported({ name, message, warning }: Failure): Report {
  const id = ids.get(name) ?? "";
  const run = reachable.prefect.flowRun(id);
  return {
    state: run?.state ?? undefined,
    message: message === undefined ? "any" : run?.state_message,
    errors: linesOf(id, "ERROR"),
    // On a busy node, any pod or Job may be pending long enough for a warning.
    warnings: linesOf(id, "WARNING").filter(
      (line) =>
        !line.endsWith(" has no pod yet") && (warning !== undefined || !line.includes(" is waiting: ")),
    ),
  };
}

/** The expected report: the failure's messages in state and log, once. */
function expected({ state, message, error = message, warning }: Failure): Report {
  return {
    state,
    message: message === undefined ? "any" : like(new RegExp(`^Kubernetes Error: [^]*${message.source}`)),
    errors: error === undefined ? [] : [like(error)],
    warnings: warning === undefined ? [] : [like(warning)],
  };
}

const like = (pattern: RegExp): unknown => expect.stringMatching(pattern);

async function disturb(id: string, disturbance: Disturbance): Promise<void> {
  await reachable.prefect.until(() => reachable.prefect.flowRun(id)?.state === "Running", {
    what: disturbance,
    timeoutMs: WAIT.timeout,
  });
  DISTURBANCES[disturbance](id);
}

describe("the agent reports", () => {
  it.concurrent.each(FIXTURES)("$name", { timeout: 320_000 }, async (failure) => {
    const id = ids.get(failure.name) ?? "";
    if (failure.disturbance !== undefined) await disturb(id, failure.disturbance);
    await vi.waitFor(() => expect(reported(failure)).toEqual(expected(failure)), WAIT);
    if (failure.jobIsDeleted === false) return;
    await vi.waitFor(() => {
      const selector = ["-l", `prefect.io/flow_run_id=${id}`, "-o", "name"];
      expect(mustKubectl(["get", "jobs", "-n", namespaceOf(failure), ...selector])).toBe("");
    }, WAIT);
    expect(linesOf(id, "ERROR")).toHaveLength((failure.error ?? failure.message) === undefined ? 0 : 1);
  });

  it("each failure once, and no failure of a run that did not fail", () => {
    const times = FIXTURES.map(({ name }) => {
      const types = reachable.prefect.history(ids.get(name) ?? "").map(({ type }) => type);
      return [name, types.filter((type) => type === "Failed").length];
    });
    expect(times).toEqual(FIXTURES.map(({ name, state }) => [name, state === "Failed" ? 1 : 0]));
  });

  it("the last log lines of a failed container", () => {
    expect(linesOf(ids.get("exit code") ?? "", "ERROR")[0]).toMatch(
      /\nLast lines of container 'flow':\n[^]*\tlast line$/,
    );
  });

  it.runIf(isModern)("no message twice", () => {
    for (const id of ids.values()) {
      const messages = reachable.prefect.logsOf(id).map(({ message }) => message ?? "");
      expect(messages.length).toBe(new Set(messages).size);
    }
  });
});
