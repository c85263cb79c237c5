// The permissions of the agent as Roles.

import { describe, expect, it } from "vitest";
import { AGENT_PERMISSIONS, agentPermissions } from "../../src/kube/permissions.ts";
import { policyRules } from "../../src/install/roles.ts";
import type { PolicyRule } from "../../src/install/roles.ts";
import type { Options } from "./support/manifests.ts";
import { manifest, manifests } from "./support/manifests.ts";

/** Verbs by resource of the printed Roles. */
function verbsByResource(options: Options): Record<string, readonly string[]> {
  const roles = manifests(options).filter(({ kind }) => kind === "Role");
  const rules = roles.flatMap((role) => role["rules"] as readonly PolicyRule[]);
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
  namespaces: ["get"],
};

describe("--rbac", () => {
  it("prints no Role without --rbac", () => {
    expect(manifests({ rbac: false })).toHaveLength(1);
  });

  it("gives the ServiceAccount default the permissions of Prefect's own manifest, and those for Dask in flows", () => {
    expect(verbsByResource({ rbac: true })).toEqual({
      "jobs batch": ["*"],
      pods: ["*"],
      events: ["*"],
      "pods/log": ["get", "list"],
      services: ["get", "list", "watch", "create", "delete"],
      "poddisruptionbudgets policy": ["get", "list", "watch", "create", "delete"],
      "daskclusters kubernetes.dask.org": ["list", "delete"],
      namespaces: ["get"],
    });
    expect(manifest({ rbac: true }, "RoleBinding", "prefect-agent-rbac")["subjects"]).toEqual([
      { kind: "ServiceAccount", name: "default" },
    ]);
  });

  it("gives the agent's own ServiceAccount only the agent's permissions with minimal", () => {
    expect(verbsByResource({ rbac: "minimal" })).toEqual(MINIMAL);
    expect(manifest({ rbac: "minimal" }, "ServiceAccount").metadata.name).toBe("prefect-agent");
    expect(manifest({ rbac: "minimal" }, "RoleBinding", "prefect-agent-rbac")).toMatchObject({
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "prefect-agent-rbac" },
      subjects: [{ kind: "ServiceAccount", name: "prefect-agent" }],
    });
  });

  it("keeps what the administrator of a namespace may not grant in a Role of its own", () => {
    const roles = manifests({ rbac: "minimal" }).filter(({ kind }) => kind === "Role");
    const groupsOf = (role: object): unknown =>
      new Set((role as { rules: readonly PolicyRule[] }).rules.flatMap(({ apiGroups }) => apiGroups));
    expect(roles.map((role) => [role.metadata.name, groupsOf(role)])).toEqual([
      ["prefect-agent-rbac", new Set(["", "batch", "policy"])],
      ["prefect-agent-rbac-dask", new Set(["kubernetes.dask.org"])],
    ]);
  });

  it.each<{ options: Options }>([
    { options: { rbac: true } },
    { options: { rbac: "minimal", replicas: "2", resourceManager: true, namespace: "flows" } },
    { options: { rbac: true, agent: "python" } },
  ])("prints the same permissions, and nothing else, with --rbac-only: $options", ({ options }) => {
    const rights = ["ServiceAccount", "Role", "RoleBinding"];
    expect(manifests({ ...options, rbacOnly: true })).toEqual(
      manifests(options).filter(({ kind }) => rights.includes(kind)),
    );
  });

  it("is implied by --rbac-only, whatever the other options say", () => {
    const options = { rbacOnly: true, backend: "server", key: "KEY" };
    const kept = { resourceManager: true, deleteFailedAfter: "never" };
    for (const others of [{}, kept])
      expect(new Set(manifests({ ...options, ...others }).map(({ kind }) => kind))).toEqual(
        new Set(["Role", "RoleBinding"]),
      );
  });

  it.each<{ options: Options }>([{ options: { leaderElect: true } }, { options: { replicas: "2" } }])(
    "adds leases only for leader election: $options",
    ({ options }) => {
      expect(verbsByResource({ rbac: "minimal", ...options })).toEqual({
        ...MINIMAL,
        "leases coordination.k8s.io": ["get", "create", "update"],
      });
    },
  );

  it("adds get for the resource manager, which rechecks each object before it deletes it", () => {
    expect(verbsByResource({ rbac: "minimal", resourceManager: true })).toEqual({
      ...MINIMAL,
      services: ["get", "list", "delete"],
      "poddisruptionbudgets policy": ["get", "list", "delete"],
      "daskclusters kubernetes.dask.org": ["get", "list", "delete"],
    });
  });

  it("sets no namespace in the binding's subject, even if the binding has one", () => {
    expect(manifest({ rbac: true, namespace: "flows" }, "RoleBinding", "prefect-agent-rbac")).toMatchObject({
      metadata: { namespace: "flows" },
      subjects: [{ kind: "ServiceAccount", name: "default" }],
    });
    expect(
      JSON.stringify(
        manifest({ rbac: true, namespace: "flows" }, "RoleBinding", "prefect-agent-rbac")["subjects"],
      ),
    ).not.toContain("namespace");
  });
});

describe("agentPermissions", () => {
  it("is the whole table with leader election, and leases apart without", () => {
    expect(agentPermissions(true)).toEqual(AGENT_PERMISSIONS);
    expect(
      AGENT_PERMISSIONS.filter((row) => !agentPermissions(false).includes(row)).map((row) => row.resource),
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
