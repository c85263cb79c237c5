// What doctor checks, and how it reaches it.

import type { Sourced } from "../base/sourced.ts";
import type { PrefectConfig } from "../prefect1/config/load.ts";
import type { Prefect3Settings } from "../prefect3/settings.ts";
import type { JobSettings } from "../prefect1/build/job-settings.ts";
import type { Connection } from "../kube/client/connect.ts";
import type { SeenRequest } from "../kube/client/transport.ts";
import type { Prefect1Client } from "../prefect1/client.ts";
import type { SeenOperation } from "../prefect1/graphql.ts";
import type { Prefect3Client } from "../prefect3/client.ts";
import type { Clock } from "../base/clock.ts";
import type { Template } from "../prefect1/build/template.ts";
import type { Answer } from "./answer.ts";
import type { Settings } from "./checks/configuration.ts";
import type { RunDirectory } from "../orchestrator/run-directory.ts";

/** How the APIs are reached; nothing is sent by connecting. */
export interface DoctorDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly connectKube: (onRequest: (seen: SeenRequest) => void) => Promise<Connection>;
  readonly connectPrefect: (
    config: PrefectConfig,
    onRequest: (seen: SeenOperation) => void,
  ) => Promise<Prefect1Client>;
  readonly connectPrefect3: (config: Prefect3Settings) => Promise<Prefect3Client>;
  /** The agent's job template, or the default one. */
  readonly loadTemplate: () => Promise<Template>;
}

/** What is checked. */
export interface DoctorTarget {
  readonly config: Answer<PrefectConfig>;
  readonly rest: Answer<Prefect3Settings | undefined>;
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

/** Checks under way, and where to ask for states meanwhile. */
export interface Checking<Found> {
  readonly source: RunDirectory | undefined;
  readonly found: Promise<Found>;
  close(): Promise<void>;
}
