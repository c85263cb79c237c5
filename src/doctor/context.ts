// What the checks share: each request is sent when the first check needs it, and only once. A request that depends on
// another one throws ReportedError if that one fails.

import { attempt } from "../base/attempt.ts";
import { DEFAULT_SOURCE } from "../base/sourced.ts";
import { loadInventory } from "../inventory/load.ts";
import { isReady } from "../inventory/pod-status.ts";
import { agentTemplate, readTemplate } from "../prefect1/build/template-sources.ts";
import type { InstalledAgent } from "../prefect1/installed-agent.ts";
import { once } from "./answer.ts";
import { clusterAnswers } from "./cluster.ts";
import { prefect1Answers, prefect3Answers } from "./prefect-apis.ts";
import type { DoctorDeps, DoctorTarget } from "./target.ts";

export type Context = ReturnType<typeof doctorContext>;

/** An agent that should be running: one in the cluster; without any, that of the labels in options or configuration. */
export interface ExpectedAgent {
  readonly labels: readonly string[];
  readonly installed?: InstalledAgent;
}

/** Sends nothing yet. Close it at the end. */
export function doctorContext(deps: DoctorDeps, target: DoctorTarget) {
  const { signal } = deps;
  const kubernetes = clusterAnswers(deps, target);
  const prefect1 = prefect1Answers(deps, target);
  const prefect3 = prefect3Answers(deps, target);
  const inventory = once(async () => {
    const { kube, namespace } = await kubernetes.cluster();
    const sources = { 1: prefect1.directory, 2: prefect3.directory };
    return loadInventory(kube, sources, { namespace, dask: "all", events: "all", owners: true, signal });
  });
  const expectedAgents = async (): Promise<readonly ExpectedAgent[]> => {
    const found = await attempt(kubernetes.agents);
    if (found.value?.length) {
      // One pod for each agent, a ready one if there is one.
      const readyLast = found.value.toSorted(
        (left, right) => Number(isReady(left.pod)) - Number(isReady(right.pod)),
      );
      const distinct = new Map(readyLast.map((each) => [`${each.name} ${each.labels?.join()}`, each]));
      return [...distinct.values()].flatMap((installed) =>
        installed.labels === undefined ? [] : [{ labels: installed.labels, installed }],
      );
    }
    if (target.given.labels?.length) return [{ labels: target.given.labels }];
    const labels = target.config.value?.agent.labels;
    return labels === undefined || labels.source === DEFAULT_SOURCE ? [] : [{ labels: labels.value }];
  };
  const close = (): void => {
    for (const api of [kubernetes, prefect1, prefect3]) api.close();
  };
  const shared = { target, signal, kubernetes, prefect1, prefect3, inventory, expectedAgents };
  const template = once(() => agentTemplate(target.templatePath, (source) => readTemplate(source, deps)));
  // What Kubernetes tells of its objects is compared with the API server's time.
  return { ...shared, now: () => kubernetes.clock.now(), template, close };
}
