// The API server, the user and the namespace.

import { DEFAULT_SOURCE } from "../../base/sourced.ts";
import type { Sourced } from "../../base/sourced.ts";
import type { AnyObject } from "../../kube/client/objects.ts";
import type { Subject } from "../../kube/client/api.ts";
import type { Answer } from "../answer.ts";
import { failureAt, isForbidden, failedRequestFinding } from "../answer.ts";
import type { Finding } from "../finding.ts";

const SECTION = "kubernetes";
/** The oldest version that is tested. */
const OLDEST_TESTED = { major: 1, minor: 20 };

export interface ClusterVersion {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
}

/** Whether the server answers, and its version. One without permission to read the version answers all the same. */
export function serverFinding(server: string, version: Answer<ClusterVersion>): Finding {
  const about = { section: SECTION, check: "API server" } as const;
  if (!version.ok) {
    const { error } = version;
    if (isForbidden(error)) {
      return { ...about, status: "ok", message: `${server} answers; no permission to read its version` };
    }
    return { ...about, status: "broken", message: failureAt(server, server, error), hint: error.hint };
  }
  const { gitVersion } = version.value;
  const data = { server, version: gitVersion };
  if (isOlder(version.value)) {
    return {
      ...about,
      status: "warning",
      message: `${server} answers; Kubernetes ${gitVersion} is older than ${OLDEST_TESTED.major}.${OLDEST_TESTED.minor}, the oldest tested version`,
      hint: `upgrade the cluster to ${OLDEST_TESTED.major}.${OLDEST_TESTED.minor} or later`,
      data,
    };
  }
  return { ...about, status: "ok", message: `${server} answers, Kubernetes ${gitVersion}`, data };
}

function isOlder({ major, minor }: ClusterVersion): boolean {
  // Managed clusters write "20+".
  const [first, second] = [Number.parseInt(major, 10), Number.parseInt(minor, 10)];
  if (Number.isNaN(first) || Number.isNaN(second)) return false;
  return first < OLDEST_TESTED.major || (first === OLDEST_TESTED.major && second < OLDEST_TESTED.minor);
}

/** The user that the API server sees; servers before 1.28 do not tell. */
export function whoAmIFindings(answer: Answer<Subject | undefined>): readonly Finding[] {
  const about = { section: SECTION, check: "user" } as const;
  if (!answer.ok) return [failedRequestFinding(about, answer.error)];
  if (answer.value === undefined) return [];
  const { user, groups } = answer.value;
  if (user !== "system:anonymous") {
    return [{ ...about, status: "ok", message: `logged in as "${user}"`, data: { user, groups } }];
  }
  return [
    {
      ...about,
      status: "broken",
      message: "not logged in: the kubeconfig has no credentials for this user",
      hint: "log in to the cluster again, or choose a context with credentials: kubectl config get-contexts",
    },
  ];
}

/** Whether the namespace exists and is not being deleted. */
export function namespaceFinding(
  { value: namespace, source }: Sourced<string>,
  answer: Answer<AnyObject | undefined>,
): Finding {
  const about = { section: SECTION, check: "namespace" } as const;
  if (!answer.ok) {
    if (!isForbidden(answer.error)) return failedRequestFinding(about, answer.error);
    return {
      ...about,
      status: "skipped",
      message: `"${namespace}": no permission to check whether it exists`,
    };
  }
  if (answer.value === undefined) {
    return {
      ...about,
      status: "broken",
      message: `"${namespace}" does not exist`,
      hint: `create it with: kubectl create namespace ${namespace}; or choose another with -n`,
    };
  }
  if (answer.value.metadata.deletionTimestamp !== undefined) {
    return {
      ...about,
      status: "broken",
      message: `"${namespace}" is being deleted, so nothing can be created in it`,
      hint: `choose another namespace with -n, or see what blocks its deletion: kubectl describe namespace ${namespace}`,
    };
  }
  return {
    ...about,
    status: "ok",
    message: `"${namespace}" exists (${source === DEFAULT_SOURCE ? "by default" : `from ${source}`})`,
  };
}
