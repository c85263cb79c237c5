// The agent's permissions as manifests: Role and RoleBinding, and a ServiceAccount where the agent has its own.

import { metadataOf, type Manifest } from "./objects.ts";
import { electsLeader, type InstallOptions } from "./options.ts";
import {
  agentPermissions,
  CLEANUP_PERMISSIONS,
  DASK_CLUSTERS,
  FLOW_PERMISSIONS,
  type PermissionRow,
  type Verb,
} from "../kube/permissions.ts";

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const RBAC_NAME = "prefect-agent-rbac";
const RBAC_GROUP = "rbac.authorization.k8s.io";
const VERB_ORDER: readonly Verb[] = ["get", "list", "watch", "create", "update", "patch", "delete"];

/** The ServiceAccount that the agent's pod runs as: its own only with `--rbac=minimal`. */
export function agentServiceAccount(options: InstallOptions): string {
  return options.rbac === "minimal" ? "prefect-agent" : "default";
}

/** ServiceAccount (with `minimal`), Role and RoleBinding; nothing without `--rbac`. */
export function accessManifests(options: InstallOptions): readonly Manifest[] {
  if (!options.rbac) return [];
  const { namespace } = options;
  const isMinimal = options.rbac === "minimal";
  const rows = [
    ...(isMinimal ? [] : FLOW_PERMISSIONS),
    ...agentPermissions(electsLeader(options)),
    ...(options.resourceManager ? CLEANUP_PERMISSIONS : []),
  ];
  const account = agentServiceAccount(options);
  // Only an administrator of the cluster may grant what is not in the ClusterRole admin; the rest applies without it.
  const ofDask = rows.filter(({ group }) => group === DASK_CLUSTERS.group);
  const bound = [
    ...bindRole(
      metadataOf(RBAC_NAME, namespace),
      policyRules(rows.filter((row) => !ofDask.includes(row))),
      account,
    ),
    ...bindRole(metadataOf(`${RBAC_NAME}-dask`, namespace), policyRules(ofDask), account),
  ];
  if (!isMinimal) return bound;
  return [{ apiVersion: "v1", kind: "ServiceAccount", metadata: metadataOf(account, namespace) }, ...bound];
}

/**
 * A Role with these rules, bound to a ServiceAccount; both share their metadata. The subject names no namespace:
 * Kubernetes (1.20 and 1.35 tried) then takes the binding's own, so that it moves with `kubectl apply --namespace`.
 */
export function bindRole(
  metadata: Manifest["metadata"],
  rules: readonly PolicyRule[],
  account: string,
): readonly Manifest[] {
  return [
    { apiVersion: `${RBAC_GROUP}/v1`, kind: "Role", metadata, rules },
    {
      apiVersion: `${RBAC_GROUP}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: RBAC_GROUP, kind: "Role", name: metadata.name },
      subjects: [{ kind: "ServiceAccount", name: account }],
    },
  ];
}

/** One rule per resource, with the verbs of all its rows; `*` swallows the others. */
export function policyRules(rows: readonly PermissionRow[]): readonly PolicyRule[] {
  const byResource = Map.groupBy(rows, ({ group, resource, subresource }) =>
    [group, subresource === undefined ? resource : `${resource}/${subresource}`].join(" "),
  );
  return [...byResource].map(([name, alike]) => {
    const [group = "", resource = ""] = name.split(" ");
    const verbs = new Set(alike.flatMap((row) => row.verbs));
    const named = verbs.has("*") ? ["*"] : VERB_ORDER.filter((verb) => verbs.has(verb));
    return { apiGroups: [group], resources: [resource], verbs: named };
  });
}
