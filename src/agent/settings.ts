// What `agent start` was told, checked once and complete.

import type { Policy } from "../job/decide/decide.ts";
import type { JobSettings } from "../prefect1/build/job-settings.ts";
import type { TemplateSource } from "../prefect1/build/template.ts";

export interface AgentSettings {
  readonly name: string;
  readonly agentConfigId?: string | undefined;
  readonly labels: readonly string[];
  /** Where the Jobs go. */
  readonly namespace: string;
  readonly job: JobSettings;
  readonly template: TemplateSource | undefined;
  readonly policy: Policy;
  /** Live Jobs at most; undefined: no limit. */
  readonly limit?: number | undefined;
  /** Submissions at once. */
  readonly concurrency: number;
  /** Polls, then the agent ends; undefined: for ever. */
  readonly maxPolls?: number | undefined;
  /** Milliseconds for submissions in flight when asked to stop. */
  readonly shutdownGraceMs: number;
  /** Who tells a Job's story: this process. */
  readonly identity: string;
  /** Cluster and namespace, as claims name it. */
  readonly scope: string;
}
