// The API key: in a new Secret, in an existing one, or (--inline-key) in plain text, as in Prefect's own install.

import type { EnvVar } from "../kube/client/objects.ts";
import type { SecretEntry } from "../agent/option-checks.ts";
import { parseSecretEntry } from "../agent/option-checks.ts";
import { literal } from "./literal.ts";
import type { Secret } from "./objects.ts";
import { metadataOf } from "./objects.ts";
import type { InstallOptions } from "./options.ts";

type KeyOptions = Pick<InstallOptions, "key" | "keySecret" | "inlineKey">;

const SECRET_NAME = "prefect-agent";
const SECRET_KEY = "api-key";

/** The Secret and its key that hold the API key; undefined with --inline-key or without an API key. */
export function keyEntry(options: KeyOptions): SecretEntry | undefined {
  if (options.keySecret) return parseSecretEntry(options.keySecret);
  return options.key && !options.inlineKey ? { name: SECRET_NAME, key: SECRET_KEY } : undefined;
}

/** The Secret to create for --key. */
export function keySecrets(options: KeyOptions, namespace: string | undefined): readonly Secret[] {
  if (!options.key || options.inlineKey) return [];
  return [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: metadataOf(SECRET_NAME, namespace),
      type: "Opaque",
      stringData: { [SECRET_KEY]: options.key },
    },
  ];
}

/** The variables with the API key. Older Prefect tools read AUTH_TOKEN. */
export function keyEnvironment(options: KeyOptions): readonly EnvVar[] {
  const entry = keyEntry(options);
  if (entry !== undefined) {
    return [{ name: "PREFECT__CLOUD__API_KEY", valueFrom: { secretKeyRef: entry } }];
  }
  if (!options.key) return [];
  const value = literal(options.key);
  return [
    { name: "PREFECT__CLOUD__AGENT__AUTH_TOKEN", value },
    { name: "PREFECT__CLOUD__API_KEY", value },
  ];
}
