// Runs failures as data in real pods, all at once under one agent: what the agent reports to Prefect, and that it reports it once.
// Prints a table of the reports at the end.

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Policy } from "../../../src/job/decide/policy.ts";
import type { KubeServer } from "../../fakes/kubernetes/tests/kube-request.ts";
import { DISTURBANCES, listPath, must } from "./disturbances.ts";
import { runConfigOf } from "./failures.ts";
import type { Failure, FailureNames } from "./failures.ts";
import { startFakeRegistry } from "./fake-registry.ts";
import type { FakeRegistry } from "./fake-registry.ts";
import { startGate } from "./gate.ts";
import type { Gate } from "./gate.ts";
import { startInProcessAgent } from "./in-process-agent.ts";
import { kubectl, listed, mustKubectl, serverMinor } from "./kubectl.ts";
import { currentServer } from "./kube-server.ts";
import { createNamespace, removeNamespace } from "./namespace.ts";
import { areNodesHere, startReachablePrefect } from "./pod-network.ts";
import type { ReachablePrefect } from "./pod-network.ts";
import { restrict } from "./restricted.ts";

const WAIT = { timeout: 200_000, interval: 300 };
/** Not with the others' pods: each asks for the list of its Jobs. */
const DELETED = { timeout: 150_000, interval: 1_000 };
/** On a busy node, any pod or Job may be pending long enough for these. */
const BUSY = / has no pod yet$| which reports nothing of it$/;

interface Suite {
  readonly policy: Policy;
  readonly failures: (names: FailureNames, minor: number) => readonly Failure[];
  /** What else is tested of the log of the run with this name. */
  readonly more?: (linesOf: (name: string, level: string) => readonly string[]) => void;
}

interface Report {
  readonly state: string | undefined;
  readonly message: unknown;
  readonly errors: unknown;
  readonly warnings: unknown;
}

