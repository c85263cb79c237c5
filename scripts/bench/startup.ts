// startup: how long `version` and `--help` take, compared with `node -e 0` of the same Node.

import { spawnSync } from "node:child_process";
import { ExpectedError } from "../../src/base/errors.ts";
import type { Figure, Measurement } from "./figure.ts";
import { median } from "./statistics.ts";

const PAIRS = 25;
const WARM_UP = 3;
const AT_MOST = 2;

/** Starts the program and Node alternately, so that both have the same conditions. */
export const startup: Figure = {
  name: "startup",
  needs: [],
  measure: ({ binary }) =>
    Promise.resolve(["version", "--help"].map((argument) => measured(binary, argument))),
};

function measured(binary: string, argument: string): Measurement {
  for (let each = 0; each < WARM_UP; each++) pair(binary, argument);
  const pairs = Array.from({ length: PAIRS }, () => pair(binary, argument));
  return {
    name: `startup ${argument}`,
    unit: "ms",
    ours: median(pairs.map(({ ours }) => ours)),
    against: { what: "node -e 0", value: median(pairs.map(({ node }) => node)) },
    ratio: median(pairs.map(({ ours, node }) => ours / node)),
    bound: { of: "ratio", side: "at most", value: AT_MOST },
    details: { pairs },
  };
}

function pair(binary: string, argument: string): { readonly node: number; readonly ours: number } {
  const node = runMs(process.execPath, ["-e", "0"]);
  return { node, ours: runMs(binary, [argument]) };
}

function runMs(program: string, args: readonly string[]): number {
  const startedMs = performance.now();
  const { status, error } = spawnSync(program, args, { env: {}, stdio: "ignore" });
  const ms = performance.now() - startedMs;
  if (status === 0) return ms;
  throw new ExpectedError(
    `cannot run "${program} ${args.join(" ")}": ${error?.message ?? `it ended with ${status}`}`,
  );
}
