// The environment of the container that runs the flow: names in the order in which Core 1.4.1 emits them.
// forced > run config > agent > template.

import { arrayIn, objectIn } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import type { EnvVar } from "../../kube/client/objects.ts";
import type { FlowRun } from "../flow-run.ts";
import { pythonList } from "../../base/python-repr.ts";
import type { FieldSource } from "./field-source.ts";
import type { JobSettings } from "./job-settings.ts";

/** One variable and where it came from. */
export interface EnvSlot {
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

type Slots = Map<string, EnvSlot>;

const DASK_NAME = "DASK_KUBERNETES__NAME";
/** dask-kubernetes fills in the braces itself, so that all of a cluster's objects carry the flow run's id. */
const DASK_NAME_VALUE = "dask-{PREFECT__CONTEXT__FLOW_RUN_ID}-{uuid}";
const SEND_LOGS = "PREFECT__CLOUD__SEND_FLOW_RUN_LOGS";

/** Every variable, each name once unless the template itself repeats one. */
export function flowEnvironment(input: EnvInput): EnvSlot[] {
  const { settings } = input;
  const slots: Slots = new Map();
  put(slots, "PREFECT__LOGGING__LEVEL", { value: settings.loggingLevel, source: "agent option" });
  for (const name in settings.env) put(slots, name, { value: settings.env[name], source: "agent option" });
  for (const name in input.runEnv) put(slots, name, { value: input.runEnv[name], source: "run config" });
  if (!settings.sendFlowRunLogs) put(slots, SEND_LOGS, { value: false, source: "forced" });
  else if (!slots.has(SEND_LOGS)) put(slots, SEND_LOGS, { value: true, source: "agent option" });
  force(slots, input);
  return withTemplate(slots, input);
}

/** A value as text: what a flow expects to read, JSON for what is not plain. Null is the empty text. */
export function envText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return decimal(value);
  return JSON.stringify(value);
}

function force(slots: Slots, { flowRun, settings, image }: EnvInput): void {
  const { apiKey = "", keySecret } = settings;
  const hasKey = keySecret !== undefined || apiKey !== "";
  const plain = (name: string, value: string): void => put(slots, name, { value, source: "forced" });
  const key = (name: string): void => {
    if (keySecret === undefined) plain(name, apiKey);
    else
      slots.set(name, { entry: { name, valueFrom: { secretKeyRef: { ...keySecret } } }, source: "forced" });
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

function withTemplate(slots: Slots, { settings, templateEnv }: EnvInput): EnvSlot[] {
  const all = [...slots.values()];
  let hasDaskName = slots.has(DASK_NAME);
  for (const item of arrayIn(templateEnv)) {
    const entry = templateEntry(objectIn(item));
    if (entry.name === DASK_NAME) hasDaskName = true;
    if (!slots.has(entry.name)) all.push({ entry, source: "template" });
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

/** A name that is set again keeps its first place. */
function put(slots: Slots, name: string, { value, source }: { value: unknown; source: FieldSource }): void {
  slots.set(name, { entry: { name, value: envText(value) }, source });
}

/** The shortest digits that mean this number, without an exponent. */
function decimal(value: number): string {
  const [mantissa = "", exponent] = String(value).split("e");
  if (exponent === undefined) return mantissa;
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d)\.?(\d*)$/.exec(mantissa) ?? [];
  const places = Number(exponent);
  // A number prints with an exponent only when its point lies left of all its digits, or right of them.
  return places < 0
    ? `${sign}0.${"0".repeat(-places - 1)}${whole}${fraction}`
    : `${sign}${whole}${fraction.padEnd(places, "0")}`;
}
