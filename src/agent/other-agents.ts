// Whether other agents are alive, by Prefect's record of their polls. All times of that record are by one clock, Prefect's,
// and are compared with the time of this agent's own polls: an outage of Prefect makes nobody look dead.

import { textOf } from "../base/errors.ts";
import {
  agentKey,
  GONE_MS,
  isSameTenant,
  lastPolls,
  type AgentIdentity,
} from "../orchestrator/agent-identity.ts";
import type { WorkSource } from "../orchestrator/work-source.ts";
import type { AgentDeps } from "./deps.ts";

/** `gone`: it has stopped polling; `long gone`: an hour ago. */
export type Presence = "alive" | "gone" | "long gone";

const READ_MS = 15_000;
/** Without other agents the rows are only read to see whether this agent's own is there. */
const READ_ALONE_MS = 60_000;
const LONG_GONE_MS = 3_600_000;
/** How long this agent must have polled without a break, and seen no poll of the other. */
const WATCHED_MS = 120_000;

/** What is known of one agent. Times are ticks, but `lastPollMs`, which is Prefect's. */
interface Seen {
  /** The last poll; undefined: Prefect has no row of the agent. */
  readonly lastPollMs: number | undefined;
  /** Since when nothing has changed. */
  readonly since: number;
}

interface OtherAgentsDeps extends Pick<AgentDeps, "clock" | "pause" | "log"> {
  readonly work: Pick<WorkSource, "agents" | "register">;
}

export class OtherAgents {
  readonly #deps: OtherAgentsDeps;
  readonly #self: AgentIdentity;
  /** Called when an agent's presence has changed. */
  readonly #onChange: () => void;
  readonly #seen = new Map<string, Seen>();
  /** As of the last call of #onChange. */
  #presences: ReadonlyMap<string, Presence> = new Map();
  #rows: ReadonlyMap<string, number> = new Map();
  /** Since when this agent has polled, and read the rows, without a break; ticks. */
  #unbrokenSince: number | undefined;
  #pauses = 0;
  #isRegistered = true;

  constructor(deps: OtherAgentsDeps, self: AgentIdentity, onChange: () => void) {
    this.#deps = deps;
    this.#self = self;
    this.#onChange = onChange;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#deps.clock.sleep(this.#seen.size > 0 ? READ_MS : READ_ALONE_MS, signal);
      if (!signal.aborted) await this.#read(signal);
    }
  }

  /**
   * Whether the agent is alive. An agent is watched from the first question on, and counts as alive meanwhile. One of another
   * tenant, or of another Prefect, always does: its polls cannot be read.
   */
  presence(agent: AgentIdentity): Presence {
    return isSameTenant(agent, this.#self) ? this.#presence(agentKey(agent)) : "alive";
  }

  /** The same for the unknown agent of a run: an agent whose row is missing. */
  presenceOfUnknown(flowRunId: string): Presence {
    return this.#presence(`unknown ${flowRunId}`);
  }

  /** Forgets the unknown agent of a run. */
  forget(flowRunId: string): void {
    this.#seen.delete(`unknown ${flowRunId}`);
  }

  #presence(key: string): Presence {
    const now = this.#deps.clock.ticks();
    const seen = this.#seen.get(key) ?? { lastPollMs: this.#rows.get(key), since: now };
    this.#seen.set(key, seen);
    const unbrokenMs = this.#unbrokenSince === undefined ? 0 : now - this.#unbrokenSince;
    const quietMs = now - seen.since;
    if (Math.min(unbrokenMs, quietMs) < WATCHED_MS) return "alive";
    const ownMs = this.#rows.get(agentKey(this.#self));
    if (ownMs === undefined) return "alive";
    const behindMs = seen.lastPollMs === undefined ? quietMs : ownMs - seen.lastPollMs;
    if (behindMs >= LONG_GONE_MS) return "long gone";
    return behindMs >= GONE_MS ? "gone" : "alive";
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { work, clock, pause, log } = this.#deps;
    try {
      const rows = lastPolls(await work.agents(signal));
      const own = rows.get(agentKey(this.#self));
      const hasPolled = own !== undefined && own > (this.#rows.get(agentKey(this.#self)) ?? 0);
      const wasPaused = pause.pauses !== this.#pauses;
      this.#pauses = pause.pauses;
      if (!hasPolled || wasPaused) this.#unbrokenSince = undefined;
      else this.#unbrokenSince ??= clock.ticks();
      this.#rows = rows;
      for (const [key, { lastPollMs }] of this.#seen) {
        if (rows.get(key) !== lastPollMs)
          this.#seen.set(key, { lastPollMs: rows.get(key), since: clock.ticks() });
      }
      // Somebody has deleted the row; the agent's earlier ids are still its own. If the answer is lost, there is a row, but not
      // the id with which this agent polls.
      if (own === undefined) this.#isRegistered = false;
      if (!this.#isRegistered) await work.register(signal);
      this.#isRegistered = true;
    } catch (error) {
      this.#unbrokenSince = undefined;
      if (!signal.aborted) log.debug("Could not read the agents in Prefect", { error: textOf(error) });
    }
    // Silence is also a matter of time: compared is with the last time, not with the moment before.
    const before = this.#presences;
    this.#presences = new Map([...this.#seen.keys()].map((key) => [key, this.#presence(key)]));
    const hasChanged = [...this.#presences].some(([key, now]) => (before.get(key) ?? "alive") !== now);
    if (hasChanged) this.#onChange();
  }
}
