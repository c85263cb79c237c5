// A Role with a list of permissions, and its binding.

import type { JsonObject } from "../../../src/base/json.ts";
import type { PermissionRow } from "../../../src/kube/permissions.ts";

const GROUP = "rbac.authorization.k8s.io";

/** The Role of this name, bound to the subject, such as `{ kind: "User", name, apiGroup }`. */
export function role(
  name: string,
  permissions: readonly PermissionRow[],
  subject: JsonObject,
): readonly JsonObject[] {
  const rules = permissions.map(({ group, resource, subresource, verbs }) => ({
    apiGroups: [group],
    resources: [subresource === undefined ? resource : `${resource}/${subresource}`],
    verbs,
  }));
  const [apiVersion, metadata] = [`${GROUP}/v1`, { name }];
  const roleRef = { apiGroup: GROUP, kind: "Role", name };
  return [
    { apiVersion, kind: "Role", metadata, rules },
    { apiVersion, kind: "RoleBinding", metadata, roleRef, subjects: [subject] },
  ];
}
