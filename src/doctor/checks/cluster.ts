// The API server and the namespace: what their answers mean.

import { DEFAULT_SOURCE } from "../../base/sourced.ts";
import type { Sourced } from "../../base/sourced.ts";
import type { AnyObject } from "../../kube/client/objects.ts";
import type { Subject } from "../../kube/client/api.ts";
import type { Answer } from "../answer.ts";
import { failureAt, isForbidden, unanswered } from "../answer.ts";
import type { Finding } from "../finding.ts";

const SECTION = "kubernetes";
/** The oldest that the tests run on. */
const OLDEST = { major: 1, minor: 20 };

export interface ClusterVersion {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
}

/** Whether the server answers, and what it is. A server that refuses to tell its version answers all the same. */
export function serverFinding(server: string, version: Answer<ClusterVersion>): Finding {
  const about = { section: SECTION, check: "API server" } as const;
  if (!version.ok) {
    const { error } = version;
    if (isForbidden(error)) {
      return { ...about, status: "ok", message: `${server} answers, and keeps its version to itself` };
    }
    return { ...about, status: "broken", message: failureAt(server, server, error), hint: error.hint };
  }
  const { gitVersion } = version.value;
  const data = { server, version: gitVersion };
  if (isOlder(version.value)) {
    return {
      ...about,
      status: "warning",
      message: `${server} answers; Kubernetes ${gitVersion} is older than ${OLDEST.major}.${OLDEST.minor}, which is untried`,
      hint: `upgrade the cluster to ${OLDEST.major}.${OLDEST.minor} or later`,
      data,
    };
  }
  return { ...about, status: "ok", message: `${server} answers, Kubernetes ${gitVersion}`, data };
}

function isOlder({ major, minor }: ClusterVersion): boolean {
  // Managed clusters write "20+".
  const [first, second] = [Number.parseInt(major, 10), Number.parseInt(minor, 10)];
  if (Number.isNaN(first) || Number.isNaN(second)) return false;
  return first < OLDEST.major || (first === OLDEST.major && second < OLDEST.minor);
}

/** Who we are to the server; servers before 1.28 do not say. */
export function whoAmIFindings(answer: Answer<Subject | undefined>): readonly Finding[] {
  const about = { section: SECTION, check: "user" } as const;
  if (!answer.ok) return [unanswered(about, answer.error)];
  if (answer.value === undefined) return [];
  const { user, groups } = answer.value;
  if (user !== "system:anonymous") {
    return [{ ...about, status: "ok", message: `known to the server as "${user}"`, data: { user, groups } }];
  }
  return [
    {
      ...about,
      status: "broken",
      message: "nobody to the server: the kubeconfig gives this user no credentials",
      hint: "log in to the cluster again, or choose a context with credentials: kubectl config get-contexts",
    },
  ];
}

/** Whether the namespace is there to work in. */
export function namespaceFinding(
  { value: namespace, source }: Sourced<string>,
  answer: Answer<AnyObject | undefined>,
): Finding {
  const about = { section: SECTION, check: "namespace" } as const;
  if (!answer.ok) {
    if (!isForbidden(answer.error)) return unanswered(about, answer.error);
    return {
      ...about,
      status: "skipped",
      message: `"${namespace}": not allowed to read it, so it may not exist`,
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
      message: `"${namespace}" is being deleted: nothing can be made in it`,
      hint: "choose another namespace with -n, or see what holds it: kubectl describe namespace",
    };
  }
  return {
    ...about,
    status: "ok",
    message: `"${namespace}" exists (${source === DEFAULT_SOURCE ? "by default" : `from ${source}`})`,
  };
}
