// The API key: in a Secret of ours, in one that exists, or (--inline-key) in clear text as Prefect's own install has it.

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

/** The entry of the Secret that holds the API key; undefined with --inline-key or without a key. */
export function keyEntry(options: KeyOptions): SecretEntry | undefined {
  if (options.keySecret) return parseSecretEntry(options.keySecret);
  return options.key && !options.inlineKey ? { name: SECRET_NAME, key: SECRET_KEY } : undefined;
}

/** The Secret to create, where the key itself was given. */
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

/** The variables that hand the key to a container. Older Prefect tools read it from AUTH_TOKEN. */
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