/** Tests that each failure is reported as its row says. */
export function describeFailures({ policy, failures, more }: Suite): void {
  const suffix = randomBytes(3).toString("hex");
  const names: FailureNames = {
    quotaClass: `quota-${suffix}`,
    highClass: `high-${suffix}`,
    resource: `example.com/slot-${suffix}`,
    taint: `example.com/closed-${suffix}`,
    runtimeClass: `absent-${suffix}`,
  };
  const minor = serverMinor();
  const rows = failures(names, minor);
  const ids = new Map<string, string>();
  const stop = new AbortController();
  const agents: { readonly ended: Promise<void> }[] = [];
  let reachable: ReachablePrefect;
  let registry: FakeRegistry;
  let gate: Gate;
  let open: string;
  let restricted: string;
  let server: KubeServer;
  let areImagesHere: boolean;

  beforeAll(async () => {
    reachable = await startReachablePrefect();
    areImagesHere = await areNodesHere();
    registry = await startFakeRegistry();
    gate = await startGate(new URL(reachable.api).hostname);
    open = await createNamespace("failures");
    restricted = await createNamespace("failures-restricted");
    restrict(restricted);
    server = currentServer(open);
    applyObjects(names, open);
    const places = { NODE: nodeName(), REGISTRY: registry.host, GATE: gate.url };
    for (const row of rows) {
      const flow = reachable.prefect.createFlow({ name: "failure" });
      const labels = [row.restricted === true ? "restricted" : "open"];
      const run = { flow, labels, runConfig: runConfigOf(row, places), name: row.name };
      ids.set(row.name, reachable.prefect.createFlowRun(run).id);
    }
    for (const [label, namespace] of Object.entries({ open, restricted }))
      agents.push(await startInProcessAgent(reachable, { namespace, label, policy, signal: stop.signal }));
  });

  afterAll(async () => {
    stop.abort();
    await Promise.all(agents.map(({ ended }) => ended));
    for (const kind of ["jobs", "pods"] as const) removeFinalizers(kind, open);
    deleteObjects(names);
    for (const namespace of [open, restricted]) removeNamespace(namespace);
    await gate.close();
    await registry.close();
    await reachable.prefect.stop();
    process.stdout.write(`\n${table()}\n`);
  });

  const idOf = (name: string): string => ids.get(name) ?? "";
  const linesOf = (name: string, level: string): readonly string[] =>
    reachable.prefect
      .logsOf(idOf(name))
      .flatMap((line) => (line.level === level && line.name === "k8s-infra" ? [line.message ?? ""] : []));
  const warningsOf = ({ name }: Failure): readonly string[] =>
    linesOf(name, "WARNING").filter((line) => !BUSY.test(line));

  /** Failure, state, and report: the message of a Failed state, and the first lines of errors and warnings. */
  function table(): string {
    const cells = rows.map(({ name }) => {
      const run = reachable.prefect.flowRun(idOf(name));
      const lines = [...linesOf(name, "ERROR"), ...linesOf(name, "WARNING")];
      const failed = run?.state === "Failed" ? [run.state_message ?? ""] : [];
      const report = [...failed, ...lines.map((text) => text.split("\n")[0] ?? "")].join(" / ");
      return [name, run?.state ?? "(deleted)", report];
    });
    const all = [["FAILURE", "STATE", "REPORT"], ...cells];
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

  /** What the agent reported. */
  function reported(row: Failure): Report {
    const run = reachable.prefect.flowRun(idOf(row.name));
    return {
      state: run?.state ?? undefined,
      message: row.message === undefined ? "any" : run?.state_message,
      errors: linesOf(row.name, "ERROR"),
      warnings: warningsOf(row).toSorted(),
    };
  }

  /** What it should report: the failure's message in state and log, once. */
  function expected({ state, message, error = message, warnings = [] }: Failure): Report {
    return {
      state,
      message: message === undefined ? "any" : like(new RegExp(`^Kubernetes Error: [^]*${message.source}`)),
      errors: error === undefined ? [] : [like(error)],
      warnings: warnings.map(like),
    };
  }

  /** Does to the run what its row says, and lets it end once the warnings are there. */
  async function play(row: Failure, id: string): Promise<void> {
    const { prefect } = reachable;
    if (row.disturbance !== undefined) {
      await prefect.untilState(id, "Running", WAIT.timeout);
      await DISTURBANCES[row.disturbance]({ id, server, prefect, names });
    }
    const isTold = (): boolean => warningsOf(row).length >= (row.warnings?.length ?? 0);
    await prefect.until(isTold, { what: `${row.name}: its warnings`, timeoutMs: WAIT.timeout });
    gate.open(id);
  }

  describe("the agent reports", () => {
    it.concurrent.for(rows)("$name", { timeout: 400_000 }, async (row, context) => {
      context.skip(needsRegistry(row) && !areImagesHere, "the nodes do not reach this machine's 127.0.0.1");
      const id = idOf(row.name);
      await play(row, id);
      await vi.waitFor(() => expect(reported(row)).toEqual(expected(row)), WAIT);
      if (row.jobIsDeleted === false) return;
      const path = listPath("jobs", server, id).replace(open, row.restricted === true ? restricted : open);
      await vi.waitFor(async () => expect(must(await server.get(path)).body.items).toEqual([]), DELETED);
      expect(reported(row)).toEqual(expected(row));
    });

    it("each failure once, and no failure of a run that did not fail", () => {
      const played = rows.filter((row) => areImagesHere || !needsRegistry(row));
      const times = played.map(({ name }) => {
        const states = reachable.prefect.statesOf(idOf(name));
        return [name, states.filter((state) => state === "Failed").length];
      });
      expect(times).toEqual(played.map(({ name, state }) => [name, state === "Failed" ? 1 : 0]));
    });

    // Before 1.31, Kubernetes counts an event anew for each of its sources.
    it.runIf(minor >= 31)("no message twice", () => {
      for (const id of ids.values()) {
        const messages = reachable.prefect.logsOf(id).map(({ message }) => message ?? "");
        expect(messages).toEqual([...new Set(messages)]);
      }
    });

    more?.(linesOf);
  });
}

const needsRegistry = ({ container = {} }: Failure): boolean =>
  String(container["image"]).startsWith("{REGISTRY}");
const like = (pattern: RegExp): unknown => expect.stringMatching(pattern);
const nodeName = (): string => mustKubectl(["get", "nodes", "-o", "jsonpath={.items[0].metadata.name}"]);
/** Sorted after all other nodes: tests use the first one. */
const closedNode = ({ taint }: FailureNames): string => `zz-${taint.split("/")[1]}`;

function applyObjects(names: FailureNames, open: string): void {
  const priority = { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass" };
  const inClass = { scopeName: "PriorityClass", operator: "In", values: [names.quotaClass] };
  const items = [
    { ...priority, metadata: { name: names.quotaClass }, value: 1 },
    { ...priority, metadata: { name: names.highClass }, value: 1_000 },
    {
      apiVersion: "node.k8s.io/v1",
      kind: "RuntimeClass",
      metadata: { name: names.runtimeClass },
      handler: names.runtimeClass,
    },
    {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "none", namespace: open },
      spec: { hard: { pods: "0" }, scopeSelector: { matchExpressions: [inClass] } },
    },
    {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: closedNode(names), labels: { [names.taint]: "true" } },
      spec: { taints: [{ key: names.taint, value: "true", effect: "NoSchedule" }] },
    },
  ];
  mustKubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  // The kubelet would make it allocatable when it next writes the node's status, up to minutes later.
  const one = { [names.resource]: "1" };
  mustKubectl(patchNode({ capacity: one, allocatable: one }));
}

function deleteObjects(names: FailureNames): void {
  kubectl(["delete", "priorityclass", names.quotaClass, names.highClass]);
  kubectl(["delete", "runtimeclass", names.runtimeClass]);
  kubectl(["delete", "node", closedNode(names)]);
  const none = { [names.resource]: null };
  kubectl(patchNode({ capacity: none, allocatable: none }));
}

function patchNode(status: object): string[] {
  const patch = JSON.stringify({ status });
  return ["patch", "node", nodeName(), "--subresource=status", "--type=merge", "-p", patch];
}

function removeFinalizers(kind: "jobs" | "pods", namespace: string): void {
  const patch = ["--type=json", "-p", '[{"op":"remove","path":"/metadata/finalizers"}]'];
  for (const { metadata } of listed(kind, namespace))
    kubectl(["patch", kind, metadata.name, "-n", namespace, ...patch]);
}
