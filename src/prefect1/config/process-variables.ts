// The variables without PREFECT__ that the Kubernetes agent of Prefect 1 reads, and those that its install promised.

import { DEFAULT_SOURCE } from "../../base/sourced.ts";
import type { Sourced } from "../../base/sourced.ts";
import type { Env } from "../../base/env.ts";
import type { ResourceDefaults } from "../build/job-settings.ts";
import { choiceValue, listValue, switchValue, textValue } from "./values.ts";

/** An unset or empty variable has no entry. */
export interface ProcessVariables {
  readonly namespace?: Sourced<string>;
  readonly serviceAccountName?: Sourced<string>;
  readonly imagePullSecrets?: Sourced<readonly string[]>;
  /** Core deletes only for the exact text `True`; any way to say yes will do here. */
  readonly deleteFinishedJobs: Sourced<boolean>;
  readonly imagePullPolicy?: Sourced<string>;
  readonly resources: { readonly [Field in keyof ResourceDefaults]?: Sourced<string> };
}

/** Reads them. Throws SettingsError for a value that cannot be meant. */
export function readProcessVariables(env: Env): ProcessVariables {
  const entry = (name: string): Sourced<string> | undefined => {
    const value = textValue({ value: env[name], source: name });
    return value === undefined ? undefined : { value, source: `${name} variable` };
  };
  const namespace = entry("NAMESPACE");
  const serviceAccountName = entry("SERVICE_ACCOUNT_NAME");
  const secrets = entry("IMAGE_PULL_SECRETS");
  const deletion = entry("DELETE_FINISHED_JOBS");
  const policy = entry("IMAGE_PULL_POLICY");
  return {
    ...(namespace && { namespace }),
    ...(serviceAccountName && { serviceAccountName }),
    ...(secrets && { imagePullSecrets: { ...secrets, value: listValue(secrets) } }),
    deleteFinishedJobs: deletion
      ? { ...deletion, value: switchValue(deletion) }
      : { value: true, source: DEFAULT_SOURCE },
    ...(policy && {
      imagePullPolicy: { ...policy, value: choiceValue(policy, ["Always", "IfNotPresent", "Never"]) },
    }),
    resources: resourcesOf(entry),
  };
}

function resourcesOf(entry: (name: string) => Sourced<string> | undefined): ProcessVariables["resources"] {
  const memoryRequest = entry("JOB_MEM_REQUEST");
  const memoryLimit = entry("JOB_MEM_LIMIT");
  const cpuRequest = entry("JOB_CPU_REQUEST");
  const cpuLimit = entry("JOB_CPU_LIMIT");
  return {
    ...(memoryRequest && { memoryRequest }),
    ...(memoryLimit && { memoryLimit }),
    ...(cpuRequest && { cpuRequest }),
    ...(cpuLimit && { cpuLimit }),
  };
}
