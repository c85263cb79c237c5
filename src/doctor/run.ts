// The check-up: everything is asked at once, each API for itself, and what one does not answer holds up no other.

import type { DoctorDeps, DoctorTarget } from "./target.ts";
import { templateFindings } from "./checks/admission.ts";
import { attempt } from "./answer.ts";
import { configurationFindings, restConfigurationFindings } from "./checks/configuration.ts";
import { runClusterChecks } from "./run-cluster.ts";
import type { ClusterChecked } from "./run-cluster.ts";
import { runPrefect1Checks } from "./run-prefect1.ts";
import type { Prefect1Checked } from "./run-prefect1.ts";
import { runPrefect3Checks } from "./run-prefect3.ts";
import type { Finding } from "./finding.ts";
import { SECTIONS } from "./finding.ts";
import { dueFindings } from "./checks/due-runs.ts";
import { leftoverFindings } from "./checks/leftovers.ts";
import { podFindings } from "./checks/pods.ts";
import { quietFindings } from "./checks/quiet-runs.ts";

/** All findings, by section. Throws only what was not foreseen. */
export async function runChecks(deps: DoctorDeps, target: DoctorTarget): Promise<readonly Finding[]> {
  const prefect = runPrefect1Checks(deps, target);
  const rest = runPrefect3Checks(deps, target);
  const template = attempt(() => deps.loadTemplate());
  try {
    const sources = { 1: prefect.source, 2: rest.source };
    const [cluster, ofPrefect, ofRest, ofTemplate] = await Promise.all([
      runClusterChecks(deps, target, { sources, template }),
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
  { inventory, scope }: ClusterChecked,
  { runs }: Prefect1Checked,
): readonly Finding[] {
  if (runs === undefined) return [];
  const { due, quiet, agents, now } = runs;
  const labels = target.areLabelsGiven ? target.settings.labels.value : undefined;
  const isBlind = inventory === undefined || inventory.forbidden?.includes("jobs") === true;
  const withJobs = inventory?.runs.filter(({ observed }) => observed.jobs.length > 0) ?? [];
  const here =
    isBlind || scope === undefined
      ? undefined
      : { scope, withJobs: new Set(withJobs.map(({ flowRunId }) => flowRunId)) };
  return [...dueFindings(due, { agents, now, labels }), ...quietFindings(quiet, { here, now })];
}

/** Flow runs as the cluster knows them, and what is left of them. */
function clusterFindings(
  { config, rest, isPrefectNamed }: DoctorTarget,
  { inventory, quotas, namespace }: ClusterChecked,
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
