// At its start the agent asks what it may do, and says which permissions are missing and what does not work without them.

import { ExpectedError, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { missingPermissions } from "../kube/ask-permissions.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { KubeError } from "../kube/client/errors.ts";
import { agentPermissions, isEssential, permissionName, permissionsIn } from "../kube/permissions.ts";
import type { Permission } from "../kube/permissions.ts";

/**
 * Logs a warning for each feature that lacks permissions. Throws when flow runs can be neither launched nor followed; a
 * question that is not answered does not stop the agent, unless the API server does not accept its credentials.
 */
export async function checkPermissions(
  { kube, log }: { readonly kube: KubeApi; readonly log: Log },
  namespace: string,
  leaderElect: boolean,
): Promise<void> {
  let missing: readonly Permission[];
  try {
    missing = await missingPermissions(kube, permissionsIn(agentPermissions(leaderElect), namespace));
  } catch (error) {
    if (error instanceof KubeError && error.status === 401) throw error;
    return log.warn("Cannot check the agent's permissions", { error: textOf(error) });
  }
  for (const [feature, permissions] of Map.groupBy(missing, ({ feature }) => feature)) {
    log.warn(`Missing permissions for ${feature}`, { missing: namesOf(permissions), namespace });
  }
  const essential = missing.filter(({ feature }) => isEssential(feature));
  if (essential.length > 0) {
    throw new PermissionsError(namespace, essential);
  }
}

class PermissionsError extends ExpectedError {
  override readonly exitCode = 4;

  constructor(namespace: string, missing: readonly Permission[]) {
    super(`cannot work in namespace "${namespace}": not allowed to ${namesOf(missing)}`, {
      hint: `grant them with: kubectl prefect install --rbac=minimal --rbac-only -n ${namespace} | kubectl apply -f -`,
    });
  }
}

function namesOf(permissions: readonly Permission[]): string {
  return [...new Set(permissions.map(({ access }) => permissionName(access)))].join(", ");
}
