// The page of figures, made of a small recorded result.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { performancePage } from "../../../scripts/performance/page.ts";
import type { BenchReport } from "../../../scripts/performance/page.ts";
import { SECTIONS } from "../../../scripts/performance/rows.ts";

const BENCH = join(import.meta.dirname, "..", "..", "..", "scripts", "bench");
const REPORT: BenchReport = {
  version: "0.1.0",
  at: "2026-11-28T20:15:00.000Z",
  node: "26.10.0",
  machine: { cpus: ["Xeon ", "Xeon "], platform: "linux", arch: "x64" },
  results: [
    {
      name: "startup version",
      unit: "ms",
      ours: 55.31,
      against: { what: "node -e 0", value: 34.02 },
      ratio: 1.6258,
      bound: { of: "ratio", side: "at most", value: 2 },
    },
    {
      name: "memory, 10,000 Jobs",
      unit: "MB",
      ours: 261.4,
      bound: { of: "ours", side: "at most", value: 250 },
    },
    { name: "something new", unit: "s", ours: 1, bound: { of: "ours", side: "at most", value: 2 } },
  ],
};

describe("performancePage", () => {
  const page = performancePage(REPORT).replaceAll(/ +/g, " ");

  it("says when and on what the figures were measured", () => {
    expect(page).toContain(
      "Measured on 2026-11-28: kubectl-prefect 0.1.0 with Node 26.10.0 on 2 × Xeon, linux/x64.",
    );
  });

  it("has each figure with what was measured beside it, the ratio, the bound, and whether it is met", () => {
    expect(page).toContain("| `version` | 55.3 ms | node -e 0: 34 ms | × 1.63 | at most × 2 | yes |");
    expect(page).toContain("| memory with 10,000 live Jobs | 261 MB | | | at most 250 MB | **no** |");
  });

  it("names figures that were not measured, and those that it does not know", () => {
    expect(page).toContain("| memory at rest | not measured |");
    expect(page).toContain("## Others\n\n| what |");
    expect(page).toContain("| something new | 1 s |");
    expect(performancePage(undefined)).toContain("No run of the bench is recorded yet");
  });

  it("knows every figure of the bench", () => {
    const sources = readdirSync(BENCH).map((name) => readFileSync(join(BENCH, name), "utf8"));
    const unknown = SECTIONS.flatMap(({ rows }) => rows)
      .map(({ measurement }) => measurement.replace(/^startup .*/, "startup $"))
      .filter((name) => !sources.some((text) => text.includes(`"${name}"`) || text.includes(`\`${name}{`)));
    expect(unknown).toEqual([]);
  });
});
