// Whether a Job's run certainly belongs to the Prefect that was asked.

import { describe, expect, it } from "vitest";
import { belongsTo, originIds } from "../../src/job/job-origin.ts";
import type { AskedApi } from "../../src/job/job-origin.ts";
import { ownerText } from "../../src/job/owner.ts";
import type { Job } from "../../src/kube/client/objects.ts";
import { job } from "./observed-jobs.ts";

const FLOW = "0e9c1e4e-4a5a-4d0c-9f0e-7d5d6f1a0001";
const URL = "https://prefect.example.com/graphql";
const API: AskedApi = { address: URL, tenantId: "t-1", known: new Set() };

interface Made {
  readonly labels?: Readonly<Record<string, string>>;
  readonly tenant?: string;
  readonly env?: Readonly<Record<string, string>>;
}

function made({ labels = {}, tenant, env = {} }: Made): Job {
  const base = job();
  const owner = { name: "agent", labels: [], tenantId: tenant, process: "p" };
  const annotations = tenant === undefined ? {} : { "prefect.io/agent": ownerText(owner) };
  const variables = Object.entries(env).map(([name, value]) => ({ name, value }));
  const containers = [{ name: "proxy" }, { name: "flow", env: variables }];
  return {
    ...base,
    metadata: { ...base.metadata, labels, annotations },
    spec: { ...base.spec, template: { spec: { containers } } },
  };
}

describe("a Job", () => {
  it.each([
    "prefect.io/flow_id",
    "prefect.io/flow-id",
    "prefect.io/deployment-id",
    "prefect.io/work-pool-id",
  ])("belongs to the API that knows its %s", (label) => {
    const known = { ...API, known: new Set([FLOW]) };
    expect(belongsTo(made({ labels: { [label]: FLOW } }), known)).toBe(true);
    expect(belongsTo(made({ labels: { [label]: FLOW } }), API)).toBe(false);
  });

  it("names only ids that are UUIDs", () => {
    const labels = { "prefect.io/flow_id": "etl", "prefect.io/deployment-id": FLOW };
    expect(originIds(made({ labels }))).toEqual([FLOW]);
  });

  it.each([
    { name: "its agent's tenant is the API's", job: { tenant: "t-1" }, want: true },
    { name: "its agent's tenant is another one", job: { tenant: "t-2" }, want: false },
    {
      name: "its agent's tenant is another one, whatever address it calls",
      job: { tenant: "t-2", env: { PREFECT__CLOUD__API: URL } },
      want: false,
    },
    { name: "nothing tells it", job: {}, want: false },
  ])("of which $name: $want", ({ job: from, want }) => {
    expect(belongsTo(made(from), API)).toBe(want);
  });

  it.each<{ called: string; asked: string; want: boolean }>([
    { called: URL, asked: URL, want: true },
    { called: "https://prefect.example.com", asked: URL, want: true },
    { called: "https://prefect.example.com/", asked: URL, want: true },
    { called: "https://PREFECT.example.com:443/graphql/", asked: URL, want: true },
    { called: "http://prefect.example.com/graphql", asked: URL, want: false },
    { called: "https://prefect.example.com:8443/graphql", asked: URL, want: false },
    { called: "https://prefect.example.com/other", asked: URL, want: false },
    { called: "https://other.example.com/graphql", asked: URL, want: false },
    { called: "http://10.1.2.3:4200", asked: "http://10.1.2.3:4200", want: true },
    { called: "http://[fd00::1]:4200", asked: "http://[fd00::1]:4200", want: true },
    { called: "http://localhost:4200", asked: "http://localhost:4200", want: false },
    { called: "http://127.0.0.1:4200", asked: "http://127.0.0.1:4200", want: false },
    { called: "http://127.0.1.1:4200", asked: "http://127.0.1.1:4200", want: false },
    { called: "http://[::1]:4200", asked: "http://[::1]:4200", want: false },
    { called: "http://apollo:4200", asked: "http://apollo:4200", want: false },
    { called: "apollo", asked: "apollo", want: false },
    { called: "", asked: "", want: false },
  ])("that calls $called is proven by the API at $asked: $want", ({ called, asked, want }) => {
    expect(belongsTo(made({ env: { PREFECT__CLOUD__API: called } }), { ...API, address: asked })).toBe(want);
  });

  it.each([
    { name: "the asked tenant", tenant: "t-1", want: true },
    { name: "another tenant", tenant: "t-2", want: false },
    { name: "no tenant", tenant: "", want: true },
  ])("at the same address of a server, with $name in its environment: $want", ({ tenant, want }) => {
    const env = { PREFECT__CLOUD__API: URL, PREFECT__CLOUD__TENANT_ID: tenant };
    expect(belongsTo(made({ env }), API)).toBe(want);
  });

  it.each([
    { name: "whose tenants share an address", called: "https://api.prefect.io", tenant: "", want: false },
    { name: "with the tenant", called: "https://api.prefect.io", tenant: "t-1", want: true },
    {
      name: "with account and workspace in the path",
      called: "https://api.prefect.cloud/api/accounts/a/workspaces/w",
      tenant: "",
      want: true,
    },
  ])("of Prefect Cloud, $name: $want", ({ called, tenant, want }) => {
    const env = { PREFECT__CLOUD__API: called, PREFECT__CLOUD__TENANT_ID: tenant };
    expect(belongsTo(made({ env }), { ...API, address: called })).toBe(want);
  });

  it("of Prefect 3 is proven by its own variable", () => {
    const address = "https://prefect.example.com/api";
    expect(belongsTo(made({ env: { PREFECT_API_URL: address } }), { ...API, address })).toBe(true);
  });
});
