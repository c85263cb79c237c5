// Checks the options: each value by itself, the files, then combinations. An empty value counts as not set.

import { SettingsError } from "../base/errors.ts";
import { objectIn, type JsonObject } from "../base/json.ts";
import { readToml } from "../base/toml.ts";
import { checkTemplateNamespace, parseTemplate } from "../prefect1/build/template.ts";
import { checkApiKey } from "../prefect1/config/values.ts";
import { checkWorkOptions, JOB_OPTIONS } from "../agent/options.ts";
import { anId, aWebAddress, must, namesIn, oneOf } from "../agent/option-checks.ts";
import { checkOptionValues, text } from "../agent/option-row.ts";
import {
  AGENT_START_OPTIONS,
  INSTALL_OPTIONS,
  isLess,
  type InstallOptions,
  type TextFile,
} from "./options.ts";

const aTemplateAddress = must(
  (value) => /^(?:https?:\/\/[^\s/]+(?:\/\S*)?|(?:s3|gs|gcs):\/\/[^\s/]+\/\S+)$/.test(value),
  "an address that the agent can fetch",
  "an http(s)://, s3:// or gs:// address, or a file that exists here",
);
const CONNECTION_OPTIONS = {
  api: text("--api", "", { check: aWebAddress }),
  backend: text("--backend", "", { check: oneOf(["cloud", "server"]) }),
  tenantId: text("--tenant-id", "", { check: anId }),
  jobTemplateUrl: text("--job-template", "", { check: aTemplateAddress }),
};

const ALL = { ...AGENT_START_OPTIONS, ...INSTALL_OPTIONS };
const MAX_FILE = 240 * 1_024;
/** The options of Prefect's own install; others would be silently ignored. */
const OF_PYTHON = new Set<keyof InstallOptions>([
  ...(["labels", "env", "agentConfigId", "serviceAccountName", "imagePullSecrets", "namespace"] as const),
  ...(["inlineKey", "rbacOnly", "imagePullPolicy", "memRequest", "memLimit", "cpuRequest"] as const),
  ...(["cpuLimit", "agent", "image", "latest"] as const),
]);

/** Throws SettingsError with a hint for the first problem. */
export function checkOptions(options: InstallOptions): void {
  checkValues(options);
  if (options.agent === "python") checkPython(options);
  // The permissions do not depend on the other options.
  if (options.rbacOnly) return;
  checkResources(options);
  const { jobTemplate, configToml } = options;
  if (jobTemplate !== undefined) {
    checkSize(jobTemplate, "job template");
    const template = parseTemplate(jobTemplate.text, { from: "agent", name: jobTemplate.path });
    if (options.namespace) checkTemplateNamespace(template, options.namespace);
  }
  if (configToml !== undefined) checkConfigToml(configToml);
  checkCombinations(options);
}

function checkValues(options: InstallOptions): void {
  if (options.key) checkApiKey({ value: options.key, source: "--key" });
  const { jobTemplate: _template, configToml: _config, ...values } = options;
  checkOptionValues({ ...CONNECTION_OPTIONS, ...INSTALL_OPTIONS, ...JOB_OPTIONS }, values);
  checkWorkOptions(values);
}

/** Prefect's own agent has fewer options, and takes only one image pull Secret. */
function checkPython(options: InstallOptions): void {
  const flag = unknownToPython(options);
  if (flag !== undefined) {
    const why = "Prefect's own agent has no such option";
    throw new SettingsError(`cannot use "${flag}" with "--agent python": ${why}`, {
      hint: `leave out ${flag}, or --agent python`,
    });
  }
  const { imagePullSecrets } = options;
  if (namesIn(imagePullSecrets).length < 2) return;
  const why = "Prefect's own agent takes only one Secret";
  throw new SettingsError(`cannot use --image-pull-secrets "${imagePullSecrets}": ${why}`, {
    hint: "name one Secret, or leave out --agent python",
  });
}

function unknownToPython(options: InstallOptions): string | undefined {
  if (options.rbac === "minimal") return "--rbac=minimal";
  if (options.jobTemplateUrl) return AGENT_START_OPTIONS.jobTemplate.flag;
  const names = Object.keys(ALL) as (keyof typeof ALL)[];
  const name = names.find((each) => !OF_PYTHON.has(each) && Boolean(options[each]));
  return name && ALL[name].flag;
}

