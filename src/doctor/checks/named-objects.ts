// ServiceAccount and Secrets that the agent's options and configuration name: they must exist before a Job uses them.

import { isObject, textIn, arrayIn, objectIn } from "../../base/json.ts";
import type { JobSettings } from "../../prefect1/build/job-settings.ts";
import type { AnyObject, Secret } from "../../kube/client/objects.ts";
import type { Answer } from "../answer.ts";
import { isForbidden, failedRequestFinding } from "../answer.ts";
import type { Finding } from "../finding.ts";

const SECTION = "kubernetes";
const PULL_SECRET_TYPES = ["kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"];

type ObjectNames = Pick<JobSettings, "serviceAccountName" | "imagePullSecrets" | "keySecret">;

/** The names to check; Jobs without a ServiceAccount run as `default`. */
export function namesOf(settings: ObjectNames): {
  readonly serviceAccount: string;
  readonly secrets: readonly string[];
} {
  const { serviceAccountName = "default", imagePullSecrets = [], keySecret } = settings;
  const secrets = [...imagePullSecrets, ...(keySecret === undefined ? [] : [keySecret.name])];
  return { serviceAccount: serviceAccountName, secrets: [...new Set(secrets)] };
}

/** The ServiceAccount under which flows run, and its image pull Secrets. */
export function serviceAccountFinding(
  name: string,
  namespace: string,
  answer: Answer<AnyObject | undefined>,
): Finding {
  const about = { section: SECTION, check: "ServiceAccount" } as const;
  if (!answer.ok) {
    if (!isForbidden(answer.error)) return failedRequestFinding(about, answer.error);
    return { ...about, status: "skipped", message: `"${name}": no permission to read ServiceAccounts` };
  }
  if (answer.value === undefined) {
    return {
      ...about,
      status: "broken",
      message: `"${name}" does not exist in namespace "${namespace}", so pods of flow runs cannot start`,
      hint: `create it with: kubectl create serviceaccount ${name} -n ${namespace}`,
    };
  }
  const account: object = answer.value;
  const pulls = isObject(account)
    ? arrayIn(account["imagePullSecrets"]).flatMap((each) => textIn(objectIn(each)["name"]) ?? [])
    : [];
  const pulling =
    pulls.length === 0 ? "" : `; pulls images with ${pulls.map((each) => `"${each}"`).join(", ")}`;
  return { ...about, status: "ok", message: `flows run as "${name}"${pulling}` };
}

/** A Secret of --image-pull-secrets, IMAGE_PULL_SECRETS or --key-secret; its values are not shown. */
export function secretFinding(
  name: string,
  settings: ObjectNames,
  answer: Answer<Secret | undefined>,
): Finding {
  const isPullSecret = settings.imagePullSecrets?.includes(name) === true;
  const about = { section: SECTION, check: isPullSecret ? "image pull Secret" : "key Secret" } as const;
  if (!answer.ok) {
    if (!isForbidden(answer.error)) return failedRequestFinding(about, answer.error);
    return { ...about, status: "skipped", message: `"${name}": no permission to read Secrets` };
  }
  const secret = answer.value;
  if (secret === undefined) {
    const command = isPullSecret
      ? `kubectl create secret docker-registry ${name} --docker-server=… --docker-username=… --docker-password=…`
      : `kubectl create secret generic ${name} --from-literal=${settings.keySecret?.key ?? "api-key"}=…`;
    return {
      ...about,
      status: "broken",
      message: `"${name}" does not exist`,
      hint: `create it with: ${command}`,
    };
  }
  const key = settings.keySecret?.name === name ? settings.keySecret.key : undefined;
  if (key !== undefined && secret.data?.[key] === undefined) {
    const keys = Object.keys(secret.data ?? {}).sort();
    const has = keys.length === 0 ? "it is empty" : `it has ${keys.join(", ")}`;
    return {
      ...about,
      check: "key Secret",
      status: "broken",
      message: `"${name}" has no key "${key}"; ${has}`,
      hint:
        keys.length === 1
          ? `use --key-secret ${name}:${keys[0]}`
          : `add the key, or use another one: --key-secret ${name}:KEY`,
    };
  }
  if (isPullSecret && secret.type !== undefined && !PULL_SECRET_TYPES.includes(secret.type)) {
    return {
      ...about,
      status: "broken",
      message: `"${name}" has type ${secret.type}, which cannot be used to pull images`,
      hint: `delete it, and create it again with: kubectl create secret docker-registry ${name}`,
    };
  }
  return {
    ...about,
    status: "ok",
    message: key === undefined ? `"${name}" exists` : `"${name}" has key "${key}"`,
  };
}
