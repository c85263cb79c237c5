// Rights as data, and as Roles.

import { describe, expect, it } from "vitest";
import type { PolicyRule } from "../../src/install/objects.ts";
import { AGENT_ACCESS, agentAccess } from "../../src/kube/permissions.ts";
import { policyRules } from "../../src/install/roles.ts";
import type { Options } from "./support/manifests.ts";
import { manifest, manifests } from "./support/manifests.ts";

/** Verbs by resource of the printed Role. */
function rights(options: Options): Record<string, readonly string[]> {
  const rules = manifest(options, "Role")["rules"] as readonly PolicyRule[];
  return Object.fromEntries(
    rules.map((rule) => [`${rule.resources.join()} ${rule.apiGroups.join()}`.trim(), rule.verbs]),
  );
}

const MINIMAL = {
  "jobs batch": ["get", "list", "watch", "create", "patch", "delete"],
  pods: ["get", "list", "watch", "delete"],
  "pods/log": ["get"],
  events: ["list", "watch"],
  services: ["list", "delete"],
  "poddisruptionbudgets policy": ["list", "delete"],
  "daskclusters kubernetes.dask.org": ["list", "delete"],
};

describe("--rbac", () => {
  it("prints no rights unless asked", () => {
    expect(manifests({ rbac: false })).toHaveLength(1);
  });

  it("gives the ServiceAccount default what Prefect's own manifest gives it, and what Dask in flows needs", () => {
    expect(rights({ rbac: true })).toEqual({
      "jobs batch": ["*"],
      pods: ["*"],
      events: ["*"],
      "pods/log": ["get", "list"],
      services: ["get", "list", "watch", "create", "delete"],
      "poddisruptionbudgets policy": ["get", "list", "watch", "create", "delete"],
      "daskclusters kubernetes.dask.org": ["list", "delete"],
    });
    expect(manifest({ rbac: true }, "RoleBinding")["subjects"]).toEqual([
      { kind: "ServiceAccount", name: "default" },
    ]);
  });

  it("gives the agent's own ServiceAccount only what the agent calls with minimal", () => {
    expect(rights({ rbac: "minimal" })).toEqual(MINIMAL);
    expect(manifest({ rbac: "minimal" }, "ServiceAccount").metadata.name).toBe("prefect-agent");
    expect(manifest({ rbac: "minimal" }, "RoleBinding")).toMatchObject({
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "prefect-agent-rbac" },
      subjects: [{ kind: "ServiceAccount", name: "prefect-agent" }],
    });
  });

  it.each<{ options: Options }>([{ options: { leaderElect: true } }, { options: { replicas: "2" } }])(
    "adds leases only for leader election: $options",
    ({ options }) => {
      expect(rights({ rbac: "minimal", ...options })).toEqual({
        ...MINIMAL,
        "leases coordination.k8s.io": ["get", "create", "update"],
      });
    },
  );

  it("adds the reading of single objects for the resource manager, which looks again before it deletes", () => {
    expect(rights({ rbac: "minimal", resourceManager: true })).toEqual({
      ...MINIMAL,
      services: ["get", "list", "delete"],
      "poddisruptionbudgets policy": ["get", "list", "delete"],
      "daskclusters kubernetes.dask.org": ["get", "list", "delete"],
    });
  });

  it("leaves the binding's subject without a namespace, also when the binding has one", () => {
    expect(manifest({ rbac: true, namespace: "flows" }, "RoleBinding")).toMatchObject({
      metadata: { namespace: "flows" },
      subjects: [{ kind: "ServiceAccount", name: "default" }],
    });
    expect(
      JSON.stringify(manifest({ rbac: true, namespace: "flows" }, "RoleBinding")["subjects"]),
    ).not.toContain("namespace");
  });
});

describe("agentAccess", () => {
  it("is the whole table with leader election, and leases apart without", () => {
    expect(agentAccess(true)).toEqual(AGENT_ACCESS);
    expect(
      AGENT_ACCESS.filter((row) => !agentAccess(false).includes(row)).map((row) => row.resource),
    ).toEqual(["leases"]);
  });
});

describe("policyRules", () => {
  it("merges the rows of a resource, and keeps subresources apart", () => {
    expect(
      policyRules([
        { group: "", resource: "pods", verbs: ["list", "get"], feature: "cleanup" },
        { group: "", resource: "pods", subresource: "log", verbs: ["get"], feature: "cleanup" },
        { group: "", resource: "pods", verbs: ["delete", "get"], feature: "cleanup" },
      ]),
    ).toEqual([
      { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "delete"] },
      { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
    ]);
  });
});
