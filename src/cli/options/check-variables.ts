// The variables without PREFECT__ that an agent's manifest sets, checked like the options of the same kind: a wrong one would
// fail every flow run.

import { aCpu, aMemory, aNamespace, aServiceAccount, secretNames } from "../../agent/option-checks.ts";
import type { PrefectConfig } from "../../prefect1/config/load.ts";

/** Throws SettingsError for the first one that is not valid. */
export function checkVariables({ variables }: PrefectConfig): void {
  const { namespace, serviceAccountName, imagePullSecrets, resources } = variables;
  const rows = [
    ["NAMESPACE", namespace?.value, aNamespace],
    ["SERVICE_ACCOUNT_NAME", serviceAccountName, aServiceAccount],
    ["IMAGE_PULL_SECRETS", imagePullSecrets?.join(","), secretNames],
    ["JOB_MEM_REQUEST", resources.memoryRequest, aMemory],
    ["JOB_MEM_LIMIT", resources.memoryLimit, aMemory],
    ["JOB_CPU_REQUEST", resources.cpuRequest, aCpu],
    ["JOB_CPU_LIMIT", resources.cpuLimit, aCpu],
  ] as const;
  for (const [name, value, check] of rows) if (value !== undefined) check(value, name);
}
