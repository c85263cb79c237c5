// This machine's clock: whether those of the APIs agree with it.

import { attempt } from "../../base/attempt.ts";
import { formatDuration } from "../../base/duration.ts";
import { checkOf, type Finding } from "../finding.ts";

const { check, ok, warning } = checkOf({ section: "configuration", check: "clock" });
/** A smaller difference has no effect: agents ask for runs ten seconds ahead. */
const TOLERATED_MS = 5_000;

export const clocks = check(async ({ kubernetes, prefect1 }) => {
  await Promise.all([attempt(kubernetes.version), attempt(prefect1.hello)]);
  return [
    ...clockFindings("the API server", kubernetes.clock.aheadMs()),
    ...clockFindings("the Prefect API", prefect1.clock.aheadMs()),
  ];
});

/** One finding; none for a server that has not responded. */
export function clockFindings(whose: string, aheadMs: number | undefined): readonly Finding[] {
  if (aheadMs === undefined) return [];
  if (Math.abs(aheadMs) <= TOLERATED_MS) return [ok(`agrees with that of ${whose}`)];
  const apart = `${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? "behind" : "ahead of"}`;
  const hint = "correct the wrong one, with NTP: tokens, start times and heartbeats depend on it";
  return [warning(`it is ${apart} that of ${whose}`, { hint })];
}
