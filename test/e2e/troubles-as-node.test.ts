// The troubles of test/scenarios/troubles on the real API server, with the real Job, garbage and node controllers, where this test
// is the node: statuses that no kubelet gives on demand. Five times as fast as written.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { DEFAULT_POLICY } from "../../src/job/decide/policy.ts";
import type { Policy } from "../../src/job/decide/policy.ts";
import { arrayIn, objectIn } from "../../src/base/json.ts";
import type { JsonObject } from "../../src/base/json.ts";
import type { Body, KubeServer } from "../fakes/kubernetes/tests/kube-request.ts";
import { startFakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import { BESIDE, LASTING, NODES, PASSING, RETRIES } from "../scenarios/troubles/rows.ts";
import type { Trouble } from "../scenarios/troubles/rows.ts";
import { bound, endsWell, running, step } from "../scenarios/troubles/steps.ts";
import { must } from "./support/disturbances.ts";
import { DISRUPTIONS, NATIVE_SIDECARS } from "./support/failures.ts";
import { startInProcessAgent } from "./support/in-process-agent.ts";
import { serverMinor } from "./support/kubectl.ts";
import { currentServer } from "./support/kube-server.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { TEST_SCHEDULER, TestNode } from "./support/test-node.ts";

const SPEED = 5;
const NODE = "n1";
const UNREACHABLE = "n2";
const IMAGE = "registry.example/team/flow:1";
const RUN_LABEL = "prefect.io/flow_run_id";
const WAIT = { timeout: 200_000, interval: 300 };

/** The node controller taints the node, which sends no heartbeat, the taint deletes the pod, and nobody ends it. */
const dies: Pick<Trouble, "pod" | "steps" | "seconds"> = {
  pod: {
    containers: [{ name: "flow" }],
    tolerations: [
      {
        key: "node.kubernetes.io/unreachable",
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 2,
      },
    ],
  },
  steps: [bound(), step(1, "Running", [running()])],
  seconds: 120,
};

const DEAD: readonly Trouble[] = [
  {
    ...dies,
    name: "a node that dies",
    source: "the rule: told as the node's doing",
    state: "Failed",
    error: /on node n1 was lost with its node/,
  },
  {
    ...dies,
    name: "a node that dies, with --on-disruption retry",
    source: "the rule: 30 s after the pod should have ended",
    policy: { onDisruption: "retry" },
    state: "Scheduled",
    warnings: [/on node n1 was lost with its node/],
  },
  {
    ...dies,
    name: "a node that dies, and a policy under which the Job waits for the pod's end",
    source: "the rule: told as the node's doing 30 s after",
    job: {
      podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes: { operator: "In", values: [42] } }] },
    },
    state: "Failed",
    error: /on node n1 was deleted and has not ended: its node does not answer/,
  },
  {
    name: "a node that has been unreachable for five minutes, and a pod that puts up with it",
    source: "the rule: where nodes may be read",
    pod: { containers: [{ name: "flow" }], tolerations: [{ operator: "Exists" }] },
    steps: [
      bound(0, UNREACHABLE),
      step(1, "Running", [running()], { status: { conditions: [{ type: "Ready", status: "False" }] } }),
    ],
    seconds: 120,
    state: "Failed",
    error: /on node n2 is lost: its node has been unreachable since/,
  },
];

const minor = serverMinor();
const rows = [...PASSING, ...LASTING, ...BESIDE, ...RETRIES, ...NODES, ...DEAD].filter(
  (row) => since(row) <= minor,
);

/** The version of Kubernetes that has what the row's template asks for. */
function since(row: Trouble): number {
  const { job = {}, pod = {} } = row;
  // Before, the Job controller replaces a pod that is being deleted.
  if (DEAD.includes(row) || job["podFailurePolicy"] !== undefined) return DISRUPTIONS;
  const isNative = arrayIn(pod["initContainers"]).some((each) => "restartPolicy" in objectIn(each));
  return isNative ? NATIVE_SIDECARS : 0;
}

/** The policy in fast time. */
function policyOf({ policy = {} }: Trouble): Policy {
  const fields = Object.entries({ ...DEFAULT_POLICY, ...policy });
  return Object.fromEntries(
    fields.map(([name, value]) => [name, typeof value === "number" ? value / SPEED : value]),
  ) as unknown as Policy;
}

function runConfigOf({ job = {}, pod = { containers: [{ name: "flow" }] } }: Trouble): JsonObject {
  const spec = { schedulerName: TEST_SCHEDULER, terminationGracePeriodSeconds: 1, ...pod };
  const template = { apiVersion: "batch/v1", kind: "Job", spec: { ...job, template: { spec } } };
  return { type: "KubernetesRun", image: IMAGE, job_template: template };
}

