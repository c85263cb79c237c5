// The environment variables without PREFECT__ prefix that Prefect 1's Kubernetes agent reads or that its manifest sets.

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
  /** Core requires exactly `True`; here any boolean notation works. */
  readonly deleteFinishedJobs: Sourced<boolean>;
  readonly imagePullPolicy?: Sourced<string>;
  readonly resources: { readonly [Field in keyof ResourceDefaults]?: Sourced<string> };
}

/** Throws SettingsError for an invalid value. */
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
