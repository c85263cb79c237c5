// From `doctor`'s options and Prefect's configuration to what the check-up is about. Nothing is asked of anybody here.

import type { DoctorTarget } from "../../../doctor/target.ts";
import { DEFAULT_SOURCE } from "../../../base/sourced.ts";
import type { Sourced } from "../../../base/sourced.ts";
import { SettingsError } from "../../../base/errors.ts";
import type { Env } from "../../../base/env.ts";
import { jobSettings } from "../../../prefect1/config/job-settings.ts";
import { namesIn, parseSecretEntry } from "../../../agent/option-checks.ts";
import type { ValuesOf } from "../../../agent/option-table.ts";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";
import type { Prefect3Settings } from "../../../prefect3/settings.ts";
import { loadPrefect3Settings } from "../../../prefect3/settings.ts";
import type { ReadFile } from "../../../base/toml.ts";
import { attempt } from "../../../doctor/answer.ts";
import type { DOCTOR_OPTIONS } from "./options.ts";

/** What was typed. */
export interface DoctorFlags {
  readonly options: ValuesOf<typeof DOCTOR_OPTIONS>;
  readonly namespace: string | undefined;
  /** `NAMESPACE/SERVICEACCOUNT` */
  readonly account: string | undefined;
}

/** The target. Throws SettingsError for a --for that cannot be meant; a configuration that cannot be read is a finding. */
export async function doctorTarget(
  flags: DoctorFlags,
  world: {
    readonly env: Env;
    readonly readFile: ReadFile;
    readonly loadConfig: () => Promise<PrefectConfig>;
  },
): Promise<DoctorTarget> {
  const { options } = flags;
  const account = accountOf(flags.account);
  const config = await attempt(world.loadConfig);
  const rest = await attempt((): Prefect3Settings | undefined => loadPrefect3Settings(world));
  const variables = config.ok ? config.value.variables : undefined;
  const labels = [...new Set(options.labels)].sort();
  const ofConfig: Sourced<readonly string[]> = config.ok
    ? config.value.agent.labels
    : { value: [], source: DEFAULT_SOURCE };
  return {
    config,
    rest,
    isPrefectNamed: config.ok && isNamed(config.value),
    settings: {
      labels: labels.length > 0 ? { value: labels, source: "--label" } : ofConfig,
      serviceAccountName:
        flagged(options.serviceAccountName, "--service-account-name") ?? variables?.serviceAccountName,
      imagePullSecrets: pullSecrets(options.imagePullSecrets) ?? variables?.imagePullSecrets,
      keySecret: options.keySecret === undefined ? undefined : parseSecretEntry(options.keySecret),
    },
    job: config.ok ? jobOf(options, config.value) : undefined,
    templatePath: options.jobTemplate === "" ? undefined : options.jobTemplate,
    areLabelsGiven: labels.length > 0 || ofConfig.source !== DEFAULT_SOURCE,
    namespace: flagged(flags.namespace, "-n") ?? variables?.namespace,
    account,
    leaderElect: options.leaderElect === true,
  };
}

/** Whether somebody has said where Prefect 1 is. Nobody may be at the address that it falls back to. */
function isNamed({ apiUrl, apiKey, backend }: PrefectConfig): boolean {
  return apiUrl.source !== DEFAULT_SOURCE || apiKey !== undefined || backend.source !== DEFAULT_SOURCE;
}

/** As `agent start` makes it of the same options; the namespace is known later. */
function jobOf(options: DoctorFlags["options"], config: PrefectConfig): DoctorTarget["job"] {
  const secrets = namesIn(options.imagePullSecrets);
  return jobSettings(config, {
    namespace: "",
    labels: options.labels,
    serviceAccountName: options.serviceAccountName || undefined,
    imagePullSecrets: secrets.length === 0 ? undefined : secrets,
    keySecret: options.keySecret === undefined ? undefined : parseSecretEntry(options.keySecret),
  });
}

function flagged(value: string | undefined, flag: string): Sourced<string> | undefined {
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
