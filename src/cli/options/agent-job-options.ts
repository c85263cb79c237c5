// The options of `agent start` that shape its Jobs; `render` takes them too, so that it shows the same Job.

import { JOB_OPTIONS } from "../../agent/options.ts";
import type { JobOptions } from "../../prefect1/config/job-settings.ts";
import { checkOptionValues } from "../../agent/option-row.ts";
import { environmentIn, parseSecretEntry } from "../../agent/option-checks.ts";
import { ClusterCommand } from "./cluster-command.ts";
import { optionGroup } from "./option-group.ts";

export abstract class AgentCommand extends ClusterCommand {
  readonly job = optionGroup(JOB_OPTIONS);

  /** The options for jobSettings. Throws SettingsError for malformed values. */
  jobOptions(namespace: string): JobOptions {
    const { job } = this;
    checkOptionValues(JOB_OPTIONS, job);
    return {
      namespace,
      labels: [...new Set(job.labels)].sort(),
      env: Object.fromEntries(environmentIn(job.env)),
      noCloudLogs: job.noCloudLogs,
      serviceAccountName: job.serviceAccountName,
      imagePullSecrets: job.imagePullSecrets?.split(","),
      keySecret: job.keySecret === undefined ? undefined : parseSecretEntry(job.keySecret),
      safeToEvict: job.safeToEvict,
      daskName: job.noDaskName !== true,
    };
  }
}
