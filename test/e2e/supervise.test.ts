// Every way in which a pod can go wrong, in real pods, all at once under one agent: what Prefect is told of each, and that
// it is told once. The table at the end is what it was.

import { DEFAULT_POLICY } from "../../src/job/decide/policy.ts";
import type { Policy } from "../../src/job/decide/policy.ts";
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startAgentHere } from "./support/agent-here.ts";
import { failures, runConfigOf } from "./support/failures.ts";
import type { Blow, Failure } from "./support/failures.ts";
import { kubectl, listed, mustKubectl, serverMinor } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";

const mark = randomBytes(3).toString("hex");
const NAMES = {
  quotaClass: `quota-${mark}`,
  highClass: `high-${mark}`,
  resource: `example.com/slot-${mark}`,
  taint: `example.com/closed-${mark}`,
};
/** Behind all others by name: tests take the first. */
const CLOSED_NODE = `zz-closed-${mark}`;
const MS = { patience: 150_000, look: 300 };
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

let world: ReachablePrefect;
let open: string;
let restricted: string;
const stop = new AbortController();
const agents: { readonly ended: Promise<void> }[] = [];
const ids = new Map<string, string>();

/** An agent for the namespace, in this process; its label chooses the runs. */
async function startAgent(namespace: string, label: string): Promise<void> {
  agents.push(await startAgentHere(world, { namespace, label, policy: POLICY, signal: stop.signal }));
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

const BLOWS: Readonly<Record<Blow, (id: string) => void>> = {
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
  "cancel the run": (id) => world.prefect.setState(id, { type: "Cancelling" }),
  "delete the run": (id) => void world.prefect.deleteFlowRun(id),
  "start a second Job that fails": (id) => {
    const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": "5ec0dd00" };
    const command = ["sh", "-c", "exit 9"];
    const containers = [{ name: "flow", image: "busybox:latest", imagePullPolicy: "IfNotPresent", command }];
    const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
    const metadata = { name: `second-${mark}`, namespace: open, labels };
    const spec = { backoffLimit: 0, template };
    mustKubectl(
      ["apply", "-f", "-"],
      JSON.stringify({ apiVersion: "batch/v1", kind: "Job", metadata, spec }),
    );
  },
};

beforeAll(async () => {
  world = await startReachablePrefect();
  open = await createNamespace("supervise");
  restricted = await createNamespace("supervise-restricted");
  mustKubectl(["label", "namespace", restricted, "pod-security.kubernetes.io/enforce=restricted"]);
  applyObjects();
  for (const failure of FIXTURES) {
    const flow = world.prefect.createFlow({ name: "failure" });
    const label = failure.restricted === true ? "restricted" : "open";
    ids.set(
      failure.name,
      world.prefect.createFlowRun({
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
  for (const { metadata } of listed("jobs", open)) release("job", metadata.name);
  for (const { metadata } of listed("pods", open)) release("pod", metadata.name);
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
  await world.prefect.stop();
  process.stdout.write(`\n${table()}\n`);
});

/** Takes the finalizer of the fixtures away. */
function release(kind: string, name: string): void {
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
  world.prefect
    .logsOf(id)
    .flatMap((line) => (line.level === level && line.name === "k8s-infra" ? [line.message ?? ""] : []));

/** Fixture, state, and what Prefect was told: the state's message, or else the first lines of errors and warnings. */
function table(): string {
  const rows = FIXTURES.map(({ name }) => {
    const id = ids.get(name) ?? "";
    const run = world.prefect.flowRun(id);
    const said = [...linesOf(id, "ERROR"), ...linesOf(id, "WARNING")].map(
      (text) => text.split("\n")[0] ?? "",
    );
    const told = run?.state === "Failed" ? (run.state_message ?? "") : said.join(" / ");
    return [name, run?.state ?? "(deleted)", told.length > 150 ? `${told.slice(0, 149)}…` : told];
  });
  const all = [["FIXTURE", "STATE", "TOLD"], ...rows];
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

interface Heard {
  readonly state: string | undefined;
  readonly message: unknown;
  readonly errors: unknown[];
  readonly warnings: unknown[];
}

/** What Prefect was told of the fixture. */
function heard({ name, message, warning }: Failure): Heard {
  const id = ids.get(name) ?? "";
  const run = world.prefect.flowRun(id);
  return {
    state: run?.state ?? undefined,
    message: message === undefined ? "any" : run?.state_message,
    errors: linesOf(id, "ERROR"),
    // On a busy node any pod may wait long enough to be told of, and a Job for its first pod.
    warnings: linesOf(id, "WARNING").filter(
      (line) => !line.endsWith(" has no pod yet") && (warning !== undefined || !line.includes(" waits: ")),
    ),
  };
}

/** What it was to be told: the failure's words in state and log, once. */
function wanted({ state, message, error = message, warning }: Failure): Heard {
  return {
    state,
    message: message === undefined ? "any" : like(new RegExp(`^Kubernetes Error: [^]*${message.source}`)),
    errors: error === undefined ? [] : [like(error)],
    warnings: warning === undefined ? [] : [like(warning)],
  };
}

const like = (pattern: RegExp): unknown => expect.stringMatching(pattern);

async function strike(id: string, blow: Blow): Promise<void> {
  await world.prefect.until(() => world.prefect.flowRun(id)?.state === "Running", {
    what: blow,
    timeoutMs: MS.patience,
  });
  BLOWS[blow](id);
}

describe("Prefect is told of", () => {
  it.concurrent.each(FIXTURES)("$name", { timeout: 320_000 }, async (failure) => {
    const id = ids.get(failure.name) ?? "";
    if (failure.blow !== undefined) await strike(id, failure.blow);
    const patience = { timeout: MS.patience, interval: MS.look };
    await vi.waitFor(() => expect(heard(failure)).toEqual(wanted(failure)), patience);
    if (failure.goes === false) return;
    await vi.waitFor(() => {
      const selector = ["-l", `prefect.io/flow_run_id=${id}`, "-o", "name"];
      expect(mustKubectl(["get", "jobs", "-n", namespaceOf(failure), ...selector])).toBe("");
    }, patience);
    expect(linesOf(id, "ERROR")).toHaveLength((failure.error ?? failure.message) === undefined ? 0 : 1);
  });

  it("a failure once, and of none where there is none", () => {
    const times = FIXTURES.map(({ name }) => {
      const types = world.prefect.history(ids.get(name) ?? "").map(({ type }) => type);
      return [name, types.filter((type) => type === "Failed").length];
    });
    expect(times).toEqual(FIXTURES.map(({ name, state }) => [name, state === "Failed" ? 1 : 0]));
  });

  it("a failing container's last words", () => {
    expect(linesOf(ids.get("exit code") ?? "", "ERROR")[0]).toMatch(
      /\nLast lines of container 'flow':\n[^]*\tlast words$/,
    );
  });

  it.runIf(isModern)("nothing twice", () => {
    for (const id of ids.values()) {
      const messages = world.prefect.logsOf(id).map(({ message }) => message ?? "");
      expect(messages.length).toBe(new Set(messages).size);
    }
  });
});
