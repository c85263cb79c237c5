// Loads Prefect 1's configuration with the source of every value. Precedence from low to high: defaults, config.toml,
// backend.toml, PREFECT__ variables, flags. auth.toml is used if none of these has an API key or tenant.

import { DEFAULT_SOURCE, type Sourced } from "../../base/sourced.ts";
import { expandVariables, type Env, type SettingsDeps } from "../../base/env.ts";
import { basename } from "node:path";
import { objectIn, type JsonObject } from "../../base/json.ts";
import { readToml } from "../../base/toml.ts";
import { fileLayer, mergeLayers, resolveReferences, variableLayer, type Layers } from "./layers.ts";
import type { ResourceDefaults } from "../build/job-settings.ts";
import { envText } from "../build/environment.ts";
import {
  checkApiKey,
  choiceValue,
  levelValue,
  listValue,
  secretNamesValue,
  mapValue,
  secondsValue,
  switchValue,
  textValue,
  uuidValue,
  variablesValue,
  withoutQuotes,
} from "./values.ts";

export interface ConfigDeps extends SettingsDeps {
  /** Other values depend on these flags: the default API on the backend, the saved key on the API. */
  readonly flags?: ConfigFlags | undefined;
}

export interface ConfigFlags {
  readonly backend?: string | undefined;
  readonly api?: string | undefined;
  readonly key?: string | undefined;
  readonly tenantId?: string | undefined;
}

export type PrefectConfig = ReturnType<typeof loadPrefectConfig>;

const DEFAULT_VALUES = {
  backend: "cloud",
  home_dir: "~/.prefect",
  "server.host": "http://localhost",
  "server.port": 4200,
  "server.ui.host": "http://localhost",
  "server.ui.port": 8080,
  "server.ui.endpoint": "${server.ui.host}:${server.ui.port}",
  "server.endpoint": "${server.host}:${server.port}",
  "cloud.endpoint": "https://api.prefect.io",
  "cloud.api": "${${backend}.endpoint}",
  "cloud.request_timeout": 15,
  "cloud.send_flow_run_logs": true,
  "cloud.agent.name": "agent",
  "cloud.agent.level": "INFO",
  "logging.level": "INFO",
};
const DEFAULTS: Layers = new Map(
  Object.entries(DEFAULT_VALUES).map(([key, value]) => [key, { value, source: DEFAULT_SOURCE }]),
);

/** Throws SettingsError for invalid TOML and for invalid values. */
export function loadPrefectConfig(deps: ConfigDeps) {
  const { env } = deps;
  const files: string[] = [];
  const read = (path: string): JsonObject => {
    const table = readToml(path, deps.readFile);
    if (table !== undefined) files.push(path);
    return table ?? {};
  };
  const paths = [
    env["PREFECT__USER_CONFIG_PATH"] || "~/.prefect/config.toml",
    env["PREFECT__BACKEND_CONFIG_PATH"] || "~/.prefect/backend.toml",
  ].map((path) => expandVariables(path, env));
  const layers = [
    ...paths.map((path) => fileLayer(read(path), basename(path))),
    variableLayer(env),
    flagLayer(deps.flags ?? {}),
  ];
  const merged = layers.map(withoutEmptyDefaults).reduce(mergeLayers, DEFAULTS);
  const backend = sourced(resolveReferences(merged, env), "backend", (entry) =>
    choiceValue<"cloud" | "server">(entry, ["cloud", "server"]),
  );
  // The default API refers to the backend, by its exact name.
  const values = resolveReferences(new Map(merged).set("backend", backend), env);
  const apiUrl = sourced(values, "cloud.api", plainText);
  const authPath = `${sourced(values, "home_dir", plainText).value}/auth.toml`;
  const saved = savedAuth(read(authPath), apiUrl.value, basename(authPath));
  const apiKey =
    mapValue(values.get("cloud.api_key"), textValue) ?? mapValue(saved.get("api_key"), textValue);
  const tenantId =
    mapValue(values.get("cloud.tenant_id"), uuidValue) ?? mapValue(saved.get("tenant_id"), uuidValue);
  deps.secrets?.add(apiKey?.value);
  if (apiKey !== undefined) checkApiKey(apiKey);
  deps.secrets?.addUrl(apiUrl.value);
  return {
    backend,
    /** Unchanged, with any trailing slash. */
    apiUrl,
    uiUrl: uiUrlOf(apiUrl.value, sourced(values, "server.ui.endpoint", plainText)),
    apiKey,
    /** A UUID in canonical form. */
    tenantId,
    /** Infinity: no limit. */
    requestTimeoutSeconds: sourced(values, "cloud.request_timeout", secondsValue).value,
    sendFlowRunLogs: sourced(values, "cloud.send_flow_run_logs", switchValue).value,
    /** The log level of flow runs; the agent's is `agent.level`. */
    loggingLevel: sourced(values, "logging.level", plainText).value,
    agent: agentConfig(values),
    variables: processVariables(env),
    files,
  };
}

