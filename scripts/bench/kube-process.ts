// A fake Kubernetes API in its own process, for thousands of Jobs whose pods never end.

import { once } from "node:events";
import { FLOW_RUN_LABEL } from "../../src/job/labels.ts";
import { startFakeKubernetes } from "../../test/fakes/kubernetes/fake-kubernetes.ts";
import { serve } from "./child.ts";

export type KubeCommands = ReturnType<typeof commandsOf>;

type Fake = Awaited<ReturnType<typeof startFakeKubernetes>>;

/** The interval of a real cluster; the fake's default of one second is for tests. */
const BOOKMARK_MS = 60_000;

function commandsOf(fake: Fake) {
  return {
    kubeconfig: () => fake.kubeconfig(),
    runningPods: () =>
      fake
        .list("pods")
        .filter(({ status }) => status !== undefined && Reflect.get(status, "phase") === "Running").length,
    /** Lets the pod of a flow run fail, as a kubelet would. */
    failPod: (flowRunId: string) => {
      const pod = fake.list("pods").find(({ metadata }) => metadata.labels?.[FLOW_RUN_LABEL] === flowRunId);
      const at = `${new Date().toISOString().slice(0, 19)}Z`;
      const terminated = { exitCode: 1, reason: "Error", startedAt: at, finishedAt: at };
      const flow = { name: "flow", ready: false, restartCount: 0, state: { terminated } };
      fake.put("pods", { ...pod, status: { phase: "Failed", containerStatuses: [flow] } });
    },
    requestCount: () => fake.requests.total,
    /** Counts the last requests by verb and resource. */
    requests: (last: number) => {
      const entries = last === 0 ? [] : fake.requests.entries.slice(-last);
      return Map.groupBy(entries, ({ verb, resource }) => `${verb} ${resource}`)
        .entries()
        .map(([name, some]): [string, number] => [name, some.length])
        .toArray();
    },
  };
}

if (import.meta.main) {
  const fake = await startFakeKubernetes({ bookmarkMs: BOOKMARK_MS, script: () => "never" });
  serve(commandsOf(fake));
  await once(process, "disconnect");
}
