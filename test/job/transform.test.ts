import { describe, expect, it } from "vitest";
import { Transform } from "../../src/job/transform.ts";
import type { Job, Pod } from "../../src/kube/client/objects.ts";

const META = {
  namespace: "flows",
  uid: "1",
  resourceVersion: "7",
  creationTimestamp: "2026-11-29T01:00:00Z",
};
const RUN = { "prefect.io/flow_run_id": "r", "prefect.io/identifier": "i" };
const JOB = {
  metadata: {
    ...META,
    name: "job",
    managedFields: [{}],
    labels: { ...RUN, app: "x" },
    annotations: { "prefect.io/keep": "true", other: "x" },
  },
  spec: { backoffLimit: 0, suspend: false, template: { spec: { containers: [] } }, selector: {} },
  status: { active: 1 },
} as Job;
const CONTAINER = { name: "flow", image: "flows:1", args: ["run"], env: [{ name: "A", value: "1" }] };
const POD = {
  metadata: { ...META, name: "pod", labels: RUN },
  spec: { nodeName: "node", containers: [CONTAINER], volumes: [{}] },
  status: { phase: "Running", hostIP: "10.0.0.1", conditions: [{ type: "Ready", status: "True" }] },
} as Pod;

describe("a transform", () => {
  it("keeps of a Job what is read", () => {
    expect(new Transform().job(JOB)).toEqual({
      metadata: { ...META, name: "job", labels: RUN, annotations: { "prefect.io/keep": "true" } },
      spec: { backoffLimit: 0, suspend: false },
      status: { active: 1 },
    });
  });

  it("keeps of a pod what is read, and the labels and variables that it is asked to keep", () => {
    const transform = new Transform();
    const kept = {
      metadata: { ...META, name: "pod", labels: RUN },
      spec: { nodeName: "node", containers: [{ name: "flow", image: "flows:1" }] },
      status: { phase: "Running", conditions: [] },
    };
    expect(transform.pod(POD)).toEqual(kept);
    const env = [{ name: "A", value: "1" }];
    expect(transform.pod(POD, { variables: new Set(["A"]) }).spec.containers).toEqual([
      { name: "flow", image: "flows:1", env },
    ]);
    const dask = { ...POD, metadata: { ...POD.metadata, labels: { app: "dask", other: "x" } } };
    expect(transform.pod(dask, { labels: ["app"] }).metadata.labels).toEqual({ app: "dask" });
  });

  it("keeps all conditions of a finished pod, which may be all that tells when it finished", () => {
    const conditions = [{ type: "Ready", status: "False", lastTransitionTime: "2026-11-29T02:00:00Z" }];
    const evicted = { ...POD, status: { phase: "Failed", reason: "Evicted", conditions } };
    expect(new Transform().pod(evicted).status).toEqual(evicted.status);
  });

  it("has equal parts only once", () => {
    const transform = new Transform();
    const [one, two] = [structuredClone(POD), structuredClone(POD)].map((pod) => transform.pod(pod));
    expect(one).not.toBe(two);
    expect(one?.spec).toBe(two?.spec);
  });
});
