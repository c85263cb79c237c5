// Shutdown of the agent's process: it finishes what is in flight within the grace period; a second signal ends it at once. The
// grace periods are far longer or far shorter than a test takes, so that no test passes by chance.

import { hostname } from "node:os";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startAgentProcess } from "./support/agent-process.ts";
import type { AgentProcess } from "./support/agent-process.ts";
import { dueRun, launchedOnce, launchCounts, untilSucceeded } from "./support/flow-runs.ts";
import { startFakes } from "./support/fakes.ts";
import type { Fakes } from "./support/fakes.ts";

const LONG_GRACE = "--shutdown-grace=1h";
const SHORT_GRACE = "--shutdown-grace=100ms";

let fakes: Fakes;
let agents: AgentProcess[];

beforeEach(async () => {
  fakes = await startFakes();
  agents = [];
});

afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.kill()));
  await fakes.stop();
});

async function started(...flags: readonly string[]): Promise<AgentProcess> {
  const agent = await startAgentProcess(fakes, flags);
  agents.push(agent);
  return agent;
}

interface Hold {
  /** Resolves when the API server has received such a request. */
  readonly received: Promise<void>;
  /** Lets this request and all later ones through. */
  readonly release: () => void;
}

/** The API server receives such requests and does not answer until `release`. */
function hold(verb: string, resource: string): Hold {
  const received = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  fakes.kube.setOnRequest(async (request, when) => {
    if (request.verb !== verb || request.resource !== resource || when !== "before") return;
    received.resolve();
    await released.promise;
  });
  return { received: received.promise, release: released.resolve };
}

interface Submitting {
  readonly agent: AgentProcess;
  readonly id: string;
  /** Lets the API server create the Job. */
  readonly release: () => void;
}

/** An agent whose submission waits for the API server. */
async function submitting(flag: string): Promise<Submitting> {
  const agent = await started(flag);
  await agent.ready();
  const { received, release } = hold("create", "jobs");
  const id = dueRun(fakes);
  await agent.poke();
  await received;
  return { agent, id, release };
}

describe("an agent that receives SIGTERM or SIGINT", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "exits with 0 at once when nothing is in flight: %s",
    async (signal) => {
      const agent = await started(LONG_GRACE);
      await agent.ready();
      agent.signal(signal);
      expect(await agent.ended).toBe(0);
      expect(agent.output()).toContain("Agent stopped");
    },
  );

  it("launches no more runs, finishes the submission in flight, and exits with 0", async () => {
    const { agent, id, release } = await submitting(LONG_GRACE);
    agent.signal("SIGTERM");
    await agent.untilPrinted("Finishing submissions in flight count=1");
    const late = dueRun(fakes);
    release();
    expect(await agent.ended).toBe(0);
    expect(fakes.jobsOf(id)).toHaveLength(1);
    expect(fakes.jobsOf(late)).toEqual([]);
    expect(fakes.prefect.flowRun(late)?.state).toBe("Scheduled");
    const next = await started();
    await next.ready();
    await next.poke();
    await untilSucceeded(fakes, [id, late]);
    expect(launchCounts(fakes, [id, late])).toEqual(launchedOnce([id, late]));
  });

  it("waits for a submission no longer than the grace period; the next agent finishes it", async () => {
    const agent = await started(SHORT_GRACE);
    await agent.ready();
    const received = Promise.withResolvers<void>();
    // Unlike a held request, this one never has an effect.
    fakes.kube.fault({
      effect: { kind: "hang", when: "before" },
      match: ({ verb, resource }) => {
        const isMatch = verb === "create" && resource === "jobs";
        if (isMatch) received.resolve();
        return isMatch;
      },
    });
    const id = dueRun(fakes);
    await agent.poke();
    await received.promise;
    agent.signal("SIGTERM");
    expect(await agent.ended).toBe(0);
    expect(agent.output()).toContain("Shutdown grace expired with submissions in flight");
    expect(fakes.jobsOf(id)).toEqual([]);
    await started();
    await untilSucceeded(fakes, [id]);
    expect(launchCounts(fakes, [id])).toEqual(launchedOnce([id]));
  });

  it("waits for a deletion no longer than the grace period", async () => {
    const { received } = hold("delete", "jobs");
    const agent = await started(SHORT_GRACE);
    await agent.ready();
    dueRun(fakes);
    await agent.poke();
    await received;
    agent.signal("SIGTERM");
    expect(await agent.ended).toBe(0);
  });

  it("exits with 130 at a second signal, whatever is in flight", async () => {
    const { agent, id } = await submitting(LONG_GRACE);
    agent.signal("SIGTERM");
    await agent.untilPrinted("Finishing submissions in flight");
    agent.signal("SIGINT");
    expect(await agent.ended).toBe(130);
    expect(agent.output()).not.toContain("Agent stopped");
    expect(fakes.jobsOf(id)).toEqual([]);
  });

  it("releases its Lease, so that the other agent becomes leader without waiting for the Lease to expire", async () => {
    const holders: unknown[] = [];
    fakes.kube.setOnRequest(({ resource }, when) => {
      if (resource !== "leases" || when !== "after") return;
      const [lease] = fakes.kube.list("leases");
      const spec = lease?.["spec"] as { holderIdentity?: string } | undefined;
      if (holders.at(-1) !== spec?.holderIdentity) holders.push(spec?.holderIdentity);
    });
    const first = await started("--leader-elect", LONG_GRACE);
    await first.untilPrinted("Became the leader");
    const second = await started("--leader-elect", LONG_GRACE);
    await second.untilPrinted("Waiting to become the leader");
    expect(second.output()).not.toContain("Became the leader");
    first.signal("SIGTERM");
    expect(await first.ended).toBe(0);
    await second.untilPrinted("Became the leader");
    // The Lease was released before the second agent acquired it.
    const process = new RegExp(`^${hostname()}_[0-9a-f-]{36}$`);
    expect(holders).toEqual([expect.stringMatching(process), "", expect.stringMatching(process)]);
    expect(holders[0]).not.toBe(holders[2]);
    const id = dueRun(fakes);
    await second.ready();
    await second.poke();
    await untilSucceeded(fakes, [id]);
    expect(launchCounts(fakes, [id])).toEqual(launchedOnce([id]));
  });
});
