import { describe, expect, it } from "vitest";
import { InFlight } from "../../../src/agent/launch/in-flight.ts";
import { WaitingSubmissions } from "../../../src/agent/launch/waiting-submissions.ts";
import { ExpectedError } from "../../../src/base/errors.ts";
import { createLog, silentLog } from "../../../src/base/log.ts";
import type { StateType } from "../../../src/orchestrator/flow-run.ts";
import type { Submission } from "../../../src/orchestrator/work-source.ts";
import { clockOf } from "../../support/clock.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";

function waitingFor(count: number, reason: "passing" | "quota" | "agent" = "passing"): WaitingSubmissions {
  const clock = clockOf({ now: () => new Date(0), sleep: () => new Promise<void>(() => {}) });
  const refused = { reason, error: new Error("no") };
  const waiting = new WaitingSubmissions({
    clock,
    log: createLog({
      name: "agent",
      level: "ERROR",
      format: "text",
      write: () => {},
      now: () => new Date(0),
    }),
    runs: { keepAlive: () => Promise.resolve() },
    inFlight: new InFlight(clock),
    retry: () => Promise.resolve(refused),
    warn: () => Promise.resolve(),
  } as unknown as ConstructorParameters<typeof WaitingSubmissions>[0]);
  for (let at = 0; at < count; at++) waiting.add({ flowRunId: `run-${at}` } as Submission, refused);
  return waiting;
}

describe("claims that wait for their Job", () => {
  it.each([
    { count: 0, reason: "passing" as const, want: 1_000 },
    { count: 999, reason: "passing" as const, want: 1 },
    { count: 1_000, reason: "passing" as const, want: 0 },
    { count: 1, reason: "quota" as const, want: 0 },
    { count: 1, reason: "agent" as const, want: 0 },
  ])("let $want more be claimed, with $count that wait ($reason)", ({ count, reason, want }) => {
    expect(waitingFor(count, reason).room).toBe(want);
  });
});

it("a Job that a gateway wants tried again in five minutes is tried within 15 s", async () => {
  const clock = new VirtualClock();
  const error = new ExpectedError("busy", { retryable: true, retryAfterMs: 300_000 });
  const triedAt: number[] = [];
  const waiting = new WaitingSubmissions({
    clock,
    log: silentLog,
    runs: { keepAlive: () => Promise.resolve() },
    states: { read: () => Promise.resolve({ kind: "known", state: { type: "pending" } }) },
    inFlight: new InFlight(clock),
    retry: () => {
      triedAt.push(clock.ticks());
      return Promise.resolve("created");
    },
    warn: () => Promise.resolve(),
  } as unknown as ConstructorParameters<typeof WaitingSubmissions>[0]);
  const stop = new AbortController();
  const addedAt = clock.ticks();
  waiting.add({ flowRunId: "run" } as Submission, { reason: "passing", error });
  const running = waiting.run(stop.signal);
  while (triedAt.length === 0) await clock.advance();
  expect(triedAt).toEqual([addedAt + 15_000]);
  stop.abort();
  await running;
});

describe("a run that is cancelled while its Job is being created", () => {
  it("no longer holds up claims, whatever comes of the creation", async () => {
    const clock = new VirtualClock();
    const refused = { reason: "quota", error: new Error("full") } as const;
    const tries: ((result: typeof refused) => void)[] = [];
    let type: StateType = "pending";
    const waiting = new WaitingSubmissions({
      clock,
      log: silentLog,
      runs: { keepAlive: () => Promise.resolve() },
      states: { read: () => Promise.resolve({ kind: "known", state: { type } }) },
      inFlight: new InFlight(clock),
      retry: () => new Promise((resolve) => tries.push(resolve)),
      warn: () => Promise.resolve(),
    } as unknown as ConstructorParameters<typeof WaitingSubmissions>[0]);
    const stop = new AbortController();
    waiting.add({ flowRunId: "run" } as Submission, refused);
    const running = waiting.run(stop.signal);
    while (tries.length === 0) await clock.advance();
    type = "cancelled";
    while (waiting.room === 0) await clock.advance();
    tries[0]?.(refused);
    for (let step = 0; step < 50; step++) await clock.advance();
    expect(waiting.room).toBe(1_000);
    stop.abort();
    await running;
  });
});
