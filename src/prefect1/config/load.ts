// Prefect 1's configuration with the source of every value. From low to high: defaults, config.toml, backend.toml,
// PREFECT__ variables, flags; auth.toml where none of these has key or tenant.

import { DEFAULT_SOURCE } from "../../base/sourced.ts";
import { expandVariables } from "../../base/env.ts";
import type { Sourced } from "../../base/sourced.ts";
import { basename } from "node:path";
import type { Env } from "../../base/env.ts";
import type { LogLevel } from "../../base/log.ts";
import { savedAuth } from "./auth.ts";
import type { SavedAuth } from "./auth.ts";
import { readToml } from "../../base/toml.ts";
import type { ReadFile } from "../../base/toml.ts";
import { fileLayer, over, resolved, variableLayer } from "./layers.ts";
import type { Layers } from "./layers.ts";
import { levelValue } from "./log-level.ts";
import { readProcessVariables } from "./process-variables.ts";
import type { ProcessVariables } from "./process-variables.ts";
import {
  choiceValue,
  listValue,
  numberValue,
  switchValue,
  textValue,
  uuidValue,
  variablesValue,
} from "./values.ts";

export interface ConfigDeps {
  readonly env: Env;
  readonly readFile: ReadFile;
  /** Flags on which other values depend: the API's default follows the backend, the saved key follows the API. */
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
  /** As written, a trailing slash included. */
  readonly apiUrl: Sourced<string>;
  readonly apiKey?: Sourced<string>;
  /** A UUID in its usual form. */
  readonly tenantId?: Sourced<string>;
  readonly requestTimeoutSeconds: Sourced<number>;
  readonly sendFlowRunLogs: Sourced<boolean>;
  /** What flow runs log; the agent's own level is `agent.level`. */
  readonly loggingLevel: Sourced<string>;
  readonly agent: AgentConfig;
  readonly variables: ProcessVariables;
  /** The files that were looked for. */
  readonly files: readonly ConfigFile[];
}

export interface AgentConfig {
  readonly name: Sourced<string>;
  readonly labels: Sourced<readonly string[]>;
  readonly level: Sourced<LogLevel>;
  /** Where it serves its HTTP API, such as `http://:8080`. */
  readonly address?: Sourced<string>;
  /** For every flow run. */
  readonly env: Sourced<Readonly<Record<string, string>>>;
}

const DEFAULTS: Readonly<Record<string, unknown>> = {
  backend: "cloud",
  home_dir: "~/.prefect",
  "server.host": "http://localhost",
  "server.port": 4200,
  "server.endpoint": "${server.host}:${server.port}",
  "cloud.endpoint": "https://api.prefect.io",
  "cloud.api": "${${backend}.endpoint}",
  "cloud.request_timeout": 15,
  "cloud.send_flow_run_logs": true,
  "cloud.agent.name": "agent",
  "cloud.agent.level": "INFO",
  "logging.level": "INFO",
};

/** Reads everything. Throws SettingsError for a file that is no TOML and for values that cannot be meant. */
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
  const values = resolved(layers.map(saidOnly).reduce(over, defaultLayer()), env);
  const apiUrl = textAt(values, "cloud.api");
  const auth = files.auth(`${textAt(values, "home_dir").value}/auth.toml`, apiUrl.value);
  const apiKey = text(values, "cloud.api_key") ?? mapped(auth.apiKey, textValue);
  const tenant = given(values, "cloud.tenant_id") ?? auth.tenantId;
  const tenantId = mapped(tenant, uuidValue);
  return {
    backend: read(values, "backend", (entry) => choiceValue(entry, ["cloud", "server"])),
    apiUrl,
    ...(apiKey && { apiKey }),
    ...(tenantId && { tenantId }),
    requestTimeoutSeconds: read(values, "cloud.request_timeout", numberValue),
    sendFlowRunLogs: read(values, "cloud.send_flow_run_logs", switchValue),
    loggingLevel: textAt(values, "logging.level"),
    agent: agentConfig(values),
    variables: readProcessVariables(env),
    files: files.looked,
  };
}

function agentConfig(values: Layers): AgentConfig {
  const address = text(values, "cloud.agent.agent_address");
  return {
    name: textAt(values, "cloud.agent.name"),
    labels: read(values, "cloud.agent.labels", listValue),
    level: read(values, "cloud.agent.level", levelValue),
    ...(address && { address }),
    env: envVars(values),
  };
}

/** `cloud.agent.env_vars`: one object, single variables, or both. */
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

/** The files, each looked for once and remembered for `doctor`. */
class ConfigFiles {
  readonly looked: ConfigFile[] = [];
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
    this.looked.push({ path, found: table !== undefined });
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

/** The entry, if there is more in it than the empty text. */
function given(values: Layers, key: string): Sourced<unknown> | undefined {
  const entry = values.get(key);
  return textValue(entry) === undefined ? undefined : entry;
}

function text(values: Layers, key: string): Sourced<string> | undefined {
  return mapped(given(values, key), textValue);
}

/** The text of a key that has a default. */
function textAt(values: Layers, key: string): Sourced<string> {
  return text(values, key) ?? { value: "", source: DEFAULT_SOURCE };
}

function defaultLayer(): Layers {
  return new Map(Object.entries(DEFAULTS).map(([key, value]) => [key, { value, source: DEFAULT_SOURCE }]));
}

/** Without keys that are set to nothing though they must be something: an empty variable means the default. */
function saidOnly(layer: Layers): Layers {
  const isSaid = (key: string, entry: Sourced<unknown>): boolean =>
    !Object.hasOwn(DEFAULTS, key) || textValue(entry) !== undefined;
  return new Map([...layer].filter(([key, entry]) => isSaid(key, entry)));
}

function read<T>(values: Layers, key: string, as: (entry: Sourced<unknown>) => T): Sourced<T> {
  const entry = values.get(key) ?? { value: "", source: DEFAULT_SOURCE };
  return { value: as(entry), source: entry.source };
}

function mapped<T>(
  entry: Sourced<unknown> | undefined,
  as: (entry: Sourced<unknown>) => T | undefined,
): Sourced<T> | undefined {
  const value = entry === undefined ? undefined : as(entry);
  return entry === undefined || value === undefined ? undefined : { value, source: entry.source };
}
