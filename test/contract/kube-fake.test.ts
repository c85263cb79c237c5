// The contract, held against the stand-in.

import { afterAll } from "vitest";
import { startKubeStandin } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { KubeStandin } from "../fakes/kubernetes/fake-kubernetes.ts";
import { kubeContract } from "./kube-api.spec.ts";
import { contractFate } from "./kube-jobs.spec.ts";

const started: KubeStandin[] = [];

kubeContract("the stand-in", async () => {
  const standin = await startKubeStandin({
    namespaces: ["contract"],
    bookmarkMs: 20,
    tokens: { "admin-token": "admin" },
    script: (job) => contractFate(job.metadata.name),
  });
  started.push(standin);
  return {
    url: standin.url,
    headers: { authorization: "Bearer admin-token" },
    namespace: "contract",
    watchSeconds: 1,
  };
});

afterAll(async () => {
  for (const standin of started) await standin.stop();
});
