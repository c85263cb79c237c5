// What doctor checks, by options and configuration, and how it reaches it.

import type { Clock } from "../base/clock.ts";
import type { Sourced } from "../base/sourced.ts";
import type { Connection } from "../kube/client/connect.ts";
import type { CompletedRequest } from "../kube/client/transport.ts";
import type { TemplateDeps } from "../prefect1/build/template-sources.ts";
import type { Prefect1Client } from "../prefect1/client.ts";
import type { JobOptions } from "../prefect1/config/job-settings.ts";
import type { PrefectConfig } from "../prefect1/config/load.ts";
import type { ServiceAccountRef } from "../prefect1/installed-agent.ts";
import type { Prefect3Settings } from "../prefect3/settings.ts";
import type { Answer } from "../base/attempt.ts";

/** What is read of each response, for the servers' clocks. */
type SeenRequest = Pick<CompletedRequest, "date" | "ms">;

/** Connecting sends nothing. The clocks are told of each response. */
export interface DoctorDeps extends TemplateDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For each request. */
  readonly timeoutMs: number;
  readonly connectKube: (onRequest: (seen: SeenRequest) => void) => Promise<Connection>;
  readonly connectPrefect: (
    config: PrefectConfig,
    options: { readonly timeoutMs: number; readonly onRequest: (seen: SeenRequest) => void },
  ) => Promise<Prefect1Client>;
}

export interface DoctorTarget {
  readonly config: Answer<PrefectConfig>;
  readonly prefect3: Answer<Prefect3Settings | undefined>;
  /** Whether a Prefect 1 API is configured; the default address is not asked. */
  readonly isPrefect1Configured: boolean;
  /** Options that hold in place of what the agent's pod or the configuration says. */
  readonly given: Omit<JobOptions, "namespace">;
  /** `--job-template` */
  readonly templatePath: string | undefined;
  /** From the option or the variable; else the context's. */
  readonly namespace: Sourced<string> | undefined;
  /** The agent's ServiceAccount of --for. */
  readonly account: ServiceAccountRef | undefined;
  readonly leaderElect: boolean;
}
