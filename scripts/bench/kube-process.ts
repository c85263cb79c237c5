// A fake Kubernetes API in a process of its own: thousands of Jobs whose pods run for ever.

import { once } from "node:events";
import { startFakeKubernetes } from "../../test/fakes/kubernetes/fake-kubernetes.ts";
import { serve } from "./child.ts";

export type KubeCommands = ReturnType<typeof commandsOf>;

type Fake = Awaited<ReturnType<typeof startFakeKubernetes>>;

/** As a cluster sends them. The fake's own second is for tests. */
const BOOKMARK_MS = 60_000;

function commandsOf(fake: Fake) {
  return {
    kubeconfig: () => fake.kubeconfig(),
    runningPods: () =>
      fake
        .list("pods")
        .filter(({ status }) => status !== undefined && Reflect.get(status, "phase") === "Running").length,
    requestCount: () => fake.requests.total,
    /** How many of the last requests there were, by verb and resource. */
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
