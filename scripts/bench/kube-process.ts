// A fake Kubernetes API in its own process, for thousands of Jobs whose pods never end.

import { once } from "node:events";
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
