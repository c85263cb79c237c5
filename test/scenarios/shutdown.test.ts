// How the agent's process ends when it is told to: what is in flight is finished, but not for ever, and a second signal
// does not wait at all. Graces are either longer than any test may take, or shorter than anything, so none passes by chance.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startAgentProcess } from "./support/agent-process.ts";
import type { AgentProcess } from "./support/agent-process.ts";
import { dueRun, onceEach, countsText, throughWith } from "./support/stories.ts";
import { startWorld } from "./support/world.ts";
import type { World } from "./support/world.ts";

const FOR_EVER = "--shutdown-grace=1h";
const HARDLY = "--shutdown-grace=100ms";

let world: World;
let agents: AgentProcess[];

beforeEach(async () => {
  world = await startWorld();
  agents = [];
});

afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.kill()));
  await world.stop();
});

async function started(...flags: readonly string[]): Promise<AgentProcess> {
  const agent = await startAgentProcess(world, flags);
  agents.push(agent);
  return agent;
}

interface Hold {
  /** Resolves when there is such a request. */
  readonly struck: Promise<void>;
  /** It goes on, and so do all that come later. */
  readonly release: () => void;
}

/** The API server takes such requests and is silent. */
function holding(verb: string, resource: string): Hold {
  const struck = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  world.kube.setOnRequest(async (request, when) => {
    if (request.verb !== verb || request.resource !== resource || when !== "before") return;
    struck.resolve();
    await released.promise;
  });
  return { struck: struck.promise, release: released.resolve };
}

interface Submitting {
  readonly agent: AgentProcess;
  readonly id: string;
  /** The API server creates the Job. */
  readonly release: () => void;
}

/** An agent in the middle of a submission, which does not get on. */
async function submitting(flag: string): Promise<Submitting> {
  const agent = await started(flag);
  await agent.ready();
  const { struck, release } = holding("create", "jobs");
  const id = dueRun(world);
  await agent.poke();
  await struck;
  return { agent, id, release };
}

describe("an agent that is told to stop", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "ends at once with 0 when it has nothing to do: %s",
    async (signal) => {
      const agent = await started(FOR_EVER);
      await agent.ready();
      agent.signal(signal);
      expect(await agent.ended).toBe(0);
      expect(agent.output()).toContain("Agent stopped");
    },
  );

  it("takes no more runs, finishes the submission in flight, and then ends at once with 0", async () => {
    const { agent, id, release } = await submitting(FOR_EVER);
    agent.signal("SIGTERM");
    await agent.says("Finishing submissions in flight count=1");
    const late = dueRun(world);
    release();
    expect(await agent.ended).toBe(0);
    expect(world.jobsOf(id)).toHaveLength(1);
    expect(world.jobsOf(late)).toEqual([]);
    expect(world.prefect.flowRun(late)?.state).toBe("Scheduled");
    const next = await started();
    await next.ready();
    await next.poke();
    await throughWith(world, [id, late]);
    expect(countsText(world, [id, late])).toEqual(onceEach([id, late]));
  });

  it("does not wait longer than the grace for a submission; the next agent finishes it", async () => {
    const agent = await started(HARDLY);
    await agent.ready();
    const struck = Promise.withResolvers<void>();
    // Unlike a held request this one comes to nothing, whatever becomes of the agent.
    world.kube.faults.add({
      action: { kind: "hang", when: "before" },
      match: ({ verb, resource }) => {
        const isMatch = verb === "create" && resource === "jobs";
        if (isMatch) struck.resolve();
        return isMatch;
      },
    });
    const id = dueRun(world);
    await agent.poke();
    await struck.promise;
    agent.signal("SIGTERM");
    expect(await agent.ended).toBe(0);
    expect(agent.output()).toContain("Not all that was in flight is finished");
    expect(world.jobsOf(id)).toEqual([]);
    await started();
    await throughWith(world, [id]);
    expect(countsText(world, [id])).toEqual(onceEach([id]));
  });

  it("does not wait longer than the grace for a deletion either", async () => {
    const { struck } = holding("delete", "jobs");
    const agent = await started(HARDLY);
    await agent.ready();
    dueRun(world);
    await agent.poke();
    await struck;
    agent.signal("SIGTERM");
    expect(await agent.ended).toBe(0);
  });

  it("ends at a second signal, whatever is in flight, with 130", async () => {
    const { agent, id } = await submitting(FOR_EVER);
    agent.signal("SIGTERM");
    await agent.says("Finishing submissions in flight");
    agent.signal("SIGINT");
    expect(await agent.ended).toBe(130);
    expect(agent.output()).not.toContain("Agent stopped");
    expect(world.jobsOf(id)).toEqual([]);
  });

  it("hands the lead over: its sibling need not wait for the Lease to run out", async () => {
    const holders: unknown[] = [];
    world.kube.setOnRequest(({ resource }, when) => {
      if (resource !== "leases" || when !== "after") return;
      const spec = world.kube.get("leases", "default", "prefect-agent-agent")?.["spec"] as
        | { holderIdentity?: string }
        | undefined;
      if (holders.at(-1) !== spec?.holderIdentity) holders.push(spec?.holderIdentity);
    });
    const first = await started("--leader-elect", FOR_EVER);
    await first.says("Became the leader");
    const second = await started("--leader-elect", FOR_EVER);
    await second.says("Waiting to become the leader");
    expect(second.output()).not.toContain("Became the leader");
    first.signal("SIGTERM");
    expect(await first.ended).toBe(0);
    await second.says("Became the leader");
    // Nobody held it in between: it was given, not taken.
    expect(holders).toEqual([expect.stringMatching(/:\d+$/), "", expect.stringMatching(/:\d+$/)]);
    expect(holders[0]).not.toBe(holders[2]);
    const id = dueRun(world);
    await second.ready();
    await second.poke();
    await throughWith(world, [id]);
    expect(countsText(world, [id])).toEqual(onceEach([id]));
  });
});
