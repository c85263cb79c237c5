// Who may make the calls of each feature, and what it means that somebody may not.

import type { ExpectedError } from "../../base/errors.ts";
import type { Subject } from "../../kube/client/api.ts";
import {
  AGENT_PERMISSIONS,
  CLEANUP_PERMISSIONS,
  FLOW_PERMISSIONS,
  isEssential,
  permissionName,
  permissionsIn,
} from "../../kube/permissions.ts";
import type { Feature, Permission, PermissionRow } from "../../kube/permissions.ts";
import type { Answer } from "../answer.ts";
import { causeOf, isForbidden } from "../answer.ts";
import type { Finding, Status } from "../finding.ts";

/** What somebody does: `agent` runs the agent, `flows` is who flows' pods run as, `person` types commands such as cleanup. */
export type Role = "agent" | "flows" | "person";

/** Somebody whose permissions are checked. */
export interface User {
  readonly roles: readonly Role[];
  /** For people: `you`, `ServiceAccount flows/prefect-agent`. */
  readonly subject: string;
  /** Undefined: the user that asks. */
  readonly who: Subject | undefined;
  readonly leaderElect: boolean;
}

const ROWS: Readonly<Record<Role, readonly PermissionRow[]>> = {
  agent: [...AGENT_PERMISSIONS, ...CLEANUP_PERMISSIONS],
  person: CLEANUP_PERMISSIONS,
  flows: FLOW_PERMISSIONS,
};

/** All that these roles need. */
export function wantedPermissions(roles: readonly Role[], namespace: string): readonly Permission[] {
  return permissionsIn([...new Set(roles.flatMap((role) => ROWS[role]))], namespace);
}

/** A ServiceAccount as the API server knows it. */
export function serviceAccountSubject(namespace: string, name: string): Subject {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
  };
}

/** One finding for each feature. `missing`: those of the wanted permissions that are not granted. */
export function permissionFindings(
  user: User,
  wanted: readonly Permission[],
  missing: Answer<readonly Permission[]>,
): readonly Finding[] {
  const { subject } = user;
  const about = { section: "permissions", subject } as const;
  if (!missing.ok) return [{ ...about, check: "all features", ...notAnswered(user, missing.error) }];
  const denied = new Set(missing.value);
  return [...Map.groupBy(wanted, ({ feature }) => feature)].map(([feature, permissions]) => {
    const [lacking, granted] = [true, false].map((is) =>
      permissions.filter((each) => denied.has(each) === is),
    ) as [Permission[], Permission[]];
    const data = { missing: lacking.map(nameOf), granted: granted.map(nameOf) };
    if (lacking.length === 0) {
      return {
        ...about,
        check: feature,
        status: "ok" as const,
        message: `may ${callsOf(permissions)}`,
        data,
      };
    }
    const { status, onlyFor } = weightOf(feature, user);
    const calls = callsOf(lacking);
    const message = onlyFor === undefined ? `may not ${calls}` : `not granted, and only ${onlyFor}: ${calls}`;
    return { ...about, check: feature, status, message, hint: hintOf(status, feature), data };
  });
}

/** Everybody who is logged in may ask for their own permissions; to ask for others' takes a permission. */
function notAnswered({ who }: User, error: ExpectedError): Pick<Finding, "status" | "message" | "hint"> {
  const cause = causeOf(error);
  if (!isForbidden(error)) {
    return { status: "warning", message: `cannot be checked: ${cause}`, hint: error.hint };
  }
  if (who === undefined) {
    const hint = "log in to the cluster, or choose a context with credentials: kubectl config get-contexts";
    return { status: "broken", message: `not allowed to check permissions: ${cause}`, hint };
  }
  return {
    status: "skipped",
    message: "not allowed to check others' permissions (create subjectaccessreviews.authorization.k8s.io)",
    hint: "let an administrator run this, or run it with the agent's own credentials",
  };
}

/** What a missing permission means: much for the agent, nothing for somebody who does not need it. */
function weightOf(
  feature: Feature,
  { roles, leaderElect }: User,
): { readonly status: Status; readonly onlyFor?: string } {
  if (feature === "flows that start Dask")
    return { status: "skipped", onlyFor: "flows with Dask workers need it" };
  if (feature === "cleanup") {
    return roles.includes("person")
      ? { status: "warning" }
      : { status: "skipped", onlyFor: "an agent installed with --resource-manager needs it" };
  }
  if (feature === "leader election" && !leaderElect) {
    return { status: "skipped", onlyFor: "--leader-elect and --replicas need it" };
  }
  return { status: isEssential(feature) ? "broken" : "warning" };
}

function hintOf(status: Status, feature: Feature): string | undefined {
  if (status === "skipped") return undefined;
  if (feature === "cleanup")
    return "let an administrator grant it, or clean up with other credentials (--context, --as)";
  return "bind a Role that has it: kubectl prefect install --rbac=minimal prints one";
}

/** `get, list pods, services; delete pods`: resources with the same verbs stand together. */
function callsOf(permissions: readonly Permission[]): string {
  const verbs = new Map<string, Set<string>>();
  for (const { access } of permissions) {
    const { resource, subresource } = access;
    const name = subresource === undefined ? resource : `${resource}/${subresource}`;
    verbs.set(name, (verbs.get(name) ?? new Set()).add(access.verb));
  }
  const alike = Map.groupBy(verbs, ([, each]) => [...each].join(", "));
  return [...alike].map(([each, names]) => `${each} ${names.map(([name]) => name).join(", ")}`).join("; ");
}

function nameOf({ access }: Permission): string {
  return permissionName(access);
}
