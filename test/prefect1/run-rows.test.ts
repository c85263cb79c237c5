import { expect, it } from "vitest";
import { readFlowRun } from "../../src/prefect1/flow-run.ts";
import { rowDecoder } from "../../src/prefect1/run-rows.ts";

it("decodes the readable rows, and logs each other row once", () => {
  const good = { id: "one", flow: { id: "f" } };
  const reasons: unknown[] = [];
  const decode = rowDecoder({ warn: (_, fields) => reasons.push(fields?.["reason"]) });
  for (let round = 0; round < 2; round++) {
    const runs = decode([good, { id: "broken", flow: null }, {}], readFlowRun);
    expect(runs.map(({ id }) => id)).toEqual(["one"]);
  }
  expect(reasons).toEqual([
    expect.stringContaining("flow run broken: "),
    expect.stringContaining("flow run ?: "),
  ]);
});