/** Where the UI is: as configured; Cloud's by its API, another by the host of its API. */
function uiUrlOf(apiUrl: string, endpoint: Sourced<string>): string {
  const api = URL.parse(apiUrl);
  if (api?.hostname.endsWith(".prefect.io") === true) return apiUrl.replace(/api-?/, "cloud");
  const isLocal = api === null || ["localhost", "127.0.0.1"].includes(api.hostname);
  return isLocal || endpoint.source !== DEFAULT_SOURCE
    ? endpoint.value
    : `${api.protocol}//${api.hostname}:8080`;
}

function agentConfig(values: Layers) {
  return {
    name: sourced(values, "cloud.agent.name", plainText).value,
    labels: sourced(values, "cloud.agent.labels", listValue),
    level: sourced(values, "cloud.agent.level", levelValue).value,
    /** The address of its HTTP server, such as `http://:8080`. */
    address: mapValue(values.get("cloud.agent.agent_address"), textValue)?.value,
    /** Environment variables for every flow run. */
    env: envVars(values),
  };
}

/** `cloud.agent.env_vars` can be an object, single variables, or both. */
function envVars(values: Layers): Readonly<Record<string, string>> {
  const key = "cloud.agent.env_vars";
  const whole = values.get(key);
  const single = [...values].flatMap(([path, { value }]) =>
    path.startsWith(`${key}.`) ? [[path.slice(key.length + 1), envText(withoutQuotes(value))] as const] : [],
  );
  return { ...(whole && variablesValue(whole)), ...Object.fromEntries(single) };
}

/** The variables without PREFECT__ that Prefect 1's agent reads or its manifest sets. An empty one is undefined. */
function processVariables(env: Env) {
  const entry = (name: string): Sourced<string> | undefined =>
    mapValue({ value: env[name], source: `${name} variable` }, textValue);
  const policy = (set: Sourced<unknown>): string => choiceValue(set, ["Always", "IfNotPresent", "Never"]);
  return {
    namespace: entry("NAMESPACE"),
    serviceAccountName: entry("SERVICE_ACCOUNT_NAME")?.value,
    imagePullSecrets: mapValue(entry("IMAGE_PULL_SECRETS"), secretNamesValue)?.value,
    /** Core requires exactly `True`; here any boolean notation works. */
    deleteFinishedJobs: mapValue(entry("DELETE_FINISHED_JOBS"), switchValue)?.value ?? true,
    imagePullPolicy: mapValue(entry("IMAGE_PULL_POLICY"), policy)?.value,
    resources: {
      memoryRequest: entry("JOB_MEM_REQUEST")?.value,
      memoryLimit: entry("JOB_MEM_LIMIT")?.value,
      cpuRequest: entry("JOB_CPU_REQUEST")?.value,
      cpuLimit: entry("JOB_CPU_LIMIT")?.value,
    } satisfies ResourceDefaults,
  };
}

/** Host and port in lower case; what is between `a-z0-9.` becomes one hyphen, as python-slugify does it. */
export function apiSlug(apiUrl: string): string {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(apiUrl)?.[1] || apiUrl;
  return authority
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^-+|-+$/g, "");
}

/** What `prefect auth login` saved for this API in auth.toml, in a table that is named by a slug of its URL. */
function savedAuth(table: JsonObject, apiUrl: string, file: string): Layers {
  const slug = apiSlug(apiUrl);
  const entries = Object.entries(objectIn(table[slug]));
  return new Map(entries.map(([key, value]) => [key, { value, source: `${file} ["${slug}"] ${key}` }]));
}

function flagLayer(flags: ConfigFlags): Layers {
  const rows = [
    ["backend", "--backend", flags.backend],
    ["cloud.api", "--api", flags.api],
    ["cloud.api_key", "--key", flags.key],
    ["cloud.tenant_id", "--tenant-id", flags.tenantId],
  ] as const;
  const given = rows.filter(([, , value]) => value !== undefined);
  return new Map(given.map(([key, flag, value]) => [key, { value, source: `${flag} flag` }]));
}

/** Removes empty values of keys with a default: an empty variable means the default. */
function withoutEmptyDefaults(layer: Layers): Layers {
  const isSet = (key: string, entry: Sourced<unknown>): boolean =>
    !DEFAULTS.has(key) || textValue(entry) !== undefined;
  return new Map([...layer].filter(([key, entry]) => isSet(key, entry)));
}

/** Of a key with a default. */
function plainText(entry: Sourced<unknown>): string {
  return textValue(entry) ?? "";
}

function sourced<T>(values: Layers, key: string, as: (entry: Sourced<unknown>) => T): Sourced<T> {
  const entry = values.get(key) ?? { value: "", source: DEFAULT_SOURCE };
  return { value: as(entry), source: entry.source };
}
