// The checked and complete settings of `agent start`.

import type { Policy } from "../job/decide/policy.ts";

export interface AgentSettings {
  /** The agent's name in Prefect, and the logger's name in flow runs' logs. */
  readonly name: string;
  readonly labels: readonly string[];
  /** The namespace of the Jobs. */
  readonly namespace: string;
  /** The Prefect API's address as Jobs get it. */
  readonly apiUrl: string;
  readonly policy: Policy;
  /** Maximum number of live Jobs; undefined: no limit. */
  readonly limit?: number | undefined;
  /** Maximum number of concurrent submissions. */
  readonly concurrency: number;
  /** The agent stops after this many polls; undefined: never. */
  readonly maxPolls?: number | undefined;
  /** Milliseconds to finish submissions in flight when the agent is asked to stop. */
  readonly shutdownGraceMs: number;
  /** The identity of this process, written to claims and Jobs. */
  readonly identity: string;
}

/** The defaults of options that no policy holds. */
export const DEFAULT_SETTINGS = { concurrency: 24, shutdownGraceMs: 30_000 } as const;
