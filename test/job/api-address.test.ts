import { describe, expect, it } from "vitest";
import { apiAddress, namesApi } from "../../src/job/api-address.ts";
import type { Job } from "../../src/kube/client/objects.ts";
import { transformJob } from "../../src/kube/cache/transform.ts";

function jobFor(api: string | undefined): Job {
  const env = api === undefined ? [] : [{ name: "PREFECT__CLOUD__API", value: api }];
  const metadata = { name: "j", namespace: "n", uid: "u", resourceVersion: "1", creationTimestamp: "" };
  return { metadata, spec: { template: { spec: { containers: [{ name: "flow", env }] } } }, status: {} };
}

describe("namesApi", () => {
  const ours = new Set([apiAddress("http://prefect:4200/") ?? ""]);

  it.each([
    { api: "http://prefect:4200", is: true },
    { api: "http://prefect:4200/graphql", is: true },
    { api: "http://prefect:4201", is: false },
    { api: "http://other:4200", is: false },
    { api: "not an address", is: false },
    { api: undefined, is: false },
  ])("for a Job of $api: $is", ({ api, is }) => {
    expect(namesApi(jobFor(api), ours)).toBe(is);
  });

  it("also works for a Job in the agent's cache", () => {
    expect(namesApi(transformJob(jobFor("http://prefect:4200")), ours)).toBe(true);
  });
});

describe("apiAddress", () => {
  it("is undefined for Prefect Cloud, whose tenants share an address", () => {
    expect(apiAddress("https://api.prefect.io")).toBeUndefined();
    expect(apiAddress("https://api.prefect.cloud/api/accounts/a")).toBeUndefined();
  });
});
