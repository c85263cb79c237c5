// `doctor`'s options and Prefect's configuration → the target of the checks. Sends no requests.

import type { DoctorTarget } from "../../../doctor/target.ts";
import { DEFAULT_SOURCE } from "../../../base/sourced.ts";
import type { Sourced } from "../../../base/sourced.ts";
import { SettingsError } from "../../../base/errors.ts";
import type { Env } from "../../../base/env.ts";
import { jobSettings } from "../../../prefect1/config/job-settings.ts";
import { namesIn, parseSecretEntry } from "../../../agent/option-checks.ts";
import type { ValuesOf } from "../../../agent/option-row.ts";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";
import type { Prefect3Settings } from "../../../prefect3/settings.ts";
import { loadPrefect3Settings } from "../../../prefect3/settings.ts";
import type { ReadFile } from "../../../base/toml.ts";
import { attempt } from "../../../doctor/answer.ts";
import type { DOCTOR_OPTIONS } from "./options.ts";

export interface DoctorFlags {
  readonly options: ValuesOf<typeof DOCTOR_OPTIONS>;
  readonly namespace: string | undefined;
  /** `NAMESPACE/SERVICEACCOUNT` */
  readonly account: string | undefined;
}

/** The target. Throws SettingsError for an invalid --for; an unreadable configuration is a finding. */
export async function doctorTarget(
  flags: DoctorFlags,
  dependencies: {
    readonly env: Env;
    readonly readFile: ReadFile;
    readonly loadConfig: () => Promise<PrefectConfig>;
  },
): Promise<DoctorTarget> {
  const { options } = flags;
  const account = accountOf(flags.account);
  const config = await attempt(dependencies.loadConfig);
  const prefect3 = await attempt((): Prefect3Settings | undefined => loadPrefect3Settings(dependencies));
  const variables = config.ok ? config.value.variables : undefined;
  const labels = [...new Set(options.labels)].sort();
  const configuredLabels: Sourced<readonly string[]> = config.ok
    ? config.value.agent.labels
    : { value: [], source: DEFAULT_SOURCE };
  return {
    config,
    prefect3,
    isPrefect1Configured: config.ok && isConfigured(config.value),
    settings: {
      labels: labels.length > 0 ? { value: labels, source: "--label" } : configuredLabels,
      serviceAccountName:
        fromFlag(options.serviceAccountName, "--service-account-name") ?? variables?.serviceAccountName,
      imagePullSecrets: pullSecrets(options.imagePullSecrets) ?? variables?.imagePullSecrets,
      keySecret: options.keySecret === undefined ? undefined : parseSecretEntry(options.keySecret),
    },
    jobSettings: config.ok ? jobSettingsOf(options, config.value) : undefined,
    templatePath: options.jobTemplate === "" ? undefined : options.jobTemplate,
    areLabelsConfigured: labels.length > 0 || configuredLabels.source !== DEFAULT_SOURCE,
    namespace: fromFlag(flags.namespace, "-n") ?? variables?.namespace,
    account,
    leaderElect: options.leaderElect === true,
  };
}

/** Whether a Prefect 1 API is configured; without configuration there may be no server at the default address. */
function isConfigured({ apiUrl, apiKey, backend }: PrefectConfig): boolean {
  return apiUrl.source !== DEFAULT_SOURCE || apiKey !== undefined || backend.source !== DEFAULT_SOURCE;
}

/** As `agent start` builds it from the same options; the namespace is not known yet. */
function jobSettingsOf(options: DoctorFlags["options"], config: PrefectConfig): DoctorTarget["jobSettings"] {
  const secrets = namesIn(options.imagePullSecrets);
  return jobSettings(config, {
    namespace: "",
    labels: options.labels,
    serviceAccountName: options.serviceAccountName || undefined,
    imagePullSecrets: secrets.length === 0 ? undefined : secrets,
    keySecret: options.keySecret === undefined ? undefined : parseSecretEntry(options.keySecret),
  });
}

function fromFlag(value: string | undefined, flag: string): Sourced<string> | undefined {
  return value === undefined || value === "" ? undefined : { value, source: flag };
}

function pullSecrets(list: string | undefined): Sourced<readonly string[]> | undefined {
  const names = namesIn(list);
  return names.length === 0 ? undefined : { value: names, source: "--image-pull-secrets" };
}

function accountOf(text: string | undefined): DoctorTarget["account"] {
  if (text === undefined) return undefined;
  const [namespace = "", name = "", ...rest] = text.replace(/^system:serviceaccount:/, "").split(/[/:]/);
  if (namespace === "" || name === "" || rest.length > 0) {
    throw new SettingsError(`cannot read --for "${text}": not a ServiceAccount`, {
      hint: "write NAMESPACE/SERVICEACCOUNT, such as flows/prefect-agent",
    });
  }
  return { namespace, name };
}