const prefect = await startFakePrefect1();
const stop = new AbortController();
const agents: { readonly ended: Promise<void> }[] = [];
const ids = new Map<string, string>();
const firstPods = new Map<string, string>();
const timers = new Map<string, NodeJS.Timeout>();
let namespace: string;
let server: KubeServer;
let node: TestNode;

const runOf = (pod: Body): string => pod.metadata.labels?.[RUN_LABEL] ?? "";
const rowOf = (pod: Body): Trouble | undefined => rows.find(({ name }) => ids.get(name) === runOf(pod));

function isFirst(pod: Body): boolean {
  const first = firstPods.get(runOf(pod)) ?? pod.metadata.uid;
  firstPods.set(runOf(pod), first);
  return first === pod.metadata.uid;
}

/** A second pod of the run, after a disruption, ends well. */
function stepsOf(pod: Body): Trouble["steps"] {
  return isFirst(pod) ? (rowOf(pod)?.steps ?? []) : [bound(), ...endsWell(1)];
}

function endsWhenDeleted(pod: Body): boolean {
  const row = rowOf(pod);
  return row === undefined || !DEAD.includes(row) || !isFirst(pod);
}

/** The flow sets its states itself. */
function onPhase(pod: Body, phase: string): void {
  const id = runOf(pod);
  const { state } = prefect.flowRun(id) ?? {};
  if (phase === "Running" && state === "Submitted") prefect.setState(id, { type: "Running" });
  if (phase === "Succeeded" && state !== "Failed") prefect.setState(id, { type: "Success" });
  const { succeedsAfter } = rowOf(pod) ?? {};
  if (succeedsAfter === undefined || timers.has(id)) return;
  const succeed = (): void => prefect.setState(id, { type: "Success" });
  timers.set(id, setTimeout(succeed, (succeedsAfter * 1_000) / SPEED));
}

beforeAll(async () => {
  namespace = await createNamespace("node");
  server = currentServer(namespace);
  node = new TestNode({ server, name: NODE, speed: SPEED, stepsOf, onPhase, endsWhenDeleted });
  await node.start();
  const since = new Date(Date.now() - 360_000).toISOString().replace(/\.\d+Z$/, "Z");
  const unknown = { type: "Ready", status: "Unknown", lastHeartbeatTime: since, lastTransitionTime: since };
  must(await server.post("/api/v1/nodes", { metadata: { name: UNREACHABLE } }));
  must(await server.patch(`/api/v1/nodes/${UNREACHABLE}/status`, { status: { conditions: [unknown] } }));
  const policies = new Map<string, Policy>();
  for (const row of rows) {
    const policy = policyOf(row);
    const label = JSON.stringify(row.policy ?? {});
    policies.set(label, policy);
    const flow = prefect.createFlow({ name: "trouble" });
    const run = { flow, labels: [label], runConfig: runConfigOf(row), name: row.name };
    ids.set(row.name, prefect.createFlowRun(run).id);
  }
  const reachable = { prefect, api: prefect.url };
  for (const [label, policy] of policies)
    agents.push(await startInProcessAgent(reachable, { namespace, label, policy, signal: stop.signal }));
});

afterAll(async () => {
  stop.abort();
  for (const timer of timers.values()) clearTimeout(timer);
  await Promise.all(agents.map(({ ended }) => ended));
  await node.stop();
  await server.delete(`/api/v1/nodes/${UNREACHABLE}`);
  removeNamespace(namespace);
  await prefect.stop();
});

interface Report {
  readonly state: string | null | undefined;
  readonly errors: unknown;
  readonly warnings: unknown;
}

function reported({ name }: Trouble): Report {
  const id = ids.get(name) ?? "";
  const lines = prefect.logsOf(id).filter((line) => line.name === "k8s-infra");
  const ofLevel = (wanted: string): (string | null | undefined)[] =>
    lines.filter(({ level }) => level === wanted).map(({ message }) => message);
  return { state: prefect.flowRun(id)?.state, errors: ofLevel("ERROR"), warnings: ofLevel("WARNING") };
}

function expected({ state, error, warnings = [] }: Trouble): Report {
  const like = (pattern: RegExp): unknown => expect.stringMatching(pattern);
  return {
    // The simulation looks before the run is claimed again.
    state: state === "Scheduled" ? "Success" : state,
    errors: error === undefined ? [] : [like(error)],
    warnings: warnings.map(like),
  };
}

describe("on a real API server", () => {
  it.concurrent.each(rows)("$name: $state", { timeout: 250_000 }, async (row) => {
    await vi.waitFor(() => expect(reported(row)).toEqual(expected(row)), WAIT);
  });

  it("what was reported stays", () => {
    const all = (report: (row: Trouble) => Report): unknown =>
      rows.map((row) => ({ name: row.name, ...report(row) }));
    expect(all(reported)).toEqual(all(expected));
  });
});
