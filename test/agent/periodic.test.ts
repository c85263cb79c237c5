import { describe, expect, it } from "vitest";
import { keepAlive } from "../../src/agent/periodic.ts";
import { PrefectError } from "../../src/orchestrator/errors.ts";

const IDS = Array.from({ length: 120 }, (_, at) => `run-${at}`);

describe("heartbeats", () => {
  it("are sent page after page, so that other requests do not stand behind them", async () => {
    let most = 0;
    let now = 0;
    const sent: number[] = [];
    await keepAlive(
      {
        keepAlive: async (page) => {
          most = Math.max(most, ++now);
          await Promise.resolve();
          sent.push(page.length);
          now--;
        },
      },
      IDS,
    );
    expect({ most, sent }).toEqual({ most: 1, sent: [50, 50, 20] });
  });

  it.each([
    {
      failure: "refused",
      name: "that Prefect refuses, say for a deleted run, is no error",
      want: undefined,
    },
    { failure: "overloaded", name: "that fails is thrown when all were sent", want: "overloaded" },
  ] as const)("of a page $name", async ({ failure, want }) => {
    const sent: number[] = [];
    const sending = keepAlive(
      {
        keepAlive: async (page) => {
          sent.push(page.length);
          if (sent.length === 1) throw new PrefectError("send heartbeats", "no", { failure });
        },
      },
      IDS,
    );
    const thrown = await sending.catch((error: unknown) => error);
    expect(thrown instanceof PrefectError ? thrown.failure : thrown).toBe(want);
    expect(sent).toEqual([50, 50, 20]);
  });
});
