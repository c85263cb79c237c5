// What the agent's log says first: where it works, for whom, and within which limits. Whoever reads the log of a pod sees a
// wrong cluster, namespace, label or address here.

import { redactUrl } from "../base/redact-url.ts";
import type { Log } from "../base/log.ts";
import type { AgentSettings } from "./settings.ts";

interface Connected {
  readonly target: { readonly contextName?: string | undefined; readonly server: string } | undefined;
  readonly job: { readonly apiUrl: string; readonly backend: string };
  readonly template: string | undefined;
}

/** Four lines, so that each can be read on a terminal and found by its first word. */
export function logBanner(log: Pick<Log, "info">, settings: AgentSettings, to: Connected): void {
  const { name, labels, namespace, tenantId, limit = "none", concurrency } = settings;
  const { target, job, template = "Prefect's default" } = to;
  const taken = labels.length === 0 ? "none: only flow runs without labels are taken" : labels.join(", ");
  log.info("Agent:", { name, labels: taken });
  const cluster = target && redactUrl(target.server);
  log.info("Kubernetes:", { namespace, context: target?.contextName, cluster });
  log.info("Prefect:", { api: redactUrl(job.apiUrl), backend: job.backend, tenant: tenantId });
  log.info("Jobs:", { template, limit, concurrency });
}
