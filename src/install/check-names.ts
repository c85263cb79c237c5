// Checks of single values: names that Kubernetes will accept, addresses, and words out of a short list.

import { SettingsError } from "../base/errors.ts";
import { parseSecretEntry } from "./credentials.ts";
import type { InstallOptions } from "./options.ts";
import { namesIn } from "./options.ts";

interface Rule {
  readonly flag: string;
  readonly values: (options: InstallOptions) => readonly (string | undefined)[];
  readonly holds: (value: string) => boolean;
  /** What the value is not. */
  readonly wanted: string;
  readonly hint: string;
}

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const SECRET_KEY = /^[-._a-zA-Z0-9]{1,253}$/;
const VARIABLE = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;
/** name[:tag][@digest] roughly: no white space, no commas, no upper case before the tag. */
const IMAGE =
  /^[a-z0-9][-._/a-z0-9]*(?::\d+\/[-._/a-z0-9]+)?(?::[\w][-.\w]{0,127})?(?:@[a-z0-9]+:[a-f0-9]{32,})?$/;
const NAME_HINT = "lower-case letters, digits, hyphens and dots, beginning and ending with a letter or digit";

const RULES: readonly Rule[] = [
  {
    flag: "--namespace",
    values: (o) => [o.namespace],
    holds: (value) => LABEL.test(value),
    wanted: "a namespace",
    hint: "lower-case letters, digits and hyphens, at most 63",
  },
  {
    flag: "--service-account-name",
    values: (o) => [o.serviceAccountName],
    holds: isObjectName,
    wanted: "one ServiceAccount's name",
    hint: NAME_HINT,
  },
  {
    flag: "--image-pull-secrets",
    values: (o) => namesIn(o.imagePullSecrets),
    holds: isObjectName,
    wanted: "a Secret's name",
    hint: `several have commas between them; each has ${NAME_HINT}`,
  },
  {
    flag: "--key-secret",
    values: (o) => [o.keySecret],
    holds: (value) =>
      isObjectName(parseSecretEntry(value).name) && SECRET_KEY.test(parseSecretEntry(value).key),
    wanted: "one Secret as NAME or NAME:KEY",
    hint: "such as prefect-credentials:api-key",
  },
  {
    flag: "--api",
    values: (o) => [o.api],
    holds: isHttpUrl,
    wanted: "an http or https address",
    hint: "such as https://api.prefect.io or http://prefect-server-apollo:4200",
  },
  {
    flag: "--job-template",
    values: (o) => [o.jobTemplateUrl],
    holds: (value) => /^(?:https?|s3|gs|gcs):\/\/[^\s/]+\/\S+$/.test(value),
    wanted: "an address that the agent can fetch",
    hint: "an http(s)://, s3:// or gs:// address, or a file that exists here",
  },
  {
    flag: "--image",
    values: (o) => [o.image],
    holds: (value) => IMAGE.test(value),
    wanted: "one image",
    hint: "such as registry.example.com/prefect-agent:v1",
  },
  {
    flag: "--tenant-id",
    values: (o) => [o.tenantId],
    holds: (value) => /^[-\w]+$/.test(value),
    wanted: "one id",
    hint: "copy the tenant's id from Prefect's settings",
  },
  {
    flag: "--agent-config-id",
    values: (o) => [o.agentConfigId],
    holds: (value) => /^[-\w]+$/.test(value),
    wanted: "one id",
    hint: "copy the agent configuration's id from Prefect",
  },
  {
    flag: "--label",
    values: (o) => (o.labels ?? []).map((label) => label || " "),
    holds: (value) => value.trim() !== "",
    wanted: "a label",
    hint: "give a label that is not empty, or leave out --label",
  },
  {
    flag: "--env",
    values: (o) => (o.env ?? []).map((pair) => pair || " "),
    holds: (value) => value.includes("=") && VARIABLE.test(value.slice(0, value.indexOf("="))),
    wanted: "NAME=VALUE",
    hint: "such as --env REGION=eu; NAME has letters, digits, _, - and dots",
  },
  oneOf("--agent", (o) => o.agent, ["kubectl-prefect", "python"]),
  oneOf("--backend", (o) => o.backend, ["cloud", "server"]),
  oneOf("--log-level", (o) => o.logLevel?.toUpperCase(), ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]),
  oneOf("--log-format", (o) => o.logFormat, ["text", "json"]),
  oneOf("--on-disruption", (o) => o.onDisruption, ["fail", "retry"]),
  oneOf("--image-pull-policy", (o) => o.imagePullPolicy, ["Always", "IfNotPresent", "Never"]),
  oneOf("--agent-image-pull-policy", (o) => o.agentImagePullPolicy, ["Always", "IfNotPresent", "Never"]),
];

/** Throws SettingsError, naming the flag, for the first value that cannot be what its flag wants. */
export function checkNames(options: InstallOptions): void {
  if (options.key && !/^[\x21-\x7e]+$/.test(options.key)) {
    // Never the key itself.
    throw new SettingsError("cannot read --key: it has white space or other characters that no API key has", {
      hint: "copy the key again, without quotes or line breaks",
    });
  }
  for (const rule of RULES) {
    const wrong = rule.values(options).find((value) => value && !rule.holds(value));
    if (wrong === undefined) continue;
    throw new SettingsError(`cannot read ${rule.flag} "${wrong.trim()}": not ${rule.wanted}`, {
      hint: rule.hint,
    });
  }
}

function oneOf(
  flag: string,
  value: (o: InstallOptions) => string | undefined,
  words: readonly string[],
): Rule {
  return {
    flag,
    values: (o) => [value(o)],
    holds: (word) => words.includes(word),
    wanted: `one of ${words.join(", ")}`,
    hint: `write ${flag}=${words.join(` or ${flag}=`)}`,
  };
}

/** Whether an object can have this name: a DNS subdomain of at most 253 characters. */
function isObjectName(name: string): boolean {
  return name.length <= 253 && SUBDOMAIN.test(name);
}

function isHttpUrl(text: string): boolean {
  if (/\s/.test(text) || !URL.canParse(text)) return false;
  return ["http:", "https:"].includes(new URL(text).protocol);
}
