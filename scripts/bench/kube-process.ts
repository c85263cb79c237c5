// A fake Kubernetes API in its own process, for thousands of Jobs whose pods never end.

import { once } from "node:events";
import { startFakeKubernetes } from "../../test/fakes/kubernetes/fake-kubernetes.ts";
import { serve } from "./child.ts";
import { timestamp } from "../../test/fakes/kubernetes/kube-object.ts";

export type KubeCommands = ReturnType<typeof commandsOf>;

type Fake = Awaited<ReturnType<typeof startFakeKubernetes>>;

/** The interval of a real cluster; the fake's default of one second is for tests. */
const BOOKMARK_MS = 60_000;
const RUN_LABEL = "prefect.io/flow_run_id";

function commandsOf(fake: Fake) {
  return {
    kubeconfig: () => fake.kubeconfig(),
    runningPods: () =>
      fake
        .list("pods")
        .filter(({ status }) => status !== undefined && Reflect.get(status, "phase") === "Running").length,
    /** Ends the flow run's pod as a kubelet does when its container exits with 1. */
    failPod: (flowRunId: string) => {
      const pod = fake.list("pods").find(({ metadata }) => metadata.labels?.[RUN_LABEL] === flowRunId);
      if (pod === undefined) throw new Error(`flow run ${flowRunId} has no pod`);
      const at = timestamp(new Date());
      const state = { terminated: { exitCode: 1, reason: "Error", startedAt: at, finishedAt: at } };
      const container = { name: "flow", ready: false, restartCount: 0, image: "busybox:latest", imageID: "" };
      fake.put("pods", { ...pod, status: { phase: "Failed", containerStatuses: [{ ...container, state }] } });
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
