// The environment variables of the flow's container, in the order of Core 1.4.1.
// Precedence: forced, run config, agent, template.

import { arrayIn, objectIn } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import type { EnvVar } from "../../kube/client/objects.ts";
import type { FlowRun } from "../flow-run.ts";
import { pythonList } from "../../base/python-repr.ts";
import type { FieldSource } from "./field-source.ts";
import type { JobSettings } from "./job-settings.ts";

export interface SourcedEnvVar {
  readonly entry: EnvVar;
  readonly source: FieldSource;
}

export interface EnvInput {
  readonly flowRun: FlowRun;
  readonly settings: JobSettings;
  /** `env` of the run config. */
  readonly runEnv: JsonObject;
  /** `env` of the template's container. */
  readonly templateEnv: unknown;
  readonly image: string;
}

type EnvMap = Map<string, SourcedEnvVar>;

const DASK_NAME = "DASK_KUBERNETES__NAME";
/** dask-kubernetes fills in the placeholders, so that the names of a cluster's objects contain the flow run's id. */
const DASK_NAME_VALUE = "dask-{PREFECT__CONTEXT__FLOW_RUN_ID}-{uuid}";
/** Numbers without an exponent and with all their digits. */
const DECIMAL = new Intl.NumberFormat("en", { useGrouping: false, maximumSignificantDigits: 21 });
const SEND_LOGS = "PREFECT__CLOUD__SEND_FLOW_RUN_LOGS";

/** All variables. Names are unique, unless the template repeats one. */
export function flowEnvironment(input: EnvInput): SourcedEnvVar[] {
  const { settings } = input;
  const variables: EnvMap = new Map();
  set(variables, "PREFECT__LOGGING__LEVEL", { value: settings.loggingLevel, source: "agent option" });
  for (const name in settings.env)
    set(variables, name, { value: settings.env[name], source: "agent option" });
  for (const name in input.runEnv) set(variables, name, { value: input.runEnv[name], source: "run config" });
  if (!settings.sendFlowRunLogs) set(variables, SEND_LOGS, { value: false, source: "forced" });
  else if (!variables.has(SEND_LOGS)) set(variables, SEND_LOGS, { value: true, source: "agent option" });
  setForced(variables, input);
  return withTemplate(variables, input);
}

/** The value as a string: JSON for objects and lists, an empty string for null. */
export function envText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return DECIMAL.format(`${value}`);
  return JSON.stringify(value);
}

function setForced(variables: EnvMap, { flowRun, settings, image }: EnvInput): void {
  const { apiKey = "", keySecret } = settings;
  const hasKey = keySecret !== undefined || apiKey !== "";
  const plain = (name: string, value: string): void => set(variables, name, { value, source: "forced" });
  const key = (name: string): void => {
    if (keySecret === undefined) plain(name, apiKey);
    else
      variables.set(name, {
        entry: { name, valueFrom: { secretKeyRef: { ...keySecret } } },
        source: "forced",
      });
  };
  plain("PREFECT__BACKEND", settings.backend);
  plain("PREFECT__CLOUD__AGENT__LABELS", pythonList(settings.labels));
  plain("PREFECT__CLOUD__API", settings.apiUrl);
  key("PREFECT__CLOUD__API_KEY");
  plain("PREFECT__CLOUD__TENANT_ID", hasKey ? (settings.tenantId ?? "") : "");
  plain("PREFECT__CLOUD__USE_LOCAL_SECRETS", "false");
  plain("PREFECT__CONTEXT__FLOW_RUN_ID", flowRun.id);
  plain("PREFECT__CONTEXT__FLOW_ID", flowRun.flow.id);
  plain("PREFECT__CONTEXT__IMAGE", image);
  plain("PREFECT__ENGINE__FLOW_RUNNER__DEFAULT_CLASS", "prefect.engine.cloud.CloudFlowRunner");
  plain("PREFECT__LOGGING__LOG_TO_CLOUD", settings.sendFlowRunLogs ? "true" : "false");
  key("PREFECT__CLOUD__AUTH_TOKEN");
}

function withTemplate(variables: EnvMap, { settings, templateEnv }: EnvInput): SourcedEnvVar[] {
  const all = [...variables.values()];
  let hasDaskName = variables.has(DASK_NAME);
  for (const item of arrayIn(templateEnv)) {
    const entry = templateEntry(objectIn(item));
    if (entry.name === DASK_NAME) hasDaskName = true;
    if (!variables.has(entry.name)) all.push({ entry, source: "template" });
  }
  if (settings.daskName && !hasDaskName) {
    all.push({ entry: { name: DASK_NAME, value: DASK_NAME_VALUE }, source: "default" });
  }
  return all;
}

function templateEntry(entry: JsonObject): EnvVar {
  const name = String(entry["name"]);
  const value = entry["value"];
  return value === undefined || typeof value === "string"
    ? { ...entry, name }
    : { ...entry, name, value: envText(value) };
}

/** A name that is set again keeps its position. */
function set(
  variables: EnvMap,
  name: string,
  { value, source }: { value: unknown; source: FieldSource },
): void {
  variables.set(name, { entry: { name, value: envText(value) }, source });
}
