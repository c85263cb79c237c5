// A stand-in Kubernetes API in a process of its own: thousands of Jobs whose pods run for ever.

import { once } from "node:events";
import { startKubeStandin } from "../../test/fakes/kubernetes/fake-kubernetes.ts";
import { serve } from "./child.ts";

export type KubeCommands = ReturnType<typeof commandsOf>;

type Standin = Awaited<ReturnType<typeof startKubeStandin>>;

/** As a cluster sends them. The stand-in's own second is for tests. */
const BOOKMARK_MS = 60_000;

function commandsOf(standin: Standin) {
  return {
    kubeconfig: () => standin.kubeconfig(),
    runningPods: () =>
      standin
        .list("pods")
        .filter(({ status }) => status !== undefined && Reflect.get(status, "phase") === "Running").length,
    requestCount: () => standin.requests.total,
    /** How many of the last requests there were, by verb and resource. */
    requests: (last: number) => {
      const entries = last === 0 ? [] : standin.requests.entries.slice(-last);
      return Map.groupBy(entries, ({ verb, resource }) => `${verb} ${resource}`)
        .entries()
        .map(([name, some]): [string, number] => [name, some.length])
        .toArray();
    },
  };
}

if (import.meta.main) {
  const standin = await startKubeStandin({ bookmarkMs: BOOKMARK_MS, script: () => "never" });
  serve(commandsOf(standin));
  await once(process, "disconnect");
}
