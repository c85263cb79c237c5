// The checked and complete settings of `agent start`.

import type { Policy } from "../job/decide/policy.ts";
import type { AgentIdentity } from "../orchestrator/agent-identity.ts";
import type { Place } from "../orchestrator/place.ts";

export interface AgentSettings extends AgentIdentity {
  /** This process among those of the agent: a UUID, because host names and process ids repeat in containers. */
  readonly process: string;
  readonly namespace: string;
  /** Where the Jobs are, as far as the agent may read it. */
  readonly place: Place;
  readonly policy: Policy;
  /** Maximum number of live Jobs of this agent; undefined: no limit. */
  readonly limit?: number | undefined;
  /** Maximum number of concurrent submissions. */
  readonly concurrency: number;
  /** The agent stops after this many polls; undefined: never. */
  readonly maxPolls?: number | undefined;
  /** Milliseconds to finish submissions in flight when the agent is asked to stop. */
  readonly shutdownGraceMs: number;
}

/** The defaults of options that no policy holds. */
export const DEFAULT_SETTINGS = { concurrency: 24, shutdownGraceMs: 30_000 } as const;
