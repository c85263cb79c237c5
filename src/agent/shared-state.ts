// What the agent's loops share: constructed once, in agent.ts.

import type { ClusterView } from "./cluster-view.ts";
import type { AgentDeps } from "./deps.ts";
import type { InFlight } from "./launch/in-flight.ts";
import type { OtherAgents } from "./other-agents.ts";
import type { Outage } from "./outage.ts";
import type { Ownership } from "./ownership.ts";
import type { RunLogWriter } from "./run-log.ts";
import type { RunStates } from "./run-states.ts";

export interface SharedState extends AgentDeps {
  readonly view: ClusterView;
  readonly inFlight: InFlight;
  readonly states: RunStates;
  readonly others: OtherAgents;
  readonly ownership: Ownership;
  readonly runLog: RunLogWriter;
  /** Of the Prefect API; the polls end it. */
  readonly outage: Outage;
}
