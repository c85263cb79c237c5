// Variables of the containers, with Prefect 1's names: the Prefect connection and the namespace, and defaults for flow Jobs
// that `agent start` has no flag for.

import type { EnvVar } from "../kube/client/objects.ts";
import { keyEnvironment } from "./credentials.ts";
import { CONFIG_PATH } from "./files.ts";
import { literal } from "./literal.ts";
import type { InstallOptions } from "./options.ts";

/** For agent and cleanup. The namespace comes from the pod, so that the manifests can be applied to any namespace. */
export function connectionEnvironment(options: InstallOptions): readonly EnvVar[] {
  return [
    { name: "NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
    ...variable("PREFECT__BACKEND", options.backend),
    ...variable("PREFECT__CLOUD__API", options.api),
    ...variable("PREFECT__CLOUD__TENANT_ID", options.tenantId),
    ...keyEnvironment(options),
    ...variable("PREFECT__USER_CONFIG_PATH", options.configToml === undefined ? undefined : CONFIG_PATH),
  ];
}

/** For the agent: defaults for flow Jobs whose run config and template do not set them. */
export function jobDefaultsEnvironment(options: InstallOptions): readonly EnvVar[] {
  return [
    ...variable("JOB_MEM_REQUEST", options.memRequest),
    ...variable("JOB_MEM_LIMIT", options.memLimit),
    ...variable("JOB_CPU_REQUEST", options.cpuRequest),
    ...variable("JOB_CPU_LIMIT", options.cpuLimit),
    ...variable("IMAGE_PULL_POLICY", options.imagePullPolicy),
  ];
}

function variable(name: string, value: string | undefined): EnvVar[] {
  return value ? [{ name, value: literal(value) }] : [];
}
