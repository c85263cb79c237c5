// The variables without PREFECT__ that an agent's manifest sets, checked like the options of the same kind: a wrong one would
// fail every flow run.

import { aCpu, aMemory, aNamespace, aServiceAccount, secretNames } from "../agent/option-checks.ts";
import type { PrefectConfig } from "../prefect1/config/load.ts";
import type { InstallOptions } from "./options.ts";

/** `flags`: what holds in place of variables. Throws SettingsError for the first one that is not valid, and in whose place no flag stands. */
export function checkVariables(
  { variables }: PrefectConfig,
  flags: Pick<InstallOptions, "namespace" | "serviceAccountName" | "imagePullSecrets">,
): void {
  const { namespace, serviceAccountName, imagePullSecrets, resources } = variables;
  const rows = [
    ["NAMESPACE", flags.namespace ? undefined : namespace?.value, aNamespace],
    ["SERVICE_ACCOUNT_NAME", flags.serviceAccountName ? undefined : serviceAccountName, aServiceAccount],
    ["IMAGE_PULL_SECRETS", flags.imagePullSecrets ? undefined : imagePullSecrets?.join(","), secretNames],
    ["JOB_MEM_REQUEST", resources.memoryRequest, aMemory],
    ["JOB_MEM_LIMIT", resources.memoryLimit, aMemory],
    ["JOB_CPU_REQUEST", resources.cpuRequest, aCpu],
    ["JOB_CPU_LIMIT", resources.cpuLimit, aCpu],
  ] as const;
  for (const [name, value, check] of rows) if (value !== undefined) check(value, name);
}
