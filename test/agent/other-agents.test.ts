// Whether other agents are alive, by the times of their polls in Prefect. In virtual time; this agent polls every 10 seconds.

import { beforeEach, describe, expect, it } from "vitest";
import { OtherAgents } from "../../src/agent/other-agents.ts";
import { silentLog } from "../../src/base/log.ts";
import type { AgentRow } from "../../src/orchestrator/agent-identity.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const SELF = { name: "agent", labels: ["x"], tenantId: "t" };
const OTHER = { name: "other", labels: ["y"], tenantId: "t" };
const MINUTE = 60_000;

let clock: VirtualClock;
let others: OtherAgents;
let pause: { pauses: number };
/** Whether Prefect answers, has this agent's row, and what it has of others. */
let prefect: { isDown: boolean; hasOwn: boolean; ownPoll?: Date; rows: () => readonly AgentRow[] };
let registered: number;
/** How many answers to a registration are lost. */
let lostAnswers: number;
let changes: number;

beforeEach(() => {
  clock = new VirtualClock();
  pause = { pauses: 0 };
  prefect = { isDown: false, hasOwn: true, rows: () => [] };
  registered = 0;
  lostAnswers = 0;
  changes = 0;
  const work = {
    agents: () => {
      if (prefect.isDown) return Promise.reject(new Error("unreachable"));
      const own = { ...SELF, id: "own", lastPolledAt: prefect.ownPoll ?? clock.now() };
      return Promise.resolve([...(prefect.hasOwn ? [own] : []), ...prefect.rows()]);
    },
    register: () => {
      registered++;
      prefect.hasOwn = true;
      return registered <= lostAnswers ? Promise.reject(new Error("no answer")) : Promise.resolve("own");
    },
  };
  others = new OtherAgents({ work, clock, pause, log: silentLog }, SELF, () => changes++);
});

async function pass(minutes: number): Promise<void> {
  const stop = new AbortController();
  const running = others.run(stop.signal);
  const untilMs = clock.now().getTime() + minutes * MINUTE;
  while (clock.now().getTime() < untilMs) await clock.advance();
  stop.abort();
  await running;
}

/** The other's row: it polls until now, and then no more. */
function stopsPollingNow(): void {
  const lastPolledAt = clock.now();
  prefect.rows = () => [{ ...OTHER, id: "o", lastPolledAt }];
}

function polls(): void {
  prefect.rows = () => [{ ...OTHER, id: "o", lastPolledAt: clock.now() }];
}

describe("another agent", () => {
  it("is alive while it polls", async () => {
    polls();
    others.presence(OTHER);
    await pass(90);
    expect([others.presence(OTHER), changes]).toEqual(["alive", 0]);
  });

  it("is not gone by rows that Prefect has not renewed: this agent's own poll is not in them either", async () => {
    stopsPollingNow();
    others.presence(OTHER);
    prefect.ownPoll = new Date(clock.now().getTime() + 10 * MINUTE);
    await pass(90);
    expect(others.presence(OTHER)).toBe("alive");
  });

  it("is gone five minutes after its last poll, and long gone an hour after it", async () => {
    stopsPollingNow();
    others.presence(OTHER);
    await pass(4.5);
    expect(others.presence(OTHER)).toBe("alive");
    await pass(1);
    expect(others.presence(OTHER)).toBe("gone");
    await pass(53);
    expect(others.presence(OTHER)).toBe("gone");
    await pass(3);
    expect([others.presence(OTHER), changes]).toEqual(["long gone", 2]);
  });

  it("that was silent for long before is gone after two minutes of watching", async () => {
    stopsPollingNow();
    await pass(60);
    expect(others.presence(OTHER)).toBe("alive");
    await pass(1.5);
    expect(others.presence(OTHER)).toBe("alive");
    await pass(1.5);
    expect(others.presence(OTHER)).toBe("long gone");
  });

  it("is alive again when it polls again", async () => {
    stopsPollingNow();
    others.presence(OTHER);
    await pass(10);
    polls();
    await pass(1);
    expect([others.presence(OTHER), changes]).toEqual(["alive", 2]);
  });

  it("without a row counts as silent from the first question on, and its going is noticed", async () => {
    others.presence(OTHER);
    await pass(4.5);
    expect([others.presence(OTHER), changes]).toEqual(["alive", 0]);
    await pass(1);
    expect([others.presence(OTHER), changes]).toEqual(["gone", 1]);
    await pass(60);
    expect(others.presence(OTHER)).toBe("long gone");
  });

  it("that several rows name has polled as the latest of them", async () => {
    const old = clock.now();
    prefect.rows = () => [
      { ...OTHER, id: "new version", lastPolledAt: clock.now() },
      { ...OTHER, id: "old version", lastPolledAt: old },
    ];
    others.presence(OTHER);
    await pass(10);
    expect(others.presence(OTHER)).toBe("alive");
  });

  it("of another tenant or Prefect is always alive: its polls cannot be read", async () => {
    others.presence({ ...OTHER, tenantId: "u" });
    await pass(90);
    expect(others.presence({ ...OTHER, tenantId: "u" })).toBe("alive");
  });

  it("that nobody can name is gone after five minutes, each run's by itself", async () => {
    others.presenceOfUnknown("run-1");
    await pass(3);
    others.presenceOfUnknown("run-2");
    await pass(3);
    expect(others.presenceOfUnknown("run-1")).toBe("gone");
    expect(others.presenceOfUnknown("run-2")).toBe("alive");
    others.forget("run-1");
    expect(others.presenceOfUnknown("run-1")).toBe("alive");
  });
});

describe("an outage of Prefect", () => {
  it("makes nobody look gone, during it and after it", async () => {
    polls();
    others.presence(OTHER);
    await pass(5);
    prefect.isDown = true;
    const last = clock.now();
    prefect.rows = () => [{ ...OTHER, id: "o", lastPolledAt: last }];
    await pass(10);
    expect(others.presence(OTHER)).toBe("alive");
    prefect.isDown = false;
    await pass(1);
    expect(others.presence(OTHER)).toBe("alive");
    polls();
    await pass(10);
    expect([others.presence(OTHER), changes]).toEqual(["alive", 0]);
  });
});

describe("this agent", () => {
  it("registers again when its row was deleted, and calls nobody gone before it has polled for two minutes", async () => {
    stopsPollingNow();
    others.presence(OTHER);
    await pass(10);
    prefect.hasOwn = false;
    await pass(0.5);
    expect(registered).toBe(1);
    expect(others.presence(OTHER)).toBe("alive");
    await pass(3);
    expect(others.presence(OTHER)).toBe("gone");
  });

  it("registers until it has an answer, although its row is there: it does not know the id of that", async () => {
    lostAnswers = 2;
    prefect.hasOwn = false;
    await pass(10);
    expect(registered).toBe(3);
  });

  it("calls nobody gone for two minutes after a pause of its own process", async () => {
    stopsPollingNow();
    others.presence(OTHER);
    await pass(4.5);
    pause.pauses++;
    await pass(1);
    expect(others.presence(OTHER)).toBe("alive");
    await pass(2);
    expect(others.presence(OTHER)).toBe("gone");
  });

  it("reads the rows once a minute while there is nobody to watch", async () => {
    let reads = 0;
    prefect.rows = () => {
      reads++;
      return [];
    };
    await pass(10);
    expect(reads).toBeLessThanOrEqual(10);
  });
});
