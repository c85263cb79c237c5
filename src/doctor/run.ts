// Runs all checks at once, each API by itself: an API that does not answer does not delay the others.

import type { DoctorDeps, DoctorTarget } from "./target.ts";
import { templateFindings } from "./checks/admission.ts";
import { attempt } from "./answer.ts";
import { prefect1ConfigurationFindings, prefect3ConfigurationFindings } from "./checks/configuration.ts";
import { runClusterChecks } from "./run-cluster.ts";
import type { ClusterChecked } from "./run-cluster.ts";
import { runPrefect1Checks } from "./run-prefect1.ts";
import type { Prefect1Checked } from "./run-prefect1.ts";
import { runPrefect3Checks } from "./run-prefect3.ts";
import type { Finding } from "./finding.ts";
import { SECTIONS } from "./finding.ts";
import { dueRunFindings } from "./checks/due-runs.ts";
import { leftoverFindings } from "./checks/leftovers.ts";
import { podFindings } from "./checks/pods.ts";
import { stalledRunFindings } from "./checks/stalled-runs.ts";

/** All findings, sorted by section. Throws only on a bug or Ctrl-C. */
export async function runChecks(deps: DoctorDeps, target: DoctorTarget): Promise<readonly Finding[]> {
  const prefect1 = runPrefect1Checks(deps, target);
  const prefect3 = runPrefect3Checks(deps, target);
  const template = attempt(() => deps.loadTemplate());
  try {
    const sources = { 1: prefect1.source, 2: prefect3.source };
    const [cluster, prefect1Result, prefect3Result, templateResult] = await Promise.all([
      runClusterChecks(deps, target, { sources, template }),
      prefect1.result,
      prefect3.result,
      template,
    ]);
    const findings = [
      ...prefect1ConfigurationFindings(target.config, target.settings),
      ...templateFindings(target.templatePath, templateResult),
      ...prefect3ConfigurationFindings(target.prefect3),
      ...cluster.findings,
      ...prefect1Result.findings,
      ...prefect3Result.findings,
      ...runFindings(target, cluster, prefect1Result),
      ...clusterFindings(target, cluster, deps.clock.now()),
    ];
    return findings.toSorted(
      (left, right) => SECTIONS.indexOf(left.section) - SECTIONS.indexOf(right.section),
    );
  } finally {
    await Promise.all([prefect1.close(), prefect3.close()]);
  }
}

/** Flow runs in Prefect: whether agents take them, and whether they have heartbeats. */
function runFindings(
  target: DoctorTarget,
  { inventory, scope }: ClusterChecked,
  { runs }: Prefect1Checked,
): readonly Finding[] {
  if (runs === undefined) return [];
  const { due, stalled, agents, now } = runs;
  const labels = target.areLabelsConfigured ? target.settings.labels.value : undefined;
  const areJobsUnknown = inventory === undefined || inventory.forbidden?.includes("jobs") === true;
  const withJobs = inventory?.runs.filter(({ observed }) => observed.jobs.length > 0) ?? [];
  const here =
    areJobsUnknown || scope === undefined
      ? undefined
      : { scope, withJobs: new Set(withJobs.map(({ flowRunId }) => flowRunId)) };
  return [...dueRunFindings(due, { agents, now, labels }), ...stalledRunFindings(stalled, { here, now })];
}

/** Flow runs in the cluster, and their leftovers. */
function clusterFindings(
  { config, prefect3, isPrefect1Configured }: DoctorTarget,
  { inventory, quotas, namespace }: ClusterChecked,
  now: Date,
): readonly Finding[] {
  if (inventory === undefined) return quotas;
  const apis = [
    ...(isPrefect1Configured && config.ok ? [config.value.apiUrl.value] : []),
    ...(prefect3.ok && prefect3.value !== undefined ? [prefect3.value.url.value] : []),
  ];
  return [
    ...podFindings(inventory, now),
    ...quotas,
    ...leftoverFindings(inventory, { apis, namespace, now }),
  ];
}
