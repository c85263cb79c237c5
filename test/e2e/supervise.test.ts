// Every way in which a pod can fail, in real pods, all at once under one agent: what the agent reports to Prefect.

import { expect, it } from "vitest";
import { DEFAULT_POLICY } from "../../src/job/decide/policy.ts";
import { describeFailures } from "./support/failure-suite.ts";
import { failures } from "./support/failures.ts";

describeFailures({
  policy: {
    ...DEFAULT_POLICY,
    startGraceMs: 4_000,
    pendingWarnMs: 3_000,
    cancelGraceMs: 3_000,
    exitGraceMs: 1_500,
    sidecarGraceMs: 3_000,
  },
  failures,
  more: (linesOf) => {
    it("the last log lines of a failed container", () => {
      expect(linesOf("exit code", "ERROR")[0]).toMatch(/\nLast lines of container 'flow':\n[^]*\tlast line$/);
    });
  },
});
