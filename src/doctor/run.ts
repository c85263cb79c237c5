// The checks, in the order of the report.

import { admission } from "./checks/admission.ts";
import { agentPods } from "./checks/agent-pods.ts";
import { agents } from "./checks/agents.ts";
import { apiServer } from "./checks/api-server.ts";
import { clocks } from "./checks/clocks.ts";
import { configuration } from "./checks/configuration.ts";
import { dueRuns } from "./checks/due-runs.ts";
import { jobTemplate } from "./checks/job-template.ts";
import { kubeconfig } from "./checks/kubeconfig.ts";
import { lateRuns } from "./checks/late-runs.ts";
import { leftovers } from "./checks/leftovers.ts";
import { namedObjects } from "./checks/named-objects.ts";
import { namespace } from "./checks/namespace.ts";
import { otherAgents } from "./checks/other-agents.ts";
import { permissions } from "./checks/permissions.ts";
import { prefect1Api } from "./checks/prefect1-api.ts";
import { prefect3Api } from "./checks/prefect3-api.ts";
import { quotas } from "./checks/quotas.ts";
import { stalledRuns } from "./checks/stalled-runs.ts";
import { stuckPods } from "./checks/stuck-pods.ts";
import { doctorContext } from "./context.ts";
import type { Finding } from "./finding.ts";
import type { DoctorDeps, DoctorTarget } from "./target.ts";

const CHECKS = [
  configuration,
  clocks,
  jobTemplate,
  kubeconfig,
  apiServer,
  namespace,
  namedObjects,
  admission,
  agentPods,
  permissions,
  prefect1Api,
  agents,
  prefect3Api,
  dueRuns,
  lateRuns,
  stalledRuns,
  otherAgents,
  stuckPods,
  quotas,
  leftovers,
];

/** Runs all checks at once; none waits for an API that it does not need. Throws only on a bug or Ctrl-C. */
export async function runChecks(deps: DoctorDeps, target: DoctorTarget): Promise<readonly Finding[]> {
  const context = doctorContext(deps, target);
  try {
    return (await Promise.all(CHECKS.map((check) => check(context)))).flat();
  } finally {
    context.close();
  }
}
