// Troubles that pass, troubles beside the flow, and Kubernetes' own retries, in real pods, all at once under one agent.

import { DEFAULT_POLICY } from "../../src/job/decide/policy.ts";
import { describeFailures } from "./support/failure-suite.ts";
import { troubles } from "./support/troubles.ts";

describeFailures({
  policy: {
    ...DEFAULT_POLICY,
    startGraceMs: 4_000,
    pendingWarnMs: 6_000,
    passingGraceMs: 30_000,
    pendingTimeoutMs: 60_000,
    exitGraceMs: 1_500,
    sidecarGraceMs: 5_000,
  },
  failures: troubles,
});
