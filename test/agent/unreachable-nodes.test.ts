// Which nodes are asked for. What follows from an answer is in scenarios/troubles.

import { describe, expect, it } from "vitest";
import { UnreachableNodes } from "../../src/agent/unreachable-nodes.ts";
import { silentLog } from "../../src/base/log.ts";
import { KubeError } from "../../src/kube/client/errors.ts";
import type { AnyObject, Pod } from "../../src/kube/client/objects.ts";
import { pod } from "../job/observed-jobs.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const SINCE = "2026-11-21T03:00:00Z";
const unreachable = {
  metadata: {},
  status: { conditions: [{ type: "Ready", status: "Unknown", lastTransitionTime: SINCE }] },
} as unknown as AnyObject;

function unready(nodeName: string, reason?: string): Pod {
  const ready = { type: "Ready", status: "False", ...(reason === undefined ? {} : { reason }) };
  return pod({ spec: { nodeName }, status: { phase: "Running", conditions: [ready] } });
}

/** Asks for ten minutes. */
async function watch(
  pods: readonly Pod[],
  answer: (name: string) => AnyObject | Error,
): Promise<{ readonly asked: readonly string[]; readonly nodes: UnreachableNodes }> {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const get = async (_: string, { name }: { readonly name: string }): Promise<AnyObject> => {
    asked.push(name);
    const found = answer(name);
    if (found instanceof Error) throw found;
    return found;
  };
  const kube = { get } as unknown as ConstructorParameters<typeof UnreachableNodes>[0]["kube"];
  const nodes = new UnreachableNodes({ kube, clock, log: silentLog, pods: () => pods, onChange: () => {} });
  const stop = new AbortController();
  const running = nodes.run(stop.signal);
  const endMs = clock.now().getTime() + 600_000;
  while (clock.now().getTime() < endMs) await clock.advance();
  stop.abort();
  await running;
  return { asked, nodes };
}

describe("the nodes of pods that are not ready", () => {
  it("are not read where the kubelet says why: it answers", async () => {
    const pods = ["ContainersNotReady", "PodCompleted"].map((reason, at) => unready(`node-${at}`, reason));
    expect((await watch(pods, () => unreachable)).asked).toEqual([]);
  });

  it("are read once a minute each, and one that cannot be read keeps no other from it", async () => {
    const pods = ["broken", "lost", "lost"].map((name) => unready(name));
    const broken = new KubeError("read", "no", { status: 500, reason: "" });
    const { asked, nodes } = await watch(pods, (name) => (name === "broken" ? broken : unreachable));
    // At once, and after each minute.
    expect(asked.toSorted()).toEqual([...Array(11).fill("broken"), ...Array(11).fill("lost")]);
    expect(nodes.since).toEqual(new Map([["lost", new Date(SINCE)]]));
  });

  it("are read every ten minutes without the right", async () => {
    const forbidden = new KubeError("read", "no", { status: 403, reason: "Forbidden" });
    const { asked } = await watch([unready("a"), unready("b")], () => forbidden);
    // At once, and after ten minutes.
    expect(asked).toEqual(["a", "a"]);
  });
});