function checkResources(options: InstallOptions): void {
  for (const what of ["mem", "agentMem", "cpu", "agentCpu"] as const) {
    const [limit, request] = [options[`${what}Limit`], options[`${what}Request`]];
    if (!isLess(limit, request)) continue;
    const [{ flag }, { flag: other }] = [INSTALL_OPTIONS[`${what}Limit`], INSTALL_OPTIONS[`${what}Request`]];
    throw new SettingsError(`cannot use ${flag} "${limit}": it is less than ${other} ${request}`, {
      hint: `raise ${flag} or lower ${other}`,
    });
  }
}

/** kubectl apply writes the whole ConfigMap into an annotation, which may have 256 KiB. */
function checkSize({ path, text: content }: TextFile, what: string): void {
  if (Buffer.byteLength(JSON.stringify(content)) <= MAX_FILE) return;
  throw new SettingsError(`cannot use ${what} "${path}": it is too large for a ConfigMap`, {
    hint: "use at most 240 KiB",
  });
}

/** The configuration must be TOML, and must not contain keys and secrets: a ConfigMap is not secret. */
function checkConfigToml(file: TextFile): void {
  checkSize(file, "configuration");
  const { cloud, context } = configIn(file);
  const keys = objectIn(cloud);
  const ofContext = Object.entries(objectIn(objectIn(context)["secrets"]));
  const secrets: readonly (readonly [name: string, value: unknown])[] = [
    ["cloud.api_key", keys["api_key"]],
    ["cloud.auth_token", keys["auth_token"]],
    ["cloud.agent.auth_token", objectIn(keys["agent"])["auth_token"]],
    ...ofContext.map(([name, value]) => [`context.secrets.${name}`, value] as const),
  ];
  const [name] = secrets.find(([, value]) => value !== undefined && value !== "") ?? [];
  if (name === undefined) return;
  const why = `it has ${name}, but a ConfigMap is not secret`;
  throw new SettingsError(`cannot use configuration "${file.path}": ${why}`, {
    hint: name.startsWith("context.")
      ? "remove the secrets from the file: the agent does not use them"
      : "remove the key from the file and set it with --key, which puts it into a Secret",
  });
}

export function hasServerAddress(file: TextFile): boolean {
  const config = configIn(file);
  const server = objectIn(config["server"]);
  return [objectIn(config["cloud"])["api"], server["host"], server["endpoint"]].some(Boolean);
}

function configIn({ path, text: toml }: TextFile): JsonObject {
  return readToml(path, () => toml) ?? {};
}

function checkCombinations(options: InstallOptions): void {
  for (const [areBothSet, one, other, why] of conflictsIn(options)) {
    if (!areBothSet) continue;
    const hint = "leave out one of the two";
    throw new SettingsError(`cannot use "${one}" with "${other}": ${why}`, { hint });
  }
  if (options.agent === "python") return;
  const { key, api, backend, inlineKey, configToml } = options;
  if (inlineKey === true && !key)
    throw new SettingsError("cannot use --inline-key: no API key is set", { hint: "set the key with --key" });
  if (backend === "server" && !api && !(configToml && hasServerAddress(configToml))) {
    throw new SettingsError('cannot use --backend "server": the address of the server is not set', {
      hint: "set it with --api, such as http://prefect-server-apollo:4200",
    });
  }
}

/** Options that exclude each other: whether both are set, which they are, and why. */
function conflictsIn(options: InstallOptions) {
  const { key, keySecret, inlineKey } = options;
  const keepFlag =
    (options.disableJobDeletion && "--disable-job-deletion") ||
    (options.deleteSucceededAfter === "never" && "--delete-succeeded-after never") ||
    (options.deleteFailedAfter === "never" && "--delete-failed-after never");
  const fromSecret = "the key is in a Secret and cannot be written into the Deployment";
  const kept = "the resource manager would delete the Jobs that the agent keeps";
  return [
    [options.latest && options.image, "--latest", "--image", "both name the image"],
    [key && keySecret, "--key", "--key-secret", "both name the API key"],
    [inlineKey && keySecret, "--inline-key", "--key-secret", fromSecret],
    [options.resourceManager && keepFlag, "--resource-manager", keepFlag, kept],
  ] as const;
}
