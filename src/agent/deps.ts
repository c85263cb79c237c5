// What the agent's loops work with.

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { KubeApi } from "../kube/client/api.ts";
import type { PrefectApi } from "../prefect1/api.ts";
import type { Template, TemplateSource } from "../prefect1/build/template.ts";
import type { Meter } from "./server/progress.ts";

export interface AgentDeps {
  readonly kube: KubeApi;
  readonly prefect: PrefectApi;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** Reads a job template anew; throws an ExpectedError in its owner's words. */
  readonly loadTemplate: (source: TemplateSource) => Promise<Template>;
  /** A name that nobody else has, for a claim. */
  readonly newClaimId: () => string;
  /** Whether the process that a owner annotation names is withoutGuess dead. */
  readonly isDead: (owner: string) => boolean;
}
