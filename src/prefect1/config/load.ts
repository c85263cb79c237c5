// Loads Prefect 1's configuration with the source of every value. Precedence from low to high: defaults, config.toml,
// backend.toml, PREFECT__ variables, flags. auth.toml is used if none of these has an API key or tenant.

import { DEFAULT_SOURCE } from "../../base/sourced.ts";
import { expandVariables } from "../../base/env.ts";
import type { Sourced } from "../../base/sourced.ts";
import { basename } from "node:path";
import type { ReadFile, SettingsDeps } from "../../base/env.ts";
import type { LogLevel } from "../../base/log.ts";
import { savedAuth } from "./auth.ts";
import type { SavedAuth } from "./auth.ts";
import { readToml } from "../../base/toml.ts";
import { fileLayer, mergeLayers, resolveReferences, variableLayer } from "./layers.ts";
import type { Layers } from "./layers.ts";
import { levelValue } from "./log-level.ts";
import { readProcessVariables } from "./process-variables.ts";
import type { ProcessVariables } from "./process-variables.ts";
import {
  choiceValue,
  listValue,
  mapValue,
  numberValue,
  switchValue,
  textValue,
  uuidValue,
  variablesValue,
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

export interface ConfigFile {
  readonly path: string;
  readonly found: boolean;
}

export interface PrefectConfig {
  readonly backend: Sourced<"cloud" | "server">;
  /** Unchanged, with any trailing slash. */
  readonly apiUrl: Sourced<string>;
  /** Prefect's UI. */
  readonly uiUrl: string;
  readonly apiKey: Sourced<string> | undefined;
  /** A UUID in canonical form. */
  readonly tenantId: Sourced<string> | undefined;
  readonly requestTimeoutSeconds: Sourced<number>;
  readonly sendFlowRunLogs: Sourced<boolean>;
  /** The log level of flow runs; the agent's is `agent.level`. */
  readonly loggingLevel: Sourced<string>;
  readonly agent: AgentConfig;
  readonly variables: ProcessVariables;
  readonly files: readonly ConfigFile[];
}

export interface AgentConfig {
  readonly name: Sourced<string>;
  readonly labels: Sourced<readonly string[]>;
  readonly level: Sourced<LogLevel>;
  /** The address of its HTTP server, such as `http://:8080`. */
  readonly address: Sourced<string> | undefined;
  /** Environment variables for every flow run. */
  readonly env: Sourced<Readonly<Record<string, string>>>;
}

const DEFAULTS: Readonly<Record<string, unknown>> = {
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

/** Throws SettingsError for invalid TOML and for invalid values. */
export function loadPrefectConfig(deps: ConfigDeps): PrefectConfig {
  const { env } = deps;
  const files = new ConfigFiles(deps);
  const user = files.layer(
    expandVariables(env["PREFECT__USER_CONFIG_PATH"] || "~/.prefect/config.toml", env),
  );
  const backend = files.layer(
    expandVariables(env["PREFECT__BACKEND_CONFIG_PATH"] || "~/.prefect/backend.toml", env),
  );
  const layers = [user, backend, variableLayer(env), flagLayer(deps.flags ?? {})];
  const values = resolveReferences(layers.map(withoutEmptyDefaults).reduce(mergeLayers, defaultLayer()), env);
  const apiUrl = textAt(values, "cloud.api");
  const auth = files.auth(`${textAt(values, "home_dir").value}/auth.toml`, apiUrl.value);
  const apiKey = textOrUndefined(values, "cloud.api_key") ?? mapValue(auth.apiKey, textValue);
  const tenant = nonEmpty(values, "cloud.tenant_id") ?? auth.tenantId;
  const tenantId = mapValue(tenant, uuidValue);
  deps.secrets?.add(apiKey?.value);
  deps.secrets?.addUrl(apiUrl.value);
  return {
    backend: readValue(values, "backend", (entry) => choiceValue(entry, ["cloud", "server"])),
    apiUrl,
    uiUrl: uiUrlOf(apiUrl.value, textAt(values, "server.ui.endpoint")),
    apiKey,
    tenantId,
    requestTimeoutSeconds: readValue(values, "cloud.request_timeout", numberValue),
    sendFlowRunLogs: readValue(values, "cloud.send_flow_run_logs", switchValue),
    loggingLevel: textAt(values, "logging.level"),
    agent: agentConfig(values),
    variables: readProcessVariables(env),
    files: files.checked,
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

function agentConfig(values: Layers): AgentConfig {
  return {
    name: textAt(values, "cloud.agent.name"),
    labels: readValue(values, "cloud.agent.labels", listValue),
    level: readValue(values, "cloud.agent.level", levelValue),
    address: textOrUndefined(values, "cloud.agent.agent_address"),
    env: envVars(values),
  };
}

/** `cloud.agent.env_vars` can be an object, single variables, or both. */
function envVars(values: Layers): Sourced<Record<string, string>> {
  const key = "cloud.agent.env_vars";
  const whole = values.get(key);
  const variables = whole === undefined ? {} : variablesValue(whole);
  const sources = whole === undefined ? [] : [whole.source];
  for (const [path, entry] of values) {
    if (!path.startsWith(`${key}.`)) continue;
    Object.assign(
      variables,
      variablesValue({ ...entry, value: { [path.slice(key.length + 1)]: entry.value } }),
    );
    sources.push(entry.source);
  }
  return { value: variables, source: sources.join(", ") || DEFAULT_SOURCE };
}

/** Reads the files, and remembers for `doctor` which exist. */
class ConfigFiles {
  readonly checked: ConfigFile[] = [];
  readonly #readFile: ReadFile;

  constructor({ readFile }: ConfigDeps) {
    this.#readFile = readFile;
  }

  layer(path: string): Layers {
    return fileLayer(this.#table(path) ?? {}, basename(path));
  }

  auth(path: string, apiUrl: string): SavedAuth {
    return savedAuth(this.#table(path) ?? {}, apiUrl, basename(path));
  }

  #table(path: string): ReturnType<typeof readToml> {
    const table = readToml(path, this.#readFile);
    this.checked.push({ path, found: table !== undefined });
    return table;
  }
}

function flagLayer(flags: ConfigFlags): Layers {
  const named: readonly (readonly [string, string, string | undefined])[] = [
    ["backend", "--backend", flags.backend],
    ["cloud.api", "--api", flags.api],
    ["cloud.api_key", "--key", flags.key],
    ["cloud.tenant_id", "--tenant-id", flags.tenantId],
  ];
  return new Map(
    named.flatMap(([key, flag, value]) =>
      value === undefined ? [] : [[key, { value, source: `${flag} flag` }] as const],
    ),
  );
}

/** The entry, unless it is empty. */
function nonEmpty(values: Layers, key: string): Sourced<unknown> | undefined {
  const entry = values.get(key);
  return textValue(entry) === undefined ? undefined : entry;
}

function textOrUndefined(values: Layers, key: string): Sourced<string> | undefined {
  return mapValue(nonEmpty(values, key), textValue);
}

/** The text of a key with a default. */
function textAt(values: Layers, key: string): Sourced<string> {
  return textOrUndefined(values, key) ?? { value: "", source: DEFAULT_SOURCE };
}

function defaultLayer(): Layers {
  return new Map(Object.entries(DEFAULTS).map(([key, value]) => [key, { value, source: DEFAULT_SOURCE }]));
}

/** Removes empty values of keys with a default: an empty variable means the default. */
function withoutEmptyDefaults(layer: Layers): Layers {
  const isSet = (key: string, entry: Sourced<unknown>): boolean =>
    !Object.hasOwn(DEFAULTS, key) || textValue(entry) !== undefined;
  return new Map([...layer].filter(([key, entry]) => isSet(key, entry)));
}

function readValue<T>(values: Layers, key: string, as: (entry: Sourced<unknown>) => T): Sourced<T> {
  const entry = values.get(key) ?? { value: "", source: DEFAULT_SOURCE };
  return { value: as(entry), source: entry.source };
}
