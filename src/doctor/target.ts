// What doctor checks, and how it reaches it.

import type { Sourced } from "../base/sourced.ts";
import type { PrefectConfig } from "../prefect1/config/load.ts";
import type { Prefect3Settings } from "../prefect3/settings.ts";
import type { JobSettings } from "../prefect1/build/job-settings.ts";
import type { Connection } from "../kube/client/connect.ts";
import type { CompletedRequest } from "../kube/client/transport.ts";
import type { Prefect1Client } from "../prefect1/client.ts";
import type { CompletedOperation } from "../prefect1/graphql.ts";
import type { Prefect3Client } from "../prefect3/client.ts";
import type { Clock } from "../base/clock.ts";
import type { Template } from "../prefect1/build/template.ts";
import type { Answer } from "./answer.ts";
import type { SourcedSettings } from "./checks/configuration.ts";
import type { RunDirectory } from "../orchestrator/run-directory.ts";

/** How the APIs are reached; nothing is sent by connecting. */
export interface DoctorDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly connectKube: (onRequest: (seen: CompletedRequest) => void) => Promise<Connection>;
  readonly connectPrefect1: (
    config: PrefectConfig,
    onRequest: (seen: CompletedOperation) => void,
  ) => Promise<Prefect1Client>;
  readonly connectPrefect3: (config: Prefect3Settings) => Promise<Prefect3Client>;
  /** The agent's job template, or the default one. */
  readonly loadTemplate: () => Promise<Template>;
}

/** What is checked. */
export interface DoctorTarget {
  readonly config: Answer<PrefectConfig>;
  readonly prefect3: Answer<Prefect3Settings | undefined>;
  /** Whether a Prefect 1 API is configured; the default address is not checked. */
  readonly isPrefect1Configured: boolean;
  /** The values that `agent start` would use. */
  readonly settings: SourcedSettings & Pick<JobSettings, "keySecret">;
  /** The settings of every Job, without the namespace; undefined when the configuration cannot be read. */
  readonly jobSettings: JobSettings | undefined;
  /** `--job-template` */
  readonly templatePath: string | undefined;
  /** Whether the agent's labels are set by an option or a variable: then an agent with these labels is looked for. */
  readonly areLabelsConfigured: boolean;
  /** From the option or the variable; else the context's. */
  readonly namespace: Sourced<string> | undefined;
  /** The agent's ServiceAccount of --for. */
  readonly account: { readonly namespace: string; readonly name: string } | undefined;
  readonly leaderElect: boolean;
}

/** Checks of one API in progress, and where to read states of runs meanwhile. */
export interface RunningChecks<Found> {
  readonly source: RunDirectory | undefined;
  readonly result: Promise<Found>;
  close(): Promise<void>;
}
