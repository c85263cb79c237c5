// `cleanup --agent`: the sidecar of an agent is no person. It deletes what its own agent has left, and what agents that are
// gone have left; nothing of another agent that is alive.

import { OtherAgents } from "../../../agent/other-agents.ts";
import type { Clock } from "../../../base/clock.ts";
import { silentLog } from "../../../base/log.ts";
import type { InventoryRun } from "../../../inventory/inventory.ts";
import { ownerOf } from "../../../job/owner.ts";
import { isSameAgent, type AgentIdentity } from "../../../orchestrator/agent-identity.ts";
import { isDone } from "../../../orchestrator/flow-run.ts";
import type { RunDirectory } from "../../../orchestrator/run-directory.ts";

export class OneAgent {
  readonly #self: AgentIdentity;
  readonly #others: OtherAgents;

  constructor(self: AgentIdentity, directory: Pick<RunDirectory, "agents"> | undefined, clock: Clock) {
    this.#self = self;
    const work = {
      agents: async (signal: AbortSignal) => (await directory?.agents(signal)) ?? [],
      // The agent registers itself.
      register: () => Promise.resolve(""),
    };
    const deps = { work, clock, pause: { pauses: 0 }, log: silentLog };
    this.#others = new OtherAgents(deps, self, () => undefined);
  }

  /** Watches, until the signal aborts, which agents are alive; before that, all count as alive. */
  run(signal: AbortSignal): Promise<void> {
    return this.#others.run(signal);
  }

  /** Why what belongs to the run is kept; undefined: it may be deleted. */
  keepReason(run: InventoryRun): string | undefined {
    const owners = this.#ownersOf(run);
    const other = owners.find(
      (owner) => !isSameAgent(owner, this.#self) && this.#others.presence(owner) === "alive",
    );
    if (other !== undefined) return `belongs to agent "${other.name}"`;
    if (owners.length === 0 && this.#others.presenceOfUnknown(run.flowRunId) === "alive")
      return "its agent is unknown";
    return isDone(run.status) ? undefined : "its flow run is not over";
  }

  /** The agents in the annotations of the run's Jobs; of a Job without one, and without Jobs, the one that submitted the run. */
  #ownersOf({ observed, status }: InventoryRun): readonly AgentIdentity[] {
    const submitted = status.agent;
    if (observed.jobs.length === 0) return submitted === undefined ? [] : [submitted];
    return observed.jobs.flatMap(({ job }) => ownerOf(job.metadata) ?? submitted ?? []);
  }
}
