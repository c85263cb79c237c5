// Runs the Kubernetes contract against the fake.

import { afterAll } from "vitest";
import { CERTIFICATE } from "../fakes/certificate.ts";
import { startFakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { kubeContract } from "./kube-api.spec.ts";
import { contractOutcome } from "./kube-jobs.spec.ts";

const started: FakeKubernetes[] = [];

kubeContract("the fake", async () => {
  const fake = await startFakeKubernetes({
    namespaces: ["contract"],
    bookmarkMs: 20,
    tokens: { "admin-token": "admin" },
    script: (job) => contractOutcome(job.metadata.name),
  });
  started.push(fake);
  return {
    url: fake.url,
    ca: CERTIFICATE,
    headers: { authorization: "Bearer admin-token" },
    namespace: "contract",
    watchSeconds: 1,
  };
});

afterAll(async () => {
  for (const fake of started) await fake.stop();
});
