// The environment variables without PREFECT__ prefix that Prefect 1's Kubernetes agent reads or that its manifest sets.

import { DEFAULT_SOURCE } from "../../base/sourced.ts";
import type { Sourced } from "../../base/sourced.ts";
import type { Env } from "../../base/env.ts";
import type { ResourceDefaults } from "../build/job-settings.ts";
import { choiceValue, listValue, mapValue, switchValue, textValue } from "./values.ts";

/** An unset or empty variable is undefined. */
export interface ProcessVariables {
  readonly namespace: Sourced<string> | undefined;
  readonly serviceAccountName: Sourced<string> | undefined;
  readonly imagePullSecrets: Sourced<readonly string[]> | undefined;
  /** Core requires exactly `True`; here any boolean notation works. */
  readonly deleteFinishedJobs: Sourced<boolean>;
  readonly imagePullPolicy: Sourced<string> | undefined;
  readonly resources: { readonly [Field in keyof ResourceDefaults]: Sourced<string> | undefined };
}

/** Throws SettingsError for an invalid value. */
export function readProcessVariables(env: Env): ProcessVariables {
  const entry = (name: string): Sourced<string> | undefined =>
    mapValue({ value: env[name], source: `${name} variable` }, textValue);
  const policy = (set: Sourced<unknown>): string => choiceValue(set, ["Always", "IfNotPresent", "Never"]);
  return {
    namespace: entry("NAMESPACE"),
    serviceAccountName: entry("SERVICE_ACCOUNT_NAME"),
    imagePullSecrets: mapValue(entry("IMAGE_PULL_SECRETS"), listValue),
    deleteFinishedJobs: mapValue(entry("DELETE_FINISHED_JOBS"), switchValue) ?? {
      value: true,
      source: DEFAULT_SOURCE,
    },
    imagePullPolicy: mapValue(entry("IMAGE_PULL_POLICY"), policy),
    resources: {
      memoryRequest: entry("JOB_MEM_REQUEST"),
      memoryLimit: entry("JOB_MEM_LIMIT"),
      cpuRequest: entry("JOB_CPU_REQUEST"),
      cpuLimit: entry("JOB_CPU_LIMIT"),
    },
  };
}
