// Variables of the containers, with Prefect 1's names: the Prefect connection and the namespace, and defaults for flow Jobs
// that `agent start` has no flag for. The API key is in a new Secret, in an existing one, or (--inline-key) in plain text, as in
// Prefect's own install.

import type { EnvVar } from "../kube/client/objects.ts";
import { parseSecretEntry, type SecretEntry } from "../agent/option-checks.ts";
import { CONFIG_PATH } from "./files.ts";
import { metadataOf, type Manifest } from "./objects.ts";
import type { InstallOptions } from "./options.ts";

const KEY_ENTRY: SecretEntry = { name: "prefect-agent", key: "api-key" };

/** For agent and cleanup. The namespace comes from the pod, so that the manifests can be applied to any namespace. */
export function connectionEnvironment(options: InstallOptions): readonly EnvVar[] {
  const entry = keyEntry(options);
  const plainKey = entry === undefined ? options.key : undefined;
  return [
    { name: "NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
    ...variables({
      PREFECT__BACKEND: options.backend,
      PREFECT__CLOUD__API: options.api,
      PREFECT__CLOUD__TENANT_ID: options.tenantId,
      // For older Prefect tools.
      PREFECT__CLOUD__AGENT__AUTH_TOKEN: plainKey,
      PREFECT__CLOUD__API_KEY: plainKey,
    }),
    ...(entry ? [{ name: "PREFECT__CLOUD__API_KEY", valueFrom: { secretKeyRef: entry } }] : []),
    ...variables({ PREFECT__USER_CONFIG_PATH: options.configToml && CONFIG_PATH }),
  ];
}

/** For the agent: defaults for flow Jobs whose run config and template do not set them. */
export function jobDefaults(options: InstallOptions) {
  return {
    JOB_MEM_REQUEST: options.memRequest,
    JOB_MEM_LIMIT: options.memLimit,
    JOB_CPU_REQUEST: options.cpuRequest,
    JOB_CPU_LIMIT: options.cpuLimit,
    IMAGE_PULL_POLICY: options.imagePullPolicy,
  };
}

/** The variables that are set. */
export function variables(values: Readonly<Record<string, string | undefined>>): readonly EnvVar[] {
  return Object.entries(values).flatMap(([name, value]) => (value ? [{ name, value: literal(value) }] : []));
}

/** The Secret and its key that hold the API key; undefined with --inline-key or without an API key. */
export function keyEntry({ key, keySecret, inlineKey }: InstallOptions): SecretEntry | undefined {
  if (keySecret) return parseSecretEntry(keySecret);
  return key && !inlineKey ? KEY_ENTRY : undefined;
}

/** The Secret to create for --key. */
export function keySecrets({ key, inlineKey, namespace }: InstallOptions): readonly Manifest[] {
  if (!key || inlineKey) return [];
  const metadata = metadataOf(KEY_ENTRY.name, namespace);
  return [
    { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque", stringData: { [KEY_ENTRY.key]: key } },
  ];
}

/**
 * The text for args and values, in which Kubernetes replaces $(NAME), and $$ by $ (k8s.io/kubernetes,
 * third_party/forked/golang/expansion).
 */
export function literal(text: string): string {
  return /\$[$(]/.test(text) ? text.replaceAll("$", "$$$$") : text;
}
