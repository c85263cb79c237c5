// What `agent start` was told, checked once and complete.

import type { Policy } from "../job/decide/policy.ts";

export interface AgentSettings {
  /** The agent's name in Prefect, and its logger's in flow runs' logs. */
  readonly name: string;
  readonly labels: readonly string[];
  /** The namespace of the Jobs. */
  readonly namespace: string;
  /** The address that Jobs get for the Prefect API. */
  readonly apiUrl: string;
  readonly policy: Policy;
  /** At most so many live Jobs; undefined: no limit. */
  readonly limit?: number | undefined;
  /** Submissions at once. */
  readonly concurrency: number;
  /** The agent ends after so many polls; undefined: it goes on. */
  readonly maxPolls?: number | undefined;
  /** Milliseconds for what is in flight when the agent is asked to stop. */
  readonly shutdownGraceMs: number;
  /** This process, as claims and Jobs name it. */
  readonly identity: string;
}
