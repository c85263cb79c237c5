// The environment variables of the flow's container, in the order of Core 1.4.1.
// Precedence: forced, run config, agent, template.

import { arrayIn, objectIn, type JsonObject } from "../../base/json.ts";
import type { EnvVar } from "../../kube/client/objects.ts";
import { pythonList } from "../../base/python-repr.ts";
import type { FlowRun } from "../flow-run.ts";
import type { FieldSource } from "./field-source.ts";
import type { JobSettings } from "./job-settings.ts";
import type { RunConfig } from "./run-config.ts";

interface SourcedEnvVar {
  readonly entry: EnvVar;
  readonly source: FieldSource;
}

export interface EnvInput {
  readonly flowRun: FlowRun;
  readonly settings: JobSettings;
  readonly runConfig: Pick<RunConfig, "env">;
  /** `env` of the template's container. */
  readonly templateEnv: unknown;
  readonly image: string;
}

type EnvMap = Map<string, SourcedEnvVar>;

const DASK_NAME = "DASK_KUBERNETES__NAME";
/** dask-kubernetes fills in the placeholders, so that the names of a cluster's objects contain the flow run's id. */
const DASK_NAME_VALUE = "dask-{PREFECT__CONTEXT__FLOW_RUN_ID}-{uuid}";
const ALL_DIGITS = { useGrouping: false, maximumSignificantDigits: 21 } as const;
const SEND_LOGS = "PREFECT__CLOUD__SEND_FLOW_RUN_LOGS";

/** All variables. Names are unique, unless the template repeats one. */
export function flowEnvironment(input: EnvInput): SourcedEnvVar[] {
  const { loggingLevel, env, sendFlowRunLogs } = input.settings;
  const variables: EnvMap = new Map();
  /** A name that is set again keeps its position. */
  const add = (values: JsonObject, source: FieldSource): void => {
    for (const name in values) variables.set(name, { entry: { name, value: envText(values[name]) }, source });
  };
  add({ PREFECT__LOGGING__LEVEL: loggingLevel }, "agent option");
  add(env, "agent option");
  add(input.runConfig.env, "run config");
  if (!sendFlowRunLogs || !variables.has(SEND_LOGS))
    add({ [SEND_LOGS]: sendFlowRunLogs }, sendFlowRunLogs ? "agent option" : "forced");
  for (const [name, value] of Object.entries(forcedVariables(input)))
    variables.set(name, { entry: { name, ...value }, source: "forced" });
  return withTemplate(variables, input);
}

/** The value as a string: JSON for objects and lists, an empty string for null. */
export function envText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return JSON.stringify(value);
  const text = String(value);
  // A formatter takes 20 ms to make: only for numbers with an exponent.
  return text.includes("e")
    ? new Intl.NumberFormat("en", ALL_DIGITS).format(text as Intl.StringNumericLiteral)
    : text;
}

function forcedVariables({ flowRun, settings, image }: EnvInput): Record<string, Omit<EnvVar, "name">> {
  const { apiKey = "", keySecret, tenantId = "" } = settings;
  const hasKey = keySecret !== undefined || apiKey !== "";
  const key = keySecret === undefined ? { value: apiKey } : { valueFrom: { secretKeyRef: { ...keySecret } } };
  return {
    PREFECT__BACKEND: { value: settings.backend },
    PREFECT__CLOUD__AGENT__LABELS: { value: pythonList(settings.labels) },
    PREFECT__CLOUD__API: { value: settings.apiUrl },
    PREFECT__CLOUD__API_KEY: key,
    PREFECT__CLOUD__TENANT_ID: { value: hasKey ? tenantId : "" },
    PREFECT__CLOUD__USE_LOCAL_SECRETS: { value: "false" },
    PREFECT__CONTEXT__FLOW_RUN_ID: { value: flowRun.id },
    PREFECT__CONTEXT__FLOW_ID: { value: flowRun.flow.id },
    PREFECT__CONTEXT__IMAGE: { value: image },
    PREFECT__ENGINE__FLOW_RUNNER__DEFAULT_CLASS: { value: "prefect.engine.cloud.CloudFlowRunner" },
    PREFECT__LOGGING__LOG_TO_CLOUD: { value: String(settings.sendFlowRunLogs) },
    PREFECT__CLOUD__AUTH_TOKEN: key,
  };
}

function withTemplate(variables: EnvMap, { settings, templateEnv }: EnvInput): SourcedEnvVar[] {
  const all = [...variables.values()];
  for (const item of arrayIn(templateEnv).map(objectIn)) {
    const { value } = item;
    const name = String(item["name"]);
    if (variables.has(name)) continue;
    const entry = value === undefined ? { ...item, name } : { ...item, name, value: envText(value) };
    all.push({ entry, source: "template" });
  }
  if (settings.daskName && all.every(({ entry }) => entry.name !== DASK_NAME))
    all.push({ entry: { name: DASK_NAME, value: DASK_NAME_VALUE }, source: "default" });
  return all;
}
