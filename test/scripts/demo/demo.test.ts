import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { SCENARIOS } from "../../../scripts/demo/scenarios.ts";
import { runDemo } from "../../../scripts/demo/demo.ts";
import type { DemoDeps } from "../../../scripts/demo/demo.ts";
import { problemsOf } from "../../../scripts/demo/ending.ts";
import { plainPalette } from "../../../src/output/palette.ts";

/** Time that passes four times as fast, for everybody in the demo alike. */
function fastClock(): Clock {
  const startedMs = Date.now();
  return {
    now: () => new Date(startedMs + (Date.now() - startedMs) * 4),
    sleep: (ms, signal) => systemClock.sleep(ms / 4, signal),
  };
}

function demo(given: Partial<DemoDeps> = {}): { lines: string[]; deps: DemoDeps } {
  const lines: string[] = [];
  const deps: DemoDeps = {
    clock: fastClock(),
    signal: new AbortController().signal,
    print: (line) => lines.push(line),
    palette: plainPalette,
    log: silentLog,
    kube: undefined,
    ...given,
  };
  return { lines, deps };
}

describe("runDemo on fakes", () => {
  it("brings every flow run to the end that it should have, and tells of it", async () => {
    const { lines, deps } = demo();
    const facts = await runDemo(deps);
    expect(facts.flatMap(problemsOf)).toEqual([]);
    expect(facts.map(({ role }) => role)).toEqual(SCENARIOS);
    const story = lines.join("\n");
    for (const { name, expect: wanted } of SCENARIOS) {
      expect(story).toMatch(new RegExp(`${name} .*you +flow run created`));
      expect(story).toMatch(new RegExp(`${name} .*Kubernetes +Job prefect-job-[0-9a-f]{8} created`));
      expect(story).toMatch(new RegExp(`${name} .*Kubernetes +Job prefect-job-[0-9a-f]{8} is gone`));
      expect(story).toMatch(new RegExp(`${name} .*(?:${wanted.state}|${wanted.message.source})`));
    }
  });

  it("ends with exit code 130 when it is interrupted", async () => {
    const interrupt = new AbortController();
    const { deps } = demo({ signal: interrupt.signal });
    const print = (line: string): void => {
      deps.print(line);
      if (line.includes("runs on")) interrupt.abort();
    };
    await expect(runDemo({ ...deps, print })).rejects.toMatchObject({ exitCode: 130 });
  });
});
