// The check-up: everything is asked at once, each API for itself, and what one does not answer holds up no other.

import type { PrefectConfig } from "../prefect1/config/load.ts";
import type { Sourced } from "../prefect1/config/layers.ts";
import type { RestConfig } from "../prefect3/settings.ts";
import type { JobSettings } from "../prefect1/build/job-settings.ts";
import type { Connection } from "../kube/client/connect.ts";
import type { SeenRequest } from "../kube/client/transport.ts";
import type { PrefectApi } from "../prefect1/api.ts";
import type { SeenOperation } from "../prefect1/graphql.ts";
import type { RestApi } from "../prefect3/client.ts";
import type { Clock } from "../base/clock.ts";
import type { Template } from "../prefect1/build/template.ts";
import { templateFindings } from "./checks/admission.ts";
import type { Answer } from "./answer.ts";
import { attempt } from "./answer.ts";
import { configurationFindings, restConfigurationFindings } from "./checks/configuration.ts";
import type { Settings } from "./checks/configuration.ts";
import { examineCluster } from "./run-cluster.ts";
import type { ClusterExamined } from "./run-cluster.ts";
import { examinePrefect } from "./run-prefect1.ts";
import type { PrefectExamined } from "./run-prefect1.ts";
import { examineRest } from "./run-prefect3.ts";
import type { Finding } from "./finding.ts";
import { SECTIONS } from "./finding.ts";
import { dueFindings } from "./checks/due-runs.ts";
import { leftoverFindings } from "./checks/leftovers.ts";
import { podFindings } from "./checks/pods.ts";
import { quietFindings } from "./checks/quiet-runs.ts";

/** How the world is reached; nothing is sent by connecting. */
export interface DoctorDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly connectKube: (onRequest: (seen: SeenRequest) => void) => Promise<Connection>;
  readonly connectPrefect: (
    config: PrefectConfig,
    onRequest: (seen: SeenOperation) => void,
  ) => Promise<PrefectApi>;
  readonly connectRest: (config: RestConfig) => Promise<RestApi>;
  /** The agent's job template, or the default one. */
  readonly loadTemplate: () => Promise<Template>;
}

/** What the check-up is about. */
export interface DoctorTarget {
  readonly config: Answer<PrefectConfig>;
  readonly rest: Answer<RestConfig | undefined>;
  /** Whether somebody has named a Prefect 1 API; the address that Prefect falls back to is not asked. */
  readonly isPrefectNamed: boolean;
  /** What `agent start` would make of options and configuration. */
  readonly settings: Settings & Pick<JobSettings, "keySecret">;
  /** What goes into every Job, but for the namespace; undefined when the configuration cannot be read. */
  readonly job: JobSettings | undefined;
  /** `--job-template` */
  readonly templatePath: string | undefined;
  /** Whether agent's labels were given, so that somebody asks about that agent. */
  readonly areLabelsGiven: boolean;
  /** The flag or variable; else the context's. */
  readonly namespace: Sourced<string> | undefined;
  /** The agent's ServiceAccount of --for. */
  readonly account: { readonly namespace: string; readonly name: string } | undefined;
  readonly leaderElect: boolean;
}

/** All findings, by section. Throws only what was not foreseen. */
export async function examine(deps: DoctorDeps, target: DoctorTarget): Promise<readonly Finding[]> {
  const prefect = examinePrefect(deps, target);
  const rest = examineRest(deps, target);
  const template = attempt(() => deps.loadTemplate());
  try {
    const sources = { 1: prefect.source, 2: rest.source };
    const [cluster, ofPrefect, ofRest, ofTemplate] = await Promise.all([
      examineCluster(deps, target, { sources, template }),
      prefect.found,
      rest.found,
      template,
    ]);
    const findings = [
      ...configurationFindings(target.config, target.settings),
      ...templateFindings(target.templatePath, ofTemplate),
      ...restConfigurationFindings(target.rest),
      ...cluster.findings,
      ...ofPrefect.findings,
      ...ofRest.findings,
      ...runFindings(target, cluster, ofPrefect),
      ...clusterFindings(target, cluster, deps.clock.now()),
    ];
    return findings.toSorted(
      (left, right) => SECTIONS.indexOf(left.section) - SECTIONS.indexOf(right.section),
    );
  } finally {
    await Promise.all([prefect.close(), rest.close()]);
  }
}

/** Flow runs as Prefect knows them, and who takes them. */
function runFindings(
  target: DoctorTarget,
  { inventory, place }: ClusterExamined,
  { runs }: PrefectExamined,
): readonly Finding[] {
  if (runs === undefined) return [];
  const { due, quiet, agents, now } = runs;
  const labels = target.areLabelsGiven ? target.settings.labels.value : undefined;
  const isBlind = inventory === undefined || inventory.forbidden?.includes("jobs") === true;
  const withJobs = inventory?.runs.filter(({ observed }) => observed.jobs.length > 0) ?? [];
  const here =
    isBlind || place === undefined
      ? undefined
      : { place, withJobs: new Set(withJobs.map(({ flowRunId }) => flowRunId)) };
  return [...dueFindings(due, { agents, now, labels }), ...quietFindings(quiet, { here, now })];
}

/** Flow runs as the cluster knows them, and what is left of them. */
function clusterFindings(
  { config, rest, isPrefectNamed }: DoctorTarget,
  { inventory, quotas, namespace }: ClusterExamined,
  now: Date,
): readonly Finding[] {
  if (inventory === undefined) return quotas;
  const apis = [
    ...(isPrefectNamed && config.ok ? [config.value.apiUrl.value] : []),
    ...(rest.ok && rest.value !== undefined ? [rest.value.url.value] : []),
  ];
  return [
    ...podFindings(inventory, now),
    ...quotas,
    ...leftoverFindings(inventory, { apis, namespace, now }),
  ];
}
