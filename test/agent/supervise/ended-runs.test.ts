import { describe, expect, it } from "vitest";
import { EndedRuns } from "../../../src/agent/supervise/ended-runs.ts";
import type { RunStatus } from "../../../src/orchestrator/flow-run.ts";

const START = Date.parse("2026-11-30T12:00:00Z");
const at = (seconds: number): Date => new Date(START + seconds * 1_000);
const ended = (seconds: number): RunStatus => ({
  kind: "known",
  state: { type: "failed", name: "Failed", message: "it broke", since: at(seconds) },
});

function startedLog() {
  const lines: string[] = [];
  let seconds = 0;
  const log = { info: (_: string, fields = {}) => void lines.push(JSON.stringify(fields)) };
  const runs = new EndedRuns(log, () => at(seconds));
  return { runs, lines, pass: (to: number) => void (seconds = to) };
}

describe("the agent's log of how a run ended", () => {
  it("has one line, whoever ended it, also if a pod of it ends later", () => {
    const { runs, lines, pass } = startedLog();
    pass(60);
    runs.ended("run", "Failed", "it broke");
    runs.read("run", ended(61));
    expect(lines).toEqual(['{"flowRun":"run","state":"Failed","message":"it broke"}']);
  });

  it("has another line when it is started again and ends again", () => {
    const { runs, lines } = startedLog();
    runs.read("run", ended(60));
    runs.read("run", ended(70));
    expect(lines).toHaveLength(2);
  });

  it("has none of a run that had ended before", () => {
    const { runs, lines } = startedLog();
    runs.read("run", ended(-1));
    expect(lines).toEqual([]);
  });

  it("has one line for each of many runs that stay", () => {
    const { runs, lines } = startedLog();
    const ids = Array.from({ length: 1_500 }, (_, index) => `run ${index}`);
    for (let round = 0; round < 2; round++) for (const id of ids) runs.read(id, ended(60));
    expect(lines).toHaveLength(ids.length);
  });
});
