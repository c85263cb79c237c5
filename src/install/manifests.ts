// install: checks the options and builds the manifests, in the order in which they must be applied. Pure.

import { checkOptions } from "./check.ts";
import { keySecrets } from "./credentials.ts";
import { agentDeployment } from "./deployment.ts";
import { configMaps } from "./files.ts";
import type { InstallOptions } from "./options.ts";
import { pythonManifests } from "./python.ts";
import { accessManifests } from "./roles.ts";

/**
 * The objects that run the agent: first what its pod needs (permissions, key, files), last the Deployment. With
 * --rbac-only the permissions alone. Throws SettingsError for options that are wrong or contradict each other.
 */
export function agentManifests(options: InstallOptions): readonly object[] {
  checkOptions(options);
  if (options.rbacOnly) return permissionManifests({ ...options, rbac: options.rbac || true });
  if (options.agent === "python") return pythonManifests(options);
  return [
    ...accessManifests(options),
    ...keySecrets(options, options.namespace),
    ...configMaps(options),
    agentDeployment(options),
  ];
}

function permissionManifests(options: InstallOptions): readonly object[] {
  if (options.agent !== "python") return accessManifests(options);
  return pythonManifests(options).filter(({ kind }) => kind !== "Deployment");
}
