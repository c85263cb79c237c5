import { describe, expect, it } from "vitest";
import { fastClock } from "../../support/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { SCENARIOS } from "../../../scripts/demo/scenarios.ts";
import { runDemo } from "../../../scripts/demo/demo.ts";
import type { DemoDeps } from "../../../scripts/demo/demo.ts";
import { problemsOf } from "../../../scripts/demo/result.ts";
import { plain } from "../../../src/output/palette.ts";

function demo(overrides: Partial<DemoDeps> = {}): { lines: string[]; deps: DemoDeps } {
  const lines: string[] = [];
  const deps: DemoDeps = {
    clock: fastClock(4),
    signal: new AbortController().signal,
    print: (line) => lines.push(line),
    paint: plain,
    log: silentLog,
    kube: undefined,
    ...overrides,
  };
  return { lines, deps };
}

describe("runDemo on fakes", () => {
  it("ends every flow run as expected, and prints its changes", async () => {
    const { lines, deps } = demo();
    const results = await runDemo(deps);
    expect(results.flatMap(problemsOf)).toEqual([]);
    expect(results.map(({ scenario }) => scenario)).toEqual(SCENARIOS);
    const output = lines.join("\n");
    for (const { name, expect: expected } of SCENARIOS) {
      expect(output).toMatch(new RegExp(`${name} .*you +flow run created`));
      expect(output).toMatch(new RegExp(`${name} .*Kubernetes +Job prefect-job-[0-9a-f]{8} created`));
      expect(output).toMatch(new RegExp(`${name} .*Kubernetes +Job prefect-job-[0-9a-f]{8} is gone`));
      expect(output).toMatch(new RegExp(`${name} .*(?:${expected.state}|${expected.message.source})`));
    }
  });

  it("throws an error with exit code 130 when it is interrupted", async () => {
    const interrupt = new AbortController();
    const { deps } = demo({ signal: interrupt.signal });
    const print = (line: string): void => {
      deps.print(line);
      if (line.includes("runs on")) interrupt.abort();
    };
    await expect(runDemo({ ...deps, print })).rejects.toMatchObject({ exitCode: 130 });
  });
});
